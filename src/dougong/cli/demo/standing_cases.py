"""How the demo's merchants stand: rules, deposits, scores of a month, penalties in each state."""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, StoreId
from dougong.base.money import Money
from dougong.base.time import start_of_day
from dougong.catalog.queries import store_of
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece
from dougong.cli.demo.paying import pay_in_at_once
from dougong.flows import penalise as flow
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.payments.rules import PayInPurpose
from dougong.reads.standing import counts, deposit_of
from dougong.standing.commands import install_default_rules, keep_score
from dougong.standing.queries import formula_at
from dougong.standing.rules import score

STORES, DAYS = 6, 30
OWNERS = text("""
    SELECT g.person_id FROM stores s JOIN grants g ON g.org_id = s.org_id
    WHERE s.id = :store_id ORDER BY g.person_id LIMIT 1
""")
LAST_PAID = text("""
    SELECT number FROM orders WHERE store_id = :store_id AND paid_at < :before
    ORDER BY paid_at DESC, id LIMIT 2
""")


async def write_standing(market: Market, *, now: datetime) -> None:
    async with transaction() as conn:
        if not await begin_piece(conn, "standing", at=now):
            return
        first, second = market.people["operator"], market.people["second-operator"]
        await install_default_rules(conn, author_id=first, approver_id=second)
        stores = list(market.stores.values())[:STORES]
        for n, store_id in enumerate(stores):
            if n % 3 != 2:
                await _pay_deposit(conn, store_id, at=now - timedelta(days=40))
            await _month(conn, store_id, now=now)
    await _penalties(stores, first, second, now=now)


async def _pay_deposit(conn: AsyncConnection, store_id: StoreId, *, at: datetime) -> None:
    store = await store_of(conn, store_id=store_id)
    state = await deposit_of(conn, store_id=store_id, currency=store.currency, at=at)
    owner = await conn.scalar(OWNERS, {"store_id": store_id})
    if owner is None or not state.missing_minor:
        return
    await pay_in_at_once(
        conn, purpose=PayInPurpose.DEPOSIT, owner_id=store_id, payer_id=PersonId(owner),
        amount=Money(state.missing_minor, store.currency), key=f"deposit-{store_id}",
        return_url=f"/merchant/stores/{store_id}/standing", at=at,
    )  # fmt: skip


async def _month(conn: AsyncConnection, store_id: StoreId, *, now: datetime) -> None:
    zone = ZoneInfo(settings().timezone)
    today = now.astimezone(zone).date()
    for back in range(DAYS, 0, -1):
        day = today - timedelta(days=back)
        midnight = start_of_day(day + timedelta(days=1), zone)
        rule, formula = await formula_at(conn, at=midnight)
        found = await counts(conn, store_id=store_id, formula=formula, at=midnight)
        await keep_score(
            conn, store_id=store_id, day=day, rule_id=rule.id, score=score(formula, found),
            at=midnight,
        )  # fmt: skip


async def _penalties(
    stores: list[StoreId], first: PersonId, second: PersonId, *, now: datetime
) -> None:
    """One that stands, one that waits for an answer, one that was taken back."""
    for n, store_id in enumerate(stores[:3]):
        at = now - timedelta(minutes=30 - 10 * n)
        async with transaction() as conn:
            numbers = (await conn.scalars(LAST_PAID, {"store_id": store_id, "before": at})).all()
            penalty_id = await flow.penalise(
                conn, store_id=store_id, violation="late_shipping", order_numbers=numbers,
                words="超过承诺时间仍未发货。", person_id=first, key=f"demo-late-{n}", at=at,
            )  # fmt: skip
            if n:
                await _appeal(conn, store_id, penalty_id, at=at + timedelta(minutes=3))
            if n == 2:
                await flow.answer_appeal(
                    conn, store_id=store_id, penalty_id=penalty_id, is_reversed=True,
                    answer="核实：当日快递停运，予以撤销。", person_id=second,
                    at=at + timedelta(minutes=6),
                )  # fmt: skip


async def _appeal(
    conn: AsyncConnection, store_id: StoreId, penalty_id: UUID, *, at: datetime
) -> None:
    owner = await conn.scalar(OWNERS, {"store_id": store_id})
    await flow.appeal(
        conn, store_id=store_id, penalty_id=penalty_id, words="当日暴雨，快递停止揽收，附公告。",
        person_id=PersonId(UUID(str(owner))), at=at,
    )  # fmt: skip
