"""Suppliers' bills beside order and receipt, and what a supplier is owed, explained."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import StoreId
from dougong.reads.merchant_stock import like

BILLS = text("""
    SELECT b.*, s.name AS supplier_name, o.number AS order_number, e.name AS entered_by_name
    FROM supplier_bills b
    JOIN suppliers s ON s.store_id = b.store_id AND s.id = b.supplier_id
    JOIN purchase_orders o ON o.store_id = b.store_id AND o.id = b.order_id
    JOIN people e ON e.id = b.entered_by
    WHERE b.store_id = :store_id AND (CAST(:only AS uuid) IS NULL OR b.id = :only)
      AND (CAST(:states AS text[]) IS NULL OR b.state = ANY(:states))
      AND (CAST(:supplier_id AS uuid) IS NULL OR b.supplier_id = :supplier_id)
      AND (CAST(:order_id AS uuid) IS NULL OR b.order_id = :order_id)
      AND (CAST(:words AS text) = '' OR b.bill_no ILIKE :pattern OR s.name ILIKE :pattern
        OR o.number ILIKE :pattern)
      AND (CAST(:before_at AS timestamptz) IS NULL
        OR (b.entered_at, b.id) < (:before_at, :before_id))
    ORDER BY b.entered_at DESC, b.id DESC LIMIT :most
""")
SHOWN = {"open": ["entered", "disputed"], "approved": ["approved"], "rejected": ["rejected"],
         "all": None}  # fmt: skip


async def bill_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    show: str = "open",
    words: str = "",
    supplier_id: UUID | None = None,
    order_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    most: int,
) -> Sequence[Any]:
    """The newest first. show: a key of SHOWN."""
    at, last = before or (None, None)
    asked: dict[str, Any] = {"store_id": store_id, "states": SHOWN[show], "only": None}
    asked |= {"supplier_id": supplier_id, "order_id": order_id}
    asked |= {"words": words, "pattern": like(words), "most": most}
    return (await conn.execute(BILLS, asked | {"before_at": at, "before_id": last})).all()


async def bill_of(conn: AsyncConnection, *, store_id: StoreId, bill_id: UUID) -> Any:
    """Raises NotFound."""
    asked: dict[str, Any] = {"store_id": store_id, "states": None, "only": bill_id, "words": ""}
    asked |= {"pattern": "", "most": 1, "before_at": None, "before_id": None}
    asked |= {"supplier_id": None, "order_id": None}
    row = (await conn.execute(BILLS, asked)).one_or_none()
    if row is None:
        raise NotFound
    return row


async def match_rows(conn: AsyncConnection, *, store_id: StoreId, bill: Any) -> Sequence[Any]:
    """Each line that was ordered or billed: order, receipt and bill side by side."""
    rows = await conn.execute(
        text("""
            SELECT coalesce(p.line_no, b.line_no) AS line_no, p.sku_id, k.code, d.title_zh,
              d.title_en, p.quantity AS ordered, p.price_minor AS ordered_minor, p.received,
              p.returned, p.billed, b.quantity AS billed_now, b.price_minor AS billed_minor
            FROM (SELECT * FROM purchase_lines
              WHERE store_id = :store_id AND order_id = :order_id) p
            FULL JOIN (SELECT * FROM supplier_bill_lines
              WHERE store_id = :store_id AND bill_id = :bill_id) b ON b.line_no = p.line_no
            LEFT JOIN skus k ON k.store_id = :store_id AND k.id = p.sku_id
            LEFT JOIN products d ON d.store_id = :store_id AND d.id = k.product_id
            ORDER BY 1
        """),
        {"store_id": store_id, "order_id": bill.order_id, "bill_id": bill.id},
    )
    return rows.all()


class Account(msgspec.Struct):
    """What is owed to a supplier: by the books, and by the papers that explain it. `residual_minor`
    is what the papers do not explain: it must be 0."""

    balance_minor: int
    explained_minor: int
    rows: Sequence[Any]

    @property
    def residual_minor(self) -> int:
        return self.balance_minor - self.explained_minor


PAPERS = text("""
    SELECT 'bill' AS kind, id, bill_no AS name, decided_at AS at, total_minor AS amount_minor,
      'supplier_bill:' || id AS key
    FROM supplier_bills WHERE store_id = :store_id AND supplier_id = :supplier_id
      AND state = 'approved'
    UNION ALL
    SELECT 'credit', r.id, r.number, r.at, -r.credit_minor, 'supplier_return:' || r.id
    FROM supplier_returns r
    JOIN purchase_orders o ON o.store_id = r.store_id AND o.id = r.order_id
    WHERE r.store_id = :store_id AND o.supplier_id = :supplier_id AND r.credit_minor > 0
    UNION ALL
    SELECT 'payment', id, reference, at, -amount_minor, 'supplier_payment:' || id
    FROM supplier_payments WHERE store_id = :store_id AND supplier_id = :supplier_id
    UNION ALL
    SELECT 'statement', id, number, at, total_minor, 'dropship_statement:' || id
    FROM dropship_statements WHERE store_id = :store_id AND supplier_id = :supplier_id
      AND total_minor > 0
    ORDER BY at DESC
""")
BALANCE = text("""
    SELECT coalesce(sum(CASE WHEN t.dst = a.id THEN t.amount_minor ELSE -t.amount_minor END), 0)
      ::bigint
    FROM ledger_accounts a
    JOIN ledger_transfers t ON t.store_id = a.store_id AND a.id IN (t.src, t.dst)
    WHERE a.store_id = :store_id AND a.owner_id = :supplier_id
      AND a.purpose = 'supplier_payable'
""")


async def account_of(conn: AsyncConnection, *, store_id: StoreId, supplier_id: UUID) -> Account:
    """Every paper that changed what is owed, the newest first, beside the books' balance."""
    named = {"store_id": store_id, "supplier_id": supplier_id}
    rows = (await conn.execute(PAPERS, named)).all()
    balance = int(await conn.scalar(BALANCE, named) or 0)
    return Account(balance, sum(row.amount_minor for row in rows), rows)
