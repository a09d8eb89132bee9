"""The tree that answers "why?": every amount down to its rule, base, rate, rounding and event.

Built twice at once: from the facts frozen on the line (what should have moved) and from the booked
transfers (what has). `residual_minor` is the difference at each node; it is always zero.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from dougong.ledger.rules import PLATFORM, Purpose
from dougong.orders.rules import LineMoney, Shares, line_shares


class RuleUsed(msgspec.Struct, frozen=True):
    """The row that said so, as it was frozen. Without an id the merchant's own offer did."""

    id: UUID | None
    rate_bp: int
    reason_zh: str = ""
    reason_en: str = ""
    citation: str = ""
    starts: datetime | None = None
    ends: datetime | None = None


class Moved(msgspec.Struct, frozen=True):
    """One booked transfer: who gave, who got, and in which entry."""

    entry_id: UUID
    n: int
    kind: str
    counts_at: datetime
    line_no: int | None
    part: str
    src_purpose: str
    src_owner_id: UUID
    dst_purpose: str
    dst_owner_id: UUID
    amount_minor: int


class Node(msgspec.Struct, kw_only=True):
    """An amount and what it is made of. The children's amounts sum to this amount.

    `label` is a stable code. `status`: `booked`, or `expected` for what will move when the order
    is final. Where there is a rule, the amount is `base_minor` × `rule.rate_bp`, rounded down
    (`floor`). `sources` tell the same amount by where it came from; `cases` what after-sales cases
    ask of an order, beside its parts.
    """

    label: str
    amount_minor: int
    currency: str
    status: str = "booked"
    residual_minor: int = 0
    name_zh: str = ""
    name_en: str = ""
    line_no: int | None = None
    owner_id: UUID | None = None
    order_id: UUID | None = None
    base_minor: int | None = None
    rule: RuleUsed | None = None
    rounding: str | None = None
    transfers: list[Moved] = []
    sources: list["Node"] = []
    children: list["Node"] = []
    cases: list["Node"] = []


class LineFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it was frozen."""

    line_no: int
    kind: str
    title_zh: str
    title_en: str
    money: LineMoney
    refunded_minor: int
    creator_id: UUID | None
    discount_creator_id: UUID | None
    rules: Mapping[str, RuleUsed]


class OrderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it was frozen. `phase`: unpaid, held (in escrow), or final."""

    store_id: UUID
    order_id: UUID
    number: str
    state: str
    phase: str
    currency: str
    merchant_id: UUID
    lines: Sequence[LineFacts]


class Flows:
    """The transfers of one line, asked for by who gave to whom; what nobody asks for is left."""

    def __init__(self, moves: Iterable[Moved]) -> None:
        self._left = list(moves)

    def take(
        self, src: Purpose, dst: Purpose, *owners: UUID | None, part: str | None = None
    ) -> list[Moved]:
        """Transfers from `src` to `dst` (whose owner is one of `owners`, that are of this `part`,
        where given: one owner may fund as a merchant and as a creator)."""
        wanted = [
            m
            for m in self._left
            if (m.src_purpose, m.dst_purpose) == (src.value, dst.value)
            and (not owners or m.src_owner_id in owners or m.dst_owner_id in owners)
            and part in (None, m.part)
        ]
        self._left = [m for m in self._left if m not in wanted]
        return wanted

    def rest(self) -> list[Moved]:
        return list(self._left)

    def left_minor(self) -> int:
        return sum(m.amount_minor for m in self._left)


def total(moves: Iterable[Moved]) -> int:
    return sum(m.amount_minor for m in moves)


