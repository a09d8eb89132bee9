"""Lists by pages and as files: an opaque cursor, and CSV that no spreadsheet runs."""

import base64
import binascii
import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response

from dougong.base.errors import BadInput
from dougong.catalog.feed_export import safe_cell

PAGE_ROWS = 30
MAX_CURSOR = 400
MOST_CSV_ROWS = 50_000

T = TypeVar("T")
Row = TypeVar("Row")


def cursor_of(*values: Any) -> str:
    """Where a page ends: the sort values of its last row."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def cursor_values(text: str | None, kind: type[T]) -> T | None:
    """What `cursor_of` wrote, as the tuple type `kind`. Raises BadInput for anything else."""
    if not text:
        return None
    try:
        if len(text) > MAX_CURSOR:
            raise ValueError(text)
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(data, type=kind)
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise BadInput(field="after", reason="bad_cursor") from error


def cut(
    rows: Sequence[Row], key: Callable[[Row], tuple[Any, ...]], most: int = PAGE_ROWS
) -> tuple[Sequence[Row], str]:
    """A page of `most` rows out of up to `most + 1`, and the cursor of the next page or ""."""
    if len(rows) <= most:
        return rows, ""
    return rows[:most], cursor_of(*key(rows[most - 1]))


def next_url(request: Request[Any, Any, Any], after: str) -> str:
    """This page's address with its filters, further on; "" after the last page."""
    if not after:
        return ""
    query = {key: value for key, value in request.query_params.items() if key != "after"}
    return f"{request.url.path}?{urlencode(query | {'after': after})}"


def first_url(request: Request[Any, Any, Any]) -> str:
    """Back to the first page with the same filters; "" when this is it."""
    if not request.query_params.get("after"):
        return ""
    query = {key: value for key, value in request.query_params.items() if key != "after"}
    return f"{request.url.path}?{urlencode(query)}" if query else request.url.path


def file_url(request: Request[Any, Any, Any]) -> str:
    """Everything with these filters as a CSV file."""
    query = {key: value for key, value in request.query_params.items() if key != "after"}
    return f"{request.url.path}?{urlencode(query | {'file': 'csv'})}"


def csv_answer(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response[bytes]:
    """A file to open in a spreadsheet: UTF-8 with a byte order mark, formulas made harmless."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([safe_cell("" if cell is None else str(cell)) for cell in row])
    return file_answer(("\ufeff" + out.getvalue()).encode(), name, "text/csv; charset=utf-8")


def file_answer(data: bytes, name: str, media_type: str) -> Response[bytes]:
    """A download; `name` in plain ASCII."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=media_type, headers=headers)
