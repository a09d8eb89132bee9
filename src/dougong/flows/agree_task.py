"""A brand and a creator agree on a task: the book of that instant says whether the source may
enter by task, and what the platform keeps; both are frozen, and no later rule changes them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrgId
from dougong.base.money import Money
from dougong.policy.queries import rules_book
from dougong.policy.rules import ANY, link_case, task_fee_case
from dougong.tasks.commands import write_task
from dougong.tasks.rules import Frozen, SourceBarred, Task, TaskFeeMissing


async def agree_task(
    conn: AsyncConnection,
    *,
    task_id: UUID,
    brand_id: OrgId,
    creator_id: OrgId,
    surface: str,
    source: str,
    category: str,
    price: Money,
    price_model: str = "one_price",
    agreed_at: datetime,
    ends_at: datetime,
) -> Task:
    """The task with its frozen fee and verdict; a repeat with the same id answers the first one.

    `category`: a path, or empty for any. `price`: of a price by result, the most that it can come
    to. Raises SourceBarred, TaskFeeMissing, BadTask, Conflict.
    """
    case: dict[str, Any] = {"source": source, "surface": surface, "category": category}
    frozen = await _frozen(conn, case | {"creator": str(creator_id), "at": agreed_at})
    task = Task(
        id=task_id,
        brand_id=brand_id,
        creator_id=creator_id,
        surface=surface,
        source=source,
        category=category or ANY,
        price_model=price_model,
        price_minor=price.minor,
        currency=price.currency,
        frozen=frozen,
        agreed_at=agreed_at,
        ends_at=ends_at,
    )
    return await write_task(conn, task=task)


async def _frozen(conn: AsyncConnection, case: dict[str, Any]) -> Frozen:
    """What the book says of it. Raises SourceBarred, TaskFeeMissing."""
    book = await rules_book(conn)
    verdict = book.judge(link_case(route="task", **case))
    if not verdict.allowed:
        raise SourceBarred(
            field="source",
            rule_id=str(verdict.rule.id) if verdict.rule else None,
            reason_zh=verdict.reason_zh,
            reason_en=verdict.reason_en,
        )
    fee = book.decide(task_fee_case(**case)).rule
    if fee is None:
        raise TaskFeeMissing(field="source")
    return Frozen(fee.value, fee.id, verdict.rule.id if verdict.rule else None)
