"""Takes rows that a source told of: each kept once, each order moved forward, ruled on and booked.

A chunk is one transaction, and a repeat changes nothing: a row is known by the hash of its cells.
Rows of one source are taken one after the other.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK, derived_id
from dougong.flows.rule_referral import rule_orders
from dougong.flows.settle_referral import NewRefund, settle
from dougong.infra import pause
from dougong.reads.referral_claims import Evidence
from dougong.referrals.commands import (
    Counts,
    insert_rows,
    judge_rows_again,
    lock_source,
    park_rows,
)
from dougong.referrals.mapping_rules import Problem, read_row
from dougong.referrals.mappings import mapping_of
from dougong.referrals.order_commands import (
    Decided,
    keep_orders,
    keep_refunds,
    note_decided,
)
from dougong.referrals.order_rules import Order, Outcome, Reported, advance
from dougong.referrals.queries import (
    Held,
    known_rows,
    orders_for_work,
    refunds_of,
    told_in_report,
    waiting_rows,
)

EVENT = "event:"  # before the name of who tells, in place of a mapping
CLAIMED_BY = ("sub_id", "share_code", "task_ref", "ad_ref", "claimant")
# What an operator can put right, by adapting the mapping or asking the source.
PARKING = ("unknown_status", "amounts_disagree", "fees_above_commission")
MAY_COME = ("unknown_order", "not_settled_yet")  # a later row may free these


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One row as it came (`raw`), and what it says."""

    raw: Mapping[str, Any]
    says: Reported | Problem
    line: int | None = None


class BadRow(msgspec.Struct, frozen=True):
    """A row that was refused, parked, or stands twice in its file: `field` is ours, `value` what
    stood there, `line` 0 for an event."""

    line: int
    order_ref: str
    outcome: str
    field: str
    reason: str
    value: str


class Taken(msgspec.Struct):
    """What became of rows."""

    counts: Counts
    bad: list[BadRow]


class _Row(msgspec.Struct):
    """A row on its way."""

    id: UUID
    told: Told
    hash: bytes
    is_new: bool
    mapping: str
    report_id: UUID | None
    outcome: Outcome = Outcome.REFUSED
    field: str = ""
    reason: str = ""
    value: str = ""
    order_id: UUID | None = None


async def take_rows(
    conn: AsyncConnection,
    *,
    source: str,
    mapping: str,
    report_id: UUID | None,
    rows: Sequence[Told],
    at: datetime,
) -> Taken:
    """Take the rows in their order."""
    await lock_source(conn, source=source, is_patient=report_id is not None)
    work = _Work(conn, source, at, report_id)
    fresh, taken = await work.fresh(rows, mapping=mapping)
    await work.open(fresh)
    for row in fresh:
        if not work.told_twice(row):
            work.take(row)
    again = [row for row in fresh if row.reason in MAY_COME] + work.waiting
    for row in again:
        work.take(row)
    await pause.point("referrals: before writing")
    await work.write([*fresh, *work.waiting])
    await work.rule_and_settle([*fresh, *work.waiting])
    for row in fresh:
        setattr(taken.counts, row.outcome.value, getattr(taken.counts, row.outcome.value) + 1)
        if row.outcome in (Outcome.PARKED, Outcome.REFUSED):
            taken.bad.append(_bad(row.told, row.outcome.value, row.field, row.reason, row.value))
    return taken


def _bad(told: Told, outcome: str, field: str, reason: str, value: str) -> BadRow:
    ref = str(told.raw.get("order_ref", ""))
    return BadRow(told.line or 0, ref, outcome, field, reason, value)


def hash_of(raw: Mapping[str, Any]) -> bytes:
    """The same for the same cells, whatever their order."""
    told = sorted((k, v) for k, v in raw.items() if v not in ("", None))
    return hashlib.sha256(msgspec.json.encode(told)).digest()


def raw_of(row: Reported) -> dict[str, Any]:
    """An event as it is kept."""
    found: dict[str, Any] = msgspec.to_builtins(row)
    return found


def read_again(mapping: str, raw: Mapping[str, Any]) -> Reported | Problem:
    """What a kept row says, by the mapping as it is now."""
    if mapping.startswith(EVENT):
        return msgspec.convert(raw, Reported)
    return read_row(mapping_of(mapping), raw)


def _is_over(before: Any) -> bool:
    """Whether a row that was told of before needs no second look."""
    is_bad = before.outcome in (Outcome.PARKED, Outcome.REFUSED)
    return not is_bad or before.resolved_at is not None


