"""Sending many orders: a file of what waits, the file back with tracking numbers, packing slips."""

import csv
import io
import re
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import StoreId
from dougong.flows.ship_many import Parcel, Sent, ship_many
from dougong.infra.db import transaction
from dougong.reads.merchant_shipping import slips
from dougong.web.account.common import request_id
from dougong.web.deps import Conn, Who
from dougong.web.i18n import pick
from dougong.web.merchant.common import STORE, merchant_page, problem_words
from dougong.web.options import option_text
from dougong.web.paging import csv_answer
from dougong.web.render import Page

READ: dict[str, Any] = {"permission": Permission.ORDER_READ_STORE, "include_in_schema": False}
SHIP: dict[str, Any] = {"permission": Permission.ORDER_SHIP, "include_in_schema": False}
CARRIERS = ("顺丰速运", "中通快递", "圆通速递", "韵达快递", "京东物流", "EMS", "DHL")
MOST_PARCELS = 500
MOST_SLIPS = 200
MOST_BYTES = 1_000_000
FIELDS = {"file", "rows", "carrier", "_csrf_token"}
COLUMNS = {
    "number": ("number", "order", "order number", "order_number", "订单号", "订单编号"),
    "carrier": ("carrier", "快递公司", "物流公司", "快递", "承运商"),
    "tracking_no": ("tracking_no", "tracking number", "tracking", "快递单号", "物流单号", "运单号"),
}
# What spreadsheets put around a number so that it stays a text: '123, ="123", a tab.
WRAPPED = re.compile(r'^(?:=")?[\s\']*(.*?)[\s"]*$')