class LineTree:
    """Builds the node of one line: its gross price, where that came from, and where it went."""

    def __init__(self, order: OrderFacts, line: LineFacts, moves: Iterable[Moved]) -> None:
        self.order, self.line = order, line
        self.flows = Flows(moves)
        self.is_paid = order.phase != "unpaid"
        self.is_final = order.phase == "final"
        self.whole = line_shares(line.money, refunded_minor=0)
        self.shares: Shares = line_shares(line.money, refunded_minor=line.refunded_minor)

    def node(self) -> Node:
        line = self.line
        sources, returned = self._sources()
        shared = self._shared()
        back = [self._back_to_buyer(), *returned]
        made = Node(
            label="line",
            amount_minor=line.money.gross_minor,
            currency=self.order.currency,
            status=self._status(self.is_paid),
            line_no=line.line_no,
            name_zh=line.title_zh,
            name_en=line.title_en,
            sources=sources,
            children=[n for n in (*back, shared) if n.amount_minor or n.residual_minor],
        )
        return with_residual(made, unexplained=self.flows.left_minor())

    def _status(self, is_done: bool) -> str:
        return "booked" if is_done else "expected"

    def _leaf(
        self,
        label: str,
        want_minor: int,
        moves: list[Moved],
        *,
        minus: Sequence[Moved] = (),
        is_done: bool,
        owner_id: UUID | None = None,
    ) -> Node:
        """What should have moved beside what has: `moves` less `minus`, once it is done."""
        booked = total(moves) - total(minus)
        should = want_minor if is_done else 0
        return Node(
            label=label,
            amount_minor=want_minor,
            currency=self.order.currency,
            status=self._status(is_done),
            residual_minor=abs(should - booked),
            line_no=self.line.line_no,
            owner_id=owner_id,
            transfers=[*moves, *minus],
        )

    def _ruled(self, node: Node, kind: str, base_minor: int) -> Node:
        node.rule = self.line.rules.get(kind)
        node.base_minor = base_minor
        node.rounding = "floor"
        return node

    def _sources(self) -> tuple[list[Node], list[Node]]:
        """Who paid the gross price, and what of the discounts went home with refunds."""
        take, money = self.flows.take, self.line.money
        paid = self._leaf(
            "paid_by_buyer",
            money.paid_minor,
            take(Purpose.GATEWAY_CLEARING, Purpose.ESCROW),
            is_done=self.is_paid,
        )
        sources, returned = [paid], []
        for funder, owner in self._funders():
            given = getattr(self.whole, f"{funder}_discount")
            kept = getattr(self.shares, f"{funder}_discount")
            part = f"{funder}_discount"
            into = take(Purpose.COUPON_COST, Purpose.ESCROW, owner, part=part)
            back = take(Purpose.ESCROW, Purpose.COUPON_COST, owner, part=part)
            source = self._leaf(
                f"{funder}_coupon", given, into, is_done=self.is_paid, owner_id=owner
            )
            if funder == "creator":  # paid from what the creator earns, as the merchant's is
                paid_off = self._coupon_from(Purpose.CREATOR_PAYABLE, owner, kept)
                source.residual_minor += paid_off.residual_minor
                source.transfers += paid_off.transfers
            sources.append(source)
            returned.append(
                self._leaf(
                    f"{funder}_coupon_returned",
                    given - kept,
                    back,
                    is_done=self.is_paid,
                    owner_id=owner,
                )
            )
        return [n for n in sources if n.amount_minor or n.residual_minor], returned

    def _funders(self) -> list[tuple[str, UUID]]:
        creator = self.line.discount_creator_id
        funders = [("merchant", self.order.merchant_id), ("platform", PLATFORM)]
        return [*funders, ("creator", creator)] if creator else funders

    def _back_to_buyer(self) -> Node:
        moves = self.flows.take(Purpose.ESCROW, Purpose.GATEWAY_CLEARING)
        return self._leaf("refunded", self.line.refunded_minor, moves, is_done=self.is_paid)

    def _shared(self) -> Node:
        """What is left after refunds: in escrow, or shared out."""
        children = [self._service_fee(), self._commission(), self._payment_cost(), self._merchant()]
        return Node(
            label="shared_out" if self.is_final else "in_escrow",
            amount_minor=self.shares.whole(),
            currency=self.order.currency,
            status=self._status(self.is_paid),
            line_no=self.line.line_no,
            children=[n for n in children if n.amount_minor or n.residual_minor or n.rule],
        )

    def _share(self, label: str, want: int, purpose: Purpose, owner: UUID) -> Node:
        take = self.flows.take
        given, back = take(Purpose.ESCROW, purpose, owner), take(purpose, Purpose.ESCROW, owner)
        return self._leaf(label, want, given, minus=back, is_done=self.is_final, owner_id=owner)

    def _service_fee(self) -> Node:
        node = self._share(
            "service_fee", self.shares.service_fee, Purpose.PLATFORM_SERVICE_FEE, PLATFORM
        )
        return self._ruled(node, "service_fee", self.shares.fee_base)

    def _payment_cost(self) -> Node:
        node = self._share(
            "payment_cost", self.shares.payment_cost, Purpose.PLATFORM_PAYMENT_COST, PLATFORM
        )
        return self._ruled(node, "payment_cost", self.shares.paid)

    def _commission(self) -> Node:
        creator_id = self.line.creator_id
        cut = self._share(
            "commission_cut",
            self.shares.commission_cut,
            Purpose.PLATFORM_COMMISSION_CUT,
            PLATFORM,
        )
        children = [self._ruled(cut, "commission_cut", self.shares.commission)]
        if creator_id:
            children.append(
                self._share("creator", self.shares.creator, Purpose.CREATOR_PAYABLE, creator_id)
            )
        node = Node(
            label="commission",
            amount_minor=self.shares.commission,
            currency=self.order.currency,
            status=self._status(self.is_final),
            line_no=self.line.line_no,
            owner_id=creator_id,
            children=[n for n in children if creator_id or n.residual_minor],
        )
        return self._ruled(node, "commission", self.shares.fee_base) if creator_id else node

    def _merchant(self) -> Node:
        """The merchant's share: what it keeps, and the coupon it has paid itself."""
        merchant = self.order.merchant_id
        share = self._share("merchant", self.shares.merchant, Purpose.MERCHANT_PAYABLE, merchant)
        own = self._coupon_from(Purpose.MERCHANT_PAYABLE, merchant, self.shares.merchant_discount)
        if not own.amount_minor and not own.residual_minor:
            return share
        net = Node(
            label="merchant_net",
            amount_minor=share.amount_minor - own.amount_minor,
            currency=share.currency,
            status=share.status,
            line_no=share.line_no,
            owner_id=merchant,
        )
        share.children = [net, own]
        return share

    def _coupon_from(self, payable: Purpose, owner: UUID, want: int) -> Node:
        """A coupon is paid by its funder's own share, once the order is final."""
        take = self.flows.take
        out = take(payable, Purpose.COUPON_COST, owner)
        back = take(Purpose.COUPON_COST, payable, owner)
        return self._leaf(
            "coupon_paid", want, out, minus=back, is_done=self.is_final, owner_id=owner
        )


