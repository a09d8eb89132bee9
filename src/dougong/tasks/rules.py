"""What is true of tasks by rule: what is frozen when one is agreed, and which links it covers."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from dougong.base.errors import BadInput, Conflict, NotFound, Refusal
from dougong.base.ids import OrgId
from dougong.base.money import part_of

SURFACES = ("video", "live")


class TaskState(StrEnum):
    AGREED = "agreed"
    CANCELLED = "cancelled"
    DONE = "done"


MOVES: dict[TaskState, set[TaskState]] = {
    TaskState.AGREED: {TaskState.CANCELLED, TaskState.DONE},
    TaskState.CANCELLED: set(),
    TaskState.DONE: set(),
}


class Frozen(msgspec.Struct, frozen=True):
    """What the policy book said when the task was agreed. `verdict_rule_id` None: no row said
    anything, and the source is the own stores."""

    service_fee_bp: int
    service_fee_rule_id: UUID
    verdict_rule_id: UUID | None


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A brand asks a creator to show one source's goods on one surface, for a price in minor units
    (of a price by result: the most that it can come to; zero where only commission is paid).

    In force in the half-open window [agreed_at, ends_at). `category`: a path, or `*`.
    """

    id: UUID
    brand_id: OrgId
    creator_id: OrgId
    surface: str
    source: str
    category: str
    price_model: str
    price_minor: int
    currency: str
    frozen: Frozen
    state: TaskState = TaskState.AGREED
    agreed_at: datetime
    ends_at: datetime

    @property
    def service_fee_minor(self) -> int:
        """What the platform keeps of the price, rounded down."""
        return part_of(self.price_minor, self.frozen.service_fee_bp)


class BadTask(BadInput):
    """Terms that no task can have. `field` names one."""

    code = "bad_task"
    status = 422


class SourceBarred(Refusal):
    """The source may not enter this surface, not even by task. Facts: `rule_id`, `reason_zh`,
    `reason_en`."""

    code = "source_barred"
    status = 409


class TaskFeeMissing(Refusal):
    """No rule says what the platform keeps of such a task."""

    code = "task_fee_missing"
    status = 409


class TaskClosed(Conflict):
    """Cancelled or done already."""

    code = "task_closed"


class TaskGone(NotFound):
    code = "task_gone"


class TaskDoesNotCover(Refusal):
    """A link that names a task must be what was agreed. `field` says where it is not."""

    code = "task_does_not_cover"
    status = 409


def check_task(task: Task) -> Task:
    """Raises BadTask, naming the field."""
    if task.brand_id == task.creator_id:
        raise BadTask(field="creator_id", reason="same")
    if task.surface not in SURFACES:
        raise BadTask(field="surface", reason="unknown")
    for name in ("source", "category", "currency"):
        if not getattr(task, name).strip():
            raise BadTask(field=name, reason="empty")
    if task.price_minor <= 0 and not (task.price_model == "commission" and task.price_minor == 0):
        raise BadTask(field="price_minor", reason="not_positive")
    if task.ends_at <= task.agreed_at:
        raise BadTask(field="ends_at", reason="before_start")
    return task


def check_covers(
    task: Task, *, creator_id: UUID, surface: str, source: str, category: str, at: datetime
) -> None:
    """Whether a link of route `task` may name this task: what was frozen holds, whatever today's
    rules say. Raises TaskClosed, TaskDoesNotCover."""
    if task.state is not TaskState.AGREED:
        raise TaskClosed(field="task_id")
    wanted = {"creator_id": creator_id, "surface": surface, "source": source}
    for name, value in wanted.items():
        if getattr(task, name) != value:
            raise TaskDoesNotCover(field=name)
    if task.category not in ("*", category) and not category.startswith(task.category + "/"):
        raise TaskDoesNotCover(field="category")
    if not task.agreed_at <= at < task.ends_at:
        raise TaskDoesNotCover(field="at")
