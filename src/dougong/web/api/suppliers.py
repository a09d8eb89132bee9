"""API v1: suppliers, what they sell at which price, how the store buys, what is owed."""

from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import get, patch, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import NotFound
from dougong.base.ids import SkuId, StoreId
from dougong.base.money import Money
from dougong.catalog.queries import store_of
from dougong.flows.owe_suppliers import pay_supplier
from dougong.reads.purchasing import item_rows, supplier_of, supplier_rows
from dougong.reads.supplier_bills import account_of
from dougong.supply.purchase_rules import Terms
from dougong.supply.supplier_commands import (
    ItemFields,
    SupplierFields,
    add_price,
    add_supplier,
    change_supplier,
    end_price,
    put_item,
    set_supplier_open,
    set_terms,
    terms_at,
)
from dougong.web.api.common import STORE, After, Key, Limit, MaybeKey, Search, plain
from dougong.web.api.deeds import Deed, StoreDeed
from dougong.web.api.purchase_types import (
    AccountPaper,
    ItemInput,
    PaymentInput,
    PaymentNoted,
    PriceInput,
    Supplier,
    SupplierAccount,
    SupplierChange,
    SupplierInput,
    SupplierItem,
    SupplierItemPage,
    SupplierPage,
    TermsInput,
    TermsShown,
    likely,
)
from dougong.web.api.stock_types import shaped
from dougong.web.deps import Conn, Now
from dougong.web.paging import cursor_values, cut

ROUTE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "tags": ["purchasing"]}
SUPPLIERS = STORE + "/suppliers"
SUPPLIER = SUPPLIERS + "/{supplier_id:uuid}"
SHOWN: dict[str, bool | None] = {"open": True, "closed": False, "all": None}


async def _supplier(conn: AsyncConnection, store_id: StoreId, supplier_id: UUID) -> Supplier:
    """Raises NotFound."""
    row = await supplier_of(conn, store_id=store_id, supplier_id=supplier_id)
    return shaped(row, Supplier)


@get(SUPPLIERS, summary="Suppliers of a store", **ROUTE)
async def list_suppliers(
    store_id: FromPath[UUID],
    conn: Conn,
    show: FromQuery[Literal["open", "closed", "all"]] = "all",
    q: Search = "",
    after: After = "",
    limit: Limit = 50,
) -> SupplierPage:
    """By code. `q`: code, name or contact."""
    start = cursor_values(after, tuple[str])
    found = await supplier_rows(
        conn,
        store_id=StoreId(store_id),
        words=plain(q),
        is_open=SHOWN[show],
        after=start[0] if start else "",
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.code,), limit)
    return SupplierPage([shaped(row, Supplier) for row in rows], following or None)


@get(SUPPLIER, summary="One supplier", **ROUTE)
async def read_supplier(
    store_id: FromPath[UUID], supplier_id: FromPath[UUID], conn: Conn
) -> Supplier:
    return await _supplier(conn, StoreId(store_id), supplier_id)


@post(SUPPLIERS, status_code=201, summary="Add a supplier", **ROUTE)
async def new_supplier(data: JSONBody[SupplierInput], key: Key, deed: Deed) -> Supplier:
    """409 `supplier_code_taken` when another one has this code."""

    async def make() -> Supplier:
        store = await store_of(deed.conn, store_id=deed.store_id)
        fields = SupplierFields(**msgspec.structs.asdict(data))
        made = await add_supplier(deed.conn, fields=fields, currency=store.currency, **deed.named())
        await deed.note("supply.supplier_added", data.code)
        return await _supplier(deed.conn, deed.store_id, made)

    return await deed.once("POST suppliers", key, data, Supplier, make)


