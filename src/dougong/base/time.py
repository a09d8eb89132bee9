"""Instants in UTC; an operator's zone only at the edge."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


class NaiveTime(ValueError):
    """A datetime without a zone reached a place that computes with instants."""


def instant(value: datetime) -> datetime:
    """The same instant in UTC. Raises NaiveTime without a zone."""
    if value.tzinfo is None:
        raise NaiveTime(value.isoformat())
    return value.astimezone(UTC)


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def day_window(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The half-open window [start, end) of a local day, in UTC."""
    return start_of_day(day, zone), start_of_day(day + timedelta(days=1), zone)


def local_day(at: datetime, zone: ZoneInfo) -> date:
    return instant(at).astimezone(zone).date()
