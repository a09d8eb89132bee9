"""A store's webhook endpoints and the log of deliveries."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import Refusal
from dougong.base.ids import StoreId
from dougong.flows.deliver_webhooks import save_endpoint
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.web.account.common import request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import mark
from dougong.web.merchant.common import STORE, many, merchant_page, problem_words, see, store_url
from dougong.web.paging import cursor_values, cut
from dougong.web.render import Page
from dougong.webhooks import commands, delivery_commands, queries
from dougong.webhooks.rules import DISABLED_KIND, EVERY_KIND, KINDS, TEST_KIND

ROUTE: dict[str, Any] = {"permission": Permission.WEBHOOK_MANAGE, "include_in_schema": False}
ONE = STORE + "/webhooks/{endpoint_id:uuid}"
PAGE = 50

KIND_WORDS: dict[str, str] = {
    EVERY_KIND: mark("Everything"),
    TEST_KIND: mark("Test"),
    DISABLED_KIND: mark("Endpoint switched off"),
    "order.placed": mark("Order placed"),
    "order.paid": mark("Order paid"),
    "order.cancelled": mark("Order cancelled"),
    "order.package_shipped": mark("Package shipped"),
    "order.received": mark("Order received"),
    "order.final": mark("Order final"),
    "order.refunded": mark("Order refunded"),
    "order.refund_failed": mark("Refund failed at the gateway"),
    "order.ship_late": mark("Order not shipped in time"),
    "package.packed": mark("A package was packed"),
    "package.unpacked": mark("A package was opened again"),
    "package.waybill_made": mark("A waybill was made"),
    "package.waybill_answered": mark("A carrier refused or called off a waybill"),
    "package.handed_over": mark("A package left the house"),
    "package.tracked": mark("News of a parcel"),
    "package.state_changed": mark("A parcel came into another state"),
    "case.opened": mark("Case opened"),
    "case.moved": mark("Case moved on"),
    "case.freight_paid": mark("Freight of a return paid by insurance"),
    "case.closed": mark("Case closed"),
    "case.extended": mark("Case: more time"),
    "case.extension_asked": mark("Case: more time asked for"),
    "case.extension_declined": mark("Case: more time declined"),
    "case.message": mark("Message in a case"),
    "case.evidence": mark("Evidence in a case"),
    "case.ruling_overdue": mark("Ruling overdue"),
    "standing.penalised": mark("Penalty imposed"),
    "standing.appealed": mark("Penalty appealed"),
    "standing.appeal_answered": mark("Appeal against a penalty answered"),
    "standing.penalty_reversed": mark("Penalty reversed"),
    "catalog.product_created": mark("Product created"),
    "catalog.product_changed": mark("Product changed"),
    "catalog.product_state_changed": mark("Product put on or off sale"),
    "catalog.store_opened": mark("Store opened"),
    "catalog.store_changed": mark("Store changed"),
    "catalog.feed_loaded": mark("Product feed loaded"),
    "supply.stock_set": mark("Stock set"),
    "supply.stock_value_corrected": mark("Value of stock corrected"),
    "supply.batch_withdrawn": mark("Batch taken off sale"),
    "supply.purchase_order_approved": mark("Purchase order approved"),
    "supply.purchase_order_sent": mark("Purchase order sent"),
    "supply.purchase_order_cancelled": mark("Purchase order cancelled"),
    "supply.purchase_order_closed": mark("Purchase order closed"),
    "supply.goods_received": mark("Goods received"),
    "supply.goods_sent_back": mark("Goods sent back to a supplier"),
    "supply.bill_decided": mark("Supplier's bill decided"),
    "supply.dropship_sent": mark("Order given to a supplier"),
    "supply.dropship_accepted": mark("Order accepted by a supplier"),
    "supply.dropship_shipped": mark("Order sent by a supplier"),
    "supply.dropship_refused": mark("Order refused by a supplier"),
    "supply.dropship_cancelled": mark("Order taken back from a supplier"),
    "supply.dropship_stated": mark("Supplier's statement made"),
    "payout.booked": mark("Payout made"),
    "payout.held": mark("Payout held"),
    "payout.released": mark("Payout released"),
    "payout.sent": mark("Payout given to the bank"),
    "payout.confirmed": mark("Payout confirmed by the bank"),
    "payout.returned": mark("Payout came back"),
    "links.link_published": mark("Product link published"),
    "links.link_removed": mark("Product link removed"),
}


class EndpointForm(Form):
    url: str
    kinds: list[str] | str = ""


class Switch(Form):
    on: bool


class Nothing(Form):
    """A button."""


@get(STORE + "/webhooks", **ROUTE)
async def webhooks_page(
    store_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn
) -> Page:
    store = StoreId(store_id)
    made = await merchant_page(
        request,
        conn,
        "merchant/webhooks.html",
        store_id=store_id,
        endpoints=await queries.endpoints_of(conn, store_id=store),
        deliveries=await queries.deliveries(conn, store_id=store, most=15),
        state_of=queries.state_of,
        kind_words=KIND_WORDS,
        wall=wall_now(),
    )
    made.headers["Cache-Control"] = "no-store"
    return made


async def _form(
    request: Request[Any, Any, Any],
    store_id: UUID,
    *,
    endpoint_id: UUID | None,
    url: str,
    chosen: list[str],
    refusal: Refusal | None = None,
) -> Page:
    async with transaction() as conn:
        return await merchant_page(
            request,
            conn,
            "merchant/webhooks_form.html",
            store_id=store_id,
            status=refusal.status if refusal else 200,
            endpoint_id=endpoint_id,
            url=url,
            chosen=chosen,
            kinds=[EVERY_KIND, *KINDS],
            kind_words=KIND_WORDS,
            bad_field=(refusal.field or "url") if refusal else "",
            bad_words=problem_words(refusal) if refusal else "",
        )


@get(STORE + "/webhooks/new", **ROUTE)
async def new_endpoint_page(store_id: FromPath[UUID], request: Request[Any, Any, Any]) -> Page:
    return await _form(request, store_id, endpoint_id=None, url="", chosen=[EVERY_KIND])


@get(ONE, **ROUTE)
async def endpoint_page(
    store_id: FromPath[UUID], endpoint_id: FromPath[UUID], request: Request[Any, Any, Any]
) -> Page:
    async with transaction() as conn:
        row = await queries.endpoint(conn, store_id=StoreId(store_id), endpoint_id=endpoint_id)
    return await _form(
        request, store_id, endpoint_id=endpoint_id, url=row.url, chosen=list(row.kinds)
    )


async def _save(
    request: Request[Any, Any, Any],
    store_id: UUID,
    endpoint_id: UUID | None,
    who: Who,
    data: EndpointForm,
) -> Response[Any]:
    kinds = [kind for kind in many(data.kinds) if kind]
    try:
        await save_endpoint(
            person_id=who.person_id,
            store_id=StoreId(store_id),
            endpoint_id=endpoint_id,
            url=data.url.strip(),
            kinds=kinds,
            request_id=request_id(request),
        )
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await _form(
            request,
            store_id,
            endpoint_id=endpoint_id,
            url=data.url,
            chosen=kinds,
            refusal=refusal,
        )
    return see(store_url(store_id, "webhooks"))


@post(STORE + "/webhooks", **ROUTE)
async def add_endpoint(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    who: Who,
    data: FormData[EndpointForm],
) -> Response[Any]:
    return await _save(request, store_id, None, who, data)


@post(ONE, **ROUTE)
async def change_endpoint(
    store_id: FromPath[UUID],
    endpoint_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    who: Who,
    data: FormData[EndpointForm],
) -> Response[Any]:
    return await _save(request, store_id, endpoint_id, who, data)


@post(ONE + "/switch", **ROUTE)
async def switch(
    store_id: FromPath[UUID], endpoint_id: FromPath[UUID], conn: Conn, data: FormData[Switch]
) -> Response[Any]:
    await commands.switch_endpoint(
        conn, store_id=StoreId(store_id), endpoint_id=endpoint_id, on=data.on, at=wall_now()
    )
    return see(store_url(store_id, "webhooks"))


@post(ONE + "/rotate", **ROUTE)
async def rotate(
    store_id: FromPath[UUID],
    endpoint_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    who: Who,
    data: FormData[Nothing],
) -> Response[Any]:
    await commands.rotate_secret(
        conn, store_id=StoreId(store_id), endpoint_id=endpoint_id, at=wall_now()
    )
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="webhooks.secret_rotated",
        owner_id=store_id,
        subject=str(endpoint_id),
        request_id=request_id(request),
    )
    return see(store_url(store_id, "webhooks"))


@post(ONE + "/remove", **ROUTE)
async def remove(
    store_id: FromPath[UUID],
    endpoint_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    who: Who,
    data: FormData[Nothing],
) -> Response[Any]:
    await commands.remove_endpoint(
        conn, store_id=StoreId(store_id), endpoint_id=endpoint_id, at=wall_now()
    )
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="webhooks.endpoint_removed",
        owner_id=store_id,
        subject=str(endpoint_id),
        request_id=request_id(request),
    )
    return see(store_url(store_id, "webhooks"))


@post(ONE + "/test", **ROUTE)
async def send_test(
    store_id: FromPath[UUID], endpoint_id: FromPath[UUID], conn: Conn, data: FormData[Nothing]
) -> Response[Any]:
    await delivery_commands.send_test(
        conn, store_id=StoreId(store_id), endpoint_id=endpoint_id, at=wall_now()
    )
    return see(store_url(store_id, "webhooks#log"))


@get(STORE + "/webhooks/log", **ROUTE)
async def log_page(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    endpoint: FromQuery[UUID | None] = None,
    after: FromQuery[str] = "",
    failed: FromQuery[bool] = False,
) -> Page:
    rows = await queries.deliveries(
        conn,
        store_id=StoreId(store_id),
        endpoint_id=endpoint,
        before=cursor_values(after, tuple[int, UUID]),
        only_failed=failed,
        most=PAGE + 1,
    )
    shown, following = cut(rows, lambda row: (row.event_id, row.id), PAGE)
    filters = f"failed={'true' if failed else 'false'}" + (
        f"&endpoint={endpoint}" if endpoint else ""
    )
    return await merchant_page(
        request,
        conn,
        "merchant/webhooks_log.html",
        store_id=store_id,
        deliveries=shown,
        state_of=queries.state_of,
        kind_words=KIND_WORDS,
        failed=failed,
        wall=wall_now(),
        next_url=f"?{filters}&after={following}" if following else "",
    )


@post(STORE + "/webhooks/deliveries/{delivery_id:uuid}/replay", **ROUTE)
async def replay(
    store_id: FromPath[UUID], delivery_id: FromPath[UUID], conn: Conn, data: FormData[Nothing]
) -> Response[Any]:
    await delivery_commands.replay(
        conn, store_id=StoreId(store_id), delivery_id=delivery_id, at=wall_now()
    )
    return see(store_url(store_id, "webhooks/log"))


HANDLERS: list[HTTPRouteHandler] = [
    webhooks_page,
    new_endpoint_page,
    endpoint_page,
    add_endpoint,
    change_endpoint,
    switch,
    rotate,
    remove,
    send_test,
    log_page,
    replay,
]