@patch(SUPPLIER, summary="Change a supplier", **ROUTE)
async def edit_supplier(
    supplier_id: FromPath[UUID], data: JSONBody[SupplierChange], deed: Deed
) -> Supplier:
    """409 `supplier_code_taken` when another one has this code."""
    now = await _supplier(deed.conn, deed.store_id, supplier_id)
    said = {
        name: getattr(now, name) if value is UNSET else value
        for name, value in msgspec.structs.asdict(data).items()
    }
    await change_supplier(
        deed.conn, store_id=deed.store_id, supplier_id=supplier_id, fields=SupplierFields(**said)
    )
    await deed.note("supply.supplier_changed", said["code"])
    return await _supplier(deed.conn, deed.store_id, supplier_id)


def open_route(act: Literal["open", "close"]) -> HTTPRouteHandler:
    """A supplier gets orders again, or no new ones any more."""
    is_open = act == "open"
    action = "supply.supplier_opened" if is_open else "supply.supplier_closed"

    async def do(supplier_id: FromPath[UUID], deed: Deed, key: MaybeKey = None) -> Supplier:
        async def make() -> Supplier:
            await set_supplier_open(
                deed.conn, supplier_id=supplier_id, is_open=is_open, **deed.named()
            )
            await deed.note(action, supplier_id)
            return await _supplier(deed.conn, deed.store_id, supplier_id)

        return await deed.once(f"supplier.{act}", key, supplier_id, Supplier, make)

    do.__name__ = f"{act}_supplier"
    do.__doc__ = (
        "It gets orders again." if is_open else "It gets no new order; what is under way goes on."
    )
    summary = "Open a supplier again" if is_open else "Close a supplier"
    return post(f"{SUPPLIER}/{act}", status_code=200, summary=summary, **ROUTE)(do)


@get(SUPPLIER + "/items", summary="What a supplier sells", **ROUTE)
async def list_items(
    store_id: FromPath[UUID],
    supplier_id: FromPath[UUID],
    conn: Conn,
    now: Now,
    after: After = "",
    limit: Limit = 50,
) -> SupplierItemPage:
    """With its prices by quantity and date."""
    ours = StoreId(store_id)
    supplier = await supplier_of(conn, store_id=ours, supplier_id=supplier_id)
    start = cursor_values(after, tuple[str])
    found = await item_rows(
        conn,
        store_id=ours,
        supplier_id=supplier_id,
        at=now,
        after=start[0] if start else "",
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.code,), limit)
    items = [SupplierItem.of(row, supplier.currency) for row in rows]
    return SupplierItemPage(items, following or None)


async def _item(deed: StoreDeed, supplier_id: UUID, sku_id: UUID) -> SupplierItem:
    """Raises NotFound."""
    supplier = await supplier_of(deed.conn, store_id=deed.store_id, supplier_id=supplier_id)
    named = deed.named(supplier_id=supplier_id, sku_id=sku_id)
    for row in await item_rows(deed.conn, **named):
        return SupplierItem.of(row, supplier.currency)
    raise NotFound


@put(SUPPLIER + "/items/{sku_id:uuid}", summary="Say how a supplier sells a SKU", **ROUTE)
async def put_sold(
    supplier_id: FromPath[UUID], sku_id: FromPath[UUID], data: JSONBody[ItemInput], deed: Deed
) -> SupplierItem:
    """Anew, or otherwise than before. 400 `dropshipped_by_another` where another supplier sends
    this SKU to buyers already."""
    await put_item(
        deed.conn,
        store_id=deed.store_id,
        supplier_id=supplier_id,
        sku_id=SkuId(sku_id),
        fields=ItemFields(**msgspec.structs.asdict(data)),
    )
    await deed.note("supply.supplier_item_set", sku_id)
    return await _item(deed, supplier_id, sku_id)


@post(SUPPLIER + "/prices", status_code=201, summary="Add a price", **ROUTE)
async def new_price(
    supplier_id: FromPath[UUID], data: JSONBody[PriceInput], key: Key, deed: Deed
) -> SupplierItem:
    """Of a SKU that the supplier sells, from a quantity on. 409 `price_overlaps` when another one
    for this quantity is in force then: end it first."""

    async def make() -> SupplierItem:
        await add_price(
            deed.conn,
            store_id=deed.store_id,
            supplier_id=supplier_id,
            sku_id=SkuId(data.sku_id),
            from_quantity=data.from_quantity,
            price_minor=data.price_minor,
            starts=likely(data.starts_at, field="starts_at") or deed.at,
            ends=likely(data.ends_at, field="ends_at"),
            by_id=deed.by_id,
        )
        await deed.note("supply.supplier_price_added", supplier_id, sku_id=str(data.sku_id))
        return await _item(deed, supplier_id, data.sku_id)

    return await deed.once("supplier.price", key, (supplier_id, data), SupplierItem, make)


