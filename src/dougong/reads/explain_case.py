"""Explains the cases of an order: what is asked, what became of it, what is frozen and borne.

As in `explain_tree.py`, from what is kept on the case (what should have moved) and from the books.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.reads.explain_tree import Moved, Node, with_residual

CASES = text("""
    SELECT c.id, c.number, c.currency::text AS currency, c.asked_minor, c.granted_minor,
      c.closed_at, c.borne_minor, c.bearer,
      coalesce((SELECT sum(h.amount_minor) FROM case_holds h
        WHERE h.store_id = c.store_id AND h.case_id = c.id AND c.released_at IS NULL), 0)::bigint
        AS held_minor,
      coalesce((SELECT r.amount_minor FROM refunds r
        WHERE r.store_id = c.store_id AND r.id = c.refund_id), 0) AS refunded_minor,
      coalesce((SELECT i.amount_minor FROM insurance_claims i
        WHERE i.store_id = c.store_id AND i.case_id = c.id), 0) AS claimed_minor,
      l.cost_minor, l.back_minor
    FROM cases c CROSS JOIN LATERAL (
      SELECT coalesce(sum(cost_minor), 0)::bigint AS cost_minor,
        coalesce(sum(back_minor), 0)::bigint AS back_minor
      FROM resend_lines r WHERE r.store_id = c.store_id AND r.case_id = c.id
    ) l
    WHERE c.store_id = :store_id AND c.order_id = :order_id ORDER BY c.opened_at, c.id
""")
MOVES = text("""
    SELECT split_part(e.key, ':', 2)::uuid AS case_id, t.entry_id, t.n, e.kind, e.counts_at,
      t.line_no, t.part, src.purpose AS src_purpose, src.owner_id AS src_owner_id,
      dst.purpose AS dst_purpose, dst.owner_id AS dst_owner_id, t.amount_minor
    FROM ledger_entries e
    JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
    JOIN ledger_accounts src ON src.store_id = t.store_id AND src.id = t.src
    JOIN ledger_accounts dst ON dst.store_id = t.store_id AND dst.id = t.dst
    WHERE e.store_id = :store_id AND e.order_id = :order_id AND e.kind LIKE 'case%'
      AND e.kind <> 'case_premium'
    ORDER BY e.counts_at, e.id, t.n
""")


POLICY = text("""
    SELECT i.premium_minor, i.currency::text AS currency, i.charged_at,
      p.name_zh || ' v' || p.version AS name_zh, p.name_en || ' v' || p.version AS name_en
    FROM insurance_policies i JOIN insurance_products p ON p.id = i.product_id
    WHERE i.store_id = :store_id AND i.order_id = :order_id
""")
PREMIUMS = text("""
    SELECT t.entry_id, t.n, e.kind, e.counts_at, t.line_no, t.part,
      src.purpose AS src_purpose, src.owner_id AS src_owner_id,
      dst.purpose AS dst_purpose, dst.owner_id AS dst_owner_id, t.amount_minor
    FROM ledger_entries e
    JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
    JOIN ledger_accounts src ON src.store_id = t.store_id AND src.id = t.src
    JOIN ledger_accounts dst ON dst.store_id = t.store_id AND dst.id = t.dst
    WHERE e.store_id = :store_id AND e.order_id = :order_id AND e.kind = 'case_premium'
    ORDER BY e.counts_at, e.id, t.n
