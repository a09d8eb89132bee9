"""Flash offers in the order intake: their price, their quota, their limit for one buyer."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.books import stock_of
from tests.factories import T0, ABuyer, ARequest, a_buyer, a_store, buyers, the_rules
from tests.live.rooms import MINUTE, ARoom, a_room, an_offer

from dougong.base.errors import BadInput
from dougong.flows.close_order import cancel_unpaid
from dougong.flows.flash_offer import close_offer
from dougong.flows.place_orders import Placed, PlaceOrder, place_in, place_order
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.live.offer_rules import Offer, OfferRefused

pytestmark = pytest.mark.money


def wants(room: ARoom, buyer: ABuyer, offer: Offer, units: int = 1, *, key: str = "") -> PlaceOrder:
    """So many units at the offer's price, and nothing else."""
    plain = ARequest(room.store, buyer, units * offer.price_minor, {0: units}, key=key).build()
    lines = [msgspec.structs.replace(line, offer_id=offer.id) for line in plain.wanted.lines]
    wanted = msgspec.structs.replace(plain.wanted, lines=tuple(lines))
    return msgspec.structs.replace(plain, wanted=wanted)


async def sold(conn: AsyncConnection, offer: Offer) -> tuple[int, int]:
    """Units by the offer, and by its uses."""
    row = await conn.execute(
        text("""
            SELECT o.sold, (SELECT COALESCE(sum(u.quantity), 0)::int FROM live_offer_uses u
              WHERE u.offer_id = o.id AND u.released_at IS NULL)
            FROM live_offers o WHERE o.id = :o
        """),
        {"o": offer.id},
    )
    found = row.one()
    return found[0], found[1]


async def the_scene(
    conn: AsyncConnection, *, on_hand: int = 100, **terms: Any
) -> tuple[ARoom, Offer]:
    await the_rules(conn)
    room = await a_room(conn, await a_store(conn, on_hand=on_hand))
    return room, await an_offer(conn, room, **terms)


def whys(answers: list[Any]) -> list[str]:
    """Placed, or why not; what is neither is shown as it is."""
    return [
        "placed" if isinstance(a, Placed)
        else a.facts["why"] if isinstance(a, OfferRefused) else repr(a)
        for a in answers
    ]  # fmt: skip


async def test_the_price_the_link_and_the_creator_are_the_offers(conn: AsyncConnection) -> None:
    room, offer = await the_scene(conn)
    (placed,) = await place_in(conn, requests=[wants(room, await a_buyer(conn), offer)], at=T0)
    assert isinstance(placed, Placed)
    line = (
        await conn.execute(
            text("SELECT * FROM order_lines WHERE order_id = :o"), {"o": placed.order_id}
        )
    ).one()
    assert (line.unit_price_minor, line.paid_minor) == (5_000, 5_000)
    assert (line.link_id, line.creator_id) == (room.links[0], room.creator_id)
    assert await sold(conn, offer) == (1, 1)


async def test_quota_goes_to_the_first_and_stock_stays_for_others(conn: AsyncConnection) -> None:
    room, offer = await the_scene(conn, quota=2)
    one, two, three = await buyers(conn, 3)
    asked = [wants(room, one, offer), wants(room, two, offer), wants(room, three, offer)]
    answers = await place_in(conn, requests=asked, at=T0)
    assert whys(answers) == ["placed", "placed", "sold_out"]
    usual = ARequest(room.store, three, 9_900).build()
    (after,) = await place_in(conn, requests=[usual], at=T0)
    assert isinstance(after, Placed)
    assert await sold(conn, offer) == (2, 2)
    assert await stock_of(conn, room.store.store_id, room.store.skus[0]) == (100, 3)


async def test_a_buyers_limit_counts_over_orders_and_in_one_batch(conn: AsyncConnection) -> None:
    room, offer = await the_scene(conn, per_buyer=2)
    buyer = await a_buyer(conn)
    asked = [wants(room, buyer, offer, n) for n in (3, 1, 2, 1)]
    answers = await place_in(conn, requests=asked, at=T0)
    assert whys(answers) == ["per_buyer", "placed", "per_buyer", "placed"]
    (later,) = await place_in(conn, requests=[wants(room, buyer, offer)], at=T0)
    assert isinstance(later, OfferRefused)
    assert later.facts == {"why": "per_buyer", "per_buyer": 2}


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (T0 - timedelta(microseconds=1), "not_yet"),
        (T0 + 5 * MINUTE - timedelta(microseconds=1), "placed"),
        (T0 + 5 * MINUTE, "over"),
    ],
)
async def test_only_in_its_window(conn: AsyncConnection, at: datetime, why: str) -> None:
    room, offer = await the_scene(conn)
    answers = await place_in(conn, requests=[wants(room, await a_buyer(conn), offer)], at=at)
    assert whys(answers) == [why]


