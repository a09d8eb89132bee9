"""What order intake must know of the catalogue, in a few statements for a whole batch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, OrgId, SkuId, StoreId
from dougong.infra.db import fetch


class StoreTerms(msgspec.Struct, frozen=True):
    """One open store's own terms."""

    store_id: StoreId
    org_id: OrgId
    currency: str
    merchant_class: str
    shipping_fee_minor: int
    free_shipping_from_minor: int | None


class SkuOffer(msgspec.Struct, frozen=True):
    """One SKU that is for sale now."""

    sku_id: SkuId
    product_id: UUID
    title_zh: str
    title_en: str
    options: dict[str, str]
    image_file: str | None
    category: str
    price_minor: int
    commission_bp: int | None


class CouponTerms(msgspec.Struct, frozen=True):
    coupon_id: UUID
    code: str
    funder: str
    funder_org_id: OrgId
    amount_off_minor: int | None
    percent_off_bp: int | None
    min_spend_minor: int
    starts_at: datetime
    ends_at: datetime


class LinkOrigin(NamedTuple):
    """Whose link it is, on which surface, to which product."""

    creator_id: OrgId
    product_id: UUID
    surface: str
    route: str


STORE = """
    SELECT id, org_id, currency, merchant_class, shipping_fee_minor, free_shipping_from_minor
    FROM stores WHERE id = %(store_id)s AND state = 'open'
"""


async def store_terms(conn: AsyncConnection, *, store_id: StoreId) -> StoreTerms | None:
    """None for a store that is unknown or closed."""
    rows = await fetch(conn, STORE, {"store_id": store_id})
    return StoreTerms(*rows[0]) if rows else None


OFFERS = """
    SELECT s.id, s.product_id, p.title_zh, p.title_en, s.options, i.file, p.category,
      s.price_minor, p.commission_bp
    FROM skus s
    JOIN products p ON p.store_id = s.store_id AND p.id = s.product_id
    LEFT JOIN product_images i ON i.store_id = p.store_id AND i.product_id = p.id
      AND i.position = 0
    WHERE s.store_id = %(store_id)s AND s.id = ANY(%(skus)s::uuid[])
      AND s.state = 'active' AND p.state = 'active'
"""


async def offers_of(
    conn: AsyncConnection, *, store_id: StoreId, sku_ids: Sequence[SkuId]
) -> dict[SkuId, SkuOffer]:
    """The SKUs of these that are for sale; others are left out."""
    rows = await fetch(conn, OFFERS, {"store_id": store_id, "skus": list(set(sku_ids))})
    return {row[0]: SkuOffer(*row) for row in rows}


COUPONS = """
    SELECT id, code, funder, funder_org_id, amount_off_minor, percent_off_bp, min_spend_minor,
      lower(usable), upper(usable)
    FROM coupons WHERE store_id = %(store_id)s AND code = ANY(%(codes)s::text[])
"""


async def coupons_of(
    conn: AsyncConnection, *, store_id: StoreId, codes: Sequence[str]
) -> dict[str, CouponTerms]:
    if not codes:
        return {}
    rows = await fetch(conn, COUPONS, {"store_id": store_id, "codes": list(set(codes))})
    return {row[1]: CouponTerms(*row) for row in rows}


LINKS = """
    SELECT l.id, l.creator_id, l.product_id, l.surface, l.route
    FROM product_links l LEFT JOIN videos v ON v.id = l.video_id
    WHERE l.id = ANY(%(links)s::uuid[]) AND l.removed_at IS NULL AND l.hidden_at IS NULL
      AND (v.state = 'published' OR l.surface = 'live')
"""


async def link_origins(
    conn: AsyncConnection, *, link_ids: Sequence[LinkId]
) -> dict[LinkId, LinkOrigin]:
    """Links that are shown: removed ones, and those of videos that are not public, earn nothing;
    one in a live cart is on no video."""
    if not link_ids:
        return {}
    rows = await fetch(conn, LINKS, {"links": list(set(link_ids))})
    return {row[0]: LinkOrigin(*row[1:]) for row in rows}


ADDRESS = ("recipient", "phone", "country", "province", "city", "district", "line", "postcode")
ADDRESSES = """
    SELECT a.person_id, a.id, a.recipient, a.phone, a.country, a.province, a.city, a.district,
      a.line, a.postcode
    FROM addresses a
    JOIN unnest(%(people)s::uuid[], %(ids)s::uuid[]) AS w (person_id, id)
      ON w.person_id = a.person_id AND w.id = a.id
    WHERE a.removed_at IS NULL
"""


async def addresses_of(
    conn: AsyncConnection, *, wanted: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], dict[str, Any]]:
    """(person, address) to the address as it is now; a removed or foreign one is left out."""
    values = {"people": [person for person, _ in wanted], "ids": [address for _, address in wanted]}
    rows = await fetch(conn, ADDRESSES, values)
    return {(row[0], row[1]): dict(zip(ADDRESS, row[2:], strict=True)) for row in rows}
