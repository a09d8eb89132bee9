"""A creator puts a product into the live cart: of a mini-store or of another platform, directly
where the book lets it in, or by a task, which keeps what was agreed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, ProductId, RuleId, StoreId
from dougong.flows.compose_link import category_for
from dougong.flows.outside_images import want_picture
from dougong.flows.publish_link import denial
from dougong.flows.resolve_link import products_at, resolve_link
from dougong.infra.db import transaction
from dougong.links.adapters.protocol import NoProductData, SeenProduct
from dougong.links.live_cart_commands import add_own_to_live_cart, add_to_live_cart
from dougong.links.outside_commands import keep_outside_product
from dougong.links.rules import NotLinkable
from dougong.links.source_queries import source_at
from dougong.links.source_rules import SourceNotOpen, SourceState
from dougong.policy.queries import rules_book
from dougong.policy.rules import link_case
from dougong.reads.composer import own_offers
from dougong.reads.live_studio import task_product
from dougong.standing.queries import refuse_restrained
from dougong.standing.rules import Measure
from dougong.tasks.queries import task_by_id
from dougong.tasks.rules import Task, TaskDoesNotCover, check_covers


async def put_in_live_cart(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    source: str,
    seen: SeenProduct,
    category: str,
    task_id: UUID | None,
    at: datetime,
) -> LinkId:
    """Raises LinkDenied, TaskDoesNotCover, TaskClosed, NotLinkable, LinkedAlready, TooManyLinks."""
    task, rule_id = await _let_in(
        conn, creator_id=creator_id, source=source, category=category, task_id=task_id, at=at
    )
    fee = {}
    if task is not None:
        fee = {
            "service_fee_bp": task.frozen.service_fee_bp,
            "service_fee_rule_id": str(task.frozen.service_fee_rule_id),
        }
    product_id = await keep_outside_product(
        conn, source=source, seen=seen, category=category, at=at
    )
    await want_picture(conn, product_id=product_id)
    if task_id is not None:
        await _check_product(conn, task_id=task_id, product_id=product_id, at=at)
    return await add_to_live_cart(
        conn, creator_id=creator_id, outside_product_id=product_id, source=source,
        category=category, task_id=task_id, verdict_rule_id=rule_id, terms=fee, at=at,
    )  # fmt: skip


async def put_own_in_live_cart(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    store_id: StoreId,
    product_id: ProductId,
    task_id: UUID | None,
    at: datetime,
) -> LinkId:
    """A mini-store's product that is on sale; one that is really bought elsewhere is judged as what
    its purchase address leads to.

    A task keeps what was agreed, whatever befalls the store since. Raises NotLinkable, LinkDenied,
    TaskDoesNotCover, TaskClosed, LinkedAlready, TooManyLinks, and, without a task, Restrained.
    """
    if task_id is None:
        await refuse_restrained(conn, store_id=store_id, measure=Measure.NO_NEW_LINKS, at=at)
    offers = await own_offers(conn, product=(store_id, product_id), at=at)
    if not offers:
        raise NotLinkable(field="product")
    offer = offers[0]
    _, rule_id = await _let_in(
        conn, creator_id=creator_id, source=offer.purchase_source, category=offer.category,
        task_id=task_id, merchant_class=offer.merchant_class, at=at,
    )  # fmt: skip
    if task_id is not None:
        await _check_product(conn, task_id=task_id, product_id=product_id, at=at)
    return await add_own_to_live_cart(
        conn, creator_id=creator_id, store_id=store_id, product_id=product_id,
        source=offer.purchase_source, category=offer.category, task_id=task_id,
        verdict_rule_id=rule_id, at=at,
    )  # fmt: skip


async def _let_in(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    source: str,
    category: str,
    task_id: UUID | None,
    merchant_class: str = "",
    at: datetime,
) -> tuple[Task | None, RuleId | UUID | None]:
    """The task that lets a link in, if one is named, and the rule that did."""
    if task_id is not None:
        task = await task_by_id(conn, task_id=task_id)
        check_covers(
            task, creator_id=creator_id, surface="live", source=source, category=category, at=at
        )
        return task, task.frozen.verdict_rule_id
    facts = link_case(
        source=source, surface="live", category=category, route="direct",
        creator=str(creator_id), merchant_class=merchant_class, at=at,
    )  # fmt: skip
    verdict = (await rules_book(conn)).judge(facts)
    if not verdict.allowed:
        raise denial(verdict)
    return None, verdict.rule.id if verdict.rule else None


async def _check_product(
    conn: AsyncConnection, *, task_id: UUID, product_id: UUID, at: datetime
) -> None:
    """A task from a brief is about one product, in a window. Raises TaskDoesNotCover."""
    agreed = await task_product(conn, task_id=task_id)
    if agreed is None:
        return
    if product_id not in (agreed.product_id, agreed.outside_product_id):
        raise TaskDoesNotCover(field="product")
    if not agreed.starts_at <= at < agreed.ends_at:
        raise TaskDoesNotCover(field="at")


async def put_address_in_live_cart(
    url: str, *, creator_id: UUID, task_id: UUID | None, at: datetime
) -> LinkId:
    """The product at an address of another platform: followed through every redirect, and judged
    by where it ends.

    Raises LinkUnresolved, UnlistedHost, NoProductData, SourceNotOpen, and what putting it in does.
    """
    resolved = await resolve_link(url, at=at)
    products = await products_at(resolved)
    if not products:
        raise NoProductData(field="address")
    seen = products[0]
    async with transaction() as conn:
        code = resolved.source.code
        source = await source_at(conn, code=code, at=at)
        if source is None or source.state is not SourceState.OPEN:
            raise SourceNotOpen(field="address", source=code)
        same = await own_offers(conn, gtin=seen.gtin, at=at)
        category, _ = await category_for(conn, seen, same, wanted="")
        return await put_in_live_cart(
            conn, creator_id=creator_id, source=code, seen=seen, category=category,
            task_id=task_id, at=at,
        )  # fmt: skip
