"""Turns orders of a list into rows: the order with its dated life, its money, its books.

Amounts come from `line_shares`, accounts and keys from the entries that `book_orders` makes of a
sample order: history is booked as live orders are, only written many at a time.
"""

from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, OrgId, StoreId, new_id
from dougong.flows.book_orders import (
    BookedLine,
    BookedOrder,
    capture_entry,
    final_entry,
    refund_entry,
)
from dougong.infra.copy_in import instant_column
from dougong.ledger.history_commands import EntryRows, Ways, open_accounts
from dougong.ledger.rules import AccountName, Entry
from dougong.orders.history_commands import OrderRows
from dougong.orders.history_rules import CURRENCY, HistoryOrder, Terms, life_of, money_of
from dougong.orders.rules import LineMoney, Shares, line_shares
from dougong.payments.history_commands import PaymentRows

GATEWAY = "tmall"
SAMPLE_ID, SAMPLE_REFUND_ID = OrderId(UUID(int=1)), UUID(int=2)
# Large enough, and at such rates, that every share of a line without creator is above zero.
SAMPLE = LineMoney(1_000_000, 0, 0, 0, 1_000_000, 500, 0, 0, 60)


class Template:
    """A kind of entry: its ways and its key, as live orders have them."""

    def __init__(self, entry: Entry | None, *, about: UUID, store_id: StoreId) -> None:
        if entry is None or not entry.key.endswith(str(about)):
            raise ValueError(entry)
        self.ways = Ways(
            entry.kind,
            entry.transfers,
            key_before=entry.key.removesuffix(str(about)),
            store_id=store_id,
            currency=CURRENCY,
        )
        self.parts = [str(transfer.part) for transfer in entry.transfers]


class HistoryBook:
    """How one store's history is booked."""

    def __init__(self, *, store_id: StoreId, merchant_id: OrgId) -> None:
        line = BookedLine(1, SAMPLE, 0, None, None)
        order = BookedOrder(store_id, SAMPLE_ID, merchant_id, (line,))
        at = datetime(2020, 1, 1, tzinfo=UTC)
        capture, final = capture_entry(order, at=at), final_entry(order, at=at)
        refund = refund_entry(
            order, refund_id=SAMPLE_REFUND_ID, amounts={1: 1_000}, is_final=False, at=at
        )
        self.store_id = store_id
        self.capture = Template(capture, about=SAMPLE_ID, store_id=store_id)
        self.final = Template(final, about=SAMPLE_ID, store_id=store_id)
        self.refund = Template(refund, about=SAMPLE_REFUND_ID, store_id=store_id)
        if self.capture.parts != ["paid"] or self.refund.parts != ["paid"]:
            raise ValueError("one transfer pays an order without coupons, and one pays it back")
        shares_of: attrgetter[tuple[int, ...]] = attrgetter(*self.final.parts)
        self.final_amounts = shares_of

    @property
    def accounts(self) -> list[AccountName]:
        templates = (self.capture, self.final, self.refund)
        return [name for template in templates for name in template.ways.names]

    async def open(self, conn: AsyncConnection) -> None:
        await open_accounts(
            conn, store_id=self.store_id, currency=CURRENCY, names=self.accounts
        )  # fmt: skip


class Ids:
    """UUIDv7s in one row: twelve bytes in common, then a counter (RFC 9562, section 6.2)."""

    def __init__(self) -> None:
        self._before = new_id().bytes[:12]
        self._next = 0

    def next(self) -> bytes:
        self._next += 1
        return self._before + self._next.to_bytes(4, "big")


def uuid_text(raw: bytes) -> str:
    """As `str(UUID(bytes=raw))`, in a fifth of the time."""
    digits = raw.hex()
    groups = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "-".join(groups)


@lru_cache(maxsize=16_384)
def _shares(total_minor: int, refunded_minor: int, terms: Terms) -> Shares:
    """Prices come again and again."""
    return line_shares(money_of(total_minor, terms), refunded_minor=refunded_minor)


class HistoryRows:
    """A piece of a history, ready to be written."""

    def __init__(self, book: HistoryBook, ids: Ids, *, now: datetime, written_at: datetime) -> None:
        self._book, self._ids, self._now = book, ids, now
        self._orders = OrderRows(store_id=book.store_id)
        self._payments = PaymentRows(store_id=book.store_id, gateway=GATEWAY, currency=CURRENCY)
        self._entries = EntryRows(store_id=book.store_id, written_at=written_at)
        self.count = 0

    def add(self, order: HistoryOrder, terms: Terms) -> None:
        book, order_id = self._book, self._ids.next()
        life = life_of(order, terms, now=self._now)
        paid_at, final_at = instant_column(order.paid_at), instant_column(life.final_at)
        self._orders.add(order_id, order, terms, life, paid_at=paid_at, final_at=final_at)
        self.count += 1
        if order.paid_at is None:
            return
        about, payment_id = uuid_text(order_id).encode(), self._ids.next()
        self._payments.add_payment(
            payment_id=payment_id,
            order_id=order_id,
            ref=order.number,
            amount_minor=order.total_minor,
            at=paid_at,
        )
        self._entries.add(
            self._ids.next(),
            book.capture.ways,
            about=about,
            order_id=order_id,
            counts_at=paid_at,
            amounts=(order.total_minor,),
        )
        if order.refunded_minor:
            self._add_refund(order_id, payment_id, order, paid_at)
        if life.final_at is not None:
            shares = _shares(order.total_minor, order.refunded_minor, terms)
            self._entries.add(
                self._ids.next(),
                book.final.ways,
                about=about,
                order_id=order_id,
                counts_at=final_at,
                amounts=book.final_amounts(shares),
            )

    def _add_refund(
        self, order_id: bytes, payment_id: bytes, order: HistoryOrder, at: bytes
    ) -> None:
        """Counted at the payment: before the order is final, so no fee was taken of it."""
        refund_id, book = self._ids.next(), self._book
        self._payments.add_refund(
            refund_id=refund_id,
            payment_id=payment_id,
            order_id=order_id,
            ref=order.number,
            amount_minor=order.refunded_minor,
            units=int(order.refunded_minor == order.total_minor),
            digest=order.digest,
            at=at,
        )
        self._entries.add(
            self._ids.next(),
            book.refund.ways,
            about=uuid_text(refund_id).encode(),
            order_id=order_id,
            counts_at=at,
            amounts=(order.refunded_minor,),
        )

    async def write(self, conn: AsyncConnection) -> None:
        await self._orders.write(conn)
        await self._payments.write(conn)
        await self._entries.write(conn)
