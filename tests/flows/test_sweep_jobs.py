"""The sweep as a job: it goes on where it was stopped, and nothing slips past it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.factories import a_link_rule, an_outside_link, approved, hidden_links

from dougong.flows import sweep_links
from dougong.flows.sweep_links import last_change, sweep_due
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.policy.queries import rules_book

pytestmark = pytest.mark.usefixtures("own_database")
DAY = timedelta(days=1)


async def test_a_sweep_stopped_in_the_middle_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_links, "BATCH", 10)
    now = clock.wall_now()
    async with transaction() as conn:
        await approved(
            conn,
            a_link_rule("pinduoduo", allowed=True, starts=now - DAY, ends=now - timedelta(hours=1)),
            a_link_rule("pinduoduo", allowed=False, starts=now - timedelta(hours=1)),
        )
        links = [await an_outside_link(conn, "pinduoduo") for _ in range(35)]
        changed = last_change(await rules_book(conn, fresh=True), now)
    batches = 0
    really = sweep_links.judge

    async def stops(*args: Any, **kwargs: Any) -> tuple[int, int, int]:
        nonlocal batches
        batches += 1
        if batches == 3:
            raise ConnectionError
        return await really(*args, **kwargs)

    monkeypatch.setattr(sweep_links, "judge", stops)
    with pytest.raises(ConnectionError):
        await sweep_due()
    await sweep_due()
    await sweep_due()
    async with transaction() as conn:
        row = (
            await conn.execute(text("SELECT * FROM link_sweeps WHERE at = :at"), {"at": changed})
        ).one()
        assert set(links) <= (await hidden_links(conn)).keys()
        standing = await conn.scalar(text("SELECT count(*) FROM product_links"))
    assert (row.looked, row.hidden, row.done_at is not None) == (standing, 35, True)


async def test_what_was_published_while_it_passed_is_looked_at_again() -> None:
    now = clock.wall_now()
    async with transaction() as conn:
        await approved(conn, a_link_rule("suning", allowed=False, starts=now - timedelta(hours=1)))
        await an_outside_link(conn, "suning")
    await sweep_links.sweep_links()
    async with transaction() as conn:
        late = await an_outside_link(conn, "suning")
    await sweep_links.sweep_links()
    async with transaction() as conn:
        assert late in await hidden_links(conn)
