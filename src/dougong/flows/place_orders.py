"""Placing an order: many buyers, one SKU, one second.

Every web worker collects the requests of the moment per store and commits them as one batch:
who asked before gets the first answer again; who wants more than there is hears so; the rest is
priced; coupons and stock go to those who came first; one statement writes all orders. A batch is
committed before anybody in it is answered.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import KeyReused, Refusal
from dougong.base.ids import OrderId, PersonId, SkuId, StoreId, new_id
from dougong.catalog.coupon_commands import CouponUse, HeldCoupons, hold_coupons, use_coupons
from dougong.flows.freeze_facts import line_rows, order_row
from dougong.flows.price_orders import Priced, Shelf, Wanted, price, read_shelf
from dougong.flows.tell_of_orders import live_sale, tell_of_orders
from dougong.infra import clock, pause
from dougong.infra.coalesce import Coalescer
from dougong.infra.db import transaction
from dougong.live.offer_commands import HeldOffers, OfferUse, hold_offers, use_offers
from dougong.live.offer_rules import OfferRefused
from dougong.orders.intake_commands import PlacedRow, insert_placed, placed_before
from dougong.orders.rules import AddressMissing, CouponRefused, NotForSale, StaleTotal
from dougong.supply.commands import hold_units, reserve
from dougong.supply.queries import free_units
from dougong.supply.quota_rules import HeldUnits, Part, channel_of
from dougong.supply.rules import SoldOut

Key = tuple[PersonId, str]

MOST_IN_BATCH = 256
BATCH_WAIT_S = 0.003


class PlaceOrder(msgspec.Struct, frozen=True):
    """One buyer's order at one store. `expected_total_minor` is what the buyer was shown.

    `checkout_hash`: of all that was asked under this key, where that is more than one store's part.
    """

    store_id: StoreId
    checkout_id: UUID
    key: str
    wanted: Wanted
    expected_total_minor: int
    checkout_hash: bytes = b""

    @property
    def by(self) -> Key:
        """A key is its buyer's own."""
        return self.wanted.buyer_id, self.key

    def request_hash(self) -> bytes:
        """The same for the same request, whatever the clock says."""
        return self.checkout_hash or hashlib.sha256(msgspec.json.encode(self)).digest()


class Placed(msgspec.Struct, frozen=True):
    """The answer: the same, to the byte, however often the key comes back."""

    store_id: StoreId
    order_id: OrderId
    checkout_id: UUID
    number: str
    total_minor: int
    currency: str
    pay_by: datetime


Answer = Placed | Exception


async def place_order(request: PlaceOrder) -> Answer:
    """Place one order through the batched intake. A refusal is an answer too: where one SKU has
    thousands of buyers it is what most of them hear, and need not be raised through every caller.

    Refuses with NotForSale, SoldOut, CouponRefused, StaleTotal, AddressMissing, EmptyOrder,
    TooManyLines; KeyReused when the key made another order. Nothing is written then.
    """
    intake = _intakes.get(request.store_id)
    if intake is None:
        intake = Coalescer(_place_batch, most=MOST_IN_BATCH, wait_s=BATCH_WAIT_S)
        _intakes[request.store_id] = intake
    try:
        return await intake.answer(request)
    finally:
        if intake.is_idle:  # whoever invents store ids fills no memory
            _intakes.pop(request.store_id, None)


_intakes: dict[StoreId, Coalescer[PlaceOrder, Placed]] = {}


async def _place_batch(requests: list[PlaceOrder]) -> list[Answer]:
    """One transaction; if the database refuses a row, each half is tried by itself, so that one
    poisonous request fails alone."""
    try:
        return await _place_at_once(requests)
    except (IntegrityError, DataError) as error:
        if len(requests) == 1:
            return [await _place_once_more(requests[0]) or error]
        middle = len(requests) // 2
        return await _place_batch(requests[:middle]) + await _place_batch(requests[middle:])


async def _place_at_once(requests: list[PlaceOrder]) -> list[Answer]:
    async with transaction() as conn:
        return await place_in(conn, requests=requests, at=await clock.refresh(conn))


async def _place_once_more(request: PlaceOrder) -> Answer | None:
    """Another web worker may have made this key's order between our look and our write: that is
    its answer. None when the database refuses it again: then it is the request itself."""
    try:
        return (await _place_at_once([request]))[0]
    except (IntegrityError, DataError):
        return None


