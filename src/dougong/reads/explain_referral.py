"""Explains an order at another platform: what its source pays, what the alliance keeps, who gets
the rest, by which rules; beside what was booked. What the two do not explain is always zero.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PLATFORM_BOOK
from dougong.ledger.rules import PLATFORM, Purpose
from dougong.reads.explain_facts import moves_of, rules_used
from dougong.reads.explain_tree import Flows, Moved, Node, RuleUsed, total, with_residual
from dougong.referrals.rules import Rates, Shares, referral_shares

OWED = Purpose.PARTNER_RECEIVABLE

ORDER = text("""
    SELECT o.*, o.currency::text AS money, r.creator_id, r.service_fee_bp, r.service_fee_rule_id,
      r.commission_cut_bp, r.commission_cut_rule_id
    FROM referral_orders o LEFT JOIN referral_rulings r ON r.id = o.ruling_id
    WHERE o.id = :order_id
""")


async def referral_creators(conn: AsyncConnection, *, order_id: UUID) -> frozenset[UUID]:
    """Whose order it is, by the ruling that holds. Raises NotFound."""
    found = await conn.execute(ORDER, {"order_id": order_id})
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return frozenset({row.creator_id} - {None})


async def explain_referral(conn: AsyncConnection, *, order_id: UUID) -> Node:
    """The tree of one order at another platform. Raises NotFound."""
    row = (await conn.execute(ORDER, {"order_id": order_id})).one_or_none()
    if row is None:
        raise NotFound
    rules = await rules_used(conn, {row.service_fee_rule_id, row.commission_cut_rule_id})
    moves = await moves_of(conn, store_id=PLATFORM_BOOK, order_id=order_id)
    return ReferralTree(row, rules, moves).node()


class ReferralTree:
    """Builds the tree from the frozen facts, and takes each booking to the part it is of."""

    def __init__(self, row: Any, rules: Mapping[UUID, RuleUsed], moves: Sequence[Moved]) -> None:
        self.row, self.rules = row, rules
        self.flows = Flows(moves)
        self.is_settled = row.settled_minor is not None
        self.is_booked = row.booked_at is not None
        self.gross = row.settled_gross_minor if self.is_settled else row.estimated_gross_minor
        self.net = row.settled_minor if self.is_settled else row.estimated_minor
        self.shares = self._shares(row)

    def _shares(self, row: Any) -> Shares | None:
        if row.ruling_id is None:
            return None
        rates = Rates(row.service_fee_bp, row.commission_cut_bp)
        return referral_shares(self.net, rates, refunded_minor=row.refunded_minor)

    def node(self) -> Node:
        made = self._node("referral_order", self.gross, status=self._status())
        made.name_zh = made.name_en = self.row.order_ref
        made.sources = [self._node("source_pays", self.gross, status=self._status())]
        made.children = [n for n in (*self._alliance(), self._received()) if self._is_shown(n)]
        return with_residual(made, unexplained=self._leftover())

    def _status(self) -> str:
        return "booked" if self.is_booked else "expected"

    def _is_shown(self, node: Node) -> bool:
        return bool(node.amount_minor or node.residual_minor or node.children)

    def _node(self, label: str, amount_minor: int, *, status: str) -> Node:
        return Node(label=label, amount_minor=amount_minor, currency=self.row.money, status=status)

    def _alliance(self) -> list[Node]:
        """What the alliance keeps: facts of the report, that no book of ours ever sees."""
        if not self.is_settled:
            kept = self.gross - self.net
            return [self._node("alliance_fee", kept, status="reported")]
        return [
            self._node("alliance_fee", self.row.alliance_fee_minor, status="reported"),
            self._node("media_fee", self.row.media_fee_minor, status="reported"),
        ]

    def _received(self) -> Node:
        made = self._node("reaches_us", self.net, status=self._status())
        if self.shares is None:
            waits = self._node("nobody_yet", self.net, status="expected")
            made.children = [waits] if self.net else []
            return made
        parts = [self._refunded(), self._service_fee(self.shares), self._cut(self.shares)]
        if self.row.creator_id is not None:
            parts.append(self._creator(self.shares, self.row.creator_id))
        made.children = [n for n in parts if self._is_shown(n) or n.rule]
        return made

    def _refunded(self) -> Node:
        return self._node("taken_back", self.row.refunded_minor, status=self._status())

    def _share(self, label: str, want: int, purpose: Purpose, owner: UUID) -> Node:
        given = self.flows.take(OWED, purpose, owner)
        back = self.flows.take(purpose, OWED, owner)
        made = self._node(label, want, status=self._status())
        made.owner_id = owner
        made.transfers = [*given, *back]
        made.residual_minor = abs((want if self.is_booked else 0) - total(given) + total(back))
        return made

    def _ruled(self, node: Node, rule_id: UUID | None, rate_bp: int, base_minor: int) -> Node:
        """The rule with the rate that was frozen: a task's may differ from the row's of today."""
        if rule_id is None and not rate_bp:
            return node
        used = self.rules.get(rule_id) if rule_id else None
        frozen = RuleUsed(rule_id, rate_bp)
        node.rule = msgspec.structs.replace(used, rate_bp=rate_bp) if used else frozen
        node.base_minor, node.rounding = base_minor, "floor"
        return node

    def _service_fee(self, shares: Shares) -> Node:
        fee = Purpose.PLATFORM_SERVICE_FEE
        node = self._share("service_fee", shares.service_fee, fee, PLATFORM)
        row = self.row
        return self._ruled(node, row.service_fee_rule_id, row.service_fee_bp, shares.received)

    def _cut(self, shares: Shares) -> Node:
        cut = Purpose.PLATFORM_COMMISSION_CUT
        label = "commission_cut" if self.row.creator_id else "kept_by_platform"
        node = self._share(label, shares.commission_cut, cut, PLATFORM)
        row = self.row
        return self._ruled(
            node, row.commission_cut_rule_id, row.commission_cut_bp, shares.after_fee
        )

    def _creator(self, shares: Shares, creator_id: UUID) -> Node:
        return self._share("referral", shares.referral, Purpose.CREATOR_PAYABLE, creator_id)

    def _leftover(self) -> int:
        """Bookings to others: after a dispute, what an earlier ruling gave has come back whole."""
        net: dict[tuple[str, UUID], int] = {}
        for move in self.flows.rest():
            if move.src_purpose == OWED:
                key, sign = (move.dst_purpose, move.dst_owner_id), 1
            else:
                key, sign = (move.src_purpose, move.src_owner_id), -1
            net[key] = net.get(key, 0) + sign * move.amount_minor
        return sum(map(abs, net.values()))
