"""Reads cases for their screens: one case with all that was said, and the queues of each desk."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.rules import CaseGone
from dougong.base.ids import PersonId, StoreId
from dougong.infra.db import like_literal

HEAD = text("""
    SELECT c.*, o.number AS order_number, o.state AS order_state, o.paid_at, o.total_minor,
      s.name_zh AS store_zh, s.name_en AS store_en, p.name AS buyer_name
    FROM cases c
    JOIN orders o ON o.store_id = c.store_id AND o.id = c.order_id
    JOIN stores s ON s.id = c.store_id JOIN people p ON p.id = c.buyer_id
    WHERE c.store_id = :store_id AND c.id = :case_id
""")
LINES = text("""
    SELECT l.line_no, l.quantity, l.amount_minor, o.kind, o.title_zh, o.title_en, o.options,
      o.image_file, o.product_id, o.paid_minor, o.refunded_minor, o.quantity AS bought
    FROM case_lines l JOIN cases c ON c.store_id = l.store_id AND c.id = l.case_id
    JOIN order_lines o ON o.store_id = c.store_id AND o.order_id = c.order_id
      AND o.line_no = l.line_no
    WHERE l.store_id = :store_id AND l.case_id = :case_id ORDER BY l.line_no
""")
MOVES = text("""
    SELECT n, from_state, to_state, side, note, facts, at FROM case_moves
    WHERE store_id = :store_id AND case_id = :case_id ORDER BY n
""")
MESSAGES = text("""
    SELECT m.id, m.side, m.body, m.about, m.due_at, m.at, p.name
    FROM case_messages m JOIN people p ON p.id = m.person_id
    WHERE m.store_id = :store_id AND m.case_id = :case_id ORDER BY m.id
""")
EVIDENCE = text("""
    SELECT id, side, kind, file, name, size_bytes, at FROM case_evidence
    WHERE store_id = :store_id AND case_id = :case_id ORDER BY id
""")
RULINGS = text("""
    SELECT instance, question, outcome, granted_minor, bearer, reason, at FROM case_rulings
    WHERE store_id = :store_id AND case_id = :case_id ORDER BY instance
""")
SENT = text("""
    SELECT line_no, quantity, carrier, tracking_no, at FROM resend_lines
    WHERE store_id = :store_id AND case_id = :case_id ORDER BY line_no
""")


class CaseStory(msgspec.Struct, frozen=True):
    """A case as a page shows it: rows of each kind, in their order."""

    head: Any
    lines: Sequence[Any]
    moves: Sequence[Any]
    messages: Sequence[Any]
    evidence: Sequence[Any]
    rulings: Sequence[Any]
    sent: Sequence[Any]


async def case_story(
    conn: AsyncConnection, *, store_id: StoreId, case_id: UUID, buyer_id: PersonId | None = None
) -> CaseStory:
    """Raises CaseGone, also for a case of another buyer where one is named."""
    where = {"store_id": store_id, "case_id": case_id}
    head = (await conn.execute(HEAD, where)).one_or_none()
    if head is None or buyer_id not in (None, head.buyer_id):
        raise CaseGone(field="case_id")
    parts = [
        (await conn.execute(asked, where)).all()
        for asked in (LINES, MOVES, MESSAGES, EVIDENCE, RULINGS, SENT)
    ]
    return CaseStory(head, *parts)


QUEUE = text("""
    SELECT c.store_id, c.id, c.number, c.kind, c.state, c.waiting_for, c.reason, c.currency::text,
      c.asked_minor, c.granted_minor, c.opened_at, c.due_at, c.due_kind, c.closed_at, c.order_id,
      c.extension_asked_by, o.number AS order_number, p.name AS buyer_name,
      s.name_zh AS store_zh, s.name_en AS store_en,
      (SELECT b.score FROM buyer_scores b WHERE b.person_id = c.buyer_id) AS buyer_score
    FROM cases c
    JOIN orders o ON o.store_id = c.store_id AND o.id = c.order_id
    JOIN people p ON p.id = c.buyer_id JOIN stores s ON s.id = c.store_id
    WHERE c.store_id = :store_id AND c.closed_at IS NULL
      AND (CAST(:waiting AS text) = '' OR c.waiting_for = :waiting)
      AND (CAST(:state AS text) = '' OR c.state = :state)
      AND (NOT CAST(:asks AS boolean) OR c.extension_asked_by = 'buyer')
      AND (CAST(:words AS text) = '' OR c.number LIKE :words || '%' OR o.number LIKE :words || '%')
      AND (CAST(:due AS timestamptz) IS NULL OR (c.due_at, c.id) > (:due, :id))
    ORDER BY c.due_at, c.id LIMIT :most