async def place_in(
    conn: AsyncConnection, *, requests: Sequence[PlaceOrder], at: datetime
) -> list[Answer]:
    """Place the requests of one store, in their order, in this transaction.

    Stock is looked at before the keys: whose order has taken the last unit is then found as its
    key's answer, and everybody else need not wait for the SKU's lock to hear "sold out".
    """
    store_id = requests[0].store_id
    skus = {line.sku_id for request in requests for line in request.wanted.lines}
    free = await free_units(conn, store_id=store_id, sku_ids=skus)
    answers = await _answers_before(conn, store_id=store_id, requests=requests)
    await pause.point("place: looked for the key")
    fresh: dict[Key, PlaceOrder] = {}
    for request in requests:
        if request.by in answers:
            continue
        if short := _short_of(request, free):
            answers[request.by] = (request.request_hash(), SoldOut(field="lines", sku_id=short))
        else:
            fresh.setdefault(request.by, request)
    made = await _place_fresh(conn, store_id=store_id, requests=list(fresh.values()), at=at)
    for request, answer in zip(fresh.values(), made, strict=True):
        answers[request.by] = (request.request_hash(), answer)
    # Another web worker may have placed a key's order after we looked for it, and taken what the
    # repeat was refused for.
    refused = [r for r, answer in zip(fresh.values(), made, strict=True) if _is_no(answer)]
    if refused:
        answers |= await _answers_before(conn, store_id=store_id, requests=refused)
    return [_answer_for(request, answers) for request in requests]


async def _answers_before(
    conn: AsyncConnection, *, store_id: StoreId, requests: Sequence[PlaceOrder]
) -> dict[Key, tuple[bytes, Answer]]:
    """What these keys have already been answered: the order that they made here, or KeyReused for
    one that another store got with other contents."""
    before = await placed_before(
        conn,
        store_id=store_id,
        keys=[r.by for r in requests],
        checkouts=[r.checkout_id for r in requests],
    )
    answers: dict[Key, tuple[bytes, Answer]] = {}
    for request in requests:
        row = before.get(request.by)
        if row and row.store_id == store_id:
            answers[request.by] = (row.request_hash, _placed(store_id, row))
        elif row and row.request_hash != request.request_hash():
            answers[request.by] = (request.request_hash(), KeyReused(field="idempotency_key"))
    return answers


def _short_of(request: PlaceOrder, free: Mapping[SkuId, int]) -> SkuId | None:
    """A SKU of which a line wants more than there is; one without a stock row is judged later."""
    for line in request.wanted.lines:
        if line.quantity > free.get(line.sku_id, line.quantity):
            return line.sku_id
    return None


def _is_no(answer: Answer) -> bool:
    return not isinstance(answer, Placed)


def _answer_for(request: PlaceOrder, answers: Mapping[Key, tuple[bytes, Answer]]) -> Answer:
    known_hash, answer = answers[request.by]
    return answer if known_hash == request.request_hash() else KeyReused(field="idempotency_key")


async def _place_fresh(
    conn: AsyncConnection, *, store_id: StoreId, requests: Sequence[PlaceOrder], at: datetime
) -> list[Answer]:
    if not requests:
        return []
    shelf = await read_shelf(conn, store_id=store_id, requests=[r.wanted for r in requests])
    if shelf is None:
        return [NotForSale(field="store_id") for _ in requests]
    answers: dict[int, Answer] = {}
    priced: dict[int, tuple[OrderId, Priced]] = {}
    for n, request in enumerate(requests):
        try:
            priced[n] = (OrderId(new_id()), _price_as_shown(shelf, request, at=at))
        except Refusal as refusal:
            answers[n] = refusal
    coupons, offers = await _serve(conn, store_id, shelf, requests, priced, answers, at)
    await pause.point("place: took the units")
    orders = [
        order_row(requests[n], order_id, p, currency=shelf.store.currency, at=at)
        for n, (order_id, p) in priced.items()
    ]
    lines = [row for order_id, p in priced.values() for row in line_rows(order_id, p)]
    if orders:
        await insert_placed(conn, store_id=store_id, orders=orders, lines=lines)
        await use_coupons(conn, store_id=store_id, held=coupons, at=at)
        left = await use_offers(conn, store_id=store_id, held=offers)
        sales = [live_sale(shelf, requests[n].wanted, p) for n, (_, p) in priced.items()]
        await tell_of_orders(conn, sales=[one for one in sales if one], left=left)
    for n, order in zip(priced, orders, strict=True):
        answers[n] = Placed(
            store_id, order.id, order.checkout_id, order.number, order.total_minor,
            order.currency, order.pay_by,
        )  # fmt: skip
    return [answers[n] for n in range(len(requests))]