def parcels_from(text: str, *, carrier: str) -> list[Parcel]:
    """Rows `number, carrier, tracking_no`, with or without a header; tabs and semicolons do too.

    carrier: for rows that name none. Raises BadInput for a file that cannot be read as such.
    """
    plain = text.lstrip("\ufeff").replace("\0", "")
    first = plain.partition("\n")[0]
    delimiter = next((one for one in "\t;，" if one in first and "," not in first), ",")
    try:
        rows = list(csv.reader(io.StringIO(plain, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise BadInput(field="file", reason="too_big") from error
    if not any(cell.strip() for row in rows for cell in row):
        raise BadInput(field="file", reason="empty")
    at = _header([cell.strip().lower() for cell in rows[0]])
    start = 1 if at else 0
    at = at or ({"number": 0, "tracking_no": 1} if _width(rows) == 2 else POSITIONS)
    parcels = [
        Parcel(
            line=line,
            number=_cell(row, at["number"]),
            carrier=_cell(row, at.get("carrier", -1)) or carrier.strip(),
            tracking_no=_cell(row, at["tracking_no"]),
        )
        for line, row in enumerate(rows, start=1)
        if line > start and any(cell.strip() for cell in row)
    ]
    if len(parcels) > MOST_PARCELS:
        raise BadInput(field="file", reason="too_many_rows")
    return parcels


POSITIONS = {"number": 0, "carrier": 1, "tracking_no": 2}


def _header(cells: list[str]) -> dict[str, int]:
    """Where each column stands, or {} when the first row is no header."""
    at = {
        name: next((n for n, cell in enumerate(cells) if cell in words), -1)
        for name, words in COLUMNS.items()
    }
    if at["number"] < 0:
        return {}
    if at["tracking_no"] < 0:
        raise BadInput(field="file", reason="missing_tracking_column")
    return at


def _width(rows: list[list[str]]) -> int:
    return max(len(row) for row in rows)


def _cell(row: list[str], at: int) -> str:
    found = WRAPPED.match(row[at].strip()) if 0 <= at < len(row) else None
    return found[1] if found else ""


async def _text(form: Any) -> str:
    """What was typed, or the file that was chosen. Raises BadInput."""
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        return str(form.get("rows", ""))
    data = await file.read()
    if len(data) > MOST_BYTES:
        raise BadInput(field="file", reason="too_big")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadInput(field="file", reason="bad_encoding")


async def _page(request: Request[Any, Any, Any], store_id: UUID, **context: Any) -> Page:
    shown = {"sent": None, "rows": "", "carrier": CARRIERS[0], "bad_field": "", "bad_words": ""}
    async with transaction() as conn:
        return await merchant_page(
            request,
            conn,
            "merchant/ship_many.html",
            store_id=store_id,
            carriers=CARRIERS,
            most=MOST_PARCELS,
            problem_words=problem_words,
            **(shown | context),
        )


@get(STORE + "/orders/ship-many", **SHIP)
async def ship_many_page(store_id: FromPath[UUID], request: Request[Any, Any, Any]) -> Page:
    return await _page(request, store_id)


@post(STORE + "/orders/ship-many", status_code=200, **SHIP)
async def send_parcels(
    store_id: FromPath[UUID], request: Request[Any, Any, Any], who: Who
) -> Response[Any]:
    """The report of every row; those that did not go stand in the form again, to be mended."""
    form = await request.form()
    if unknown := set(form) - FIELDS:
        raise BadInput(field=min(unknown), reason="unknown_value")
    carrier = str(form.get("carrier", ""))[:60]
    try:
        text = await _text(form)
        parcels = parcels_from(text, carrier=carrier)
    except Refusal as refusal:
        given = {"rows": str(form.get("rows", "")), "carrier": carrier, "status": refusal.status}
        words = problem_words(refusal)
        return await _page(request, store_id, **given, bad_field=refusal.field, bad_words=words)
    sent = await ship_many(
        store_id=StoreId(store_id),
        person_id=who.person_id,
        parcels=parcels,
        request_id=request_id(request),
    )
    return await _page(request, store_id, sent=sent, rows=_again(sent), carrier=carrier)


def _again(sent: list[Sent]) -> str:
    """The rows that were refused, as they would be sent again."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for one in sent:
        if one.outcome == "refused":
            writer.writerow([one.parcel.number, one.parcel.carrier, one.parcel.tracking_no])
    return out.getvalue()


@get(STORE + "/orders/to-ship.csv", **READ)
async def to_ship_file(store_id: FromPath[UUID], conn: Conn) -> Response[bytes]:
    """Every order that waits, with two columns to fill in and send back."""
    columns = ("number", "carrier", "tracking_no", "recipient", "phone", "address", "goods")
    rows = await slips(conn, store_id=StoreId(store_id), order_ids=None, most=MOST_PARCELS)
    return csv_answer("to-ship.csv", columns, [_file_row(row) for row in rows])


def _file_row(row: Any) -> list[str]:
    parts = ("province", "city", "district", "line", "postcode")
    goods = [
        " ".join(filter(None, (line["code"], pick(line, "title"), option_text(line["options"]))))
        + f" × {line['left']}"
        for line in row.lines or ()
        if line["left"]
    ]
    return [
        f"'{row.number}",  # sixteen digits: a spreadsheet would round them
        "",
        "",
        str(row.address.get("recipient") or ""),
        str(row.address.get("phone") or ""),
        " ".join(str(row.address[part]) for part in parts if row.address.get(part)),
        "; ".join(goods),
    ]


@get(STORE + "/orders/slips", **READ)
async def packing_slips(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    order: FromQuery[list[UUID] | None] = None,
) -> Page:
    """Slips to print: of these orders, or of all that wait."""
    ours = StoreId(store_id)
    chosen = order[:MOST_SLIPS] if order else None
    rows = await slips(conn, store_id=ours, order_ids=chosen, most=MOST_SLIPS)
    return await merchant_page(request, conn, "merchant/slips.html", store_id=store_id, rows=rows)


HANDLERS: list[HTTPRouteHandler] = [
    ship_many_page,
    send_parcels,
    to_ship_file,
    packing_slips,
]