""")
CLOSED = text("""
    SELECT c.store_id, c.id, c.number, c.kind, c.state, c.waiting_for, c.reason, c.currency::text,
      c.asked_minor, c.granted_minor, c.opened_at, c.due_at, c.due_kind, c.closed_at, c.order_id,
      c.extension_asked_by, o.number AS order_number, p.name AS buyer_name,
      s.name_zh AS store_zh, s.name_en AS store_en,
      (SELECT b.score FROM buyer_scores b WHERE b.person_id = c.buyer_id) AS buyer_score
    FROM cases c
    JOIN orders o ON o.store_id = c.store_id AND o.id = c.order_id
    JOIN people p ON p.id = c.buyer_id JOIN stores s ON s.id = c.store_id
    WHERE c.store_id = :store_id
      AND (CAST(:words AS text) = '' OR c.number LIKE :words || '%' OR o.number LIKE :words || '%')
      AND (CAST(:opened AS timestamptz) IS NULL OR (c.opened_at, c.id) < (:opened, :id))
    ORDER BY c.opened_at DESC, c.id DESC LIMIT :most
""")


async def store_queue(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    waiting: str = "",
    state: str = "",
    asks_for_time: bool = False,
    words: str = "",
    after: tuple[datetime, UUID] | None = None,
    most: int,
) -> Sequence[Any]:
    """Open cases of a store by deadline, the next one first; of one side's turn, of one state, or
    those whose buyer asks for more time."""
    due, case_id = after or (None, None)
    found = await conn.execute(
        QUEUE,
        {"store_id": store_id, "waiting": waiting, "state": state, "asks": asks_for_time,
         "words": like_literal(words), "due": due, "id": case_id, "most": most},
    )  # fmt: skip
    return found.all()


async def store_cases(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    words: str = "",
    before: tuple[datetime, UUID] | None = None,
    most: int,
) -> Sequence[Any]:
    """All cases of a store, the newest first."""
    opened, case_id = before or (None, None)
    found = await conn.execute(
        CLOSED,
        {"store_id": store_id, "words": like_literal(words), "opened": opened, "id": case_id,
         "most": most},
    )  # fmt: skip
    return found.all()


async def queue_counts(conn: AsyncConnection, *, store_id: StoreId) -> dict[str, int]:
    """How many open cases wait for whom; `time`: how many buyers ask for more time."""
    found = await conn.execute(
        text("""
            SELECT waiting_for, count(*) AS cases,
              count(*) FILTER (WHERE extension_asked_by = 'buyer') AS asking
            FROM cases WHERE store_id = :store_id AND closed_at IS NULL GROUP BY 1
        """),
        {"store_id": store_id},
    )
    rows = found.all()
    return {row.waiting_for: row.cases for row in rows} | {"time": sum(r.asking for r in rows)}


class Neighbours(msgspec.Struct, frozen=True):
    """The cases before and after one in the queue of a desk."""

    before: UUID | None
    after: UUID | None


async def queue_neighbours(
    conn: AsyncConnection, *, store_id: StoreId, due_at: datetime | None, case_id: UUID
) -> Neighbours:
    """Of those whose turn is the merchant's, by deadline; after a case that is over comes the
    first."""
    found = await conn.execute(
        text("""
            SELECT (SELECT id FROM cases WHERE store_id = :store_id AND closed_at IS NULL
                AND waiting_for = 'merchant' AND (due_at, id) < (CAST(:due AS timestamptz), :id)
                ORDER BY due_at DESC, id DESC LIMIT 1) AS before,
              (SELECT id FROM cases WHERE store_id = :store_id AND closed_at IS NULL
                AND waiting_for = 'merchant' AND id <> :id
                AND (CAST(:due AS timestamptz) IS NULL OR (due_at, id) > (:due, :id))
                ORDER BY due_at, id LIMIT 1) AS after
        """),
        {"store_id": store_id, "due": due_at, "id": case_id},
    )
    return Neighbours(*found.one())


async def operator_queue(conn: AsyncConnection, *, most: int) -> Sequence[Any]:
    """Cases that wait for a ruling, the most urgent first."""
    found = await conn.execute(
        text("""
            SELECT c.store_id, c.id, c.number, c.kind, c.state, c.waiting_for, c.reason,
              c.currency::text, c.asked_minor, c.granted_minor, c.opened_at, c.due_at, c.due_kind,
              c.closed_at, c.extension_asked_by, c.order_id, o.number AS order_number,
              p.name AS buyer_name,
              s.name_zh AS store_zh, s.name_en AS store_en,
              (SELECT b.score FROM buyer_scores b WHERE b.person_id = c.buyer_id) AS buyer_score
            FROM cases c JOIN orders o ON o.store_id = c.store_id AND o.id = c.order_id
            JOIN people p ON p.id = c.buyer_id JOIN stores s ON s.id = c.store_id
            WHERE c.waiting_for = 'operator' ORDER BY c.due_at, c.id LIMIT :most
        """),
        {"most": most},
    )
    return found.all()


async def buyer_cases(
    conn: AsyncConnection,
    *,
    buyer_id: PersonId,
    order_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    most: int = 50,
) -> Sequence[Any]:
    """A buyer's cases, the newest first; of one order, or of all."""
    opened, case_id = before or (None, None)
    found = await conn.execute(
        text("""
            SELECT c.store_id, c.id, c.number, c.kind, c.state, c.waiting_for, c.reason,
              c.currency::text, c.asked_minor, c.granted_minor, c.opened_at, c.due_at, c.due_kind,
              c.closed_at, c.extension_asked_by, c.order_id, o.number AS order_number,
              s.name_zh AS store_zh, s.name_en AS store_en
            FROM cases c JOIN orders o ON o.store_id = c.store_id AND o.id = c.order_id
            JOIN stores s ON s.id = c.store_id
            WHERE c.buyer_id = :buyer_id
              AND (CAST(:order_id AS uuid) IS NULL OR c.order_id = :order_id)
              AND (CAST(:opened AS timestamptz) IS NULL
                OR (c.opened_at, c.id) < (:opened, CAST(:case_id AS uuid)))
            ORDER BY c.opened_at DESC, c.id DESC LIMIT :most
        """),
        {
            "buyer_id": buyer_id,
            "order_id": order_id,
            "opened": opened,
            "case_id": case_id,
            "most": most,
        },
    )
    return found.all()


