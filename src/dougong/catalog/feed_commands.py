"""Loads items of a feed: one set of statements for thousands of rows, nothing written twice."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import ProductId, SkuId, StoreId, new_id
from dougong.catalog.feed_types import FeedItem
from dougong.catalog.rules import OTHER
from dougong.infra import events


class LoadedRow(msgspec.Struct, frozen=True):
    """What became of one item: `outcome` is created, updated or unchanged (stock apart).

    `quantity`: units that the store shall have on hand; None leaves them as they are.
    """

    line: int
    sku_id: SkuId
    product_id: ProductId
    outcome: str
    quantity: int | None


class NewImages(msgspec.Struct, frozen=True):
    """Where a product's pictures are, and the line that says so."""

    line: int
    links: tuple[str, ...]


class Loaded(msgspec.Struct, frozen=True):
    """`images`: of the products whose pictures the feed names anew, by product."""

    rows: list[LoadedRow]
    images: dict[ProductId, NewImages]


# A picture that this platform keeps already, as a feed's link to it is written down.
OWN_IMAGE = "media:"

PRODUCT_FIELDS = (
    "title_zh",
    "title_en",
    "description_zh",
    "description_en",
    "brand",
    "category",
    "state",
    "commission_bp",
    "image_links",
)
SKU_FIELDS = (
    "product_id",
    "options",
    "price_minor",
    "list_price_minor",
    "gtin",
    "attributes",
    "weight_g",
    "state",
)
NEW_PRODUCT: Mapping[str, Any] = {
    "title_en": "",
    "description_zh": "",
    "description_en": "",
    "brand": "",
    "category": OTHER,
    "state": "active",
    "commission_bp": None,
    "image_links": [],
}
NEW_SKU: Mapping[str, Any] = {"options": {}, "gtin": None, "attributes": {}, "weight_g": 0}


class FeedLoader:
    """Loads one feed into one store, chunk by chunk, each in the caller's transaction.

    The first row of a group speaks for the product; the others only for their SKU.
    """

    def __init__(self, *, store_id: StoreId, at: datetime) -> None:
        self._store_id = store_id
        self._at = at
        self._groups: dict[str, int] = {}

    async def load(self, conn: AsyncConnection, items: Sequence[FeedItem]) -> Loaded:
        """Insert what is new, update what differs, leave the rest alone."""
        await conn.execute(LOCK, {"store_id": str(self._store_id)})
        products = await self._products(conn, items)
        rows = await self._skus(conn, items, {code: row["id"] for code, row in products.items()})
        changed = {row["id"] for row in products.values() if row["changed"]}
        touched = changed | {row.product_id for row in rows if row.outcome != "unchanged"}
        await self._tell(conn, touched)
        leaders = {row["line"] for row in products.values() if row["changed"]}
        return Loaded(
            [
                msgspec.structs.replace(row, outcome="updated")
                if row.outcome == "unchanged" and row.line in leaders
                else row
                for row in rows
            ],
            {
                row["id"]: NewImages(row["line"], tuple(row["image_links"]))
                for row in products.values()
                if row["new_images"]
            },
        )

    async def _products(
        self, conn: AsyncConnection, items: Sequence[FeedItem]
    ) -> dict[str, dict[str, Any]]:
        """Product rows by code, as they are after this chunk."""
        codes = list(dict.fromkeys(item.group for item in items))
        found = await conn.execute(KNOWN_PRODUCTS, {"store_id": self._store_id, "codes": codes})
        known = {row["code"]: dict(row) for row in found.mappings()}
        done: dict[str, dict[str, Any]] = {}
        for item in items:
            if item.group in done:
                continue
            before = known.get(item.group)
            row = dict(before) if before else {"id": ProductId(new_id()), **NEW_PRODUCT}
            row |= {"code": item.group, "line": item.line}
            if item.group not in self._groups:
                row |= _said(item, files=before["files"] if before else ())
            row["changed"] = before is None or any(row[f] != before[f] for f in PRODUCT_FIELDS)
            row["new_images"] = bool(row["image_links"]) and (
                before is None or not before["files"] or row["image_links"] != before["image_links"]
            )
            self._groups.setdefault(item.group, 0)
            done[item.group] = row
        writes = [row for row in done.values() if row["changed"]]
        if writes:
            await conn.execute(PUT_PRODUCTS, self._arrays(writes, ("id", "code", *PRODUCT_FIELDS)))
        return done

    async def _skus(
        self, conn: AsyncConnection, items: Sequence[FeedItem], product_ids: Mapping[str, ProductId]
    ) -> list[LoadedRow]:
        codes = [item.code for item in items]
        found = await conn.execute(KNOWN_SKUS, {"store_id": self._store_id, "codes": codes})
        known = {row["code"]: dict(row) for row in found.mappings()}
        writes, rows = [], []
        for item in items:
            before = known.get(item.code)
            row = dict(before) if before else {"id": SkuId(new_id()), **NEW_SKU}
            row |= {"code": item.code, "product_id": product_ids[item.group], "state": "active"}
            row |= _said_of_sku(item)
            row["position"] = self._groups[item.group] = self._groups[item.group] + 1
            outcome = _outcome(before, row)
            if outcome != "unchanged":
                writes.append(row)
            quantity = item.quantity
            if before is None and quantity is None:
                quantity = item.assumed_quantity or 0
            sku_id, product_id = SkuId(row["id"]), ProductId(row["product_id"])
            rows.append(LoadedRow(item.line, sku_id, product_id, outcome, quantity))
        if writes:
            await conn.execute(
                PUT_SKUS, self._arrays(writes, ("id", "code", "position", *SKU_FIELDS))
            )
        return rows

    def _arrays(self, rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> dict[str, Any]:
        return {
            "store_id": self._store_id,
            "at": self._at,
            **{field: [_plain(row[field]) for row in rows] for field in fields},
        }

    async def _tell(self, conn: AsyncConnection, product_ids: set[ProductId]) -> None:
        if product_ids:
            facts = {"products": sorted(map(str, product_ids))}
            await events.record(
                conn,
                "catalog.feed_loaded",
                subject_id=self._store_id,
                store_id=self._store_id,
                at=self._at,
                facts=facts,
            )


def _said(item: FeedItem, *, files: Sequence[str]) -> dict[str, Any]:
    """What the feed says of the product; what it leaves out is not in it.

    files: the pictures it has; a feed that names just these says nothing new.
    """
    links = item.image_links
    if links is not None and list(links) == [OWN_IMAGE + file for file in files]:
        links = None
    said = {
        "title_zh": item.title,
        "title_en": item.title_en,
        "description_zh": item.description,
        "description_en": item.description_en,
        "brand": item.brand,
        "category": item.category,
        "state": item.state,
        "commission_bp": item.commission_bp,
        "image_links": None if links is None else list(links),
    }
    return {field: value for field, value in said.items() if value is not None}


def _said_of_sku(item: FeedItem) -> dict[str, Any]:
    said: dict[str, Any] = {
        "options": item.options,
        "attributes": item.attributes,
        "weight_g": item.weight_g,
    }
    kept = {field: value for field, value in said.items() if value is not None}
    if item.gtin is not None:
        kept["gtin"] = item.gtin or None
    return kept | {"price_minor": item.price_minor, "list_price_minor": item.list_price_minor}


def _outcome(before: Mapping[str, Any] | None, row: Mapping[str, Any]) -> str:
    if before is None:
        return "created"
    return "unchanged" if all(row[f] == before[f] for f in SKU_FIELDS) else "updated"


def _plain(value: Any) -> Any:
    """JSON columns travel as text inside an array."""
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else value


# Two imports into one store wait for each other; other stores do not.
LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('feed:' || :store_id, 0))")

