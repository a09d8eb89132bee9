"""API v1, a merchant's stores and their coupons."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import StoreId
from dougong.base.money import Money
from dougong.catalog.commands import change_store
from dougong.catalog.coupon_commands import end_coupon, issue_coupon
from dougong.catalog.queries import store_of
from dougong.catalog.rules import clean_text
from dougong.infra.idempotency import once
from dougong.reads.merchant_coupons import coupon_rows
from dougong.reads.merchant_products import stores_of
from dougong.web.account.common import AnyRequest, request_id
from dougong.web.api.common import (
    STORE,
    After,
    Filled,
    Instant,
    Key,
    Limit,
    OneLine,
    image_url,
    money_or_none,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Input
from dougong.web.paging import cursor_values, cut

STORES: dict[str, Any] = {"tags": ["merchant stores"]}
COUPONS: dict[str, Any] = {"permission": Permission.COUPON_MANAGE, "tags": ["coupons"]}
Name = Annotated[OneLine, Meta(max_length=80)]
Tagline = Annotated[OneLine, Meta(max_length=160)]
Fee = Annotated[int, Meta(ge=0, le=100_000_000, description="Minor units, such as fen.")]
From = Annotated[int, Meta(ge=0, le=100_000_000_000, description="Minor units, such as fen.")]


class OwnStore(msgspec.Struct):
    """`to_ship`: paid orders that wait; `on_sale`: products on sale."""

    id: UUID
    code: str
    name_zh: str
    name_en: str
    state: str
    currency: str
    to_ship: int
    on_sale: int


class OwnStores(msgspec.Struct):
    items: list[OwnStore]


class StoreSettings(msgspec.Struct):
    """Shipping is free from `free_shipping_from` on; null: never."""

    id: UUID
    code: str
    state: str
    currency: str
    name_zh: str
    name_en: str
    tagline_zh: str
    tagline_en: str
    logo_url: str | None
    shipping_fee: Money
    free_shipping_from: Money | None


class StoreChange(Input):
    """What is left out stays as it is."""

    name_zh: Annotated[Filled, Meta(min_length=1, max_length=80)] | UnsetType = UNSET
    name_en: Name | UnsetType = UNSET
    tagline_zh: Tagline | UnsetType = UNSET
    tagline_en: Tagline | UnsetType = UNSET
    shipping_fee_minor: Fee | UnsetType = UNSET
    free_shipping_from_minor: From | UnsetType | None = UNSET


class CouponInput(Input):
    """Exactly one of `amount_off_minor` and `percent_off_bp` (basis points); usable within
    [usable_from, usable_until), at most `quota` times, once a person. The merchant pays it."""

    code: Annotated[str, Meta(pattern=r"^[A-Z0-9-]{3,30}$")]
    name_zh: Annotated[Filled, Meta(min_length=1, max_length=60)]
    usable_from: Instant
    usable_until: Instant
    quota: Annotated[int, Meta(ge=1, le=10_000_000)]
    name_en: Annotated[OneLine, Meta(max_length=60)] = ""
    amount_off_minor: Annotated[int, Meta(ge=1, le=100_000_000_000)] | None = None
    percent_off_bp: Annotated[int, Meta(ge=1, le=9_900)] | None = None
    min_spend_minor: From = 0


class Coupon(msgspec.Struct):
    """`state`: upcoming, live, over or used_up; `given`: what open and paid orders took off."""

    id: UUID
    code: str
    name_zh: str
    name_en: str
    state: str
    funder: str
    amount_off: Money | None
    percent_off_bp: int | None
    min_spend: Money
    quota: int
    used: int
    given: Money
    starts_at: datetime
    ends_at: datetime


class CouponPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[Coupon]
    after: str | None


class IssuedCoupon(msgspec.Struct):
    coupon_id: UUID


@get(
    "/api/v1/me/stores",
    summary="My stores",
    permission=Permission.STORE_READ,
    any_org=True,
    **STORES,
)
async def my_stores(who: Who, conn: Conn) -> OwnStores:
    """Those of every organisation that the caller acts for, by code."""
    rows = await stores_of(conn, org_ids=who.orgs_with(Permission.STORE_READ))
    return OwnStores(
        [OwnStore(*(getattr(row, n) for n in OwnStore.__struct_fields__)) for row in rows]
    )


async def _settings(conn: AsyncConnection, store_id: UUID) -> StoreSettings:
    row = await store_of(conn, store_id=StoreId(store_id))
    return StoreSettings(
        id=row.id,
        code=row.code,
        state=row.state,
        currency=row.currency,
        name_zh=row.name_zh,
        name_en=row.name_en,
        tagline_zh=row.tagline_zh,
        tagline_en=row.tagline_en,
        logo_url=image_url(row.logo_file),
        shipping_fee=Money(row.shipping_fee_minor, row.currency),
        free_shipping_from=money_or_none(row.free_shipping_from_minor, row.currency),
    )


@get(
    STORE + "/settings",
    summary="A store's words and shipping rule",
    permission=Permission.STORE_READ,
    **STORES,
)
async def read_settings(store_id: FromPath[UUID], conn: Conn) -> StoreSettings:
    """As its merchant sees them; a closed store too."""
    return await _settings(conn, store_id)


@patch(
    STORE + "/settings",
    summary="Change a store",
    permission=Permission.STORE_MANAGE,
    **STORES,
)
async def change_settings(
    store_id: FromPath[UUID],
    data: JSONBody[StoreChange],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> StoreSettings:
    """Names and shipping rule; orders that are placed keep theirs."""
    row = await store_of(conn, store_id=StoreId(store_id))
    values = {
        name: getattr(row, name) if getattr(data, name) is UNSET else getattr(data, name)
        for name in StoreChange.__struct_fields__
    }
    await change_store(conn, store_id=StoreId(store_id), at=now, **values)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="catalog.store_changed",
        owner_id=store_id,
        subject="settings",
        facts={n: values[n] for n in ("shipping_fee_minor", "free_shipping_from_minor")},
        request_id=request_id(request),
    )
    return await _settings(conn, store_id)


@get(STORE + "/coupons", summary="Coupons of a store", **COUPONS)
async def list_coupons(
    store_id: FromPath[UUID], conn: Conn, now: Now, after: After = "", limit: Limit = 50
) -> CouponPage:
    """The newest first."""
    store = await store_of(conn, store_id=StoreId(store_id))
    start = cursor_values(after, tuple[UUID])
    found = await coupon_rows(
        conn,
        store_id=StoreId(store_id),
        at=now,
        before=start[0] if start else None,
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.id,), limit)
    return CouponPage([_coupon(row, store.currency) for row in rows], following or None)


def _coupon(row: Any, currency: str) -> Coupon:
    return Coupon(
        id=row.id,
        code=row.code,
        name_zh=row.name_zh,
        name_en=row.name_en,
        state=row.state,
        funder=row.funder,
        amount_off=money_or_none(row.amount_off_minor, currency),
        percent_off_bp=row.percent_off_bp,
        min_spend=Money(row.min_spend_minor, currency),
        quota=row.quota,
        used=row.used,
        given=Money(row.given_minor, currency),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
    )


@post(STORE + "/coupons", summary="Issue a coupon", status_code=201, **COUPONS)
async def issue(
    store_id: FromPath[UUID],
    data: JSONBody[CouponInput],
    key: Key,
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> IssuedCoupon:
    """409 `coupon_code_taken` when the store has one of this code."""

    async def make() -> IssuedCoupon:
        store = await store_of(conn, store_id=StoreId(store_id))
        values = msgspec.structs.asdict(data) | {
            "name_zh": clean_text(data.name_zh, field="name_zh", most=60, required=True),
            "name_en": clean_text(data.name_en, field="name_en", most=60),
        }
        coupon_id = await issue_coupon(
            conn,
            store_id=StoreId(store_id),
            funder="merchant",
            funder_org_id=store.org_id,
            at=now,
            **values,
        )
        await audit(
            conn,
            at=now,
            person_id=who.person_id,
            action="catalog.coupon_issued",
            owner_id=store_id,
            subject=data.code,
            facts={"coupon_id": str(coupon_id)},
            request_id=request_id(request),
        )
        return IssuedCoupon(coupon_id)

    if (data.amount_off_minor is None) == (data.percent_off_bp is None):
        raise BadInput(field="amount_off_minor", reason="one_of_amount_and_percent")
    return await once(
        conn,
        owner_id=store_id,
        route="POST coupons",
        key=key,
        request=data,
        answer=IssuedCoupon,
        at=now,
        make=make,
    )


@post(STORE + "/coupons/{coupon_id:uuid}/end", summary="End a coupon", status_code=204, **COUPONS)
async def end(
    store_id: FromPath[UUID],
    coupon_id: FromPath[UUID],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> None:
    """No further use; orders that have it keep it. Said twice it is the same."""
    await end_coupon(conn, store_id=StoreId(store_id), coupon_id=coupon_id, at=now)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="catalog.coupon_ended",
        owner_id=store_id,
        subject=str(coupon_id),
        request_id=request_id(request),
    )


HANDLERS: list[HTTPRouteHandler] = [
    my_stores,
    read_settings,
    change_settings,
    list_coupons,
    issue,
    end,
]
