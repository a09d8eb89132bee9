"""What merchant pages share: whose store it is, amounts typed in forms, texts of reports."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput
from dougong.base.ids import StoreId
from dougong.base.money import BadAmount, minor_from_text
from dougong.base.time import start_of_day
from dougong.catalog.queries import store_of
from dougong.infra.settings import settings
from dougong.web.i18n import gettext, mark
from dougong.web.refund_words import failure_words, next_try
from dougong.web.render import Page, page
from dougong.web.words import refusal_words

STORE = "/merchant/stores/{store_id:uuid}"
MAX_MINOR = 100_000_000_000

# Why a field, a row of a feed or a whole file was not taken.
REASONS: dict[str, str] = {
    "missing": mark("This is needed."),
    "too_long": mark("This is too long."),
    "too_many": mark("There are too many."),
    "control_character": mark("There is a character in it that cannot be shown."),
    "out_of_range": mark("This is outside what is possible."),
    "not_a_number": mark("Please give a number."),
    "not_an_amount": mark("Please give an amount such as 12.30."),
    "bad_code": mark("Use 2 to 40 small letters, digits or dashes."),
    "bad_gtin": mark("The check digit of this GTIN is wrong."),
    "bad_options": mark("Write options as name: value, parted by semicolons."),
    "bad_price": mark("This is no price; write 12.30 CNY."),
    "wrong_currency": mark("This is not the currency of the store."),
    "sale_price_above_price": mark("The sale price is above the price."),
    "list_price_not_above_price": mark("The price before must be above the price."),
    "bad_quantity": mark("This is no whole number of units."),
    "below_reserved": mark("Open orders have reserved more than this."),
    "bad_weight": mark("This is no weight; write 500 g or 1.2 kg."),
    "bad_commission": mark("Write a rate from 0 to 90 %."),
    "unknown_value": mark("This is not one of the known values."),
    "unknown_category": mark("We do not know this category."),
    "unknown_state": mark("This is not one of the known values."),
    "duplicate_id": mark("This id is in the file already."),
    "too_few_cells": mark("The row has fewer cells than the header."),
    "too_many_cells": mark("The row has more cells than the header."),
    "cell_too_big": mark("A cell of this row is too big."),
    "broken_xml": mark("The file breaks off or is not well-formed here."),
    "unsafe_xml": mark("The file declares entities or a DTD, which is not taken."),
    "empty": mark("There is nothing in the file."),
    "bad_gzip": mark("The compressed file breaks off or is damaged."),
    "bad_dates": mark("Write start and end as 2026-03-01T00:00+08:00/2026-03-08T00:00+08:00."),
    "no_sale_now": mark("The sale price is not in force now; the price was taken."),
    "bad_encoding": mark("The text is neither UTF-8, UTF-16 nor GB18030."),
    "missing_column": mark("The file lacks a column that is needed: id, title or price."),
    "duplicate_column": mark("A column is in the file twice."),
    "too_many_rows": mark("The file has too many rows."),
    "too_big": mark("This is too big."),
    "bad_rows": mark("Some rows are bad, and you asked for all or nothing: nothing was changed."),
    "file_gone": mark("The uploaded file is gone. Please upload it again."),
    "in_stock_without_quantity": mark("In stock, but without a quantity."),
    "too_many_images": mark("Only the first twelve pictures were taken."),
    "image_not_found": mark("The picture is not beside the file; upload it on the product's page."),
    "bad_data_link": mark("The picture inside the feed cannot be read."),
    "unknown_container": mark("This is no JPEG, PNG or WebP."),
    "damaged": mark("The picture is damaged."),
    "too_many_pixels": mark("The picture has too many pixels."),
    "out_of_memory": mark("The picture takes too much memory."),
    "nothing_to_ship": mark("Choose at least one unit to ship."),
    "nothing_to_refund": mark("Give an amount to refund."),
    "one_of_cost_and_value": mark("Give either the cost of one unit or the value of all."),
    "one_of_amount_and_percent": mark("Give either an amount or a rate."),
    "ends_before_it_starts": mark("The end must be after the start."),
    "does_not_fit": mark("Use 3 to 30 capital letters, digits or dashes."),
    "not_a_date": mark("Please give a date."),
    "nothing_to_move": mark("Choose two warehouses and at least one unit."),
    "no_price": mark("No price is in force for this quantity: give one."),
    "too_much_in_all": mark("This is too much in all."),
    "nothing_billed": mark("Nothing is billed: give units or an amount."),
    "more_than_sent": mark("More than was sent cannot come."),
    "unknown_order": mark("This store has no such order."),
    "missing_tracking_column": mark("The file lacks the column tracking_no."),
    "choose_warehouse": mark("Choose the warehouse: this store ships from several."),
    "no_parcel": mark("Choose at least one parcel."),
    "no_number": mark("A parcel has no tracking number yet: ask for its waybill first."),
    "one_carrier": mark("One list is for one carrier."),
    "not_picked": mark("This order has nothing picked that waits to be packed."),
    "missing_event_column": mark("The file lacks one of tracking_no, at and status."),
    "unknown_status": mark("We do not know this word for what happened."),
    "not_a_time": mark("Write a time such as 2026-03-01 14:30."),
    "in_the_future": mark("This is still to come."),
    "bad_check_digit": mark("The check digit of this tracking number is wrong."),
    "not_a_size": mark("Write three lengths in cm, such as 30 × 20 × 10."),
    "weights_make_100": mark("The weights have to make 100 %."),
    "duplicate": mark("This is in it twice."),
    "nothing_to_return": mark("Nothing more than what is due is held."),
    "nothing_chosen": mark("Choose at least one product."),
    "missing_purchase_column": mark("The file lacks a column: supplier, sku or quantity."),
    "missing_stock_column": mark("The file lacks a column: warehouse, sku or quantity."),
    "unknown_warehouse": mark("This store has no warehouse of this code."),
    "closed_warehouse": mark("This warehouse is closed."),
    "twice_in_file": mark("This SKU and warehouse are in the file already."),
    "fewer_there": mark("Fewer units lie there than are to be taken away."),
    "below_set_aside": mark("More than this is set aside for orders in the warehouse."),
    "unknown_sku": mark("This store has no such SKU."),
    "unknown_supplier": mark("This store has no supplier of this code."),
    "dropshipped_by_another": mark("Another supplier sends this SKU to buyers already."),
    "no_weight": mark("No line has a weight: spread by value or units."),
    "no_value": mark("No line has a price: spread by weight or units."),
    "no_quantity": mark("Nothing was taken in with this delivery."),
    "nothing_received": mark("Say what came: at least one unit."),
    "unknown_line": mark("The order has no such line."),
    "already_refused": mark("Say why, please."),
    "before_bill": mark("This cannot be before the date of the bill."),
}


def reason_words(reason: str) -> str:
    """The reason in the language of the request."""
    return gettext(REASONS[reason]) if reason in REASONS else reason


def problem_words(error: Any) -> str:
    """What a refusal says at a field."""
    reason = error.facts.get("reason") or error.facts.get("why")
    if reason in REASONS:
        return reason_words(reason)
    return refusal_words(error.code, error.facts, unknown=error.code)


async def merchant_page(
    request: Request[Any, Any, Any],
    conn: AsyncConnection,
    name: str,
    *,
    store_id: UUID,
    status: int = 200,
    **context: Any,
) -> Page:
    """A page or fragment of one store's console."""
    store = await store_of(conn, store_id=StoreId(store_id))
    words = {
        "reason_words": reason_words,
        "failure_words": failure_words,
        "refund_next_try": next_try,
    }
    return page(request, name, status=status, store=store, **words, **context)


