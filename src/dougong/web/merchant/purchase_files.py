"""Purchase orders as files: one as a PDF or CSV for the supplier, many as CSV."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.ids import StoreId
from dougong.base.money import decimal_text
from dougong.catalog.queries import store_of
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.pdf import Document
from dougong.reads.purchasing import Purchase, purchase_of, purchase_rows
from dougong.web.deps import Conn, Now
from dougong.web.i18n import gettext, locale_of_request, pick
from dougong.web.merchant.common import STORE
from dougong.web.merchant.purchasing import chosen_by, local_day
from dougong.web.options import option_text
from dougong.web.paging import MOST_CSV_ROWS, csv_answer, file_answer
from dougong.web.render import money, when

ROUTE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "include_in_schema": False}
ONE = STORE + "/purchasing/{purchase_id:uuid}"
LINE_COLUMNS = ("number", "supplier", "line_no", "sku", "supplier_sku", "title", "quantity",
                "price", "currency", "expected_on")  # fmt: skip


@get(STORE + "/purchasing.csv", **ROUTE)
async def purchase_list_file(
    store_id: FromPath[UUID],
    conn: Conn,
    now: Now,
    show: FromQuery[str] = "all",
    q: FromQuery[str] = "",
    supplier: FromQuery[str] = "",
) -> Response[bytes]:
    rows = await purchase_rows(
        conn,
        store_id=StoreId(store_id),
        chosen=chosen_by(show, q, supplier),
        today=local_day(now),
        most=MOST_CSV_ROWS,
    )
    columns = ("number", "supplier_code", "supplier_name", "state", "lines", "units", "received",
               "goods_minor", "currency", "expected_on", "made_at", "sent_at")  # fmt: skip
    lines = ([getattr(row, column) for column in columns] for row in rows)
    return csv_answer("purchase-orders.csv", columns, lines)


@get(ONE + "/lines.csv", **ROUTE)
async def purchase_file(
    store_id: FromPath[UUID], purchase_id: FromPath[UUID], conn: Conn
) -> Response[bytes]:
    return await lines_csv(conn, store_id=StoreId(store_id), purchase_id=purchase_id)


async def lines_csv(
    conn: AsyncConnection, *, store_id: StoreId, purchase_id: UUID
) -> Response[bytes]:
    """The columns that an import takes."""
    found = await purchase_of(conn, store_id=store_id, order_id=purchase_id)
    order = found.order
    rows = [
        (
            order.number,
            order.supplier_code,
            line.line_no,
            line.code,
            line.supplier_sku,
            pick(line, "title"),
            line.quantity,
            decimal_text(line.price_minor, order.currency),
            order.currency,
            order.expected_on,
        )
        for line in found.lines
    ]
    return csv_answer(f"{order.number}.csv", LINE_COLUMNS, rows)


@get(ONE + "/order.pdf", **ROUTE)
async def purchase_document(
    store_id: FromPath[UUID], purchase_id: FromPath[UUID]
) -> Response[bytes]:
    return await order_pdf(store_id=StoreId(store_id), purchase_id=purchase_id)


async def order_pdf(*, store_id: StoreId, purchase_id: UUID) -> Response[bytes]:
    """For the supplier: what is ordered, where to, by when, at which price. Drawn without a
    transaction: fonts take their time."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        found = await purchase_of(conn, store_id=store_id, order_id=purchase_id)
        store = await store_of(conn, store_id=store_id)
    data = await asyncio.to_thread(
        document, found, store=store, at=at, locale=locale_of_request.get()
    )
    return file_answer(data, f"{found.order.number}.pdf", "application/pdf")


def document(found: Purchase, *, store: Any, at: datetime, locale: str) -> bytes:
    """In the language of `locale`. Runs in a thread: contexts are copied there."""
    locale_of_request.set(locale)
    order = found.order
    made = Document(
        title=f"{gettext('Purchase order')} {order.number}",
        subtitle=f"{pick(store, 'name')} → {order.supplier_name}",
        made_at=at,
        language="zh-CN" if locale == "zh" else "en",
    )
    made.figures(
        [
            (gettext("Total"), money(order.goods_minor, order.currency)),
            (gettext("Expected on"), order.expected_on.isoformat()),
            (gettext("Payment"), gettext("%(n)s days") % {"n": order.payment_days}),
            (gettext("Approved"), when(order.approved_at, "date") or "–"),
        ]
    )
    contact = " · ".join(filter(None, (order.contact, order.phone, order.email)))
    if contact:
        made.heading(gettext("Supplier"))
        made.rows([gettext("Contact"), ""], [[contact, order.supplier_code]], widths=(70, 30))
    made.heading(gettext("Goods"))
    made.rows(
        [gettext("Product"), gettext("Your code"), gettext("Units"), gettext("Price"),
         gettext("Amount")],
        [
            [
                " ".join(filter(None, (line.code, pick(line, "title"), option_text(line.options)))),
                line.supplier_sku or "–",
                str(line.quantity),
                money(line.price_minor, order.currency),
                money(line.price_minor * line.quantity, order.currency),
            ]
            for line in found.lines
        ],
        widths=(46, 16, 10, 13, 15),
    )  # fmt: skip
    if order.note:
        made.heading(gettext("Note"))
        made.rows([gettext("Note"), ""], [[order.note, ""]], widths=(90, 10))
    return made.file()


HANDLERS: list[HTTPRouteHandler] = [purchase_list_file, purchase_file, purchase_document]
