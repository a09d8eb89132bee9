"""A checkout before it is placed: prices by the server, and the best coupon of each store."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import Refusal
from dougong.base.ids import LinkId, PersonId, SkuId, StoreId
from dougong.flows.price_orders import Priced, Shelf, Wanted, WantedLine, price, read_shelf
from dougong.orders.rules import CouponRefused, NotForSale
from dougong.reads.shopper_checkout import usable_coupons
from dougong.reads.shopper_orders import CartLine, CartStore
from dougong.reads.shopper_products import CouponHint


class PreparedPart(msgspec.Struct, frozen=True):
    """One store's part. `priced` is None where it cannot be bought; `refusal` says why.

    `refusal` beside prices is about the coupon that was asked for and could not be used.
    """

    cart: CartStore
    lines: tuple[WantedLine, ...]
    coupons: list[CouponHint]
    coupon_code: str | None
    priced: Priced | None
    refusal: Refusal | None


async def prepare_checkout(
    conn: AsyncConnection,
    *,
    buyer_id: PersonId,
    carts: Sequence[CartStore],
    chosen: Mapping[UUID, str],
    at: datetime,
) -> list[PreparedPart]:
    """`chosen`: store to coupon code; "" for none, no entry for the best that there is."""
    return [
        await _prepare(conn, cart, buyer_id=buyer_id, chosen=chosen.get(cart.store.id), at=at)
        for cart in carts
    ]


async def _prepare(
    conn: AsyncConnection,
    cart: CartStore,
    *,
    buyer_id: PersonId,
    chosen: str | None,
    at: datetime,
) -> PreparedPart:
    store_id = StoreId(cart.store.id)
    lines = tuple(_wanted(line) for line in cart.lines if line.can_be_bought)
    coupons = await usable_coupons(conn, store_id=store_id, person_id=buyer_id, at=at)
    codes = [chosen] if chosen else [] if chosen == "" else [one.code for one in coupons]
    requests = [Wanted(buyer_id, lines, code, None) for code in (None, *codes)]
    shelf = await read_shelf(conn, store_id=store_id, requests=requests)
    if shelf is None or not lines:
        return PreparedPart(cart, lines, coupons, None, None, NotForSale(field="lines"))
    plain, *others = [_try(shelf, wanted, at=at) for wanted in requests]
    if isinstance(plain, Refusal):
        return PreparedPart(cart, lines, coupons, None, None, plain)
    best, code, refusal = plain, None, None
    for asked, answer in zip(codes, others, strict=True):
        if isinstance(answer, Priced):
            if answer.quote.total_minor < best.quote.total_minor or chosen:
                best, code = answer, asked
        elif chosen and isinstance(answer, CouponRefused):
            refusal = answer
    return PreparedPart(cart, lines, coupons, code, best, refusal)


def _wanted(line: CartLine) -> WantedLine:
    link_id = LinkId(line.link_id) if line.link_id else None
    return WantedLine(SkuId(line.sku_id), line.quantity, link_id, line.offer_id)


def _try(shelf: Shelf, wanted: Wanted, *, at: datetime) -> Priced | Refusal:
    try:
        return price(shelf, wanted, at=at)
    except Refusal as refusal:
        return refusal
