"""Writes goods that go out again for a line that was paid once."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.queries import Case
from dougong.aftersales.rules import CaseKind
from dougong.aftersales.tables import resend_lines


class Resent(msgspec.Struct, frozen=True):
    """What a line's goods cost that went out again, and what those that came back for them are
    worth in stock, in minor units."""

    cost_minor: int = 0
    back_minor: int = 0


async def write_resent(
    conn: AsyncConnection,
    *,
    case: Case,
    carrier: str,
    tracking_no: str,
    resent: Mapping[int, Resent],
    at: datetime,
) -> None:
    """The goods of a case in one parcel, with what they cost by line; a repair sends the buyer's
    own, and costs none."""
    rows = [
        {
            "store_id": case.store_id,
            "case_id": case.id,
            "line_no": line.line_no,
            "sku_id": line.sku_id,
            "quantity": line.quantity,
            "carrier": carrier,
            "tracking_no": tracking_no,
            "from_stock": case.kind is not CaseKind.REPAIR,
            "cost_minor": resent.get(line.line_no, Resent()).cost_minor,
            "back_minor": resent.get(line.line_no, Resent()).back_minor,
            "at": at,
        }
        for line in case.lines
        if line.sku_id is not None
    ]
    if rows:
        await conn.execute(insert(resend_lines).values(rows))
