"""Opens and moves cases, many at once: state and kind are checked by the statement that writes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.queries import Case, case_from, cases_from
from dougong.aftersales.rules import (
    ENDED,
    WAITING_FOR,
    CaseClosed,
    CaseGone,
    CaseKind,
    CaseState,
    CaseTooMuch,
    Side,
    UnitInCase,
    check_move,
)
from dougong.base.errors import KeyReused
from dougong.base.ids import OrderId, PersonId, StoreId
from dougong.infra.db import constraint_of


class LineDraft(msgspec.Struct, frozen=True):
    """Units of one order line in a case, and what of its money is asked for.

    `bought`, `shipped` and `paid_minor` are the line's own, read with the order locked.
    """

    line_no: int
    sku_id: UUID | None
    category: str
    quantity: int
    amount_minor: int
    bought: int
    shipped: int
    paid_minor: int


class CaseDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A case as it is opened. `rule_id`: the store's row that decides who answers; `facts`: what
    was known of the case then, and what became of each row."""

    store_id: StoreId
    id: UUID
    number: str
    order_id: OrderId
    buyer_id: PersonId
    kind: CaseKind
    reason: str
    body: str
    currency: str
    asked_minor: int
    was_final: bool
    idempotency_key: str
    request_hash: bytes
    opened_at: datetime
    due_at: datetime
    due_kind: str
    rule_id: UUID | None
    facts: Mapping[str, Any]
    lines: tuple[LineDraft, ...]


async def case_before(
    conn: AsyncConnection, *, store_id: StoreId, buyer_id: PersonId, key: str, request_hash: bytes
) -> Case | None:
    """The case that this key has opened. Raises KeyReused when it was for something else."""
    row = (
        await conn.execute(
            text("""
                SELECT * FROM cases
                WHERE store_id = :store_id AND buyer_id = :buyer_id AND idempotency_key = :key
            """),
            {"store_id": store_id, "buyer_id": buyer_id, "key": key},
        )
    ).one_or_none()
    if row is None:
        return None
    if bytes(row.request_hash) != request_hash:
        raise KeyReused(field="idempotency_key")
    return await case_from(conn, row)


INSERT_CASE = text("""
    INSERT INTO cases (store_id, id, number, order_id, buyer_id, kind, state, waiting_for, reason,
      body, currency, asked_minor, was_final, idempotency_key, request_hash, opened_at, due_at,
      due_kind, rule_id)
    VALUES (:store_id, :id, :number, :order_id, :buyer_id, :kind, 'asked', 'merchant', :reason,
      :body, :currency, :asked_minor, :was_final, :idempotency_key, :request_hash, :opened_at,
      :due_at, :due_kind, :rule_id)
""")
INSERT_LINES = text("""
    WITH units AS (
      INSERT INTO case_units AS u (store_id, order_id, line_no, bought, shipped, paid_minor,
        in_case, asked_minor)
      SELECT :store_id, :order_id, l.line_no, l.bought, l.shipped, l.paid, l.quantity, l.amount
      FROM unnest(CAST(:line_nos AS int[]), CAST(:quantities AS int[]),
        CAST(:amounts AS bigint[]), CAST(:boughts AS int[]), CAST(:shippeds AS int[]),
        CAST(:paids AS bigint[])) AS l (line_no, quantity, amount, bought, shipped, paid)
      ON CONFLICT (store_id, order_id, line_no) DO UPDATE SET shipped = excluded.shipped,
        in_case = u.in_case + excluded.in_case, asked_minor = u.asked_minor + excluded.asked_minor
    )
    INSERT INTO case_lines (store_id, case_id, line_no, sku_id, category, quantity, amount_minor)
    SELECT :store_id, :id, l.line_no, l.sku_id, l.category, l.quantity, l.amount
    FROM unnest(CAST(:line_nos AS int[]), CAST(:skus AS uuid[]), CAST(:categories AS text[]),
      CAST(:quantities AS int[]), CAST(:amounts AS bigint[]))
      AS l (line_no, sku_id, category, quantity, amount)
""")
FIRST_MOVE = text("""
    INSERT INTO case_moves (store_id, case_id, n, from_state, to_state, side, person_id, note,
      facts, at)
    VALUES (:store_id, :id, 1, NULL, 'asked', 'buyer', :buyer_id, :body, CAST(:facts AS jsonb),
      :opened_at)
""")


