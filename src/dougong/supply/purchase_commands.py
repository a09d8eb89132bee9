"""Writes purchase orders: drafted, approved, sent, closed; every move checked as it is written."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import PersonId, StoreId, new_id
from dougong.infra.events import record
from dougong.supply.purchase_queries import prices_at
from dougong.supply.purchase_rules import (
    PurchaseState,
    SecondBuyerNeeded,
    SupplierClosed,
    WantedLine,
    WrongPurchaseState,
    check_lines,
    most_of,
    needs_second_person,
    price_for,
    states_before,
    total_of,
)
from dougong.supply.supplier_commands import terms_at

NEXT = text("""
    INSERT INTO purchase_numbers AS n (store_id, kind, last) VALUES (:store_id, :kind, 1)
    ON CONFLICT (store_id, kind) DO UPDATE SET last = n.last + 1 RETURNING last
""")


async def next_number(conn: AsyncConnection, *, store_id: StoreId, kind: str) -> str:
    """`PO-000123`: numbers of one kind and store follow one another. Kinds: PO, GR, SR, DS."""
    last = await conn.scalar(NEXT, {"store_id": store_id, "kind": kind})
    return f"{kind}-{last:06d}"


async def _supplier(conn: AsyncConnection, *, store_id: StoreId, supplier_id: UUID) -> Any:
    """Raises NotFound, SupplierClosed (409)."""
    row = (
        await conn.execute(
            text("""
                SELECT currency, lead_days, closed_at FROM suppliers
                WHERE store_id = :store_id AND id = :id FOR SHARE
            """),
            {"store_id": store_id, "id": supplier_id},
        )
    ).one_or_none()
    if row is None:
        raise NotFound(field="supplier_id")
    if row.closed_at is not None:
        raise SupplierClosed(field="supplier_id")
    return row


async def draft_order(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    supplier_id: UUID,
    warehouse_id: UUID | None,
    lines: Sequence[WantedLine],
    expected_on: date | None,
    note: str,
    by_id: PersonId,
    at: datetime,
) -> UUID:
    """A new draft; a line without a price takes the one in force for its quantity.

    Raises NotFound (supplier, SKU, warehouse of another store), SupplierClosed (409), BadInput.
    """
    supplier = await _supplier(conn, store_id=store_id, supplier_id=supplier_id)
    rows = await _priced(conn, store_id, supplier_id, lines, at)
    order_id = new_id()
    row = {
        "store_id": store_id,
        "id": order_id,
        "number": await next_number(conn, store_id=store_id, kind="PO"),
        "supplier_id": supplier_id,
        "warehouse_id": warehouse_id,
        "currency": supplier.currency,
        "goods_minor": total_of([(one["quantity"], one["price_minor"]) for one in rows]),
        "expected_on": expected_on or (at + timedelta(days=supplier.lead_days)).date(),
        "note": note.strip()[:2000],
        "by_id": by_id,
        "at": at,
    }
    try:
        async with conn.begin_nested():
            await conn.execute(
                text("""
                    INSERT INTO purchase_orders (store_id, id, number, supplier_id, warehouse_id,
                      state, currency, goods_minor, expected_on, note, made_by, made_at)
                    VALUES (:store_id, :id, :number, :supplier_id, :warehouse_id, 'draft',
                      :currency, :goods_minor, :expected_on, :note, :by_id, :at)
                """),
                row,
            )
            await _write_lines(conn, store_id, order_id, rows)
    except IntegrityError as error:
        raise NotFound(field="warehouse_id") from error  # it is not this store's
    facts = {"number": row["number"], "supplier_id": str(supplier_id)}
    await _tell(conn, "supply.purchase_order_drafted", store_id, order_id, at, facts)
    return order_id


async def change_order(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: UUID,
    warehouse_id: UUID | None,
    lines: Sequence[WantedLine],
    expected_on: date,
    note: str,
    at: datetime,
) -> None:
    """New lines of a draft. Raises NotFound, WrongPurchaseState (409), BadInput."""
    order = await lock_purchase(conn, store_id=store_id, order_id=order_id)
    if order.state != PurchaseState.DRAFT:
        raise WrongPurchaseState(state=order.state)
    rows = await _priced(conn, store_id, order.supplier_id, lines, at)
    named = {"store_id": store_id, "id": order_id}
    try:
        async with conn.begin_nested():
            await conn.execute(
                text("DELETE FROM purchase_lines WHERE store_id = :store_id AND order_id = :id"),
                named,
            )
            await _write_lines(conn, store_id, order_id, rows)
            await conn.execute(
                text("""
                    UPDATE purchase_orders SET goods_minor = :goods_minor, note = :note,
                      expected_on = :expected_on, warehouse_id = :warehouse_id
                    WHERE store_id = :store_id AND id = :id AND state = 'draft'
                """),
                named
                | {
                    "goods_minor": total_of([(r["quantity"], r["price_minor"]) for r in rows]),
                    "note": note.strip()[:2000],
                    "expected_on": expected_on,
                    "warehouse_id": warehouse_id,
                },
            )
    except IntegrityError as error:
        raise NotFound(field="warehouse_id") from error


async def _priced(
    conn: AsyncConnection,
    store_id: StoreId,
    supplier_id: UUID,
    lines: Sequence[WantedLine],
    at: datetime,
) -> list[dict[str, Any]]:
    """Raises BadInput: `no_price` for a line without a price that has none in force either;
    NotFound for another store's SKU."""
    check_lines(lines)
    await _ours(conn, store_id, [line.sku_id for line in lines])
    known = await prices_at(
        conn, store_id=store_id, supplier_id=supplier_id, sku_ids=[x.sku_id for x in lines], at=at
    )
    rows = []
    for line_no, line in enumerate(lines, start=1):
        item = known.get(line.sku_id)
        price = price_for(item.prices, line.quantity) if item else None
        minor = line.price_minor
        if minor is None:
            if price is None:
                raise BadInput(field="price", reason="no_price", line_no=line_no)
            minor = price.price_minor
        is_listed = price is not None and price.price_minor == minor
        rows.append(
            {
                "line_no": line_no,
                "sku_id": line.sku_id,
                "supplier_sku": item.supplier_sku if item else "",
                "quantity": line.quantity,
                "price_minor": minor,
                "price_id": price.id if price is not None and is_listed else None,
            }
        )
    return rows


