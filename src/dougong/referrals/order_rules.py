"""The life of an order at another platform: what reports may make of it.

An order is what reports say of it. It only moves forward: nothing falls back from settled to
estimated, and what contradicts a settled amount is parked as a difference.
"""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from dougong.base.money import pro_rata


class State(StrEnum):
    PAID = "paid"  # estimated, on what was paid
    RECEIVED = "received"  # estimated still: the shopper has the goods
    SETTLED = "settled"  # the source has settled: what reaches us is known
    CLOSED = "closed"  # nothing will be settled


MOVES: dict[State, set[State]] = {
    State.PAID: {State.RECEIVED, State.SETTLED, State.CLOSED},
    State.RECEIVED: {State.SETTLED, State.CLOSED},
    State.SETTLED: set(),
    State.CLOSED: set(),
}


class Outcome(StrEnum):
    """What became of a reported row."""

    APPLIED = "applied"
    STALE = "stale"  # older news than what we know
    PARKED = "parked"  # read, and waits for something or somebody
    REFUSED = "refused"  # cannot be read


class RefundKind(StrEnum):
    CLAWBACK = "clawback"
    NOTED = "noted"  # asked for, undecided, or denied: moves no money


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """What a source says of a refund of a settled order. `commission_minor`: of what reaches us;
    else `base_minor` of the goods. `is_total`: all refunds so far together, else this one."""

    case: str
    kind: RefundKind
    ref: str = ""
    base_minor: int | None = None
    commission_minor: int | None = None
    is_total: bool = True


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """What one row of a report, or one event, says of an order: plain facts, amounts in minor units
    of `currency`. `state` None: it only tells of a refund.

    `_gross_` is before the alliance's own fees (`alliance_fee`, `media_fee`), which never reach us.
    `sub_id`, `share_code`, `task_ref`, `ad_ref` and `claimant` say who led the shopper there.
    """

    order_ref: str
    currency: str
    status: str = ""
    state: State | None = None
    parent_ref: str = ""
    item_id: str = ""
    title: str = ""
    quantity: int = 1
    paid_minor: int = 0
    estimated_gross_minor: int = 0
    estimated_fees_minor: int = 0
    settled_base_minor: int | None = None
    settled_gross_minor: int | None = None
    alliance_fee_minor: int = 0
    media_fee_minor: int = 0
    paid_at: datetime | None = None
    received_at: datetime | None = None
    settled_at: datetime | None = None
    closed_at: datetime | None = None
    sub_id: str = ""
    share_code: str = ""
    task_ref: str = ""
    ad_ref: str = ""
    claimant: str = ""
    refund: Refund | None = None

    def settled_minor(self) -> int | None:
        """What reaches us, after the alliance's fees; None before it is settled."""
        if self.settled_gross_minor is None:
            return None
        return self.settled_gross_minor - self.alliance_fee_minor - self.media_fee_minor


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an order at a source; amounts in minor units of `currency`."""

    id: UUID
    source: str
    order_ref: str
    currency: str
    state: State
    status: str
    parent_ref: str
    item_id: str
    title: str
    quantity: int
    paid_minor: int
    estimated_gross_minor: int
    estimated_minor: int
    settled_base_minor: int | None = None
    settled_gross_minor: int | None = None
    alliance_fee_minor: int | None = None
    media_fee_minor: int | None = None
    settled_minor: int | None = None
    refunded_minor: int = 0
    paid_at: datetime
    received_at: datetime | None = None
    settled_at: datetime | None = None
    closed_at: datetime | None = None


class Advanced(msgspec.Struct, frozen=True, kw_only=True):
    """An order after a row. `clawback_minor`: what this row takes back of what was settled."""

    order: Order | None
    outcome: Outcome
    field: str = ""
    reason: str = ""
    value: str = ""
    clawback_minor: int = 0


# an order's life ------------------------------------------------------------------------------


def advance(
    order: Order | None,
    row: Reported,
    *,
    order_id: UUID,
    source: str,
    known_refunds: Collection[str] = (),
) -> Advanced:
    """The order after what a row says of it; `order_id` is given to one that is new.

    Never back: an older state is stale, another settled amount is parked.
    """
    if row.state is None:
        if order is None:
            return _parked(None, "order_ref", "unknown_order", row.order_ref)
        return _with_refund(order, row, known_refunds)
    if order is not None and order.currency != row.currency:
        return _parked(order, "currency", "other_currency", row.currency)
    moved = _started(row, order_id, source) if order is None else _moved(order, row)
    if order is None and moved.outcome is Outcome.PARKED:
        return msgspec.structs.replace(moved, order=None)  # what cannot be taken begins no order
    if moved.outcome is not Outcome.APPLIED or row.refund is None or moved.order is None:
        return moved
    return _with_refund(moved.order, row, known_refunds)


def _parked(order: Order | None, field: str, reason: str, value: object = "") -> Advanced:
    return Advanced(
        order=order, outcome=Outcome.PARKED, field=field, reason=reason, value=str(value)
    )


def _started(row: Reported, order_id: UUID, source: str) -> Advanced:
    if row.state is None or row.paid_at is None:
        return _parked(None, "paid_at", "missing")
    made = Order(
        id=order_id,
        source=source,
        order_ref=row.order_ref,
        currency=row.currency,
        state=State.PAID,
        status=row.status,
        parent_ref=row.parent_ref,
        item_id=row.item_id,
        title=row.title,
        quantity=row.quantity,
        paid_minor=row.paid_minor,
        estimated_gross_minor=row.estimated_gross_minor,
        estimated_minor=max(0, row.estimated_gross_minor - row.estimated_fees_minor),
        paid_at=row.paid_at,
    )
    return _moved(made, row)


def _moved(order: Order, row: Reported) -> Advanced:
    state = row.state
    if state is None or state is order.state:
        return _told_again(order, row)
    if state not in MOVES[order.state]:
        if state is State.SETTLED:
            return _parked(order, "status", "settled_after_closed", row.status)
        if state is State.CLOSED:
            return _parked(order, "status", "closed_after_settled", row.status)
        return Advanced(order=order, outcome=Outcome.STALE, reason="older_state")
    if state is State.SETTLED:
        return _settled(order, row)
    change = {"state": state, "status": row.status, **_estimates(row)}
    if state is State.RECEIVED:
        change["received_at"] = row.received_at
    else:
        change["closed_at"] = row.closed_at
    return Advanced(order=msgspec.structs.replace(order, **change), outcome=Outcome.APPLIED)


def _told_again(order: Order, row: Reported) -> Advanced:
    """The same state once more: estimates may be better known, a settled amount is final."""
    if order.state is State.SETTLED:
        if row.settled_minor() != order.settled_minor:
            return _parked(order, "settled_gross", "settled_amount_changed", row.settled_minor())
        return Advanced(order=order, outcome=Outcome.APPLIED)
    if order.state is State.CLOSED:
        return Advanced(order=order, outcome=Outcome.APPLIED)
    changed = msgspec.structs.replace(order, status=row.status, **_estimates(row))
    return Advanced(order=changed, outcome=Outcome.APPLIED)


def _estimates(row: Reported) -> dict[str, object]:
    """A row without an estimate (of a closed order, say) leaves what is known."""
    if not row.estimated_gross_minor:
        return {}
    return {
        "paid_minor": row.paid_minor,
        "estimated_gross_minor": row.estimated_gross_minor,
        "estimated_minor": max(0, row.estimated_gross_minor - row.estimated_fees_minor),
    }


def _settled(order: Order, row: Reported) -> Advanced:
    net = row.settled_minor()
    if net is None:
        return _parked(order, "settled_gross", "missing")
    if net < 0:
        return _parked(order, "alliance_fee", "fees_above_commission", row.alliance_fee_minor)
    done = msgspec.structs.replace(
        order,
        state=State.SETTLED,
        status=row.status,
        settled_base_minor=row.settled_base_minor,
        settled_gross_minor=row.settled_gross_minor,
        alliance_fee_minor=row.alliance_fee_minor,
        media_fee_minor=row.media_fee_minor,
        settled_minor=net,
        settled_at=row.settled_at,
    )
    return Advanced(order=done, outcome=Outcome.APPLIED)


def _with_refund(order: Order, row: Reported, known_refunds: Collection[str]) -> Advanced:
    refund = row.refund
    if refund is None or refund.kind is RefundKind.NOTED:
        return Advanced(order=order, outcome=Outcome.APPLIED)
    if order.settled_minor is None:
        return _parked(order, "refund_case", "not_settled_yet", refund.case)
    if not refund.is_total and refund.ref in known_refunds:
        return Advanced(order=order, outcome=Outcome.STALE, reason="refund_known")
    total = _refunded_so_far(order, refund)
    if total is None:
        return _parked(order, "refund_commission", "missing")
    if total > order.settled_minor:
        return _parked(order, "refund_commission", "refund_above_settled", total)
    taken = total - order.refunded_minor
    if taken < 0:
        return Advanced(order=order, outcome=Outcome.STALE, reason="older_refund")
    changed = msgspec.structs.replace(order, refunded_minor=total)
    return Advanced(order=changed, outcome=Outcome.APPLIED, clawback_minor=taken)


def _refunded_so_far(order: Order, refund: Refund) -> int | None:
    """All that has been taken back, this refund included, of what reaches us."""
    if refund.commission_minor is not None:
        before = 0 if refund.is_total else order.refunded_minor
        return before + refund.commission_minor
    base, whole = refund.base_minor, order.settled_base_minor
    if base is None or not refund.is_total or not whole or order.settled_minor is None:
        return None
    if base > whole:
        return order.settled_minor + 1  # more than there was
    return pro_rata(order.settled_minor, taken=base, whole=whole)
