"""Explains a task: what was held for it, what the work has earned, who got how much of it by which
rule, and what went home; beside what was booked. What the two do not explain is always zero."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PLATFORM_BOOK
from dougong.base.money import decimal_text, part_of
from dougong.ledger.rules import PLATFORM, Purpose
from dougong.reads.explain_facts import moves_of, rules_used
from dougong.reads.explain_tree import Flows, Moved, Node, RuleUsed, total, with_residual
from dougong.tasks.work_rules import Reached, Shares, work_shares

HELD, FUNDS = Purpose.TASK_ESCROW, Purpose.ADVERTISER_FUNDS

TASK = text("""
    SELECT w.*, w.currency::text AS money, a.service_fee_rule_id, b.title_zh, b.title_en
    FROM task_works w JOIN task_agreements a ON a.id = w.task_id
    JOIN task_briefs b ON b.id = w.brief_id
    WHERE w.task_id = :task_id
""")

# Why the work has earned this part of its price.
SHARE_WHY = {
    "accepted": ("品牌验收", "Accepted by the brand"),
    "by_deadline": ("按平台记录到期判定", "By what is on record, when the time to answer was over"),
    "part": ("按部分验收", "A part was offered and taken"),
    "ruled": ("运营裁定", "Ruled by the operator"),
    "cancelled": ("按取消条款", "By the terms of cancelling"),
    "reached": (
        "按取消条款，到取消时已达成的效果",
        "By the terms of cancelling, of what was reached until then",
    ),
    "lapsed": ("逾期未交付", "Not delivered in time"),
    "expected": ("全部完成时", "When it is done whole"),
}
CONTRACT = ("机构合约", "Contract with the agency")


class TaskParties(msgspec.Struct, frozen=True):
    brand_id: UUID
    creator_ids: frozenset[UUID]  # the creator, and its agency


async def task_parties(conn: AsyncConnection, *, task_id: UUID) -> TaskParties | None:
    """Who may ask about a task; None where there is none."""
    row = (await conn.execute(TASK, {"task_id": task_id})).one_or_none()
    if row is None:
        return None
    return TaskParties(row.brand_id, frozenset({row.creator_id, row.agency_id} - {None}))


async def explain_task(conn: AsyncConnection, *, task_id: UUID) -> Node:
    """The tree of one task. Raises NotFound."""
    row = (await conn.execute(TASK, {"task_id": task_id})).one_or_none()
    if row is None:
        raise NotFound
    rules = await rules_used(conn, {row.service_fee_rule_id})
    moves = await moves_of(conn, store_id=PLATFORM_BOOK, order_id=task_id)
    return TaskTree(row, rules, moves).node()


def for_brand(tree: Node) -> Node:
    """What a brand may see: all but how the creator's side shares its part."""
    children = [for_brand(child) for child in tree.children]
    if tree.label == "task_net":
        transfers = [move for child in tree.children for move in child.transfers]
        return msgspec.structs.replace(tree, children=[], transfers=transfers)
    return msgspec.structs.replace(tree, children=children)