def with_residual(node: Node, *, unexplained: int = 0) -> Node:
    """Sums up what the parts do not explain: here, and in everything below."""
    for child in (*node.children, *node.sources, *node.cases):
        with_residual(child)
    own = node.residual_minor + unexplained + sum(case.residual_minor for case in node.cases)
    for parts in (node.children, node.sources):
        if parts:
            own += abs(node.amount_minor - sum(part.amount_minor for part in parts))
            own += sum(part.residual_minor for part in parts)
    node.residual_minor = own
    return node


def order_tree(order: OrderFacts, moves: Sequence[Moved]) -> Node:
    """The tree of a whole order: its lines, and freight as a line of its own."""
    by_line: dict[int | None, list[Moved]] = {}
    for move in moves:
        by_line.setdefault(move.line_no, []).append(move)
    lines = [LineTree(order, line, by_line.pop(line.line_no, [])).node() for line in order.lines]
    strangers = sum(total(left) for left in by_line.values())
    return Node(
        label="order",
        amount_minor=sum(line.amount_minor for line in lines),
        currency=order.currency,
        status="booked" if order.phase != "unpaid" else "expected",
        residual_minor=strangers + sum(line.residual_minor for line in lines),
        name_zh=order.number,
        name_en=order.number,
        sources=_summed(lines),
        children=lines,
    )


def _summed(lines: Sequence[Node]) -> list[Node]:
    """The lines' sources by kind and funder."""
    found: dict[tuple[str, Any], Node] = {}
    for source in (source for line in lines for source in line.sources):
        key = (source.label, source.owner_id)
        if key not in found:
            found[key] = Node(
                label=source.label,
                amount_minor=0,
                currency=source.currency,
                status=source.status,
                owner_id=source.owner_id,
            )
        found[key].amount_minor += source.amount_minor
        found[key].residual_minor += source.residual_minor
    return list(found.values())
