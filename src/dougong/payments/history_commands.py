"""Writes payments and refunds of a whole history: rows in binary COPY form."""

from psycopg.sql import SQL
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.infra.copy_in import (
    GAP,
    ID_GAP,
    bigint_column,
    bytes_column,
    copy_in,
    form_of,
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
    bytes, instants are columns; `gateway` is where the money went: it is named, not called."""

    def __init__(self, *, store_id: StoreId, gateway: str, currency: str) -> None:
        store, kept_in = uuid_column(store_id), text_column(currency)
        self._ref_prefix = f"{store_id}:"  # two stores may load the same list
        self._payment_form = form_of(
            row_of(9), ID_GAP, ID_GAP, text_column(gateway), GAP, kept_in, GAP, _CAPTURED, GAP, GAP
        )
        self._part_form = form_of(row_of(6), store, ID_GAP, ID_GAP, GAP, GAP, _ALLOCATED)
        self._refund_form = form_of(
            row_of(13), store, ID_GAP, ID_GAP, ID_GAP, kept_in, GAP, _DONE, GAP, GAP, GAP, GAP, GAP
        )
        self._line_form = form_of(row_of(5), store, ID_GAP, smallint_column(1), GAP, GAP)
        self._payments: list[bytes] = []
        self._parts: list[bytes] = []
        self._refunds: list[bytes] = []
        self._refund_lines: list[bytes] = []

    def add_payment(
        self, *, payment_id: bytes, order_id: bytes, ref: str, amount_minor: int, at: bytes
    ) -> None:
        name = text_column(self._ref_prefix + ref)
        amount = bigint_column(amount_minor)
        self._payments.append(
            self._payment_form % (payment_id, order_id, name, amount, at, at)
        )  # fmt: skip
        self._parts.append(self._part_form % (order_id, payment_id, amount, at))

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
        at: bytes,
    ) -> None:
        """`units`: what need not be shipped any more. `digest`: SHA-256 of the list's row."""
        name = text_column(self._ref_prefix + ref)
        amount = bigint_column(amount_minor)
        self._refunds.append(
            self._refund_form
            % (refund_id, order_id, payment_id, amount, at, name, bytes_column(digest), name, at)
        )  # fmt: skip
        self._refund_lines.append(self._line_form % (refund_id, amount, integer_column(units)))

    async def write(self, conn: AsyncConnection) -> None:
        """The orders must be there."""
        await copy_in(conn, PAYMENTS, self._payments)
        await copy_in(conn, PARTS, self._parts)
        await copy_in(conn, REFUNDS, self._refunds)
        await copy_in(conn, REFUND_LINES, self._refund_lines)


_CAPTURED, _ALLOCATED = text_column("captured"), text_column("allocated")
_DONE = text_column("done") + text_column("history")
