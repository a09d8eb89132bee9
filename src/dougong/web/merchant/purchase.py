"""Where a product is really bought, when not here: entered, followed to its end, and shown."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import ProductId, StoreId
from dougong.flows.purchase_address import save_purchase_address
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.limits import spend
from dougong.links.source_rules import host_of
from dougong.reads.merchant_products import product_to_edit
from dougong.web.creator.composer import problem_words
from dougong.web.deps import Conn, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import STORE, merchant_page, see, store_url
from dougong.web.render import Page

ROUTE: dict[str, Any] = {"permission": Permission.CATALOG_MANAGE, "include_in_schema": False}
PURCHASE = STORE + "/products/{product_id:uuid}/purchase"


class PurchaseForm(Form):
    address: str = ""


async def _page(
    request: Request[Any, Any, Any],
    conn: AsyncConnection,
    store_id: UUID,
    product_id: UUID,
    *,
    typed: str | None = None,
    refusal: Refusal | None = None,
) -> Page:
    product, _, _ = await product_to_edit(
        conn, store_id=StoreId(store_id), product_id=ProductId(product_id)
    )
    return await merchant_page(
        request,
        conn,
        "merchant/purchase.html",
        store_id=store_id,
        status=refusal.status if refusal else 200,
        product=product,
        typed=(product.purchase_url or "") if typed is None else typed,
        problem=problem_words(refusal) if refusal else "",
        hops=refusal.facts.get("hops", []) if refusal else [],
        host_of=host_of,
    )


@get(PURCHASE, **ROUTE)
async def purchase_page(
    store_id: FromPath[UUID],
    product_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
) -> Page:
    return await _page(request, conn, store_id, product_id)


# Asks the outside: it opens its own short transactions.
@post(PURCHASE, **ROUTE)
async def save_purchase(
    store_id: FromPath[UUID],
    product_id: FromPath[UUID],
    data: FormData[PurchaseForm],
    request: Request[Any, Any, Any],
    who: Who,
) -> Response[Any]:
    await spend(f"purchase:{who.person_id}", most=20, window_s=60)
    async with transaction() as conn:
        at = await clock.refresh(conn)
    store, product = StoreId(store_id), ProductId(product_id)
    try:
        found = await save_purchase_address(data.address, store_id=store, product_id=product, at=at)
    except NotFound:
        raise
    except Refusal as refusal:
        async with transaction() as conn:
            return await _page(
                request, conn, store_id, product_id, typed=data.address, refusal=refusal
            )
    async with transaction() as conn:
        await audit(
            conn,
            at=at,
            person_id=who.person_id,
            action="catalog.purchase_address",
            owner_id=store_id,
            subject=str(product_id),
            facts={"source": found.source.code if found else "own"},
        )
    return see(store_url(store_id, f"products/{product_id}/purchase?saved=1"))


HANDLERS: list[HTTPRouteHandler] = [purchase_page, save_purchase]
