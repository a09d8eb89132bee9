"""Writes whole histories of orders: rows in binary COPY form, tables in the order of their keys."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec
from psycopg.sql import SQL
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.infra.copy_in import (
    GAP,
    ID_GAP,
    NULL,
    bigint_column,
    bytes_column,
    copy_in,
    form_of,
    instant_column,
    integer_column,
    jsonb_column,
    row_of,
    smallint_column,
    text_column,
    uuid_column,
)
from dougong.orders.history_rules import CURRENCY, HistoryOrder, Life, Terms
from dougong.orders.rules import OrderState

ORDERS = SQL("""
    COPY orders (store_id, id, checkout_id, number, idempotency_key, request_hash, origin, state,
      currency, goods_minor, discount_minor, shipping_minor, total_minor, address,
      receive_within_s, receive_rule_id, after_sales_window_s, after_sales_rule_id, placed_at,
      pay_by, paid_at, shipped_at, received_at, final_at, closed_at, close_reason)
    FROM STDIN (FORMAT binary)
""")
LINES = SQL("""
    COPY order_lines (store_id, order_id, line_no, kind, title_zh, title_en, category, quantity,
      unit_price_minor, gross_minor, paid_minor, refunded_minor, shipped_quantity,
      returned_quantity, service_fee_bp, service_fee_rule_id, commission_bp, commission_cut_bp,
      payment_cost_bp, payment_cost_rule_id)
    FROM STDIN (FORMAT binary)
""")
DEADLINES = SQL("""
    COPY deadlines (store_id, kind, subject_id, due_at, done_at, outcome)
    FROM STDIN (FORMAT binary)
""")

ORIGIN = "import:tmall"
TITLE_ZH, TITLE_EN = "天猫历史订单", "Order from Tmall's history"
ANY_CATEGORY = "*"
SHIPPED = frozenset({OrderState.SHIPPED, OrderState.RECEIVED, OrderState.FINAL})


def order_number(outside: str) -> str:
    """Our number, and key, of an order with this number in the list."""
    return f"tmall-{outside}"


class OrderRows:
    """Orders of one store that wait to be written."""

    def __init__(self, *, store_id: StoreId) -> None:
        store = uuid_column(store_id)
        self._order_head = row_of(26) + store
        self._line_head = row_of(20) + store
        self._deadline_form = form_of(row_of(6), store, GAP, ID_GAP, GAP, GAP, GAP)
        self._forms: dict[tuple[OrderState, Terms], tuple[bytes, bytes]] = {}
        self._orders: list[bytes] = []
        self._lines: list[bytes] = []
        self._deadlines: list[bytes] = []

    def add(
        self,
        order_id: bytes,
        order: HistoryOrder,
        terms: Terms,
        life: Life,
        *,
        paid_at: bytes,
        final_at: bytes,
    ) -> None:
        """`order_id`: 16 bytes. The order's checkout has the same id: it was alone in it.
        `paid_at`, `final_at`: columns of the order's and its life's."""
        forms = self._forms.get((life.state, terms)) or self._forms_of(life.state, terms)
        order_form, line_form = forms
        number = text_column(order_number(order.number))
        total = bigint_column(order.total_minor)
        pay_by = paid_at if life.pay_by is order.paid_at else instant_column(life.pay_by)
        row = (
            order_id, order_id, number, number, bytes_column(order.digest), total, total,
            _address(order.province), instant_column(order.placed_at), pay_by, paid_at,
            NULL if life.shipped_at is None else paid_at,
            instant_column(life.received_at), final_at,
            instant_column(life.closed_at), text_column(life.close_reason),
        )  # fmt: skip
        self._orders.append(order_form % row)
        refunded = bigint_column(order.refunded_minor)
        self._lines.append(line_form % (order_id, total, total, total, refunded))
        if due := life.deadline:
            self._deadlines.append(
                self._deadline_form
                % (
                    text_column(due.kind), order_id, instant_column(due.due_at),
                    instant_column(due.done_at), text_column(due.outcome),
                )
            )  # fmt: skip

    def _forms_of(self, state: OrderState, terms: Terms) -> tuple[bytes, bytes]:
        """Of an order and of its line: what all of this state and of these terms have in common."""
        order = form_of(
            self._order_head, ID_GAP, ID_GAP, GAP, GAP, GAP, text_column(ORIGIN),
            text_column(state.value), text_column(CURRENCY), GAP, _NOTHING, _NOTHING, GAP, GAP,
            bigint_column(terms.receive_within_s), uuid_column(terms.receive_rule_id),
            bigint_column(terms.after_sales_window_s), uuid_column(terms.after_sales_rule_id),
            GAP, GAP, GAP, GAP, GAP, GAP, GAP, GAP,
        )  # fmt: skip
        # The one unit is with the buyer, came back, or never left.
        shipped, returned = int(state in SHIPPED), int(state is OrderState.REFUNDED)
        line = form_of(
            self._line_head, ID_GAP, _LINE, GAP, GAP, GAP, GAP,
            integer_column(shipped), integer_column(returned),
            integer_column(terms.service_fee_bp), uuid_column(terms.service_fee_rule_id),
            integer_column(0), integer_column(0),
            integer_column(terms.payment_cost_bp), uuid_column(terms.payment_cost_rule_id),
        )  # fmt: skip
        self._forms[state, terms] = order, line
        return order, line

    async def write(self, conn: AsyncConnection) -> None:
        """Raises IntegrityError (psycopg's) when an order with such a number is there."""
        await copy_in(conn, ORDERS, self._orders)
        await copy_in(conn, LINES, self._lines)
        await copy_in(conn, DEADLINES, self._deadlines)


_NOTHING = bigint_column(0)
_LINE = b"".join(
    (
        smallint_column(1), text_column("goods"), text_column(TITLE_ZH), text_column(TITLE_EN),
        text_column(ANY_CATEGORY), integer_column(1),
    )
)  # fmt: skip


@lru_cache(maxsize=4_096)
def _address(province: str) -> bytes:
    return jsonb_column(msgspec.json.encode({"province": province}))


async def lock_history(conn: AsyncConnection, *, store_id: StoreId) -> bool:
    """One import of a store at a time, until the transaction ends; False when one is running."""
    return bool(
        await conn.scalar(
            text("SELECT pg_try_advisory_xact_lock(7300002, hashtext(:store_id))"),
            {"store_id": str(store_id)},
        )
    )


async def has_history(conn: AsyncConnection, *, store_id: StoreId) -> bool:
    return bool(
        await conn.scalar(
            text("""
                SELECT EXISTS (SELECT FROM orders WHERE store_id = :store_id AND origin = :origin)
            """),
            {"store_id": store_id, "origin": ORIGIN},
        )
    )


async def loaded_before(
    conn: AsyncConnection, *, store_id: StoreId, numbers: Sequence[str]
) -> Mapping[str, bytes]:
    """Of these numbers of the list, those that the store has: to the digest of their rows."""
    found = await conn.execute(
        text("""
            SELECT o.number, o.request_hash FROM orders o
            JOIN unnest(CAST(:numbers AS text[])) AS n (number) ON o.number = n.number
            WHERE o.store_id = :store_id
        """),
        {"store_id": store_id, "numbers": [order_number(number) for number in numbers]},
    )
    prefix = len(order_number(""))
    return {number[prefix:]: bytes(digest) for number, digest in found}