KNOWN_PRODUCTS = text("""
    SELECT p.id, p.code, p.title_zh, p.title_en, p.description_zh, p.description_en, p.brand,
      p.category, p.state, p.commission_bp, p.image_links,
      ARRAY(SELECT i.file FROM product_images i
        WHERE i.store_id = p.store_id AND i.product_id = p.id ORDER BY i.position) AS files
    FROM unnest(CAST(:codes AS text[])) AS w (code)
    JOIN products p ON p.store_id = :store_id AND p.code = w.code
""")

KNOWN_SKUS = text("""
    SELECT k.id, k.code, k.product_id, k.options, k.price_minor, k.list_price_minor, k.gtin,
      k.attributes, k.weight_g, k.state
    FROM unnest(CAST(:codes AS text[])) AS w (code)
    JOIN skus k ON k.store_id = :store_id AND k.code = w.code
""")

PUT_PRODUCTS = text("""
    INSERT INTO products (store_id, id, code, title_zh, title_en, description_zh, description_en,
      brand, category, state, commission_bp, image_links, created_at, updated_at)
    SELECT :store_id, p.id, p.code, p.title_zh, p.title_en, p.description_zh, p.description_en,
      p.brand, p.category, p.state, p.commission_bp, CAST(p.image_links AS jsonb), :at, :at
    FROM unnest(CAST(:id AS uuid[]), CAST(:code AS text[]), CAST(:title_zh AS text[]),
      CAST(:title_en AS text[]), CAST(:description_zh AS text[]), CAST(:description_en AS text[]),
      CAST(:brand AS text[]), CAST(:category AS text[]), CAST(:state AS text[]),
      CAST(:commission_bp AS int[]), CAST(:image_links AS text[]))
      AS p (id, code, title_zh, title_en, description_zh, description_en, brand, category, state,
        commission_bp, image_links)
    ON CONFLICT (store_id, id) DO UPDATE SET title_zh = excluded.title_zh,
      title_en = excluded.title_en, description_zh = excluded.description_zh,
      description_en = excluded.description_en, brand = excluded.brand,
      category = excluded.category, state = excluded.state,
      commission_bp = excluded.commission_bp, image_links = excluded.image_links, updated_at = :at
""")

PUT_SKUS = text("""
    INSERT INTO skus (store_id, id, product_id, code, options, price_minor, list_price_minor,
      gtin, attributes, weight_g, state, position)
    SELECT :store_id, s.id, s.product_id, s.code, CAST(s.options AS jsonb), s.price_minor,
      s.list_price_minor, s.gtin, CAST(s.attributes AS jsonb), s.weight_g, s.state,
      least(s.position - 1, 32000)
    FROM unnest(CAST(:id AS uuid[]), CAST(:product_id AS uuid[]), CAST(:code AS text[]),
      CAST(:options AS text[]), CAST(:price_minor AS bigint[]), CAST(:list_price_minor AS bigint[]),
      CAST(:gtin AS text[]), CAST(:attributes AS text[]), CAST(:weight_g AS int[]),
      CAST(:state AS text[]), CAST(:position AS int[]))
      AS s (id, product_id, code, options, price_minor, list_price_minor, gtin, attributes,
        weight_g, state, position)
    ON CONFLICT (store_id, id) DO UPDATE SET product_id = excluded.product_id,
      options = excluded.options, price_minor = excluded.price_minor,
      list_price_minor = excluded.list_price_minor, gtin = excluded.gtin,
      attributes = excluded.attributes, weight_g = excluded.weight_g, state = excluded.state
""")