def _price_as_shown(shelf: Shelf, request: PlaceOrder, *, at: datetime) -> Priced:
    priced = price(shelf, request.wanted, at=at)
    if priced.address is None:
        raise AddressMissing(field="address_id")
    if priced.quote.total_minor != request.expected_total_minor:
        raise StaleTotal(
            field="expected_total_minor",
            expected_minor=request.expected_total_minor,
            total_minor=priced.quote.total_minor,
        )
    return priced


async def _serve(
    conn: AsyncConnection,
    store_id: StoreId,
    shelf: Shelf,
    requests: Sequence[PlaceOrder],
    priced: dict[int, tuple[OrderId, Priced]],
    answers: dict[int, Answer],
    at: datetime,
) -> tuple[HeldCoupons, HeldOffers]:
    """Coupons, flash offers and units go to those who came first: each order gets all that it
    wants, or nothing and an answer that says why; what it does not get is there for the next one.
    """
    wishes = {
        n: CouponUse(
            order_id, p.coupon.coupon_id, requests[n].wanted.buyer_id, p.quote.discount_minor
        )
        for n, (order_id, p) in priced.items()
        if p.coupon and p.quote.discount_minor > 0
    }
    wanted = {n: _units_of(p) for n, (_, p) in priced.items()}
    flash = {n: _offer_uses(order_id, requests[n].wanted) for n, (order_id, _) in priced.items()}
    coupons = await hold_coupons(conn, store_id=store_id, uses=list(wishes.values()))
    offers = await hold_offers(
        conn, store_id=store_id, uses=[u for us in flash.values() for u in us]
    )
    skus = {sku_id for units in wanted.values() for sku_id in units}
    stock = await hold_units(conn, store_id=store_id, sku_ids=skus, at=at)
    for n, units in wanted.items():
        wish = wishes.get(n)
        if wish and (why := coupons.refusal(wish)):
            answers[n] = CouponRefused(field="coupon_code", why=why)
        elif no := offers.refusal(flash[n]):
            answers[n] = OfferRefused(field="offer_id", why=no[0], per_buyer=no[1])
        elif short := _take(stock, shelf, requests[n].wanted, priced[n], units):
            answers[n] = SoldOut(field="lines", sku_id=short)
        else:
            offers.take(flash[n])
            if wish:
                coupons.take(wish)
        if n in answers:
            del priced[n]
    orders = [order_id for order_id, _ in priced.values()]
    await reserve(conn, store_id=store_id, held=stock, orders=orders, at=at)
    return coupons, offers


def _take(
    stock: HeldUnits,
    shelf: Shelf,
    wanted: Wanted,
    order: tuple[OrderId, Priced],
    units: Mapping[SkuId, int],
) -> SkuId | None:
    """The SKU that an order gets too little of, or None when it has them all. How each line came
    is asked for only where units are set aside for a channel."""
    if not stock.quotas:
        return stock.take(units)
    order_id, priced = order
    parts = []
    for line in priced.quote.lines:
        link = shelf.links.get(line.link_id) if line.link_id else None
        channel = channel_of(link.surface if link else None, straight=wanted.straight)
        host = link.creator_id if link else None
        parts.append(Part(line.offer.sku_id, line.quantity, channel, host))
    return stock.take_parts(order_id, parts)


def _offer_uses(order_id: OrderId, wanted: Wanted) -> list[OfferUse]:
    """What an order wants of each flash offer, over all its lines."""
    units: dict[UUID, int] = {}
    for line in wanted.lines:
        if line.offer_id:
            units[line.offer_id] = units.get(line.offer_id, 0) + line.quantity
    return [OfferUse(order_id, offer, wanted.buyer_id, n) for offer, n in units.items()]


def _units_of(priced: Priced) -> dict[SkuId, int]:
    """What an order wants of each SKU, over all its lines."""
    units: dict[SkuId, int] = {}
    for line in priced.quote.lines:
        sku_id = line.offer.sku_id
        units[sku_id] = units.get(sku_id, 0) + line.quantity
    return units


def _placed(store_id: StoreId, row: PlacedRow) -> Placed:
    return Placed(
        store_id, row.id, row.checkout_id, row.number, row.total_minor, row.currency, row.pay_by
    )
