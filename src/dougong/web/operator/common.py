"""What operator pages share: dates in the operator's zone, CSV files, where to go next."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response

from dougong.base.errors import BadInput
from dougong.base.time import start_of_day
from dougong.infra.settings import settings

PAGE = 50
MOST_IN_FILE = 20_000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def zone() -> ZoneInfo:
    return ZoneInfo(settings().timezone)


def day_from(text: str, *, field: str, default: date) -> date:
    """A day as a date field sends it. Raises BadInput."""
    try:
        return date.fromisoformat(text) if text else default
    except ValueError:
        raise BadInput(field=field, reason="YYYY-MM-DD") from None


def midnight(text: str, *, field: str, after: int = 0) -> datetime | None:
    """The first instant of a typed local day, or of the one `after` days later; None for nothing.

    Raises BadInput.
    """
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=after)
        return start_of_day(day, zone())
    except (ValueError, OverflowError):
        raise BadInput(field=field, reason="YYYY-MM-DD") from None


def instant_from(text: str, *, field: str, default: datetime | None) -> datetime:
    """An instant as a local date-and-time field sends it, in the operator's zone.

    Raises BadInput for what is none, and for nothing without a default.
    """
    if not text and default is not None:
        return default
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(field=field, reason="YYYY-MM-DD HH:MM") from None
    if local.tzinfo is None:
        local = local.replace(tzinfo=zone())
    return local.astimezone(UTC)


def local_text(at: datetime) -> str:
    """What a date-and-time field takes."""
    return at.astimezone(zone()).strftime("%Y-%m-%dT%H:%M")


def cell(value: Any) -> str:
    """A value that a spreadsheet shows and never runs."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value
    return "" if value is None else str(value)


def csv_file(name: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response[bytes]:
    """A CSV file with a byte-order mark, so that spreadsheets read Chinese."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    return Response(
        text.getvalue().encode("utf-8-sig"),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def see(path: str) -> Response[None]:
    """Go and look at another page (after a form was done)."""
    return Response(None, status_code=303, headers={"Location": path})