async def insert_case(conn: AsyncConnection, draft: CaseDraft) -> None:
    """Write a case with its lines; its order is locked.

    Raises UnitInCase when a unit of a line is in an open case, or has come back; CaseTooMuch when
    open cases would ask for more than the line's price.
    """
    head = {name: getattr(draft, name) for name in CaseDraft.__struct_fields__ if name != "lines"}
    head["facts"] = msgspec.json.encode(draft.facts).decode()
    await conn.execute(INSERT_CASE, head)
    values = {
        "store_id": draft.store_id,
        "id": draft.id,
        "order_id": draft.order_id,
        "line_nos": [line.line_no for line in draft.lines],
        "skus": [line.sku_id for line in draft.lines],
        "categories": [line.category for line in draft.lines],
        "quantities": [line.quantity for line in draft.lines],
        "amounts": [line.amount_minor for line in draft.lines],
        "boughts": [line.bought for line in draft.lines],
        "shippeds": [line.shipped for line in draft.lines],
        "paids": [line.paid_minor for line in draft.lines],
    }
    try:
        async with conn.begin_nested():
            await conn.execute(INSERT_LINES, values)
    except IntegrityError as error:
        if constraint_of(error) == "case_units_one_case":
            raise UnitInCase(field="lines") from error
        if constraint_of(error) == "case_units_asked":
            raise CaseTooMuch(field="lines") from error
        raise
    await conn.execute(FIRST_MOVE, head)


async def lock_case(conn: AsyncConnection, *, store_id: StoreId, case_id: UUID) -> Case:
    """Kept for this transaction; its order is locked before it. Raises CaseGone."""
    found = await lock_cases(conn, store_id=store_id, case_ids=[case_id])
    if not found:
        raise CaseGone(field="case_id")
    return found[0]


async def lock_cases(
    conn: AsyncConnection, *, store_id: StoreId, case_ids: Sequence[UUID]
) -> list[Case]:
    """Cases of one store, by id, kept for this transaction."""
    rows = await conn.execute(
        text("""
            SELECT * FROM cases WHERE store_id = :store_id AND id = ANY(CAST(:ids AS uuid[]))
            ORDER BY id FOR UPDATE
        """),
        {"store_id": store_id, "ids": list(case_ids)},
    )
    return await cases_from(conn, rows.all())


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a case. What is None of the values stays as it was."""

    store_id: StoreId
    case_id: UUID
    kind: CaseKind
    from_state: CaseState
    to_state: CaseState
    side: Side
    at: datetime
    person_id: PersonId | None = None
    note: str = ""
    facts: Mapping[str, Any] = {}
    due_at: datetime | None = None
    due_kind: str | None = None
    outcome: str | None = None
    offered_minor: int | None = None
    granted_minor: int | None = None
    bearer: str | None = None
    borne_minor: int | None = None
    released: bool = False
    refund_id: UUID | None = None
    return_address: Mapping[str, Any] | None = None
    return_carrier: str | None = None
    return_tracking_no: str | None = None
    inspection: str | None = None
    came_back: bool = False  # the case ends, and its goods are with the merchant


MOVE = text("""
    WITH m AS (
      SELECT * FROM json_to_recordset(CAST(:moves AS json)) AS m (store_id uuid, case_id uuid,
        from_state text, to_state text, side text, at timestamptz, person_id uuid, note text,
        facts jsonb, due_at timestamptz, due_kind text, outcome text, offered_minor bigint,
        granted_minor bigint, bearer text, borne_minor bigint, released boolean, refund_id uuid,
        return_address jsonb, return_carrier text, return_tracking_no text,
        inspection text, came_back boolean, waiting_for text, is_end boolean)
    ), moved AS (
      UPDATE cases c SET state = m.to_state, waiting_for = m.waiting_for, due_at = m.due_at,
        due_kind = m.due_kind, outcome = m.outcome,
        offered_minor = coalesce(m.offered_minor, c.offered_minor),
        granted_minor = coalesce(m.granted_minor, c.granted_minor),
        bearer = coalesce(m.bearer, c.bearer), borne_minor = coalesce(m.borne_minor, c.borne_minor),
        released_at = CASE WHEN m.released THEN m.at ELSE c.released_at END,
        refund_id = coalesce(m.refund_id, c.refund_id),
        return_address = coalesce(m.return_address, c.return_address),
        return_carrier = coalesce(m.return_carrier, c.return_carrier),
        return_tracking_no = coalesce(m.return_tracking_no, c.return_tracking_no),
        inspection = coalesce(m.inspection, c.inspection), extension_asked_by = NULL,
        extension_declined_at = NULL, closed_at = CASE WHEN m.is_end THEN m.at END
      FROM m WHERE c.store_id = m.store_id AND c.id = m.case_id AND c.state = m.from_state
      RETURNING c.store_id, c.id, c.order_id, m.is_end, m.came_back
    ), freed AS (
      SELECT d.store_id, d.order_id, l.line_no, sum(l.quantity) AS units,
        sum(l.amount_minor) AS asked, coalesce(sum(l.quantity) FILTER (WHERE d.came_back
          AND l.sku_id IS NOT NULL), 0) AS back
      FROM moved d JOIN case_lines l ON l.store_id = d.store_id AND l.case_id = d.id
      WHERE d.is_end GROUP BY 1, 2, 3
    ), let_go AS (
      UPDATE case_units u SET in_case = u.in_case - f.units, asked_minor = u.asked_minor - f.asked,
        came_back = u.came_back + f.back
      FROM freed f WHERE u.store_id = f.store_id AND u.order_id = f.order_id
        AND u.line_no = f.line_no
    )
    INSERT INTO case_moves (store_id, case_id, n, from_state, to_state, side, person_id, note,
      facts, at)
    SELECT m.store_id, m.case_id, (SELECT max(n) + 1 FROM case_moves b
        WHERE b.store_id = m.store_id AND b.case_id = m.case_id),
      m.from_state, m.to_state, m.side, m.person_id, m.note, m.facts, m.at
    FROM m JOIN moved d ON d.store_id = m.store_id AND d.id = m.case_id
