"""What is written on an order when it is placed, and never changed: prices, rules, the address."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from dougong.base.ids import OrderId
from dougong.flows.price_orders import LineRates, Priced
from dougong.orders.intake_commands import LineRow, OrderRow

if TYPE_CHECKING:
    from dougong.flows.place_orders import PlaceOrder

SHIPPING_TITLE = ("运费", "Shipping")


def order_number(order_id: UUID, at: datetime) -> str:
    """For people: the day, then ten digits of the id's random part. Unique within a store."""
    return f"{at:%y%m%d}{order_id.int % 10**10:010d}"


def order_row(
    request: "PlaceOrder", order_id: OrderId, priced: Priced, *, currency: str, at: datetime
) -> OrderRow:
    quote = priced.quote
    return OrderRow(
        id=order_id,
        number=order_number(order_id, at),
        checkout_id=request.checkout_id,
        buyer_id=request.wanted.buyer_id,
        idempotency_key=request.key,
        request_hash="\\x" + request.request_hash().hex(),
        currency=currency,
        goods_minor=quote.goods_minor,
        discount_minor=quote.discount_minor,
        shipping_minor=quote.shipping_minor,
        total_minor=quote.total_minor,
        address=dict(priced.address or {}),
        coupon_id=priced.coupon.coupon_id if priced.coupon else None,
        receive_within_s=priced.receive_within.seconds,
        receive_rule_id=priced.receive_within.rule_id,
        after_sales_window_s=priced.after_sales_window.seconds,
        after_sales_rule_id=priced.after_sales_window.rule_id,
        placed_at=at,
        pay_by=at + timedelta(seconds=priced.pay_within.seconds),
    )


def line_rows(order_id: OrderId, priced: Priced) -> Iterator[LineRow]:
    """The goods in their order, then freight as a line of its own where it costs something."""
    funder = priced.coupon.funder if priced.coupon else None
    creator_funder = priced.coupon.funder_org_id if priced.coupon and funder == "creator" else None
    for n, (line, rates) in enumerate(zip(priced.quote.lines, priced.rates, strict=True), start=1):
        by_funder = {funder: line.discount_minor}
        yield LineRow(
            order_id=order_id,
            line_no=n,
            kind="goods",
            product_id=line.offer.product_id,
            sku_id=line.offer.sku_id,
            title_zh=line.offer.title_zh,
            title_en=line.offer.title_en,
            options=line.offer.options,
            image_file=line.offer.image_file,
            category=line.offer.category,
            quantity=line.quantity,
            unit_price_minor=line.offer.price_minor,
            gross_minor=line.gross_minor,
            merchant_discount_minor=by_funder.get("merchant", 0),
            platform_discount_minor=by_funder.get("platform", 0),
            creator_discount_minor=by_funder.get("creator", 0),
            discount_creator_id=creator_funder,
            paid_minor=line.gross_minor - line.discount_minor,
            link_id=line.link_id,
            **_rate_columns(rates),
        )
    if priced.quote.shipping_minor:
        yield _freight(order_id, len(priced.quote.lines) + 1, priced)


def _freight(order_id: OrderId, line_no: int, priced: Priced) -> LineRow:
    fee = priced.quote.shipping_minor
    return LineRow(
        order_id=order_id,
        line_no=line_no,
        kind="shipping",
        product_id=None,
        sku_id=None,
        title_zh=SHIPPING_TITLE[0],
        title_en=SHIPPING_TITLE[1],
        options={},
        image_file=None,
        category="*",
        quantity=1,
        unit_price_minor=fee,
        gross_minor=fee,
        merchant_discount_minor=0,
        platform_discount_minor=0,
        creator_discount_minor=0,
        discount_creator_id=None,
        paid_minor=fee,
        link_id=None,
        **_rate_columns(priced.shipping_rates),
    )


def _rate_columns(rates: LineRates) -> dict[str, Any]:
    return {
        "creator_id": rates.creator_id,
        "service_fee_bp": rates.service_fee.rate_bp,
        "service_fee_rule_id": rates.service_fee.rule_id,
        "commission_bp": rates.commission.rate_bp,
        "commission_rule_id": rates.commission.rule_id,
        "commission_cut_bp": rates.commission_cut.rate_bp,
        "commission_cut_rule_id": rates.commission_cut.rule_id,
        "payment_cost_bp": rates.payment_cost.rate_bp,
        "payment_cost_rule_id": rates.payment_cost.rule_id,
    }