class _Work:
    """One chunk: its orders, locked, and what has changed of them."""

    def __init__(
        self, conn: AsyncConnection, source: str, at: datetime, report_id: UUID | None
    ) -> None:
        self.conn, self.source, self.at, self.report_id = conn, source, at, report_id
        self.in_file: set[tuple[str, str]] = set()  # (order, state) that this report told of
        self.held: dict[str, Held] = {}
        self.changed: dict[str, Order] = {}
        self.refs: dict[UUID, set[str]] = {}
        self.refunds: list[dict[str, Any]] = []
        self.new_refunds: list[NewRefund] = []
        self.waiting: list[_Row] = []

    async def fresh(self, rows: Sequence[Told], *, mapping: str) -> tuple[list[_Row], Taken]:
        """The rows that are new, or that were bad when they were told of before."""
        hashes = [hash_of(row.raw) for row in rows]
        known = await known_rows(self.conn, source=self.source, hashes=hashes)
        found: list[_Row] = []
        taken = Taken(Counts(), [])
        seen: set[bytes] = set()
        for told, digest in zip(rows, hashes, strict=True):
            before = known.get(digest)
            in_file = digest in seen or (
                before is not None
                and self.report_id is not None
                and (before.report_id, before.line) != (self.report_id, told.line)
                and before.report_id == self.report_id
            )
            if in_file or (before is not None and _is_over(before)):
                taken.counts.repeated += 1
                if in_file:
                    ref = str(told.raw.get("order_ref", ""))
                    taken.bad.append(_bad(told, "repeated", "order_ref", "repeated_row", ref))
                continue
            seen.add(digest)
            row_id = (
                before.id
                if before is not None
                else derived_id(PLATFORM_BOOK, f"{self.source}:{digest.hex()}")
            )
            found.append(_Row(row_id, told, digest, before is None, mapping, self.report_id))
        return found, taken

    async def open(self, rows: Sequence[_Row]) -> None:
        """Lock the orders of these rows, and find what waits for them."""
        refs = [r.told.says.order_ref for r in rows if isinstance(r.told.says, Reported)]
        self.held = await orders_for_work(self.conn, source=self.source, refs=refs)
        taken = await refunds_of(
            self.conn, order_ids=[held.order.id for held in self.held.values()]
        )
        for refund in taken:
            self.refs.setdefault(refund.order_id, set()).add(refund.ref)
        if self.report_id is not None:
            self.in_file = await told_in_report(self.conn, report_id=self.report_id, refs=refs)
        mine = {row.id for row in rows}
        for kept in await waiting_rows(self.conn, source=self.source, refs=refs):
            if kept.id not in mine:
                told = Told(raw=kept.raw, says=read_again(kept.mapping, kept.raw), line=kept.line)
                self.waiting.append(
                    _Row(kept.id, told, bytes(kept.facts_hash), False, kept.mapping, kept.report_id)
                )

    def take(self, row: _Row) -> None:
        """Move the row's order as far as the row says."""
        says = row.told.says
        if isinstance(says, Problem):
            row.outcome = Outcome.PARKED if says.reason in PARKING else Outcome.REFUSED
            row.field, row.reason, row.value = says.field, says.reason, says.value
            return
        before = self._order(says.order_ref)
        done = advance(
            before,
            says,
            order_id=derived_id(PLATFORM_BOOK, f"referral:{self.source}:{says.order_ref}"),
            source=self.source,
            known_refunds=self.refs.get(before.id, set()) if before else (),
        )
        row.outcome, row.field = done.outcome, done.field
        row.reason, row.value = done.reason, done.value
        if done.order is None:
            return
        row.order_id = done.order.id
        if done.order != before:
            self.changed[says.order_ref] = done.order
        if done.clawback_minor:
            self._refund(row, done.order, done.clawback_minor)

    def told_twice(self, row: _Row) -> bool:
        """Whether this file has told of the order in this state, in other words: which of the two
        is right nobody can know, so the second is parked."""
        says = row.told.says
        if self.report_id is None or isinstance(says, Problem) or says.state is None:
            return False
        told = (says.order_ref, says.state.value)
        if told not in self.in_file or not row.is_new:
            self.in_file.add(told)
            return False
        order = self._order(says.order_ref)
        row.outcome, row.order_id = Outcome.PARKED, order.id if order else None
        row.field, row.reason, row.value = "order_ref", "told_twice", says.order_ref
        return True

    def _order(self, ref: str) -> Order | None:
        held = self.held.get(ref)
        return self.changed.get(ref) or (held.order if held else None)

    def _refund(self, row: _Row, order: Order, amount_minor: int) -> None:
        says = row.told.says
        if isinstance(says, Problem) or says.refund is None:
            raise ValueError(row.id)  # only a refund takes something back
        refund = says.refund
        ref = f"total:{order.refunded_minor}" if refund.is_total else refund.ref
        self.refs.setdefault(order.id, set()).add(ref)
        self.refunds.append(
            {
                "order_id": order.id,
                "ref": ref,
                "refund_case": refund.case,
                "amount_minor": amount_minor,
                "row_id": row.id,
                "at": self.at,
            }
        )
        before = order.refunded_minor - amount_minor
        self.new_refunds.append(NewRefund(order.id, ref, before, amount_minor))

    async def write(self, rows: Sequence[_Row]) -> None:
        await keep_orders(self.conn, list(self.changed.values()), at=self.at)
        await insert_rows(self.conn, [self._kept(row) for row in rows if row.is_new])
        await self._judge([row for row in rows if not row.is_new])
        await keep_refunds(self.conn, self.refunds)

    async def _judge(self, rows: Iterable[_Row]) -> None:
        told = [
            {
                "id": row.id,
                "outcome": row.outcome.value,
                "field": row.field,
                "reason": row.reason,
                "value": row.value,
                "order_id": row.order_id,
            }
            for row in rows
        ]
        await judge_rows_again(self.conn, told, at=self.at)

    async def rule_and_settle(self, rows: Sequence[_Row]) -> None:
        """Rule on what nobody ruled on, book what is due; rows of orders that nobody earned yet
        are parked for it."""
        held = [self._now(ref) for ref in {*self.held, *self.changed}]
        held.sort(key=lambda one: one.order.order_ref)
        ruled = await rule_orders(self.conn, held=held, evidence=self._evidence(rows), at=self.at)
        owners = await settle(self.conn, held=ruled, refunds=self.new_refunds, at=self.at)
        await self._note(held, ruled, owners)
        parked = {one.order.id: one.parked for one in ruled if one.parked}
        unearned = [
            row
            for row in rows
            if row.order_id in parked and row.outcome is Outcome.APPLIED and not row.reason
        ]
        for row in unearned:
            row.outcome, row.field = Outcome.PARKED, "sub_id"
            row.reason = parked[row.order_id] if row.order_id else ""
            says = row.told.says
            row.value = says.sub_id if isinstance(says, Reported) else ""
        await park_rows(self.conn, [(row.id, row.reason, row.value) for row in unearned])

    async def _note(
        self, before: Sequence[Held], after: Sequence[Held], owners: Mapping[UUID, UUID]
    ) -> None:
        decided = [
            Decided(
                order_id=one.order.id,
                ruling_id=one.ruling_id,
                parked=one.parked,
                owner_id=owners.get(one.order.id),
            )
            for was, one in zip(before, after, strict=True)
            if was is not one or one.order.id in owners
        ]
        await note_decided(self.conn, decided, at=self.at)

    def _now(self, ref: str) -> Held:
        """An order as it is after the rows; a new one was not decided about."""
        held = self.held.get(ref)
        if held is None:
            return Held(self.changed[ref], None, False, None, "", is_known=False)
        return msgspec.structs.replace(held, order=self.changed.get(ref, held.order))

    def _evidence(self, rows: Sequence[_Row]) -> list[Evidence]:
        found: dict[tuple[UUID, str, str], Evidence] = {}
        for row in rows:
            says = row.told.says
            order = self._order(says.order_ref) if isinstance(says, Reported) else None
            if isinstance(says, Problem) or order is None:
                continue
            for kind in CLAIMED_BY:
                if word := getattr(says, kind):
                    found[order.id, kind, word] = Evidence(
                        order.id, self.source, kind, word, order.paid_at
                    )
        return list(found.values())

    def _kept(self, row: _Row) -> dict[str, Any]:
        """A row of `report_rows`."""
        says = row.told.says
        told = says if isinstance(says, Reported) else None
        refund = told.refund if told else None
        return {
            "id": row.id,
            "report_id": row.report_id,
            "line": row.told.line,
            "source": self.source,
            "mapping": row.mapping,
            "facts_hash": row.hash,
            "raw": dict(row.told.raw),
            "order_ref": told.order_ref if told else str(row.told.raw.get("order_ref", ""))[:300],
            "status": told.status if told else str(row.told.raw.get("status", ""))[:300],
            "state": told.state.value if told and told.state else None,
            "currency": told.currency if told else None,
            "paid_minor": told.paid_minor if told and told.state else None,
            "estimated_gross_minor": told.estimated_gross_minor if told and told.state else None,
            "settled_base_minor": told.settled_base_minor if told else None,
            "settled_gross_minor": told.settled_gross_minor if told else None,
            "alliance_fee_minor": told.alliance_fee_minor if told else None,
            "media_fee_minor": told.media_fee_minor if told else None,
            "settled_minor": told.settled_minor() if told else None,
            "refund_case": refund.case if refund else "",
            "refund_minor": refund.commission_minor if refund else None,
            "paid_at": told.paid_at if told else None,
            "settled_at": told.settled_at if told else None,
            "told_at": self.at,
            "outcome": row.outcome.value,
            "field": row.field,
            "reason": row.reason,
            "value": row.value,
            "order_id": row.order_id,
        }