class TaskTree:
    """Builds the tree from what is frozen, and takes each booking to the part it is of."""

    def __init__(self, row: Any, rules: Mapping[UUID, RuleUsed], moves: Sequence[Moved]) -> None:
        self.row, self.rules, self.flows = row, rules, Flows(moves)
        self.is_ended = row.closed_at is not None
        self.basis: int = row.basis_minor if self.is_ended else row.funded_minor
        self.share_bp: int = row.share_bp if self.is_ended else 10_000
        self.shares: Shares = work_shares(
            funded_minor=row.funded_minor,
            basis_minor=self.basis,
            share_bp=self.share_bp,
            fee_bp=row.service_fee_bp,
            agency_bp=row.agency_bp,
            reached=self._reached(),
        )

    def _reached(self) -> Reached | None:
        """What a cancelled task by result had come to."""
        row = self.row
        if row.reached_minor is None:
            return None
        return Reached(row.reached_minor, row.reached_bp, row.measured)

    def node(self) -> Node:
        row = self.row
        made = self._node("task", row.funded_minor, is_done=True)
        made.name_zh, made.name_en = row.title_zh, row.title_en or row.title_zh
        made.sources = [
            self._booked("task_funds", row.funded_minor, FUNDS, HELD, row.brand_id, is_done=True)
        ]
        earned = self._earned()
        if self.is_ended:
            back = self._booked(
                "task_back", self.shares.back, HELD, FUNDS, row.brand_id, is_done=True
            )
            made.children = [one for one in (back, earned) if one.amount_minor or one.rule]
        else:
            held = self._node("task_held", row.funded_minor, is_done=True)
            held.children = [earned] if row.funded_minor else []
            made.children = [held]
        return with_residual(made, unexplained=self.flows.left_minor())

    def _earned(self) -> Node:
        row, shares = self.row, self.shares
        made = self._node("task_earned", shares.earned, is_done=self.is_ended)
        made.rule = RuleUsed(None, self.share_bp, *SHARE_WHY[self._why()])
        made.base_minor, made.rounding = self.basis, "floor"
        if (reached := self._reached()) is not None:
            made.rule = made.base_minor = made.rounding = None
            made.sources = self._left(reached)
        fee = self._share("service_fee", shares.fee, Purpose.PLATFORM_SERVICE_FEE, PLATFORM)
        used = self.rules.get(row.service_fee_rule_id)
        frozen = RuleUsed(row.service_fee_rule_id, row.service_fee_bp)
        rate_bp = row.service_fee_bp
        fee.rule = msgspec.structs.replace(used, rate_bp=rate_bp) if used else frozen
        fee.base_minor, fee.rounding = shares.earned, "floor"
        net = self._node("task_net", shares.earned - shares.fee, is_done=self.is_ended)
        net.children = self._net()
        made.children = [fee, net] if shares.earned else []
        return made

    def _left(self, reached: Reached) -> list[Node]:
        """Of a cancelled task by result: a share of the fixed part, and one of what was reached."""
        parts = (
            ("task_fixed", self.basis, self.share_bp, SHARE_WHY["cancelled"]),
            ("task_reached", reached.minor, reached.share_bp, SHARE_WHY["reached"]),
        )
        found = []
        for label, base_minor, share_bp, why in parts:
            one = self._node(label, part_of(base_minor, share_bp), is_done=True)
            one.rule, one.base_minor = RuleUsed(None, share_bp, *why), base_minor
            one.rounding = "floor"
            found.append(one)
        found[1].name_zh, found[1].name_en = self._measured(reached.measured)
        return found

    def _measured(self, measured: int) -> tuple[str, str]:
        """How much was reached, in words."""
        row = self.row
        match row.terms.get("measure") or "views":
            case "orders":
                return f"{measured:,} 单", f"{measured:,} orders"
            case "sales":
                amount = f"{decimal_text(measured, row.money)} {row.money}"
                return f"销售额 {amount}", f"sales of {amount}"
        return f"{measured:,} 人观看", f"{measured:,} viewers"

    def _net(self) -> list[Node]:
        row, shares = self.row, self.shares
        found = []
        if row.agency_id is not None:
            agency = self._share("agency", shares.agency, Purpose.AGENCY_PAYABLE, row.agency_id)
            agency.rule = RuleUsed(None, row.agency_bp, *CONTRACT)
            agency.base_minor, agency.rounding = shares.earned - shares.fee, "floor"
            found.append(agency)
        pay = self._share("task_pay", shares.creator, Purpose.CREATOR_PAYABLE, row.creator_id)
        return [*found, pay]

    def _why(self) -> str:
        if not self.is_ended:
            return "expected"
        if self.row.state == "part_accepted":
            return "part"
        by_time = self.row.state == "accepted" and self.row.why == "by_deadline"
        return "by_deadline" if by_time else str(self.row.state)

    def _node(self, label: str, amount_minor: int, *, is_done: bool) -> Node:
        status = "booked" if is_done else "expected"
        return Node(label=label, amount_minor=amount_minor, currency=self.row.money, status=status)

    def _share(self, label: str, want: int, purpose: Purpose, owner: UUID) -> Node:
        return self._booked(label, want, HELD, purpose, owner, is_done=self.is_ended)

    def _booked(
        self,
        label: str,
        want: int,
        src: Purpose,
        dst: Purpose,
        owner: UUID,
        *,
        is_done: bool,
    ) -> Node:
        made = self._node(label, want, is_done=is_done)
        made.owner_id = owner
        made.transfers = self.flows.take(src, dst, owner)
        made.residual_minor = abs((want if is_done else 0) - total(made.transfers))
        return made