""")


async def explain_cases(conn: AsyncConnection, *, store_id: UUID, order_id: UUID) -> list[Node]:
    """One tree for each case of an order: the amount asked for, and what became of it."""
    where = {"store_id": store_id, "order_id": order_id}
    cases = (await conn.execute(CASES, where)).all()
    if not cases:
        return []
    moves: dict[UUID, list[Moved]] = {}
    for row in (await conn.execute(MOVES, where)).mappings():
        move = Moved(**{name: row[name] for name in Moved.__struct_fields__})
        moves.setdefault(row["case_id"], []).append(move)
    return [_case(row, moves.pop(row.id, [])) for row in cases]


def _case(row: Any, moves: list[Moved]) -> Node:
    is_open = row.closed_at is None
    granted = row.granted_minor or 0
    parts = {
        "case_waiting": row.asked_minor if is_open else 0,
        "case_refunded": granted,
        "case_not_granted": 0 if is_open else row.asked_minor - granted,
    }
    held = _net(moves, "case_hold")
    borne = sum(m.amount_minor for m in moves if m.kind == "case_borne" and _is_merchant(m))
    borne -= sum(m.amount_minor for m in moves if m.kind == "case_borne" and not _is_merchant(m))
    wrong = abs(row.held_minor - held) + abs(row.borne_minor - abs(borne))
    wrong += abs(granted - row.refunded_minor)
    sent = _cost_of_sending(row, moves)
    made = Node(
        label="case",
        amount_minor=row.asked_minor,
        currency=row.currency,
        status="expected" if is_open else "booked",
        residual_minor=wrong,
        name_zh=row.number,
        name_en=row.number,
        transfers=[m for m in moves if m.kind not in ("case_resent", "case_claim")],
        cases=[one for one in (sent, _claim(row, moves)) if one],
        children=[
            Node(label=label, amount_minor=minor, currency=row.currency)
            for label, minor in parts.items()
            if minor
        ],
    )
    return with_residual(made)


async def explain_premium(conn: AsyncConnection, *, store_id: UUID, order_id: UUID) -> list[Node]:
    """What the merchant paid, or will when a parcel leaves, for insuring the way back."""
    where = {"store_id": store_id, "order_id": order_id}
    row = (await conn.execute(POLICY, where)).one_or_none()
    found = (await conn.execute(PREMIUMS, where)).mappings().all()
    moves = [Moved(**{name: one[name] for name in Moved.__struct_fields__}) for one in found]
    if row is None and not moves:
        return []
    booked = sum(m.amount_minor for m in moves)
    return [
        Node(
            label="insurance_premium",
            amount_minor=row.premium_minor if row else 0,
            currency=row.currency if row else "",
            status="booked" if row and row.charged_at else "expected",
            residual_minor=abs((row.premium_minor if row and row.charged_at else 0) - booked),
            name_zh=row.name_zh if row else "",
            name_en=row.name_en if row else "",
            transfers=moves,
        )
    ]


def _claim(row: Any, moves: list[Moved]) -> Node | None:
    """What the order's freight insurance pays the buyer for the way back."""
    booked = [m for m in moves if m.kind == "case_claim"]
    if not (booked or row.claimed_minor):
        return None
    paid = sum(m.amount_minor for m in booked)
    return Node(
        label="insurance_claim",
        amount_minor=row.claimed_minor,
        currency=row.currency,
        residual_minor=abs(row.claimed_minor - paid),
        transfers=booked,
    )


def _cost_of_sending(row: Any, moves: list[Moved]) -> Node | None:
    """What going out again cost the store: the goods that left, less those that came back."""
    booked = [m for m in moves if m.kind == "case_resent"]
    if not (booked or row.cost_minor or row.back_minor):
        return None
    out = sum(m.amount_minor for m in booked if m.src_purpose == "resend_cost")
    back = sum(m.amount_minor for m in booked if m.dst_purpose == "resend_cost")
    parts = {"resend_goods": row.cost_minor, "resend_back": -row.back_minor}
    return Node(
        label="resend_cost",
        amount_minor=row.cost_minor - row.back_minor,
        currency=row.currency,
        residual_minor=abs(row.cost_minor - out) + abs(row.back_minor - back),
        transfers=booked,
        children=[
            Node(label=label, amount_minor=minor, currency=row.currency)
            for label, minor in parts.items()
            if minor
        ],
    )


def _is_merchant(move: Moved) -> bool:
    return move.dst_purpose == "merchant_payable"


def _net(moves: list[Moved], purpose: str) -> int:
    into = sum(m.amount_minor for m in moves if m.dst_purpose == purpose)
    return into - sum(m.amount_minor for m in moves if m.src_purpose == purpose)
