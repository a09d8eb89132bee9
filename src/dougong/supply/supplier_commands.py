"""Writes suppliers: who they are, what they sell, what it costs by quantity and date."""

import hashlib
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import PersonId, SkuId, StoreId, new_id
from dougong.infra.db import constraint_of
from dougong.supply.purchase_rules import (
    FIRST_TERMS,
    MOST_PRICE_MINOR,
    MOST_QUANTITY,
    PriceOverlaps,
    SupplierCodeTaken,
    Terms,
    check_window,
    one_line,
)
from dougong.supply.purchase_tables import supplier_items, suppliers


class SupplierFields(msgspec.Struct, frozen=True):
    """What a person can say of a supplier."""

    code: str
    name: str
    contact: str = ""
    email: str = ""
    phone: str = ""
    payment_days: int = 30
    lead_days: int = 7
    notes: str = ""


class ItemFields(msgspec.Struct, frozen=True):
    """How a supplier sells one SKU. `lead_days`: None takes the supplier's."""

    supplier_sku: str = ""
    pack_size: int = 1
    min_quantity: int = 1
    lead_days: int | None = None
    is_dropship: bool = False


def _checked(fields: SupplierFields) -> dict[str, Any]:
    """Raises BadInput."""
    code = fields.code.strip()
    plain = code.replace(".", "").replace("-", "").replace("_", "")
    if not 1 <= len(code) <= 40 or not plain.isalnum() or not plain.isascii():
        raise BadInput(field="code", reason="bad_code")
    if not code[0].isalnum():
        raise BadInput(field="code", reason="bad_code")
    for name in ("payment_days", "lead_days"):
        if not 0 <= getattr(fields, name) <= 365:
            raise BadInput(field=name, reason="out_of_range")
    return {
        "code": code,
        "name": one_line(fields.name, field="name", most=120, required=True),
        "contact": one_line(fields.contact, field="contact", most=120),
        "email": one_line(fields.email, field="email", most=200),
        "phone": one_line(fields.phone, field="phone", most=40),
        "payment_days": fields.payment_days,
        "lead_days": fields.lead_days,
        "notes": fields.notes.strip()[:2000],
    }


async def add_supplier(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    fields: SupplierFields,
    currency: str,
    at: datetime,
) -> UUID:
    """Raises BadInput, SupplierCodeTaken (409). `currency`: the store's."""
    row = _checked(fields) | {"store_id": store_id, "id": new_id(), "currency": currency}
    made = await conn.execute(
        insert(suppliers)
        .values(**row, made_at=at)
        .on_conflict_do_nothing(index_elements=["store_id", "code"])
    )
    if made.rowcount != 1:
        raise SupplierCodeTaken(field="code")
    return UUID(str(row["id"]))


async def change_supplier(
    conn: AsyncConnection, *, store_id: StoreId, supplier_id: UUID, fields: SupplierFields
) -> None:
    """Raises BadInput, SupplierCodeTaken (409), NotFound."""
    change = (
        update(suppliers)
        .where(suppliers.c.store_id == store_id, suppliers.c.id == supplier_id)
        .values(**_checked(fields))
    )
    try:
        async with conn.begin_nested():
            changed = await conn.execute(change)
    except IntegrityError as error:
        if constraint_of(error) == "suppliers_code":
            raise SupplierCodeTaken(field="code") from error
        raise
    if changed.rowcount != 1:
        raise NotFound


