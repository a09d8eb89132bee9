"""Factories of a source outside: its orders, its report, the money that it sends."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.books import balances

from dougong.base.ids import PLATFORM_BOOK, PersonId, derived_id, new_id
from dougong.flows.import_receipts import import_receipts, start_receipts
from dougong.flows.reconcile import reconcile, start_run
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.ledger.commands import book
from dougong.ledger.rules import AccountName, Entry, Part, Purpose, moved, platform

# Shanghai's August 2020.
STARTS = datetime(2020, 7, 31, 16, tzinfo=UTC)
ENDS = datetime(2020, 8, 31, 16, tzinfo=UTC)
PAID_AT = datetime(2020, 8, 10, 4, tzinfo=UTC)
SETTLED_AT = datetime(2020, 8, 20, 4, tzinfo=UTC)


@dataclass
class ASource:
    code: str = field(default_factory=lambda: "t" + uuid4().hex[:12])

    def owner(self) -> UUID:
        return derived_id(PLATFORM_BOOK, f"source:{self.code}")


async def a_source(conn: AsyncConnection, code: str = "") -> ASource:
    made = ASource(code) if code else ASource()
    await conn.execute(
        text("""
            INSERT INTO sources (code, name_zh, name_en, hosts, adapter, created_at)
            VALUES (:code, '淘宝', 'Taobao', ARRAY[:host], 'page', :at)
        """),
        {"code": made.code, "host": f"{made.code.replace('_', '-')}.example", "at": STARTS},
    )
    return made


async def an_order(
    conn: AsyncConnection,
    source: ASource,
    ref: str,
    *,
    settled_minor: int | None = 1_000,
    refunded_minor: int = 0,
    currency: str = "CNY",
    paid_at: datetime = PAID_AT,
    state: str = "settled",
    parked: str = "",
) -> UUID:
    """An order as we know it, booked where it is settled."""
    order_id, is_settled = new_id(), state == "settled"
    values = {
        "id": order_id, "source": source.code, "ref": ref, "currency": currency, "state": state,
        "estimate": settled_minor or 0, "settled": settled_minor if is_settled else None,
        "refunded": refunded_minor, "paid_at": paid_at, "parked": parked,
        "settled_at": SETTLED_AT if is_settled else None, "fee": 0 if is_settled else None,
    }  # fmt: skip
    await conn.execute(
        text("""
            INSERT INTO referral_orders (id, source, order_ref, currency, state, paid_minor,
              estimated_gross_minor, estimated_minor, settled_base_minor, settled_gross_minor,
              alliance_fee_minor, media_fee_minor, settled_minor, refunded_minor, paid_at,
              settled_at, first_reported_at, last_reported_at, parked)
            VALUES (:id, :source, :ref, :currency, :state, 10000, :estimate, :estimate,
              :settled, :settled, :fee, :fee, :settled, :refunded, :paid_at, :settled_at,
              :paid_at, :paid_at, :parked)
        """),
        values,
    )
    if is_settled and settled_minor and not parked:
        await _book_order(conn, source, order_id, settled_minor - refunded_minor, currency)
    return order_id


async def _book_order(
    conn: AsyncConnection, source: ASource, order_id: UUID, amount_minor: int, currency: str
) -> None:
    """As a settled order is booked that nobody of ours has earned."""
    owed = AccountName(source.owner(), Purpose.PARTNER_RECEIVABLE)
    kept = platform(Purpose.PLATFORM_COMMISSION_CUT)
    entry = Entry(
        kind="referral_settled",
        key=f"referral:{order_id}:settled",
        order_id=order_id,
        counts_at=SETTLED_AT,
        transfers=tuple(moved(owed, kept, amount_minor, Part.COMMISSION_CUT)),
    )
    if entry.transfers:
        await book(
            conn,
            store_id=PLATFORM_BOOK,
            currency=currency,
            entries=[entry],
            written_at=clock.wall_now(),
        )
    ruling_id = new_id()
    await conn.execute(
        text("""
            INSERT INTO referral_rulings (id, order_id, number, judged_at, service_fee_bp,
              commission_cut_bp, made_at, claim_id, made_by, reason)
            VALUES (:id, :order_id, 1, :at, 0, 10000, :at, :claim_id, :person, 'by hand')
        """),
        {"id": ruling_id, "order_id": order_id, "at": SETTLED_AT, "person": new_id(),
         "claim_id": await _claim(conn, order_id)},
    )  # fmt: skip
    await conn.execute(
        text("""
            UPDATE referral_orders SET ruling_id = :ruling, booked_at = :at,
              receivable_owner_id = :owner WHERE id = :id
        """),
        {"ruling": ruling_id, "at": SETTLED_AT, "owner": source.owner(), "id": order_id},
    )


async def _claim(conn: AsyncConnection, order_id: UUID) -> UUID:
    claim_id = new_id()
    await conn.execute(
        text("""
            INSERT INTO referral_claims (id, order_id, claim, evidence, at, seen_at)
            VALUES (:id, :order_id, 'source', 'x', :at, :at)
        """),
        {"id": claim_id, "order_id": order_id, "at": PAID_AT},
    )
    return claim_id


async def a_report_row(
    conn: AsyncConnection,
    source: ASource,
    ref: str,
    *,
    settled_minor: int | None = 1_000,
    state: str = "settled",
    currency: str = "CNY",
    paid_at: datetime | None = PAID_AT,
    told_at: datetime = SETTLED_AT,
    outcome: str = "applied",
    reason: str = "",
    refund_minor: int | None = None,
) -> UUID:
    """A row of the partner's report, as it was reported."""
    row_id = new_id()
    is_settled = state == "settled" and outcome != "refused"
    await conn.execute(
        text("""
            INSERT INTO report_rows (id, source, mapping, facts_hash, raw, order_ref, state,
              currency, paid_minor, estimated_gross_minor, settled_minor, paid_at, settled_at,
              told_at, outcome, reason, refund_case, refund_minor)
            VALUES (:id, :source, 'taobao_alliance', :hash, '{}', :ref, :state, :currency, 10000,
              :estimate, :settled, :paid_at, :settled_at, :told_at, :outcome, :reason,
              :refund_case, :refund)
        """),
        {"id": row_id, "source": source.code, "hash": uuid4().bytes, "ref": ref, "state": state,
         "currency": currency, "estimate": settled_minor,
         "settled": settled_minor if is_settled else None, "paid_at": paid_at,
         "settled_at": SETTLED_AT if is_settled else None, "told_at": told_at, "outcome": outcome,
         "reason": reason, "refund_case": "" if refund_minor is None else "13",
         "refund": refund_minor},
    )  # fmt: skip
    return row_id


