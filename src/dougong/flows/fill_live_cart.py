"""A creator puts a product of another platform into the live cart: directly where the book lets it
in, or by a task, which keeps what was agreed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId
from dougong.flows.publish_link import denial
from dougong.links.adapters.protocol import SeenProduct
from dougong.links.live_cart_commands import add_to_live_cart
from dougong.links.outside_commands import keep_outside_product
from dougong.policy.queries import rules_book
from dougong.policy.rules import link_case
from dougong.tasks.queries import task_by_id
from dougong.tasks.rules import check_covers


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
    if task_id is not None:
        task = await task_by_id(conn, task_id=task_id)
        check_covers(
            task, creator_id=creator_id, surface="live", source=source, category=category, at=at
        )
        rule_id = task.frozen.verdict_rule_id
        fee = {
            "service_fee_bp": task.frozen.service_fee_bp,
            "service_fee_rule_id": str(task.frozen.service_fee_rule_id),
        }
    else:
        facts = link_case(
            source=source, surface="live", category=category, route="direct",
            creator=str(creator_id), at=at,
        )  # fmt: skip
        verdict = (await rules_book(conn)).judge(facts)
        if not verdict.allowed:
            raise denial(verdict)
        rule_id, fee = verdict.rule.id if verdict.rule else None, {}
    product_id = await keep_outside_product(
        conn, source=source, seen=seen, category=category, at=at
    )
    return await add_to_live_cart(
        conn, creator_id=creator_id, outside_product_id=product_id, source=source,
        category=category, task_id=task_id, verdict_rule_id=rule_id, terms=fee, at=at,
    )  # fmt: skip