@post(
    STORE + "/supplier-prices/{price_id:uuid}/end", status_code=204, summary="End a price", **ROUTE
)
async def stop_price(price_id: FromPath[UUID], deed: Deed) -> None:
    """Now. 404 for one that is not in force."""
    await end_price(deed.conn, price_id=price_id, **deed.named())
    await deed.note("supply.supplier_price_ended", price_id)


@get(STORE + "/purchase-terms", summary="How the store buys", **ROUTE)
async def read_terms(store_id: FromPath[UUID], conn: Conn, now: Now) -> TermsShown:
    """As of now."""
    store = await store_of(conn, store_id=StoreId(store_id))
    terms = await terms_at(conn, store_id=StoreId(store_id), at=now)
    return TermsShown.of(terms, store.currency)


@put(STORE + "/purchase-terms", summary="Say how the store buys", **ROUTE)
async def put_terms(data: JSONBody[TermsInput], deed: Deed) -> TermsShown:
    """From now on; what was approved before keeps its own."""
    terms = Terms(**msgspec.structs.asdict(data))
    await set_terms(deed.conn, terms=terms, **deed.named())
    store = await store_of(deed.conn, store_id=deed.store_id)
    await deed.note("supply.purchase_terms_set", store.code)
    return TermsShown.of(terms, store.currency)


@get(SUPPLIER + "/account", summary="What a supplier is owed", **ROUTE)
async def read_account(
    store_id: FromPath[UUID], supplier_id: FromPath[UUID], conn: Conn
) -> SupplierAccount:
    """By the books, and the papers that explain it, the newest first."""
    ours = StoreId(store_id)
    supplier = await supplier_of(conn, store_id=ours, supplier_id=supplier_id)
    found = await account_of(conn, store_id=ours, supplier_id=supplier_id)

    def money(minor: int) -> Money:
        return Money(minor, supplier.currency)

    papers = [
        AccountPaper(row.kind, row.id, row.name, row.at, money(row.amount_minor))
        for row in found.rows
    ]
    return SupplierAccount(
        money(found.balance_minor),
        money(found.explained_minor),
        money(found.residual_minor),
        papers,
    )


@post(SUPPLIER + "/payments", status_code=201, summary="Note a payment to a supplier", **ROUTE)
async def note_payment(
    supplier_id: FromPath[UUID], data: JSONBody[PaymentInput], key: Key, deed: Deed
) -> PaymentNoted:
    """More than is owed leaves the supplier owing. 409 `supplier_payment_known` for a reference
    that was noted before."""

    async def make() -> PaymentNoted:
        supplier = await supplier_of(deed.conn, store_id=deed.store_id, supplier_id=supplier_id)
        made = await pay_supplier(
            deed.conn,
            supplier_id=supplier_id,
            currency=supplier.currency,
            amount_minor=data.amount_minor,
            reference=data.reference,
            **deed.named(by_id=deed.by_id),
        )
        await deed.note("supply.supplier_paid", supplier.code)
        account = await account_of(deed.conn, store_id=deed.store_id, supplier_id=supplier_id)
        return PaymentNoted(made, Money(account.balance_minor, supplier.currency))

    return await deed.once("supplier.payment", key, (supplier_id, data), PaymentNoted, make)


HANDLERS: list[HTTPRouteHandler] = [
    list_suppliers,
    read_supplier,
    new_supplier,
    edit_supplier,
    open_route("open"),
    open_route("close"),
    list_items,
    put_sold,
    new_price,
    stop_price,
    read_terms,
    put_terms,
    read_account,
    note_payment,
]