async def both(
    conn: AsyncConnection, source: ASource, ref: str, *, refunded_minor: int = 0, **facts: Any
) -> None:
    """An order on which we and the partner agree."""
    order_id = await an_order(conn, source, ref, refunded_minor=refunded_minor, **facts)
    row_id = await a_report_row(conn, source, ref, refund_minor=refunded_minor or None, **facts)
    if refunded_minor:
        await conn.execute(
            text("INSERT INTO referral_refunds VALUES (:id, 'r', '13', :amount, :row, :at)"),
            {"id": order_id, "amount": refunded_minor, "row": row_id, "at": SETTLED_AT},
        )


PAYMENTS = "收款流水号,订单编号,账期开始,账期结束,币种,收款金额,到账时间\n"


async def money_came(
    source: ASource, lines: str, *, person_id: PersonId, mapping: str = "payments",
    encoding: str = "gb18030", head: str = PAYMENTS,
) -> UUID:  # fmt: skip
    async with transaction() as conn:
        file_id = await start_receipts(
            conn,
            source=source.code,
            mapping=mapping,
            file_name="收款.csv",
            data=(head + lines).encode(encoding),
            started_by=person_id,
            at=await clock.refresh(conn),
        )
    await import_receipts(file_id)
    return file_id


async def a_run(
    source: ASource, *, person_id: PersonId, at: datetime | None = None,
    starts: datetime = STARTS, ends: datetime = ENDS, statement: bytes | None = None,
) -> Any:  # fmt: skip
    """A run that is done, as its row."""
    async with transaction() as conn:
        run_id = await start_run(
            conn,
            source=source.code,
            starts=starts,
            ends=ends,
            started_by=person_id,
            at=at or ENDS + timedelta(days=20),
            statement=("对账单.csv", statement) if statement else None,
        )
    await reconcile(run_id)
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT * FROM reconciliation_runs WHERE id = :id"), {"id": run_id}
        )
        return found.one()


async def rows_of(run_id: UUID) -> dict[str, tuple[str, str, int]]:
    """Subject to outcome, reason and gap."""
    async with transaction() as conn:
        found = await conn.execute(
            text("""
                SELECT subject, outcome, reason, gap_minor FROM reconciliation_rows
                WHERE run_id = :id
            """),
            {"id": run_id},
        )
        return {row.subject: (row.outcome, row.reason, row.gap_minor) for row in found}


async def case_of(source: ASource, subject: str) -> Any:
    async with transaction() as conn:
        found = await conn.execute(
            text("""
                SELECT * FROM reconciliation_cases WHERE source = :source AND subject = :subject
            """),
            {"source": source.code, "subject": subject},
        )
        return found.one()


async def owed_minor(source: ASource) -> int:
    """What the books say of the partner: below zero it owes us."""
    async with transaction() as conn:
        held = await balances(conn, PLATFORM_BOOK)
    return held.get((source.owner(), "partner_receivable"), 0)
