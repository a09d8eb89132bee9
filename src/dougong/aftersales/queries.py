"""Reads cases as they stand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.rules import (
    KEEPS_FROM_SHIPPING,
    CaseGone,
    CaseKind,
    CaseState,
    Side,
    TimeAct,
    time_acts,
)
from dougong.base.ids import OrderId, PersonId, StoreId


class CaseLine(msgspec.Struct, frozen=True):
    """Units of one order line, and what of its money is asked for in minor units."""

    line_no: int
    sku_id: UUID | None
    category: str
    quantity: int
    amount_minor: int


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case with its lines."""

    store_id: StoreId
    id: UUID
    number: str
    order_id: OrderId
    buyer_id: PersonId
    kind: CaseKind
    state: CaseState
    waiting_for: str
    reason: str
    body: str
    currency: str
    asked_minor: int
    offered_minor: int | None
    granted_minor: int | None
    was_final: bool
    bearer: str
    borne_minor: int
    held_at: datetime | None
    released_at: datetime | None
    refund_id: UUID | None
    rule_id: UUID | None
    outcome: str | None
    return_address: dict[str, Any] | None
    return_carrier: str
    return_tracking_no: str
    inspection: str | None
    extended: int
    extension_asked_by: str | None
    extension_declined_at: datetime | None
    opened_at: datetime
    due_at: datetime | None
    due_kind: str | None
    closed_at: datetime | None
    lines: tuple[CaseLine, ...]

    @property
    def units(self) -> dict[int, int]:
        """Line number to units of goods."""
        return {line.line_no: line.quantity for line in self.lines if line.sku_id is not None}

    def time_acts(self, side: Side) -> frozenset[TimeAct]:
        """What a side can do now about the deadline."""
        return time_acts(
            side,
            state=self.state,
            extended=self.extended,
            is_asked=self.extension_asked_by is not None,
            is_declined=self.extension_declined_at is not None,
        )


async def case_from(conn: AsyncConnection, row: Row[Any]) -> Case:
    """A row of `cases` with its lines."""
    (found,) = await cases_from(conn, [row])
    return found


async def cases_from(conn: AsyncConnection, rows: Sequence[Row[Any]]) -> list[Case]:
    """Rows of `cases` with their lines, in the order of the rows."""
    if not rows:
        return []
    found = await conn.execute(
        text("""
            SELECT l.* FROM unnest(CAST(:stores AS uuid[]), CAST(:ids AS uuid[]))
              AS c (store_id, id)
            JOIN case_lines l ON l.store_id = c.store_id AND l.case_id = c.id
            ORDER BY l.case_id, l.line_no
        """),
        {"stores": [row.store_id for row in rows], "ids": [row.id for row in rows]},
    )
    lines: dict[UUID, list[CaseLine]] = {}
    for line in found:
        values = [getattr(line, name) for name in CaseLine.__struct_fields__]
        lines.setdefault(line.case_id, []).append(CaseLine(*values))
    return [_case(row, lines.get(row.id, [])) for row in rows]


def _case(row: Row[Any], lines: Sequence[CaseLine]) -> Case:
    names = [name for name in Case.__struct_fields__ if name != "lines"]
    values = {name: getattr(row, name) for name in names}
    values |= {"kind": CaseKind(row.kind), "state": CaseState(row.state)}
    return Case(**values, lines=tuple(lines))


async def case_of(conn: AsyncConnection, *, store_id: StoreId, case_id: UUID) -> Case:
    """To be looked at only. Raises CaseGone."""
    found = await conn.execute(
        text("SELECT * FROM cases WHERE store_id = :store_id AND id = :id"),
        {"store_id": store_id, "id": case_id},
    )
    row = found.one_or_none()
    if row is None:
        raise CaseGone(field="case_id")
    return await case_from(conn, row)


async def order_of_case(conn: AsyncConnection, *, store_id: StoreId, case_id: UUID) -> OrderId:
    """Which order to lock before a case. Raises CaseGone."""
    found = await conn.scalar(
        text("SELECT order_id FROM cases WHERE store_id = :store_id AND id = :id"),
        {"store_id": store_id, "id": case_id},
    )
    if found is None:
        raise CaseGone(field="case_id")
    return OrderId(found)


async def open_cases(
    conn: AsyncConnection, *, store_id: StoreId, order_ids: Sequence[OrderId]
) -> dict[OrderId, int]:
    """Order to how many of its cases are open; orders without one are left out."""
    found = await conn.execute(
        text("""
            SELECT order_id, count(*) AS open FROM cases
            WHERE store_id = :store_id AND order_id = ANY(CAST(:orders AS uuid[]))
              AND closed_at IS NULL GROUP BY order_id
        """),
        {"store_id": store_id, "orders": list(order_ids)},
    )
    return {OrderId(row.order_id): row.open for row in found}


async def kept_from_shipping(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId
) -> dict[int, int]:
    """Line number to the units whose money is being asked back before they are shipped."""
    found = await conn.execute(
        text("""
            SELECT l.line_no, sum(l.quantity) AS units
            FROM cases c JOIN case_lines l ON l.store_id = c.store_id AND l.case_id = c.id
            WHERE c.store_id = :store_id AND c.order_id = :order_id AND c.closed_at IS NULL
              AND c.kind = 'refund_unshipped' AND c.state = ANY(CAST(:states AS text[]))
              AND l.sku_id IS NOT NULL
            GROUP BY l.line_no
        """),
        {"store_id": store_id, "order_id": order_id, "states": list(KEEPS_FROM_SHIPPING)},
    )
    return {row.line_no: int(row.units) for row in found}
