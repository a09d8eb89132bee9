"""Orders with their books, written straight into the tables: every split that a line can have."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import a_person, a_store, an_org

from dougong.base.ids import OrderId, OrgId, PersonId, StoreId, new_id
from dougong.flows.book_orders import (
    BookedLine,
    BookedOrder,
    capture_entry,
    final_entry,
    refund_entry,
)
from dougong.ledger.commands import book
from dougong.ledger.rules import Entry
from dougong.orders.intake_commands import LineRow, OrderRow, insert_placed
from dougong.orders.rules import LineMoney

AT = datetime(2026, 3, 1, tzinfo=UTC)


def money(**changes: int) -> LineMoney:
    """A line of 100.00 without discounts, at the default rates, with a creator's 10 %."""
    values = {
        "gross_minor": 10_000,
        "merchant_discount_minor": 0,
        "platform_discount_minor": 0,
        "creator_discount_minor": 0,
        "service_fee_bp": 500,
        "commission_bp": 1000,
        "commission_cut_bp": 1000,
        "payment_cost_bp": 60,
    }
    made = values | changes
    off = sum(made[f"{who}_discount_minor"] for who in ("merchant", "platform", "creator"))
    return LineMoney(**made, paid_minor=made["gross_minor"] - off)


class Market(msgspec.Struct, frozen=True):
    store_id: StoreId
    merchant_id: OrgId
    creator_id: UUID
    buyer_id: PersonId


async def a_market(conn: AsyncConnection) -> Market:
    """A store with its merchant, a creator and a buyer."""
    store = await a_store(conn)
    creator_id = await an_org(conn, kind="creator")
    return Market(store.store_id, store.org_id, creator_id, await a_person(conn))


class Story:
    """One order, taken through capture, refunds and the final moment, booked as live ones are."""

    def __init__(
        self, conn: AsyncConnection, market: Market, lines: list[LineMoney], **rules: UUID
    ) -> None:
        self.conn, self.market, self.lines, self.rules = conn, market, lines, rules
        self.order_id = OrderId(new_id())
        self.refunded = [0] * len(lines)

    async def place(self) -> "Story":
        goods = sum(line.gross_minor for line in self.lines)
        paid = sum(line.paid_minor for line in self.lines)
        order = OrderRow(
            id=self.order_id,
            number=str(self.order_id),
            checkout_id=new_id(),
            buyer_id=self.market.buyer_id,
            idempotency_key=str(new_id()),
            request_hash="\\x00",
            currency="CNY",
            goods_minor=goods,
            discount_minor=goods - paid,
            shipping_minor=0,
            total_minor=paid,
            address={},
            coupon_id=None,
            receive_within_s=864_000,
            receive_rule_id=None,
            after_sales_window_s=604_800,
            after_sales_rule_id=None,
            placed_at=AT,
            pay_by=AT + timedelta(minutes=15),
        )
        rows = [self._line(n, line) for n, line in enumerate(self.lines, start=1)]
        await insert_placed(self.conn, store_id=self.market.store_id, orders=[order], lines=rows)
        return self

    def _creators(self, line: LineMoney) -> tuple[UUID | None, UUID | None]:
        creator_id = self.market.creator_id
        return (
            creator_id if line.commission_bp else None,
            creator_id if line.creator_discount_minor else None,
        )

    def _line(self, n: int, line: LineMoney) -> LineRow:
        creator_id, discount_creator_id = self._creators(line)
        return LineRow(
            order_id=self.order_id,
            line_no=n,
            kind="goods",
            product_id=None,
            sku_id=None,
            title_zh="茶",
            title_en="Tea",
            options={},
            image_file=None,
            category="food",
            quantity=1,
            unit_price_minor=line.gross_minor,
            link_id=None,
            creator_id=creator_id,
            discount_creator_id=discount_creator_id,
            service_fee_rule_id=self.rules.get("service_fee"),
            commission_rule_id=None,
            commission_cut_rule_id=None,
            payment_cost_rule_id=None,
            **msgspec.structs.asdict(line),
        )

    def booked(self) -> BookedOrder:
        lines = tuple(
            BookedLine(n, line, self.refunded[n - 1], *self._creators(line))
            for n, line in enumerate(self.lines, start=1)
        )
        return BookedOrder(self.market.store_id, self.order_id, self.market.merchant_id, lines)

    async def book(self, entry: Entry | None) -> None:
        if entry:
            await book(
                self.conn,
                store_id=self.market.store_id,
                currency="CNY",
                entries=[entry],
                written_at=AT,
            )

    async def _set(self, state: str) -> None:
        await self.conn.execute(
            text("""
                UPDATE orders SET state = :state, paid_at = coalesce(paid_at, :at),
                  final_at = CASE CAST(:state AS text) WHEN 'final' THEN :at ELSE final_at END
                WHERE store_id = :store_id AND id = :id
            """),
            {
                "store_id": self.market.store_id,
                "id": self.order_id,
                "at": AT,
                "state": state,
            },
        )

    async def pay(self) -> "Story":
        await self.book(capture_entry(self.booked(), at=AT))
        await self._set("received")
        return self

    async def refund(self, amounts: dict[int, int], *, is_final: bool = False) -> "Story":
        entry = refund_entry(
            self.booked(), refund_id=new_id(), amounts=amounts, is_final=is_final, at=AT
        )
        for n, amount in amounts.items():
            self.refunded[n - 1] += amount
            await self.conn.execute(
                text("""
                    UPDATE order_lines SET refunded_minor = refunded_minor + :amount
                    WHERE store_id = :s AND order_id = :id AND line_no = :n
                """),
                {"s": self.market.store_id, "id": self.order_id, "n": n, "amount": amount},
            )
        await self.book(entry)
        return self

    async def finish(self) -> "Story":
        await self.book(final_entry(self.booked(), at=AT))
        await self._set("final")
        return self


async def a_final_order(conn: AsyncConnection, market: Market, *lines: LineMoney) -> Story:
    story = Story(conn, market, list(lines) or [money()])
    return await (await (await story.place()).pay()).finish()
