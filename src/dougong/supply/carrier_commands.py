"""Writes a store's carriers and their rates."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, Conflict, NotFound
from dougong.base.ids import PersonId, StoreId, new_id
from dougong.infra.db import constraint_of
from dougong.supply.carrier_rules import CarrierKind, Rate, RateOverlaps


async def add_carrier(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    code: str,
    name: str,
    kind: CarrierKind,
    at: datetime,
) -> None:
    """A carrier of the store, with a fresh secret for its webhooks. Raises BadInput, Conflict."""
    plain, called = code.strip().lower(), name.strip()
    if not 1 <= len(called) <= 60:
        raise BadInput(field="name", reason="too_long" if called else "missing")
    try:
        async with conn.begin_nested():
            await conn.execute(
                text("""
                    INSERT INTO carriers (store_id, code, name, kind, secret, made_at)
                    VALUES (:s, :code, :name, :kind, :secret, :at)
                """),
                {
                    "s": store_id,
                    "code": plain,
                    "name": called,
                    "kind": str(kind),
                    "secret": secrets.token_urlsafe(32),
                    "at": at,
                },
            )
    except IntegrityError as error:
        if constraint_of(error) == "carriers_code_check":
            raise BadInput(field="code", reason="bad_code") from error
        raise Conflict(field="code") from error


async def close_carrier(
    conn: AsyncConnection, *, store_id: StoreId, code: str, is_open: bool, at: datetime
) -> None:
    """Offer it no more, or again; what it carries goes on. Raises NotFound."""
    done = await conn.execute(
        text("""
            UPDATE carriers SET closed_at = CASE WHEN :open THEN NULL
              ELSE COALESCE(closed_at, :at) END
            WHERE store_id = :s AND code = :code
        """),
        {"s": store_id, "code": code, "open": is_open, "at": at},
    )
    if done.rowcount != 1:
        raise NotFound


async def add_rates(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    carrier: str,
    rates: Sequence[Rate],
    person_id: PersonId,
    at: datetime,
) -> None:
    """Dated rows of a carrier; an open row of the same way that began before ends where a new one
    begins. Raises RateOverlaps when a later one is there already, NotFound."""
    known = await conn.scalar(
        text("SELECT true FROM carriers WHERE store_id = :s AND code = :c FOR UPDATE"),
        {"s": store_id, "c": carrier},
    )
    if not known:
        raise NotFound
    for rate in rates:
        await _add_rate(conn, store_id, carrier, rate, person_id, at)


async def _add_rate(
    conn: AsyncConnection,
    store_id: StoreId,
    carrier: str,
    rate: Rate,
    person_id: PersonId,
    at: datetime,
) -> None:
    way = {"s": store_id, "c": carrier, "a": rate.from_province, "b": rate.to_province}
    await conn.execute(
        text("""
            UPDATE carrier_rates SET in_force = tstzrange(lower(in_force), :starts)
            WHERE store_id = :s AND carrier = :c AND from_province = :a AND to_province = :b
              AND upper_inf(in_force) AND lower(in_force) < :starts
        """),
        way | {"starts": rate.starts},
    )
    values = {name: getattr(rate, name) for name in RATE_COLUMNS}
    try:
        async with conn.begin_nested():
            await conn.execute(
                text("""
                    INSERT INTO carrier_rates (store_id, id, carrier, zone, from_province,
                      to_province, first_g, first_minor, further_g, further_minor, divisor,
                      in_force, made_by, made_at)
                    VALUES (:s, :id, :c, :zone, :a, :b, :first_g, :first_minor, :further_g,
                      :further_minor, :divisor, tstzrange(:starts, :ends), :by, :at)
                """),
                way | values | {"id": new_id(), "by": person_id, "at": at},
            )
    except IntegrityError as error:
        if constraint_of(error) == "carrier_rates_no_overlap":
            raise RateOverlaps(field="starts", province=rate.to_province) from error
        raise BadInput(field="zone", reason="out_of_range") from error


RATE_COLUMNS = (
    "zone", "first_g", "first_minor", "further_g", "further_minor", "divisor", "starts", "ends",
)  # fmt: skip
