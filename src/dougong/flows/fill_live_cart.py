"""A creator puts a product into the live cart: of a mini-store or of another platform, directly
where the book lets it in, or by a task, which keeps what was agreed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, ProductId, RuleId, StoreId
from dougong.flows.publish_link import denial
from dougong.links.adapters.protocol import SeenProduct
from dougong.links.live_cart_commands import add_own_to_live_cart, add_to_live_cart
from dougong.links.outside_commands import keep_outside_product
from dougong.links.rules import NotLinkable
from dougong.policy.queries import rules_book
from dougong.policy.rules import link_case
from dougong.reads.composer import own_offers
from dougong.tasks.queries import task_by_id
from dougong.tasks.rules import Task, check_covers


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

    Raises NotLinkable, LinkDenied, TaskDoesNotCover, TaskClosed, LinkedAlready, TooManyLinks.
    """
    offers = await own_offers(conn, product=(store_id, product_id), at=at)
    if not offers:
        raise NotLinkable(field="product")
    offer = offers[0]
    _, rule_id = await _let_in(
        conn, creator_id=creator_id, source=offer.purchase_source, category=offer.category,
        task_id=task_id, merchant_class=offer.merchant_class, at=at,
    )  # fmt: skip
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