async def _ours(conn: AsyncConnection, store_id: StoreId, sku_ids: Sequence[UUID]) -> None:
    """Raises NotFound unless all are this store's."""
    found = await conn.scalar(
        text("SELECT count(*) FROM skus WHERE store_id = :store_id AND id = ANY(:ids)"),
        {"store_id": store_id, "ids": list(sku_ids)},
    )
    if found != len(sku_ids):
        raise NotFound(field="lines")


async def _write_lines(
    conn: AsyncConnection, store_id: StoreId, order_id: UUID, rows: Sequence[Mapping[str, Any]]
) -> None:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    await conn.execute(
        text("""
            INSERT INTO purchase_lines (store_id, order_id, line_no, sku_id, supplier_sku, quantity,
              price_minor, price_id, most)
            SELECT :store_id, :order_id, l.line_no, l.sku_id, l.supplier_sku, l.quantity,
              l.price_minor, l.price_id, l.quantity
            FROM unnest(CAST(:line_no AS smallint[]), CAST(:sku_id AS uuid[]),
              CAST(:supplier_sku AS text[]), CAST(:quantity AS integer[]),
              CAST(:price_minor AS bigint[]), CAST(:price_id AS uuid[]))
              AS l (line_no, sku_id, supplier_sku, quantity, price_minor, price_id)
        """),
        columns | {"store_id": store_id, "order_id": order_id},
    )


