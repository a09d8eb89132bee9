"""Writes goods that go out again for a line that was paid once."""

from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.queries import Case
from dougong.aftersales.rules import CaseKind
from dougong.aftersales.tables import resend_lines


async def write_resent(
    conn: AsyncConnection, *, case: Case, carrier: str, tracking_no: str, at: datetime
) -> None:
    """The goods of a case in one parcel; a repair sends the buyer's own."""
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
            "at": at,
        }
        for line in case.lines
        if line.sku_id is not None
    ]
    if rows:
        await conn.execute(insert(resend_lines).values(rows))
