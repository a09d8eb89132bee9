"""Writes the dated rows of tolerances and limits: a new one ends the one before it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, Conflict
from dougong.base.ids import PersonId, new_id
from dougong.settlement.rules import Terms


class TermsAtThisInstant(Conflict):
    """Another row starts at the same instant: choose another, rows are never edited."""

    code = "terms_at_this_instant"


MOST_MINOR = 10**12
END = text("""
    UPDATE reconciliation_terms SET in_force = tstzrange(lower(in_force), :starts)
    WHERE source = :source AND currency = :currency AND in_force @> CAST(:starts AS timestamptz)
      AND lower(in_force) < :starts
""")
PUT = text("""
    INSERT INTO reconciliation_terms (id, source, currency, in_force, tolerance_minor, tolerance_bp,
      patience_days, write_off_limit_minor, reason, author_id, at)
    SELECT :id, :source, :currency, tstzrange(:starts, (
        SELECT min(lower(in_force)) FROM reconciliation_terms
        WHERE source = :source AND currency = :currency AND lower(in_force) > :starts)),
      :tolerance_minor, :tolerance_bp, :patience_days, :limit_minor, :reason, :author_id, :at
    WHERE NOT EXISTS (SELECT FROM reconciliation_terms
      WHERE source = :source AND currency = :currency AND lower(in_force) = :starts)
    RETURNING id
""")


async def set_terms(
    conn: AsyncConnection,
    *,
    source: str,
    currency: str,
    starts: datetime,
    terms: Terms,
    reason: str,
    author_id: PersonId,
    at: datetime,
) -> UUID:
    """Put new terms into force from `starts` until the next row. Raises BadInput for what is out of
    range or in the past, TermsAtThisInstant."""
    if starts < at:
        raise BadInput(field="starts", reason="past")
    if not reason.strip():
        raise BadInput(field="reason", reason="missing")
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise BadInput(field="currency", reason="ISO 4217")
    for field, value, most in (
        ("tolerance_minor", terms.tolerance_minor, MOST_MINOR),
        ("tolerance_bp", terms.tolerance_bp, 10_000),
        ("patience_days", terms.patience_days, 365),
        ("write_off_limit_minor", terms.write_off_limit_minor, MOST_MINOR),
    ):
        if not 0 <= value <= most:
            raise BadInput(field=field, reason="out_of_range")
    key = {"source": source, "currency": currency, "starts": starts}
    await conn.execute(END, key)
    values = key | {
        "id": new_id(),
        "tolerance_minor": terms.tolerance_minor,
        "tolerance_bp": terms.tolerance_bp,
        "patience_days": terms.patience_days,
        "limit_minor": terms.write_off_limit_minor,
        "reason": " ".join(reason.split())[:500],
        "author_id": author_id,
        "at": at,
    }
    made: UUID | None = await conn.scalar(PUT, values)
    if made is None:
        raise TermsAtThisInstant(field="starts")
    return made