async def lock_purchase(conn: AsyncConnection, *, store_id: StoreId, order_id: UUID) -> Any:
    """The order's row, kept for this transaction. Raises NotFound."""
    row = (
        await conn.execute(
            text("""
                SELECT * FROM purchase_orders WHERE store_id = :store_id AND id = :id FOR UPDATE
            """),
            {"store_id": store_id, "id": order_id},
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return row


async def approve_order(
    conn: AsyncConnection, *, store_id: StoreId, order_id: UUID, by_id: PersonId, at: datetime
) -> None:
    """From now on it stands as it is; how much more may come is frozen on its lines.

    Raises NotFound, WrongPurchaseState (409), SecondBuyerNeeded (409) above the store's limit.
    """
    order = await lock_purchase(conn, store_id=store_id, order_id=order_id)
    terms = await terms_at(conn, store_id=store_id, at=at)
    if order.state != PurchaseState.DRAFT:
        raise WrongPurchaseState(state=order.state)
    if needs_second_person(order.goods_minor, terms) and order.made_by == by_id:
        raise SecondBuyerNeeded(limit_minor=terms.approve_above_minor)
    named = {"store_id": store_id, "id": order_id}
    await conn.execute(
        text("""
            UPDATE purchase_orders SET state = 'approved', approved_by = :by_id, approved_at = :at,
              limit_minor = :limit_minor
            WHERE store_id = :store_id AND id = :id AND state = 'draft'
        """),
        named | {"by_id": by_id, "at": at, "limit_minor": terms.approve_above_minor},
    )
    lines = await conn.execute(
        text("SELECT line_no, quantity FROM purchase_lines "
             "WHERE store_id = :store_id AND order_id = :id"),
        named,
    )  # fmt: skip
    most = {row.line_no: most_of(row.quantity, terms.over_bp) for row in lines}
    await conn.execute(
        text("""
            UPDATE purchase_lines p SET most = l.most
            FROM unnest(CAST(:line_nos AS smallint[]), CAST(:most AS integer[]))
              AS l (line_no, most)
            WHERE p.store_id = :store_id AND p.order_id = :id AND p.line_no = l.line_no
        """),
        named | {"line_nos": list(most), "most": list(most.values())},
    )
    facts = {"number": order.number, "goods_minor": order.goods_minor, "currency": order.currency}
    await _tell(conn, "supply.purchase_order_approved", store_id, order_id, at, facts)


SEND = text("""
    UPDATE purchase_orders SET state = 'sent', sent_at = :at
    WHERE store_id = :store_id AND id = :id AND state = ANY(CAST(:states AS text[]))
    RETURNING number
""")
END = text("""
    UPDATE purchase_orders SET state = :state, ended_at = :at, end_reason = :reason
    WHERE store_id = :store_id AND id = :id AND state = ANY(CAST(:states AS text[]))
    RETURNING number
""")


async def send_order(
    conn: AsyncConnection, *, store_id: StoreId, order_id: UUID, at: datetime
) -> None:
    """The supplier has it now. Raises NotFound, WrongPurchaseState (409)."""
    asked = {"states": states_before(PurchaseState.SENT), "at": at}
    number = await conn.scalar(SEND, {"store_id": store_id, "id": order_id, **asked})
    await _moved(conn, number, "supply.purchase_order_sent", store_id, order_id, at)


async def end_order(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: UUID,
    state: PurchaseState,
    reason: str,
    at: datetime,
) -> None:
    """state: cancelled (nothing came) or closed (what has not come will not).

    Raises NotFound, WrongPurchaseState (409).
    """
    if state not in (PurchaseState.CANCELLED, PurchaseState.CLOSED):
        raise BadInput(field="state", reason="unknown_value")
    named = {"store_id": store_id, "id": order_id, "reason": reason.strip()[:500]}
    asked = {"states": states_before(state), "state": state, "at": at}
    number = await conn.scalar(END, named | asked)
    await _moved(conn, number, f"supply.purchase_order_{state}", store_id, order_id, at)


async def _moved(
    conn: AsyncConnection,
    number: str | None,
    kind: str,
    store_id: StoreId,
    order_id: UUID,
    at: datetime,
) -> None:
    if number is None:
        order = await lock_purchase(conn, store_id=store_id, order_id=order_id)
        raise WrongPurchaseState(state=order.state)
    await _tell(conn, kind, store_id, order_id, at, {"number": number})


async def _tell(
    conn: AsyncConnection,
    kind: str,
    store_id: StoreId,
    order_id: UUID,
    at: datetime,
    facts: Mapping[str, Any],
) -> None:
    await record(conn, kind, store_id=store_id, subject_id=order_id, at=at, facts=facts)
