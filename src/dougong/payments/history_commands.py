"""Writes payments and refunds of a whole history: rows in binary COPY form."""

from datetime import datetime

from psycopg.sql import SQL
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.infra.copy_in import (
    bigint_column,
    bytes_column,
    copy_in,
    id_column,
    instant_column,
    integer_column,
    row_of,
    smallint_column,
    text_column,
    uuid_column,
)

PAYMENTS = SQL("""
    COPY payments (id, checkout_id, gateway, gateway_ref, currency, amount_minor, state,
      started_at, captured_at)
    FROM STDIN (FORMAT binary)
""")
PARTS = SQL("""
    COPY payment_parts (store_id, order_id, payment_id, amount_minor, booked_at, outcome)
    FROM STDIN (FORMAT binary)
""")
REFUNDS = SQL("""
    COPY refunds (store_id, id, order_id, payment_id, currency, amount_minor, state, reason,
      asked_at, idempotency_key, request_hash, gateway_ref, done_at)
    FROM STDIN (FORMAT binary)
""")
REFUND_LINES = SQL("""
    COPY refund_lines (store_id, refund_id, line_no, amount_minor, quantity)
    FROM STDIN (FORMAT binary)
""")


class PaymentRows:
    """Captured payments of one store, each for one order, and refunds that are done. Ids are 16
    bytes; `gateway` is where the money went: it is named, not called."""

    def __init__(self, *, store_id: StoreId, gateway: str, currency: str) -> None:
        store, kept_in = uuid_column(store_id), text_column(currency)
        self._ref_prefix = f"{store_id}:"  # two stores may load the same list
        self._gateway, self._currency = text_column(gateway), kept_in
        self._payment_head, self._part_head = row_of(9), row_of(6) + store
        self._refund_head, self._line_head = row_of(13) + store, row_of(5) + store
        self._payments: list[bytes] = []
        self._parts: list[bytes] = []
        self._refunds: list[bytes] = []
        self._refund_lines: list[bytes] = []

    def add_payment(
        self, *, payment_id: bytes, order_id: bytes, ref: str, amount_minor: int, at: datetime
    ) -> None:
        payment, order, paid = id_column(payment_id), id_column(order_id), instant_column(at)
        amount = bigint_column(amount_minor)
        self._payments += (
            self._payment_head, payment, order, self._gateway,
            text_column(self._ref_prefix + ref), self._currency, amount, _CAPTURED, paid, paid,
        )  # fmt: skip
        self._parts += (self._part_head, order, payment, amount, paid, _ALLOCATED)

    def add_refund(
        self,
        *,
        refund_id: bytes,
        payment_id: bytes,
        order_id: bytes,
        ref: str,
        amount_minor: int,
        units: int,
        digest: bytes,
        at: datetime,
    ) -> None:
        """`units`: what need not be shipped any more. `digest`: SHA-256 of the list's row."""
        refund, amount, done = id_column(refund_id), bigint_column(amount_minor), instant_column(at)
        name = text_column(self._ref_prefix + ref)
        self._refunds += (
            self._refund_head, refund, id_column(order_id), id_column(payment_id),
            self._currency, amount, _DONE, done, name, bytes_column(digest), name, done,
        )  # fmt: skip
        self._refund_lines += (
            self._line_head, refund, smallint_column(1), amount, integer_column(units),
        )  # fmt: skip

    async def write(self, conn: AsyncConnection) -> None:
        """The orders must be there."""
        await copy_in(conn, PAYMENTS, self._payments)
        await copy_in(conn, PARTS, self._parts)
        await copy_in(conn, REFUNDS, self._refunds)
        await copy_in(conn, REFUND_LINES, self._refund_lines)


_CAPTURED, _ALLOCATED = text_column("captured"), text_column("allocated")
_DONE = text_column("done") + text_column("history")
