"""Writes stores and the category tree."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import insert, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import OrgId, StoreId, new_id
from dougong.catalog.rules import (
    CATEGORY_PATH,
    CURRENCY,
    OTHER,
    STORE_CODE,
    CategoryInUse,
    StoreCodeTaken,
    clean_text,
)
from dougong.catalog.tables import categories, stores
from dougong.infra import events

MAX_NAME = 80
MAX_TAGLINE = 160
MAX_PATH = 120
MAX_POSITION = 9_999


class CategoryRow(NamedTuple):
    """A category by its path (`beauty/skincare`); its parent is the path before the last slash."""

    path: str
    name_zh: str
    name_en: str
    position: int = 0


async def open_store(
    conn: AsyncConnection,
    *,
    org_id: OrgId,
    code: str,
    name_zh: str,
    name_en: str,
    currency: str,
    at: datetime,
    merchant_class: str = "standard",
    shipping_fee_minor: int = 0,
    free_shipping_from_minor: int | None = None,
    tagline_zh: str = "",
    tagline_en: str = "",
) -> StoreId:
    """A new store of an organisation. Money in minor units of `currency` (ISO 4217).

    Raises BadInput, StoreCodeTaken (409), NotFound when there is no such organisation.
    """
    if not STORE_CODE.fullmatch(code):
        raise BadInput(field="code", reason="bad_code")
    if not CURRENCY.fullmatch(currency):
        raise BadInput(field="currency", reason="bad_currency")
    store_id = StoreId(new_id())
    row = {
        "id": store_id,
        "org_id": org_id,
        "code": code,
        "currency": currency,
        "merchant_class": merchant_class,
        "created_at": at,
        **_shown(name_zh, name_en, tagline_zh, tagline_en),
        **_shipping(shipping_fee_minor, free_shipping_from_minor),
    }
    try:
        async with conn.begin_nested():
            await conn.execute(insert(stores).values(row))
    except IntegrityError as error:
        if "stores_code_key" in str(error.orig):
            raise StoreCodeTaken(field="code") from error
        raise NotFound(field="org_id") from error
    await events.record(
        conn,
        "catalog.store_opened",
        subject_id=store_id,
        store_id=store_id,
        at=at,
        facts={"code": code, "currency": currency, "org_id": str(org_id)},
    )
    return store_id


async def change_store(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    name_zh: str,
    name_en: str,
    tagline_zh: str,
    tagline_en: str,
    shipping_fee_minor: int,
    free_shipping_from_minor: int | None,
    at: datetime,
) -> None:
    """Change names and shipping; placed orders keep theirs. Raises BadInput, NotFound."""
    change = (
        update(stores)
        .where(stores.c.id == store_id)
        .values(
            _shown(name_zh, name_en, tagline_zh, tagline_en)
            | _shipping(shipping_fee_minor, free_shipping_from_minor)
        )
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound
    await events.record(
        conn,
        "catalog.store_changed",
        subject_id=store_id,
        store_id=store_id,
        at=at,
        facts={
            "shipping_fee_minor": shipping_fee_minor,
            "free_shipping_from_minor": free_shipping_from_minor,
        },
    )


async def set_logo(conn: AsyncConnection, *, store_id: StoreId, file: str | None) -> None:
    """`file`: as catalog.images.keep_image answers it. Raises NotFound."""
    change = update(stores).where(stores.c.id == store_id).values(logo_file=file)
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound


def _shown(name_zh: str, name_en: str, tagline_zh: str, tagline_en: str) -> dict[str, str]:
    return {
        "name_zh": clean_text(name_zh, field="name_zh", most=MAX_NAME, required=True),
        "name_en": clean_text(name_en, field="name_en", most=MAX_NAME),
        "tagline_zh": clean_text(tagline_zh, field="tagline_zh", most=MAX_TAGLINE),
        "tagline_en": clean_text(tagline_en, field="tagline_en", most=MAX_TAGLINE),
    }


def _shipping(fee_minor: int, free_from_minor: int | None) -> dict[str, int | None]:
    if not 0 <= fee_minor <= 1_000_000_00:
        raise BadInput(field="shipping_fee", reason="out_of_range")
    if free_from_minor is not None and not 0 <= free_from_minor <= 1_000_000_000_00:
        raise BadInput(field="free_shipping_from", reason="out_of_range")
    return {"shipping_fee_minor": fee_minor, "free_shipping_from_minor": free_from_minor}


async def ensure_categories(conn: AsyncConnection, rows: Iterable[CategoryRow]) -> None:
    """Make or rename categories. Parents come with them or are there already.

    Raises BadInput for a path that does not fit, or whose parent is missing, and for names.
    """
    ordered = sorted((_category(row) for row in rows), key=lambda row: row.path.count("/"))
    try:
        async with conn.begin_nested():
            await conn.execute(
                text("""
                    INSERT INTO categories (path, parent, name_zh, name_en, position)
                    SELECT path, NULLIF(substring(path FROM '^(.*)/[^/]+$'), ''),
                      name_zh, name_en, position
                    FROM unnest(CAST(:paths AS text[]), CAST(:zh AS text[]), CAST(:en AS text[]),
                      CAST(:positions AS int[])) AS c (path, name_zh, name_en, position)
                    ON CONFLICT (path) DO UPDATE SET name_zh = excluded.name_zh,
                      name_en = excluded.name_en, position = excluded.position
                """),
                {
                    "paths": [row.path for row in ordered],
                    "zh": [row.name_zh for row in ordered],
                    "en": [row.name_en for row in ordered],
                    "positions": [row.position for row in ordered],
                },
            )
    except IntegrityError as error:
        raise BadInput(field="path", reason="missing_parent") from error


def _category(row: CategoryRow) -> CategoryRow:
    if len(row.path) > MAX_PATH or not CATEGORY_PATH.fullmatch(row.path):
        raise BadInput(field="path", reason="bad_path", path=row.path)
    if not 0 <= row.position <= MAX_POSITION:
        raise BadInput(field="position", reason="out_of_range")
    return row._replace(
        name_zh=clean_text(row.name_zh, field="name_zh", most=MAX_NAME, required=True),
        name_en=clean_text(row.name_en, field="name_en", most=MAX_NAME, required=True),
    )


async def remove_category(conn: AsyncConnection, *, path: str) -> None:
    """Take away a category in which nothing is. Raises NotFound, CategoryInUse (409)."""
    if path == OTHER:
        raise CategoryInUse
    try:
        async with conn.begin_nested():
            gone = await conn.execute(categories.delete().where(categories.c.path == path))
    except IntegrityError as error:  # a product's or a child's foreign key
        raise CategoryInUse from error
    if gone.rowcount != 1:
        raise NotFound


async def ensure_other(conn: AsyncConnection) -> None:
    """The category of goods that name none."""
    await conn.execute(
        text("""
            INSERT INTO categories (path, name_zh, name_en, position)
            VALUES (:path, '其他', 'Other', 999) ON CONFLICT DO NOTHING
        """),
        {"path": OTHER},
    )
