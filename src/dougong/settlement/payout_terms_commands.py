"""Writes the dated rows of how payees are paid: a new one ends the one before it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput
from dougong.base.ids import PersonId, new_id
from dougong.settlement.payout_rules import PayoutTermsAtThisInstant, Terms, checked_terms

PURPOSES = ("merchant_payable", "creator_payable", "agency_payable", "buyer_payable")
END = text("""
    UPDATE payout_terms SET in_force = tstzrange(lower(in_force), :starts)
    WHERE purpose = :purpose AND currency = :currency AND in_force @> CAST(:starts AS timestamptz)
      AND lower(in_force) < :starts
""")
PUT = text("""
    INSERT INTO payout_terms (id, purpose, currency, in_force, weekday, minimum_minor, hold_days,
      change_wait_days, approve_above_minor, reason, author_id, at)
    SELECT :id, :purpose, :currency, tstzrange(:starts, (
        SELECT min(lower(in_force)) FROM payout_terms
        WHERE purpose = :purpose AND currency = :currency AND lower(in_force) > :starts)),
      :weekday, :minimum_minor, :hold_days, :change_wait_days, :approve_above_minor, :reason,
      :author_id, :at
    WHERE NOT EXISTS (SELECT FROM payout_terms
      WHERE purpose = :purpose AND currency = :currency AND lower(in_force) = :starts)
    RETURNING id
""")


class DatedTerms(msgspec.Struct, frozen=True):
    """A row of terms, and for whom and since when it holds."""

    id: UUID
    purpose: str
    currency: str
    starts: datetime
    terms: Terms


async def set_payout_terms(
    conn: AsyncConnection,
    *,
    purpose: str,
    currency: str,
    starts: datetime,
    terms: Terms,
    reason: str,
    author_id: PersonId,
    at: datetime,
) -> UUID:
    """Put new terms into force from `starts` until the next row; `purpose`: a kind of payee, or
    "*" for those without terms of their own. Raises BadInput for what is out of range or in the
    past, PayoutTermsAtThisInstant."""
    if starts < at:
        raise BadInput(field="starts", reason="past")
    if not reason.strip():
        raise BadInput(field="reason", reason="missing")
    if purpose not in ("*", *PURPOSES):
        raise BadInput(field="purpose", reason="unknown_value")
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise BadInput(field="currency", reason="ISO 4217")
    checked_terms(terms)
    key = {"purpose": purpose, "currency": currency, "starts": starts}
    await conn.execute(END, key)
    values = key | msgspec.structs.asdict(terms) | {
        "id": new_id(), "reason": " ".join(reason.split())[:500], "author_id": author_id, "at": at,
    }  # fmt: skip
    made: UUID | None = await conn.scalar(PUT, values)
    if made is None:
        raise PayoutTermsAtThisInstant(field="starts")
    return made


async def terms_in_force(
    conn: AsyncConnection, *, at: datetime
) -> dict[tuple[str, str], DatedTerms]:
    """By kind of payee and currency: a kind's own row goes before the one for any."""
    rows = await conn.execute(
        text("""
            SELECT t.*, lower(in_force) AS starts FROM payout_terms t
            WHERE in_force @> CAST(:at AS timestamptz) ORDER BY purpose = '*' DESC
        """),
        {"at": at},
    )
    found: dict[tuple[str, str], DatedTerms] = {}
    for row in rows:
        for purpose in PURPOSES if row.purpose == "*" else (row.purpose,):
            found[(purpose, row.currency)] = _dated(row)
    return found


async def terms_rows(conn: AsyncConnection) -> list[Any]:
    """Every row there ever was, the newest first."""
    found = await conn.execute(
        text("""
            SELECT t.*, t.currency::text AS currency, lower(t.in_force) AS starts,
              upper(t.in_force) AS ends, p.name AS author
            FROM payout_terms t JOIN people p ON p.id = t.author_id
            ORDER BY lower(t.in_force) DESC, t.purpose
        """)
    )
    return list(found.all())


async def terms_by_id(conn: AsyncConnection, *, terms_id: UUID) -> DatedTerms:
    found = await conn.execute(
        text("SELECT t.*, lower(in_force) AS starts FROM payout_terms t WHERE id = :id"),
        {"id": terms_id},
    )
    return _dated(found.one())


def _dated(row: Any) -> DatedTerms:
    terms = Terms(**{name: getattr(row, name) for name in Terms.__struct_fields__})
    return DatedTerms(row.id, row.purpose, row.currency, row.starts, terms)