async def set_supplier_open(
    conn: AsyncConnection, *, store_id: StoreId, supplier_id: UUID, is_open: bool, at: datetime
) -> None:
    """A closed supplier gets no new order; what is under way goes on. Its page is shut."""
    values: dict[str, Any] = {"closed_at": None if is_open else at}
    if not is_open:
        values |= {"token_hash": None, "token_at": None}
    change = (
        update(suppliers)
        .where(suppliers.c.store_id == store_id, suppliers.c.id == supplier_id)
        .values(values)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound


async def new_token(
    conn: AsyncConnection, *, store_id: StoreId, supplier_id: UUID, at: datetime
) -> str:
    """The secret of the supplier's own page, told this once; the one before is void.

    Raises NotFound, also of a closed supplier.
    """
    token = secrets.token_urlsafe(32)
    change = (
        update(suppliers)
        .where(suppliers.c.store_id == store_id, suppliers.c.id == supplier_id)
        .where(suppliers.c.closed_at.is_(None))
        .values(token_hash=token_hash(token), token_at=at)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound
    return token


async def revoke_token(conn: AsyncConnection, *, store_id: StoreId, supplier_id: UUID) -> None:
    """Shut the supplier's own page."""
    await conn.execute(
        update(suppliers)
        .where(suppliers.c.store_id == store_id, suppliers.c.id == supplier_id)
        .values(token_hash=None, token_at=None)
    )


def token_hash(token: str) -> bytes:
    """What is kept of a token: 256 random bits need no salt."""
    return hashlib.sha256(token.encode()).digest()


async def supplier_by_token(conn: AsyncConnection, *, token: str) -> Any:
    """The open supplier whose page this is. Raises NotFound."""
    found = await conn.execute(
        select(suppliers).where(
            suppliers.c.token_hash == token_hash(token[:200]), suppliers.c.closed_at.is_(None)
        )
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return row


async def put_item(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    supplier_id: UUID,
    sku_id: SkuId,
    fields: ItemFields,
) -> None:
    """Say how a supplier sells a SKU, anew or otherwise than before.

    Raises BadInput (`dropshipped_by_another` where another supplier sends this SKU already),
    NotFound for another store's supplier or SKU.
    """
    if not 1 <= fields.pack_size <= 100_000:
        raise BadInput(field="pack_size", reason="out_of_range")
    if not 1 <= fields.min_quantity <= MOST_QUANTITY:
        raise BadInput(field="min_quantity", reason="out_of_range")
    if fields.lead_days is not None and not 0 <= fields.lead_days <= 365:
        raise BadInput(field="lead_days", reason="out_of_range")
    values = {
        "supplier_sku": one_line(fields.supplier_sku, field="supplier_sku", most=80),
        "pack_size": fields.pack_size,
        "min_quantity": fields.min_quantity,
        "lead_days": fields.lead_days,
        "is_dropship": fields.is_dropship,
    }
    keys = {"store_id": store_id, "supplier_id": supplier_id, "sku_id": sku_id}
    put = insert(supplier_items).values(**keys, **values)
    try:
        async with conn.begin_nested():
            await conn.execute(put.on_conflict_do_update(index_elements=list(keys), set_=values))
    except IntegrityError as error:
        if constraint_of(error) == "supplier_items_one_dropshipper":
            raise BadInput(field="is_dropship", reason="dropshipped_by_another") from error
        raise NotFound from error


ADD_PRICE = text("""
    INSERT INTO supplier_prices (store_id, id, supplier_id, sku_id, from_quantity, price_minor,
      in_force, made_by)
    VALUES (:store_id, :id, :supplier_id, :sku_id, :from_quantity, :price_minor,
      tstzrange(:starts, CAST(:ends AS timestamptz), '[)'), :made_by)
""")


async def add_price(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    supplier_id: UUID,
    sku_id: SkuId,
    from_quantity: int,
    price_minor: int,
    starts: datetime,
    ends: datetime | None,
    by_id: PersonId,
) -> UUID:
    """One unit's price from a quantity on, within [starts, ends); None: until further notice.

    Raises BadInput, PriceOverlaps (409) when another is in force then, NotFound where the supplier
    does not sell this SKU.
    """
    if not 1 <= from_quantity <= MOST_QUANTITY:
        raise BadInput(field="from_quantity", reason="out_of_range")
    if not 0 <= price_minor <= MOST_PRICE_MINOR:
        raise BadInput(field="price", reason="out_of_range")
    check_window(starts, ends)
    price_id = new_id()
    row = {
        "store_id": store_id,
        "id": price_id,
        "supplier_id": supplier_id,
        "sku_id": sku_id,
        "from_quantity": from_quantity,
        "price_minor": price_minor,
        "starts": starts,
        "ends": ends,
        "made_by": by_id,
    }
    try:
        async with conn.begin_nested():
            await conn.execute(ADD_PRICE, row)
    except IntegrityError as error:
        if constraint_of(error) == "supplier_prices_no_overlap":
            raise PriceOverlaps(field="starts") from error
        raise NotFound from error
    return price_id


async def end_price(
    conn: AsyncConnection, *, store_id: StoreId, price_id: UUID, at: datetime
) -> None:
    """Let a price that is in force end now. Raises NotFound for one that is not."""
    ended = await conn.execute(
        text("""
            UPDATE supplier_prices SET in_force = tstzrange(lower(in_force), :at, '[)')
            WHERE store_id = :store_id AND id = :id AND in_force @> CAST(:at AS timestamptz)
              AND lower(in_force) < :at
        """),
        {"store_id": store_id, "id": price_id, "at": at},
    )
    if ended.rowcount != 1:
        raise NotFound


async def terms_at(conn: AsyncConnection, *, store_id: StoreId, at: datetime) -> Terms:
    """How a store buys at an instant; FIRST_TERMS where it has said nothing."""
    found = (
        await conn.execute(
            text("""
                SELECT approve_above_minor, price_tolerance_bp, amount_tolerance_minor, over_bp,
                  service_level_bp FROM purchase_terms
                WHERE store_id = :store_id AND in_force @> CAST(:at AS timestamptz)
            """),
            {"store_id": store_id, "at": at},
        )
    ).one_or_none()
    return Terms(*found) if found else FIRST_TERMS


async def set_terms(
    conn: AsyncConnection, *, store_id: StoreId, terms: Terms, at: datetime
) -> None:
    """Buy by these terms from now on; what was approved before keeps its own. Raises BadInput."""
    for name, least, most in (
        ("approve_above_minor", 0, MOST_PRICE_MINOR),
        ("price_tolerance_bp", 0, 10_000),
        ("amount_tolerance_minor", 0, MOST_PRICE_MINOR),
        ("over_bp", 0, 10_000),
        ("service_level_bp", 5_000, 9_990),
    ):
        if not least <= getattr(terms, name) <= most:
            raise BadInput(field=name, reason="out_of_range")
    asked = {"store_id": store_id, "at": at}
    await conn.execute(
        text("SELECT FROM stores WHERE id = :store_id FOR NO KEY UPDATE"), {"store_id": store_id}
    )
    await conn.execute(
        text("""
            UPDATE purchase_terms SET in_force = tstzrange(lower(in_force), :at, '[)')
            WHERE store_id = :store_id AND in_force @> CAST(:at AS timestamptz)
              AND lower(in_force) < :at
        """),
        asked,
    )
    try:
        async with conn.begin_nested():
            await _begin_terms(conn, terms, asked)
    except IntegrityError as error:  # set twice at one instant
        raise PriceOverlaps(field="starts") from error


async def _begin_terms(conn: AsyncConnection, terms: Terms, asked: dict[str, Any]) -> None:
    await conn.execute(
        text("""
            INSERT INTO purchase_terms (store_id, id, approve_above_minor, price_tolerance_bp,
              amount_tolerance_minor, over_bp, service_level_bp, in_force)
            VALUES (:store_id, :id, :approve_above_minor, :price_tolerance_bp,
              :amount_tolerance_minor, :over_bp, :service_level_bp, tstzrange(:at, NULL, '[)'))
        """),
        asked | {"id": new_id()} | msgspec.structs.asdict(terms),
    )
