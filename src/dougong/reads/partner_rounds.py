"""Rounds of agreements: whose, in which state, what is on the table and what was signed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrgId, RoundId
from dougong.partners.rules import Terms, document_from

MOST_ROUNDS = 200


class RoundNames(msgspec.Struct, frozen=True):
    """A round with the names of both sides' papers."""

    round_id: RoundId
    partner_id: OrgId
    partner_zh: str
    partner_en: str
    name_zh: str
    name_en: str
    previous_id: RoundId | None
    state: str
    opened_at: datetime
    signed_at: datetime | None
    ends_at: datetime | None
    notice_by: str | None
    notice_at: datetime | None
    notice_reason: str
    ended_at: datetime | None


NAMES = text("""
    SELECT r.id AS round_id, r.partner_id, o.name AS partner_zh,
      coalesce(nullif(o.name_en, ''), o.name) AS partner_en, r.name_zh, r.name_en, r.previous_id,
      r.state, r.opened_at, r.signed_at, r.ends_at, r.notice_by, r.notice_at, r.notice_reason,
      r.ended_at
    FROM partner_rounds r JOIN organisations o ON o.id = r.partner_id
    WHERE (CAST(:round_id AS uuid) IS NULL OR r.id = :round_id)
      AND (CAST(:partner_id AS uuid) IS NULL OR r.partner_id = :partner_id)
    ORDER BY r.opened_at DESC, r.id DESC LIMIT :most
""")


async def round_names(
    conn: AsyncConnection, *, round_id: UUID, partner_id: UUID | None = None
) -> RoundNames | None:
    """`partner_id`: whose it must be; None for the platform."""
    asked = {"round_id": round_id, "partner_id": partner_id, "most": 1}
    found = (await conn.execute(NAMES, asked)).mappings().one_or_none()
    return None if found is None else RoundNames(**found)


async def rounds_named(
    conn: AsyncConnection, *, partner_id: UUID | None = None
) -> list[RoundNames]:
    """All rounds (of one partner), the newest first."""
    asked = {"round_id": None, "partner_id": partner_id, "most": MOST_ROUNDS}
    return [RoundNames(**row) for row in (await conn.execute(NAMES, asked)).mappings()]


async def running_rounds(conn: AsyncConnection) -> list[RoundId]:
    """Signed, and not ended yet."""
    asked = text("SELECT id FROM partner_rounds WHERE state = 'signed' ORDER BY id")
    return [RoundId(one) for one in (await conn.scalars(asked)).all()]


class Source(msgspec.Struct, frozen=True):
    code: str
    name_zh: str
    name_en: str


async def sources_of(conn: AsyncConnection, *, partner_id: UUID) -> list[Source]:
    """The sources behind which a partner stands."""
    found = await conn.execute(
        text("SELECT code, name_zh, name_en FROM sources WHERE partner_id = :id ORDER BY code"),
        {"id": partner_id},
    )
    return [Source(**row) for row in found.mappings()]


async def partners_named(conn: AsyncConnection) -> Sequence[Any]:
    """Organisations that are partners: `id`, `name_zh`, `name_en`, `handle`, `sources`."""
    found = await conn.execute(
        text("""
            SELECT o.id, o.name AS name_zh, o.name_en, o.handle,
              coalesce(array_agg(s.code ORDER BY s.code) FILTER (WHERE s.code IS NOT NULL), '{}')
                AS sources
            FROM organisations o LEFT JOIN sources s ON s.partner_id = o.id
            WHERE o.kind = 'partner' GROUP BY o.id ORDER BY o.name LIMIT 200
        """)
    )
    return found.all()


class Signature(msgspec.Struct, frozen=True):
    side: str
    signer: str
    at: datetime


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """One set of terms as it was offered, and its fate."""

    id: UUID
    number: int
    side: str
    author_id: UUID
    author: str
    document: str
    hash: bytes
    message: str
    state: str
    offered_at: datetime
    expires_at: datetime
    accepted_by: UUID | None
    acceptor: str | None
    accepted_at: datetime | None
    closed_at: datetime | None
    close_reason: str
    signatures: tuple[Signature, ...]

    def terms(self) -> Terms:
        return document_from(self.document).terms

    def is_live(self) -> bool:
        return self.state in ("offered", "accepted", "half_signed")


