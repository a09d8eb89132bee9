"""A file of tracking events: every row in a transaction of its own, the bad ones told by line."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from dougong.accounts.commands import audit
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import PersonId, StoreId
from dougong.flows.track_packages import tracking_arrived
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.supply.carrier_rules import province_of
from dougong.supply.tracking_rules import Told, status_of, tracking_number

MOST_ROWS = 5_000
COLUMNS = {
    "tracking_no": ("tracking_no", "tracking number", "tracking", "快递单号", "物流单号", "运单号"),
    "at": ("at", "time", "时间", "发生时间"),
    "status": ("status", "state", "状态", "物流状态"),
    "place": ("place", "location", "地点", "城市"),
    "province": ("province", "省", "省份"),
}


class Row(msgspec.Struct, frozen=True):
    """One line of a file, as it was typed."""

    line: int
    tracking_no: str
    at: str
    status: str
    place: str
    province: str


class Loaded(msgspec.Struct, frozen=True):
    """What became of a row. `outcome`: new, repeated, unknown (kept until a package has the
    number) or refused."""

    row: Row
    outcome: str
    refusal: Refusal | None = None


def rows_from(text: str) -> list[Row]:
    """A CSV with a header; tabs and semicolons do too. Raises BadInput."""
    plain = text.lstrip("\ufeff").replace("\0", "")
    first = plain.partition("\n")[0]
    delimiter = next((one for one in "\t;" if one in first and "," not in first), ",")
    try:
        rows = list(csv.reader(io.StringIO(plain, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise BadInput(field="file", reason="too_big") from error
    if not rows or not any(cell.strip() for row in rows for cell in row):
        raise BadInput(field="file", reason="empty")
    head = [cell.strip().lower() for cell in rows[0]]
    at = {
        name: next((n for n, cell in enumerate(head) if cell in words), -1)
        for name, words in COLUMNS.items()
    }
    if min(at["tracking_no"], at["at"], at["status"]) < 0:
        raise BadInput(field="file", reason="missing_event_column")
    if len(rows) > MOST_ROWS + 1:
        raise BadInput(field="file", reason="too_many_rows")
    return [
        Row(line, *(_cell(row, at[name]) for name in COLUMNS))
        for line, row in enumerate(rows, start=1)
        if line > 1 and any(cell.strip() for cell in row)
    ]


def _cell(row: list[str], at: int) -> str:
    return row[at].strip().strip("'\"=").strip() if 0 <= at < len(row) else ""


def told_by(row: Row) -> tuple[str, Told]:
    """The number and the event of a row. Raises BadInput, BadTrackingNumber."""
    number = tracking_number(row.tracking_no)
    if not 4 <= len(number) <= 60:
        raise BadInput(field="tracking_no", reason="missing")
    status = status_of("typed", row.status)
    if status is None:
        raise BadInput(field="status", reason="unknown_status")
    at = local_instant(row.at)
    place, province = row.place[:80], province_of(row.province)[:20]
    key = f"typed:{at.isoformat()}:{status}"
    return number, Told(key, at, status, row.status[:40], place, province)


def local_instant(text: str) -> datetime:
    """An instant as it was typed; without an offset it is one of the platform's zone.

    Raises BadInput.
    """
    try:
        at = datetime.fromisoformat(text.replace("/", "-"))
        zoned = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(settings().timezone))
    except ValueError as error:
        raise BadInput(field="at", reason="not_a_time") from error
    if not 2000 <= zoned.year <= 2200:
        raise BadInput(field="at", reason="out_of_range")
    return zoned


async def load_tracking(
    *, store_id: StoreId, person_id: PersonId, rows: Sequence[Row], request_id: str = ""
) -> list[Loaded]:
    """Answers in the order of the file; a file that is sent again changes nothing."""
    done = []
    for row in rows:
        try:
            done.append(Loaded(row, await _load(store_id, row)))
        except Refusal as refusal:
            done.append(Loaded(row, "refused", refusal))
    async with transaction() as conn:
        await audit(
            conn,
            at=await clock.refresh(conn),
            person_id=person_id,
            action="supply.tracking_loaded",
            owner_id=store_id,
            subject=str(len(rows)),
            facts={"new": sum(one.outcome == "new" for one in done)},
            request_id=request_id,
        )
    return done


async def _load(store_id: StoreId, row: Row) -> str:
    number, event = told_by(row)
    async with transaction() as conn:
        at = await clock.refresh(conn)
        if event.at > at:
            raise BadInput(field="at", reason="in_the_future")
        noted = await tracking_arrived(
            conn, store_id=store_id, tracking_no=number, events=[event], source="file", at=at
        )
    if not noted:
        return "unknown"
    return "new" if any(one.news for one in noted) else "repeated"