def see(url: str) -> Response[Any]:
    """Go and look at a page after something was done."""
    return Response(None, status_code=303, headers={"Location": url})


def store_url(store_id: UUID, tail: str) -> str:
    return f"/merchant/stores/{store_id}/{tail}"


def amount(text: str, currency: str, *, field: str, required: bool = True) -> int | None:
    """Minor units of a typed amount; None for nothing typed. Raises BadInput."""
    plain = text.strip()
    if not plain:
        if required:
            raise BadInput(field=field, reason="missing")
        return None
    try:
        minor = minor_from_text(plain, currency)
    except BadAmount as error:
        raise BadInput(field=field, reason="not_an_amount") from error
    if not 0 <= minor <= MAX_MINOR:
        raise BadInput(field=field, reason="out_of_range")
    return minor


def days(since: str, until: str) -> tuple[datetime | None, datetime | None]:
    """Two typed local days, both included, as a half-open window. Raises BadInput."""
    return _midnight(since, "since"), _midnight(until, "until", after=1)


def _midnight(text: str, field: str, *, after: int = 0) -> datetime | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=after)
    except (ValueError, OverflowError) as error:
        raise BadInput(field=field, reason="not_a_date") from error
    if not 2000 <= day.year <= 2200:
        raise BadInput(field=field, reason="out_of_range")
    return start_of_day(day, ZoneInfo(settings().timezone))


def whole(text: str, *, field: str, most: int = 10_000_000) -> int | None:
    """A typed whole number of at least 0; None for nothing typed. Raises BadInput."""
    plain = text.strip()
    if not plain:
        return None
    if not (plain.isascii() and plain.isdigit()) or len(plain) > 12:
        raise BadInput(field=field, reason="not_a_number")
    if int(plain) > most:
        raise BadInput(field=field, reason="out_of_range")
    return int(plain)


def rate_bp(text: str, *, field: str) -> int | None:
    """Basis points of a rate typed in percent; None for nothing typed. Raises BadInput."""
    minor = amount(text.strip().removesuffix("%"), "CNY", field=field, required=False)
    if minor is not None and minor > 10_000:
        raise BadInput(field=field, reason="out_of_range")
    return minor


def many(value: str | list[str]) -> list[str]:
    """The values of a field that a form sends once for each row."""
    return value if isinstance(value, list) else [value]