PROPOSALS = text("""
    SELECT p.id, p.number, p.side, p.author_id, a.name AS author, p.document, p.hash, p.message,
      p.state, p.offered_at, p.expires_at, p.accepted_by, b.name AS acceptor, p.accepted_at,
      p.closed_at, p.close_reason,
      coalesce((SELECT jsonb_agg(jsonb_build_object('side', s.side, 'signer', s.signer, 'at', s.at)
        ORDER BY s.at) FROM partner_signatures s WHERE s.proposal_id = p.id), '[]') AS signatures
    FROM partner_proposals p JOIN people a ON a.id = p.author_id
    LEFT JOIN people b ON b.id = p.accepted_by
    WHERE p.round_id = :round_id ORDER BY p.number
""")


async def proposals_of(conn: AsyncConnection, *, round_id: UUID) -> list[Proposal]:
    """Every proposal of a round, the first one first."""
    found = await conn.execute(PROPOSALS, {"round_id": round_id})
    return [
        Proposal(
            **{name: value for name, value in row.items() if name not in ("hash", "signatures")},
            hash=bytes(row["hash"]),
            signatures=msgspec.convert(row["signatures"], tuple[Signature, ...]),
        )
        for row in found.mappings()
    ]


async def signed_terms(conn: AsyncConnection, *, round_id: UUID) -> Terms | None:
    """What is signed now; None before the first signature of both."""
    found = await conn.scalar(
        text("""
            SELECT document FROM partner_proposals WHERE round_id = :id AND state = 'signed'
        """),
        {"id": round_id},
    )
    return None if found is None else document_from(found).terms


async def comments_of(conn: AsyncConnection, *, round_id: UUID) -> Sequence[Any]:
    """`number`, `term`, `side`, `author`, `body`, `at`; the oldest first."""
    found = await conn.execute(
        text("""
            SELECT c.number, c.term, c.side, p.name AS author, c.body, c.at
            FROM partner_comments c JOIN people p ON p.id = c.author_id
            WHERE c.round_id = :id ORDER BY c.at, c.id LIMIT 500
        """),
        {"id": round_id},
    )
    return found.all()


async def amounts_of(conn: AsyncConnection, *, round_ids: Sequence[UUID]) -> Sequence[Any]:
    """Reported and confirmed amounts that nothing has replaced; the newest saying first."""
    found = await conn.execute(
        text("""
            SELECT a.*, p.name AS author FROM partner_amounts a JOIN people p ON p.id = a.author_id
            WHERE a.round_id = ANY(CAST(:ids AS uuid[]))
              AND NOT EXISTS (SELECT FROM partner_amounts later WHERE later.replaces = a.id)
            ORDER BY a.said_at DESC, a.id
        """),
        {"ids": list(round_ids)},
    )
    return found.all()


async def rules_of_round(conn: AsyncConnection, *, round_id: UUID) -> Sequence[Any]:
    """What the signature has announced: `kind`, the columns, `value`, `starts`, `ends`."""
    found = await conn.execute(
        text("""
            SELECT id, kind, source, surface, category, route, allowed::int AS value,
              lower(in_force) AS starts, upper(in_force) AS ends
            FROM link_rules WHERE round_id = :id AND approver_id IS NOT NULL
            UNION ALL
            SELECT id, kind, source, surface, category, route, rate_bp, lower(in_force),
              upper(in_force)
            FROM fee_rules WHERE round_id = :id AND approver_id IS NOT NULL
            ORDER BY kind DESC, source, surface, route, starts
        """),
        {"id": round_id},
    )
    return found.all()


async def disputes_of(conn: AsyncConnection, *, round_id: UUID) -> Sequence[Any]:
    """Each with its `notes` (side, author, body, at), the open ones first."""
    found = await conn.execute(
        text("""
            SELECT d.id, d.component, d.subject, d.side, o.name AS opener, d.opened_at, d.closed_at,
              c.name AS closer, d.resolution,
              (SELECT jsonb_agg(jsonb_build_object('side', n.side, 'author', p.name,
                'body', n.body, 'at', n.at) ORDER BY n.at, n.id)
               FROM partner_dispute_notes n JOIN people p ON p.id = n.author_id
               WHERE n.dispute_id = d.id) AS notes
            FROM partner_disputes d JOIN people o ON o.id = d.opened_by
            LEFT JOIN people c ON c.id = d.closed_by
            WHERE d.round_id = :id ORDER BY d.closed_at IS NOT NULL, d.opened_at DESC
        """),
        {"id": round_id},
    )
    return found.all()
