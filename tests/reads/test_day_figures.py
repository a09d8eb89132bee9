"""Figures by day: before the seal and after it, and counted anew, they are the same."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection
from tests.reads.stories import a_final_order, a_market, money

from dougong.flows.recount_days import recount
from dougong.flows.seal_books import seal_and_count
from dougong.ledger.rules import PLATFORM
from dougong.reads.day_figures import gained, sold

AT = datetime(2030, 1, 1, tzinfo=UTC)
REVENUE = ("platform_service_fee", "platform_payment_cost")


async def test_sealing_and_recounting_change_no_figure(conn: AsyncConnection) -> None:
    market = await a_market(conn)

    async def figures() -> list[list[tuple[object, ...]]]:
        by = ["store", "day", "subject"]
        kinds = ("store", "product", "creator", "link")
        found = [await sold(conn, kind=one, by=by, store_id=market.store_id) for one in kinds]
        found.append(await gained(conn, owner_id=PLATFORM, purposes=REVENUE, by_day=True))
        return [sorted(map(tuple, rows), key=repr) for rows in found]

    nothing = await figures()
    await a_final_order(conn, market, money(), money(merchant_discount_minor=333))
    waiting = await figures()
    assert waiting[0] != nothing[0]
    assert waiting[4] != nothing[4]
    assert await seal_and_count(conn, store_id=market.store_id, at=AT)
    assert await figures() == waiting
    await a_final_order(conn, market, money())
    half = await figures()
    assert half[0] != waiting[0]
    await recount(conn, store_id=market.store_id)
    assert await figures() == half
