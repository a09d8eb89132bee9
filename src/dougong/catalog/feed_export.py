"""Writes a store's products as a feed that reads back to the same: TSV, CSV or RSS XML."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal
from xml.sax.saxutils import escape

import msgspec

from dougong.base.money import decimal_text
from dougong.catalog.feed_types import FIELDS, KEPT_FIELDS, OPTION_FIELDS, FeedItem

Format = Literal["tsv", "csv", "xml"]
NAMESPACE = "http://base.google.com/ns/1.0"
PLAIN_XML = ("title", "description", "link")
# A spreadsheet would run what begins so.
FORMULA = re.compile(r"'*[=+\-@\t\r]")
FLUSH_ROWS = 500


def safe_cell(value: str) -> str:
    """A cell that no spreadsheet takes for a formula; reading a feed takes the mark off again."""
    return "'" + value if FORMULA.match(value) else value


def item_fields(item: FeedItem, *, currency: str, link: str) -> dict[str, str]:
    """Every field of the feed, in the order of FIELDS; `link`: the product's page."""
    options = item.options or {}
    attributes = item.attributes or {}
    own = {name: value for name, value in options.items() if name not in OPTION_FIELDS}
    high = item.list_price_minor
    images = item.image_links or ()
    values = {
        "id": item.code,
        "item_group_id": item.group,
        "title": item.title,
        "title_en": item.title_en or "",
        "description": item.description or "",
        "description_en": item.description_en or "",
        "link": link,
        "image_link": images[0] if images else "",
        "additional_image_link": ",".join(_no_comma(image) for image in images[1:]),
        "availability": "in_stock" if item.quantity else "out_of_stock",
        "quantity": str(item.quantity or 0),
        "price": f"{decimal_text(high or item.price_minor, currency)} {currency}",
        "sale_price": f"{decimal_text(item.price_minor, currency)} {currency}" if high else "",
        "brand": item.brand or "",
        "gtin": item.gtin or "",
        "product_type": item.category or "",
        "options": msgspec.json.encode(own).decode() if own else "",
        "shipping_weight": f"{item.weight_g or 0} g",
        "commission": "" if item.commission_bp is None else decimal_text(item.commission_bp, "CNY"),
        "product_state": item.state or "",
    }
    values |= {name: options.get(name, "") for name in OPTION_FIELDS}
    values |= {name: attributes.get(name, "") for name in KEPT_FIELDS}
    return {field: values.get(field, "") for field in FIELDS if field != "google_product_category"}


def _no_comma(link: str) -> str:
    """Commas part the links of one cell; in an address `%2C` says the same."""
    return link.replace(",", "%2C")


def write_feed(
    items: Iterable[FeedItem],
    *,
    how: Format,
    currency: str,
    link_of: Callable[[FeedItem], str],
    title: str,
) -> Iterator[bytes]:
    """The file in pieces, UTF-8; CSV with a byte order mark, for spreadsheets."""
    rows = (item_fields(item, currency=currency, link=link_of(item)) for item in items)
    return _xml(rows, title) if how == "xml" else _table(rows, how)


def _table(rows: Iterable[dict[str, str]], how: Format) -> Iterator[bytes]:
    out = io.StringIO(newline="")
    columns = [field for field in FIELDS if field != "google_product_category"]
    writer = csv.writer(
        out,
        delimiter="\t" if how == "tsv" else ",",
        lineterminator="\n" if how == "tsv" else "\r\n",
    )
    writer.writerow(columns)
    if how == "csv":
        yield b"\xef\xbb\xbf"
    for count, row in enumerate(rows, start=1):
        writer.writerow([safe_cell(row[column]) for column in columns])
        if count % FLUSH_ROWS == 0:
            yield _take(out)
    yield _take(out)


def _xml(rows: Iterable[dict[str, str]], title: str) -> Iterator[bytes]:
    out = io.StringIO()
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write(f'<rss version="2.0" xmlns:g="{NAMESPACE}">\n<channel>\n')
    out.write(f"<title>{_escaped(title)}</title>\n<description/>\n")
    for count, row in enumerate(rows, start=1):
        out.write("<item>\n")
        for field, value in row.items():
            tag = field if field in PLAIN_XML else f"g:{field}"
            out.write(f"  <{tag}>{_escaped(value)}</{tag}>\n")
        out.write("</item>\n")
        if count % FLUSH_ROWS == 0:
            yield _take(out)
    out.write("</channel>\n</rss>\n")
    yield _take(out)


def _escaped(value: str) -> str:
    """A carriage return would come back as a line feed, so it is written as a reference."""
    return escape(value, {"\r": "&#13;"})


def _take(out: io.StringIO) -> bytes:
    data = out.getvalue().encode()
    out.seek(0)
    out.truncate()
    return data