async def cases_of_rule(
    conn: AsyncConnection, *, store_id: StoreId, rule_id: UUID, most: int
) -> Sequence[Any]:
    """Cases that a row of the store decided, the newest first."""
    found = await conn.execute(
        text("""
            SELECT c.store_id, c.id, c.number, c.kind, c.state, c.waiting_for, c.reason,
              c.currency::text, c.asked_minor, c.granted_minor, c.opened_at, c.due_at, c.due_kind,
              c.closed_at, c.extension_asked_by, c.order_id, o.number AS order_number,
              p.name AS buyer_name
            FROM cases c JOIN orders o ON o.store_id = c.store_id AND o.id = c.order_id
            JOIN people p ON p.id = c.buyer_id
            WHERE c.store_id = :store_id AND c.rule_id = :rule_id
            ORDER BY c.opened_at DESC, c.id DESC LIMIT :most
        """),
        {"store_id": store_id, "rule_id": rule_id, "most": most},
    )
    return found.all()


async def buyer_of_order(
    conn: AsyncConnection, *, store_id: StoreId, number: str
) -> PersonId | None:
    """None where the store has no order of this number."""
    found = await conn.scalar(
        text("SELECT buyer_id FROM orders WHERE store_id = :store_id AND number = :number"),
        {"store_id": store_id, "number": number},
    )
    return PersonId(found) if found else None


async def desk_rows(
    conn: AsyncConnection, *, store_id: StoreId
) -> tuple[Sequence[Any], Sequence[Any]]:
    """A store's reply templates and return addresses, the ones in use."""
    where = {"store_id": store_id}
    templates = await conn.execute(
        text("""
            SELECT id, name, body FROM reply_templates
            WHERE store_id = :store_id AND removed_at IS NULL ORDER BY made_at, id
        """),
        where,
    )
    addresses = await conn.execute(
        text("""
            SELECT id, recipient, phone, province, city, line, is_default FROM return_addresses
            WHERE store_id = :store_id AND closed_at IS NULL ORDER BY is_default DESC, made_at DESC
        """),
        where,
    )
    return templates.all(), addresses.all()


async def evidence_file(
    conn: AsyncConnection, *, store_id: StoreId, case_id: UUID, evidence_id: UUID
) -> Any:
    """Raises CaseGone."""
    found = await conn.execute(
        text("""
            SELECT e.kind, e.file, e.name, c.buyer_id
            FROM case_evidence e JOIN cases c ON c.store_id = e.store_id AND c.id = e.case_id
            WHERE e.store_id = :store_id AND e.case_id = :case_id AND e.id = :id
        """),
        {"store_id": store_id, "case_id": case_id, "id": evidence_id},
    )
    row = found.one_or_none()
    if row is None:
        raise CaseGone(field="case_id")
    return row