async def test_a_stopped_offer_and_anothers_are_refused(conn: AsyncConnection) -> None:
    room, offer = await the_scene(conn)
    other = await a_room(conn, await a_store(conn))
    strange = wants(other, await a_buyer(conn), offer)
    assert whys(await place_in(conn, requests=[strange], at=T0)) == ["unknown"]
    await close_offer(
        conn, room_id=room.room_id, creator_id=room.creator_id, offer_id=offer.id, at=T0 + MINUTE
    )
    asked = wants(room, await a_buyer(conn), offer)
    assert whys(await place_in(conn, requests=[asked], at=T0 + 2 * MINUTE)) == ["over"]


async def test_what_lapses_unpaid_comes_back(conn: AsyncConnection) -> None:
    room, offer = await the_scene(conn, quota=1)
    one, two = await buyers(conn, 2)
    (placed,) = await place_in(conn, requests=[wants(room, one, offer)], at=T0)
    assert isinstance(placed, Placed)
    assert whys(await place_in(conn, requests=[wants(room, two, offer)], at=T0)) == ["sold_out"]
    await cancel_unpaid(
        conn, store_id=placed.store_id, order_id=placed.order_id, reason="not_paid_in_time",
        at=T0 + MINUTE,
    )  # fmt: skip
    assert await sold(conn, offer) == (0, 0)
    again = [wants(room, one, offer), wants(room, two, offer)]
    assert whys(await place_in(conn, requests=again, at=T0 + MINUTE)) == ["placed", "sold_out"]


async def test_the_same_key_takes_quota_once(conn: AsyncConnection) -> None:
    room, offer = await the_scene(conn, quota=1)
    request = wants(room, await a_buyer(conn), offer, key="one-key-of-offer")
    first, again = await place_in(conn, requests=[request, request], at=T0)
    later = (await place_in(conn, requests=[request], at=T0))[0]
    assert isinstance(first, Placed) and first == again == later
    assert await sold(conn, offer) == (1, 1)


async def test_an_order_that_gets_no_unit_takes_no_quota(conn: AsyncConnection) -> None:
    room, offer = await the_scene(conn, on_hand=2, quota=2, per_buyer=2)
    one, two = await buyers(conn, 2)
    usual = ARequest(room.store, one, 9_900).build()
    answers = await place_in(
        conn, requests=[usual, wants(room, two, offer, 2), wants(room, two, offer)], at=T0
    )
    assert [type(a).__name__ for a in answers] == ["Placed", "SoldOut", "Placed"]
    assert await sold(conn, offer) == (1, 1)


@pytest.mark.parametrize("quota", [101, 0])
async def test_no_offer_promises_more_than_is_free(conn: AsyncConnection, quota: int) -> None:
    await the_rules(conn)
    room = await a_room(conn, await a_store(conn, on_hand=100))
    with pytest.raises(BadInput):
        await an_offer(conn, room, quota=quota)


async def test_sixty_four_buyers_and_two_workers(connections: None) -> None:
    """Thirty units at the price, forty of the SKU: two intakes at once, as two workers have."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await the_rules(conn)
        room = await a_room(conn, await a_store(conn, on_hand=40), at=at)
        offer = await an_offer(conn, room, quota=30, per_buyer=1, at=at)
        people = await buyers(conn, 64)

    async def by_batch(buyer: ABuyer) -> Any:
        """The other worker's intake: a batch of its own, not coalesced with ours."""
        async with transaction() as conn:
            asked = [wants(room, buyer, offer)]
            return (await place_in(conn, requests=asked, at=clock.now()))[0]

    ways = [place_order(wants(room, b, offer)) if n % 2 else by_batch(b)
            for n, b in enumerate(people)]  # fmt: skip
    answers = await asyncio.gather(*ways, return_exceptions=True)
    assert sorted(whys(answers)) == ["placed"] * 30 + ["sold_out"] * 34
    async with transaction() as conn:
        assert await sold(conn, offer) == (30, 30)
        assert await stock_of(conn, room.store.store_id, room.store.skus[0]) == (40, 30)
