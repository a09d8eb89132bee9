"""The market's front page: nobody's goods stand in front of everybody else's."""

from uuid import UUID

import pytest
from tests.factories import a_store

from dougong.infra.db import transaction
from dougong.reads.market_front import market_front

pytestmark = pytest.mark.usefixtures("own_database")  # it shows the newest products of all


async def test_the_market_shows_the_stores_by_turns() -> None:
    async with transaction() as conn:
        stores = [(await a_store(conn, prices=[100] * 3)).store_id for _ in range(2)]
        seen: list[UUID] = []
        page, has_more = 0, True
        while has_more:
            cards, has_more = await market_front(conn, page=page)
            seen += [card.store_id for card in cards if card.store_id in stores]
            page += 1
    assert sorted(seen) == sorted(stores * 3)
    assert [set(seen[n : n + 2]) for n in (0, 2, 4)] == [set(stores)] * 3
