"""The editor of purchase orders: hands never leave the keyboard."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import StoreId
from dougong.base.money import decimal_text
from dougong.catalog.queries import store_of
from dougong.reads.purchasing import item_rows, purchase_of, skus_by_code, supplier_rows
from dougong.supply.purchase_commands import change_order, draft_order
from dougong.supply.purchase_rules import WantedLine
from dougong.supply.supplier_commands import terms_at
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import (
    amount,
    many,
    merchant_page,
    problem_words,
    see,
    store_url,
    whole,
)
from dougong.web.merchant.purchasing import (
    MOST_SUPPLIERS,
    ONE,
    PURCHASES,
    AnyRequest,
    a_day,
    note_act,
    uuid_or_none,
)
from dougong.web.render import Page

ROUTE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "include_in_schema": False}
Cells = str | list[str]


class OrderForm(Form, kw_only=True):
    """One `sku`, `quantity` and `price` for each row; rows without a SKU are left out."""

    supplier_id: UUID | None = None
    warehouse_id: str = ""
    expected_on: str = ""
    note: str = ""
    sku: Cells = ""
    quantity: Cells = ""
    price: Cells = ""
    then: Literal["", "approve"] = ""

    def rows(self) -> list[tuple[str, str, str]]:
        """Raises BadInput when the columns do not fit together."""
        columns = [many(self.sku), many(self.quantity), many(self.price)]
        if len({len(column) for column in columns}) != 1:
            raise BadInput(field="lines", reason="too_few_cells")
        found = zip(*columns, strict=True)
        return [(sku.strip(), units, price) for sku, units, price in found if sku.strip()]


async def _editor(
    request: AnyRequest,
    conn: AsyncConnection,
    store_id: UUID,
    at: datetime,
    *,
    supplier_id: UUID | None,
    purchase: Any = None,
    typed: OrderForm | None = None,
    error: Refusal | None = None,
) -> Page:
    ours = StoreId(store_id)
    items = []
    if supplier_id is not None:
        items = await item_rows(conn, store_id=ours, supplier_id=supplier_id, at=at)
    store = await store_of(conn, store_id=ours)
    cells = _cells(purchase, typed, store.currency)
    return await merchant_page(
        request,
        conn,
        "purchasing/edit.html",
        store_id=store_id,
        status=422 if error else 200,
        suppliers=await supplier_rows(conn, store_id=ours, is_open=True, most=MOST_SUPPLIERS),
        supplier_id=supplier_id,
        purchase=purchase,
        items=items,
        known=[_known(item) for item in items],
        cells=cells,
        typed=typed,
        terms=await terms_at(conn, store_id=ours, at=at),
        bad_field=error.field if error else "",
        bad_words=problem_words(error) if error else "",
        bad_line=error.facts.get("line_no") if error else None,
    )


def _cells(purchase: Any, typed: OrderForm | None, currency: str) -> list[tuple[str, str, str]]:
    """SKU, quantity and price of each row of the editor, as typed."""
    if typed is not None:
        columns = zip(many(typed.sku), many(typed.quantity), many(typed.price), strict=False)
        return [*columns]
    if purchase is not None:
        return [
            (line.code, str(line.quantity), decimal_text(line.price_minor, currency))
            for line in purchase.lines
        ]
    return []


def _known(item: Any) -> dict[str, Any]:
    """What the editor's script knows of a SKU: packs, and prices in force by quantity."""
    return {
        "code": item.code,
        "pack": item.pack_size,
        "least": item.min_quantity,
        "prices": [[p.from_quantity, p.price_minor] for p in item.prices if p.in_force],
    }


@get(PURCHASES + "/new", **ROUTE)
async def new_purchase(
    store_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    now: Now,
    supplier: FromQuery[str] = "",
) -> Page:
    chosen = uuid_or_none(supplier, field="supplier")
    return await _editor(request, conn, store_id, now, supplier_id=chosen)


async def wanted_lines(
    conn: AsyncConnection, *, store_id: StoreId, rows: list[tuple[str, str, str]], currency: str
) -> list[WantedLine]:
    """Typed rows as lines to order. Raises BadInput with the line's number."""
    found = await skus_by_code(conn, store_id=store_id, codes=[sku for sku, _, _ in rows])
    lines = []
    for line_no, (sku, units, price) in enumerate(rows, start=1):
        if sku not in found:
            raise BadInput(field="sku", reason="unknown_sku", line_no=line_no)
        try:
            quantity = whole(units, field="quantity")
            minor = amount(price, currency, field="price", required=False)
        except BadInput as error:
            raise BadInput(field=error.field, line_no=line_no, **error.facts) from error
        lines.append(WantedLine(found[sku], quantity or 0, minor))
    return lines


@post(PURCHASES + "/new", **ROUTE)
async def create_purchase(
    store_id: FromPath[UUID],
    data: FormData[OrderForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    ours = StoreId(store_id)
    store = await store_of(conn, store_id=ours)
    try:
        async with conn.begin_nested():
            if data.supplier_id is None:
                raise BadInput(field="supplier_id", reason="missing")
            order_id = await draft_order(
                conn,
                store_id=ours,
                supplier_id=data.supplier_id,
                warehouse_id=uuid_or_none(data.warehouse_id, field="warehouse_id"),
                lines=await wanted_lines(
                    conn, store_id=ours, rows=data.rows(), currency=store.currency
                ),
                expected_on=a_day(data.expected_on, field="expected_on"),
                note=data.note,
                by_id=who.person_id,
                at=now,
            )
    except Refusal as refusal:
        return await _editor(
            request, conn, store_id, now, supplier_id=data.supplier_id, typed=data, error=refusal
        )
    await note_act(conn, who, now, store_id, "supply.purchase_order_drafted", order_id)
    return see(store_url(store_id, f"purchasing/{order_id}"))


@get(ONE + "/edit", **ROUTE)
async def edit_purchase(
    store_id: FromPath[UUID],
    purchase_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    now: Now,
) -> Page:
    purchase = await purchase_of(conn, store_id=StoreId(store_id), order_id=purchase_id)
    supplier_id = purchase.order.supplier_id
    return await _editor(request, conn, store_id, now, supplier_id=supplier_id, purchase=purchase)


@post(ONE + "/edit", **ROUTE)
async def save_purchase(
    store_id: FromPath[UUID],
    purchase_id: FromPath[UUID],
    data: FormData[OrderForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    ours = StoreId(store_id)
    purchase = await purchase_of(conn, store_id=ours, order_id=purchase_id)
    try:
        async with conn.begin_nested():
            await change_order(
                conn,
                store_id=ours,
                order_id=purchase_id,
                warehouse_id=uuid_or_none(data.warehouse_id, field="warehouse_id"),
                lines=await wanted_lines(
                    conn, store_id=ours, rows=data.rows(), currency=purchase.order.currency
                ),
                expected_on=a_day(data.expected_on, field="expected_on")
                or purchase.order.expected_on,
                note=data.note,
                at=now,
            )
    except Refusal as refusal:
        return await _editor(
            request,
            conn,
            store_id,
            now,
            supplier_id=purchase.order.supplier_id,
            purchase=purchase,
            typed=data,
            error=refusal,
        )
    await note_act(conn, who, now, store_id, "supply.purchase_order_changed", purchase_id)
    return see(store_url(store_id, f"purchasing/{purchase_id}"))


HANDLERS: list[HTTPRouteHandler] = [
    new_purchase,
    create_purchase,
    edit_purchase,
    save_purchase,
]
