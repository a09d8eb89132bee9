"""By when an order has to be shipped: by the dated terms of its categories, frozen when it is paid.
What is late is said once, with the facts that a penalty would rest on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, StoreId
from dougong.catalog.queries import store_of
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.events import record
from dougong.infra.jobs import task
from dougong.policy.queries import rules_book
from dougong.policy.rules import ANY, TERM_WITHOUT_RULE, Facts, RuleKind
from dougong.supply.promise_commands import make_promise, note_late

MOST_AT_ONCE = 500
KIND = RuleKind.SHIP_WITHIN_S


async def promise_shipping(
    conn: AsyncConnection, *, order: Any, lines: Sequence[Any], at: datetime
) -> None:
    """An order waits for its last line: the longest span of its categories, from now on."""
    categories = sorted({line.category for line in lines if line.kind == "goods"})
    if not categories:
        return
    book = await rules_book(conn)
    store = await store_of(conn, store_id=StoreId(order.store_id))
    terms = []
    for category in categories:
        facts = Facts(
            kind=KIND,
            source="own",
            surface=ANY,
            category=category,
            route="direct",
            party_class="merchant",
            party=str(store.org_id),
            merchant_class=store.merchant_class,
            at=at,
        )
        rule = book.decide(facts).rule
        terms.append((rule.value if rule else TERM_WITHOUT_RULE[KIND], rule.id if rule else None))
    seconds, rule_id = max(terms, key=lambda term: (term[0], str(term[1])))
    await make_promise(
        conn,
        store_id=StoreId(order.store_id),
        order_id=OrderId(order.id),
        promised_by=at + timedelta(seconds=seconds),
        rule_id=rule_id,
        at=at,
    )


@task("supply.note_late", every="* * * * * */20")
async def note_what_is_late() -> None:
    """Promises whose time is over: each is told once, also after a stop over it."""
    while True:
        async with transaction() as conn:
            at = await clock.refresh(conn)
            rows = await note_late(conn, at=at, most=MOST_AT_ONCE)
            for row in rows:
                if row.late_at is not None:
                    await _tell(conn, row, at)
        if len(rows) < MOST_AT_ONCE:
            return


async def _tell(conn: AsyncConnection, row: Any, at: datetime) -> None:
    facts = {
        "number": row.number,
        "promised_by": row.promised_by.isoformat(),
        "units_left": row.late_units,
        "rule_id": str(row.rule_id) if row.rule_id else None,
    }
    await record(
        conn, "order.ship_late", store_id=row.store_id, subject_id=row.order_id, at=at, facts=facts
    )