""")


async def move_cases(conn: AsyncConnection, moves: Sequence[Move]) -> None:
    """Take cases one step on, all by one statement.

    Raises CaseClosed; and CaseTooMuch when more would have come back than were shipped.
    """
    if not moves:
        return
    rows = []
    for move in moves:
        check_move(move.kind, move.from_state, move.to_state, move.side)
        row = msgspec.to_builtins(move) | {"waiting_for": WAITING_FOR[move.to_state]}
        rows.append(row | {"is_end": move.to_state in ENDED})
    try:
        async with conn.begin_nested():
            done = await conn.execute(MOVE, {"moves": msgspec.json.encode(rows).decode()})
    except IntegrityError as error:
        if constraint_of(error) == "case_units_came_back":
            raise CaseTooMuch(field="lines") from error
        raise
    if done.rowcount != len(rows):
        raise CaseClosed(field="case_id")


async def note_held(conn: AsyncConnection, case: CaseDraft, holds: Sequence["Hold"]) -> None:
    """Write what was frozen for a case."""
    await conn.execute(
        text("""
            WITH held AS (
              UPDATE cases SET held_at = :at WHERE store_id = :store_id AND id = :id
            )
            INSERT INTO case_holds (store_id, case_id, line_no, purpose, owner_id, amount_minor)
            SELECT :store_id, :id, line_no, purpose, owner_id, amount
            FROM unnest(CAST(:lines AS int[]), CAST(:purposes AS text[]), CAST(:owners AS uuid[]),
              CAST(:amounts AS bigint[])) AS h (line_no, purpose, owner_id, amount)
        """),
        {
            "store_id": case.store_id,
            "id": case.id,
            "at": case.opened_at,
            "lines": [hold.line_no for hold in holds],
            "purposes": [hold.purpose for hold in holds],
            "owners": [hold.owner_id for hold in holds],
            "amounts": [hold.amount_minor for hold in holds],
        },
    )


class Hold(msgspec.Struct, frozen=True):
    """What was frozen of one account for one line."""

    line_no: int
    purpose: str
    owner_id: UUID
    amount_minor: int


async def holds_of(
    conn: AsyncConnection, *, store_id: StoreId, case_ids: Sequence[UUID]
) -> dict[UUID, list[Hold]]:
    """What is frozen for cases, and not given back yet."""
    rows = await conn.execute(
        text("""
            SELECT h.case_id, h.line_no, h.purpose, h.owner_id, h.amount_minor
            FROM case_holds h JOIN cases c ON c.store_id = h.store_id AND c.id = h.case_id
            WHERE h.store_id = :store_id AND h.case_id = ANY(CAST(:ids AS uuid[]))
              AND c.released_at IS NULL ORDER BY 1, 2, 3, 4
        """),
        {"store_id": store_id, "ids": list(case_ids)},
    )
    found: dict[UUID, list[Hold]] = {}
    for row in rows:
        hold = Hold(row.line_no, row.purpose, row.owner_id, row.amount_minor)
        found.setdefault(row.case_id, []).append(hold)
    return found


async def set_due(
    conn: AsyncConnection,
    *,
    case: Case,
    due_at: datetime,
    extended: int,
    asked_by: str | None = None,
    declined_at: datetime | None = None,
) -> None:
    """A deadline of a case moves, one side asks for that, or the other declines. Raises
    CaseClosed."""
    done = await conn.execute(
        text("""
            UPDATE cases SET due_at = :due_at, extended = :extended, extension_asked_by = :asked_by,
              extension_declined_at = :declined_at
            WHERE store_id = :store_id AND id = :id AND state = :state
        """),
        {
            "store_id": case.store_id,
            "id": case.id,
            "state": case.state,
            "due_at": due_at,
            "extended": extended,
            "asked_by": asked_by,
            "declined_at": declined_at,
        },
    )
    if done.rowcount != 1:
        raise CaseClosed(field="case_id")
