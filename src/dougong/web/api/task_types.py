"""API v1: what agreed tasks say and are told."""

from collections.abc import Set
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import msgspec
from msgspec import Meta
from sqlalchemy import Row

from dougong.tasks.evidence_rules import Evidence, RoomShown, VideoShown
from dougong.tasks.work_commands import Work
from dougong.tasks.work_rules import ENDED, Leaving, Shares
from dougong.web.api.brief_types import TermsShown
from dougong.web.api.common import Lines
from dougong.web.forms import Input


class NoteInput(Input):
    note: Annotated[Lines, Meta(max_length=1_000)] = ""


class ReasonInput(Input):
    reason: Annotated[Lines, Meta(min_length=1, max_length=4_000)]


class PartInput(Input):
    """`share_bp`: of the price, in basis points."""

    share_bp: Annotated[int, Meta(ge=0, le=9_999)]
    reason: Annotated[Lines, Meta(min_length=1, max_length=4_000)]


class CancelInput(Input):
    """`stage`: as it was told what cancelling costs; where the task has come further since, nothing
    is cancelled (`cancel_terms_moved`)."""

    reason: Annotated[Lines, Meta(min_length=1, max_length=4_000)]
    stage: Literal["before", "samples", "begun", "delivered"] | None = None


class RatingInput(Input):
    stars: Annotated[int, Meta(ge=1, le=5)]
    words: Annotated[Lines, Meta(max_length=500)] = ""


class DeliveryInput(Input):
    """`video_id`: for a task on the surface `video`."""

    video_id: UUID | None = None
    note: Annotated[Lines, Meta(max_length=2_000)] = ""


class DeliveryMade(msgspec.Struct):
    delivery_id: UUID


class TaskShown(msgspec.Struct):
    """An agreed task. `funded_minor`: what is held for it; the amounts below say what became of
    it, once it has ended."""

    task_id: UUID
    brief_id: UUID
    brand_id: UUID
    creator_id: UUID
    state: str
    title_zh: str
    title_en: str
    surface: str
    source: str
    price_model: str
    currency: str
    funded_minor: int
    offered_bp: int | None
    share_bp: int | None
    fee_minor: int | None
    creator_minor: int | None
    back_minor: int | None
    agreed_at: datetime
    closed_at: datetime | None

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        return cls(**{name: getattr(row, name) for name in cls.__struct_fields__})


class Tasks(msgspec.Struct):
    """`after`: for the next page, empty at the end."""

    items: list[TaskShown]
    after: str


class SamplesShown(msgspec.Struct):
    """`state`: none (not agreed), due, overdue, sent or received."""

    state: str
    due_at: datetime | None
    sent_at: datetime | None
    received_at: datetime | None

    @classmethod
    def of(cls, work: Work, *, at: datetime) -> Self:
        due = work.terms.samples_by
        if work.samples_received_at is not None:
            state = "received"
        elif work.samples_sent_at is not None:
            state = "sent"
        elif due is None:
            state = "none"
        else:
            state = "overdue" if due <= at else "due"
        return cls(state, due, work.samples_sent_at, work.samples_received_at)


class EvidenceShown(msgspec.Struct):
    """What the platform's own record says. `shown` of `wanted`: seconds pinned, or days public.
    `words`: of the blacklist, found; with one of them all counts as nothing."""

    at: datetime
    wanted: int
    shown: int
    share_bp: int
    is_enough: bool
    rooms: tuple[RoomShown, ...]
    video: VideoShown | None
    words: tuple[str, ...]
    views: int
    orders: int
    sales_minor: int

    @classmethod
    def of(cls, found: Evidence) -> Self:
        return cls(**{name: getattr(found, name) for name in cls.__struct_fields__})


class DeliveryShown(msgspec.Struct):
    """`evidence`: as it was when it was delivered."""

    id: UUID
    number: int
    video_id: UUID | None
    note: str
    at: datetime
    evidence: EvidenceShown


class NoteShown(msgspec.Struct):
    """`kind`: samples, received, redo, part, dispute, statement, ruling, cancel or checked.
    `share_bp`: what was offered, ruled or counted. `evidence`: as it was then."""

    side: str
    kind: str
    body: str
    share_bp: int | None
    at: datetime
    evidence: EvidenceShown | None


class RatingShown(msgspec.Struct):
    """`side`: who rates the other."""

    side: str
    stars: int
    words: str
    at: datetime


class AgencyShown(msgspec.Struct):
    """The creator's agency, as frozen on the task; `minor`: its part, once the task has ended."""

    agency_id: UUID
    share_bp: int
    minor: int | None


class CancelShown(msgspec.Struct):
    """What it costs if this side cancels now: `share_bp` of the fixed part, and of what the part by
    result has reached (`measured` views, orders or sales) `reached_bp`; `paid_minor` together,
    before the platform's fee, and `back_minor` home to the brand."""

    stage: str
    fixed_minor: int
    share_bp: int
    measured: int | None
    reached_minor: int | None
    reached_bp: int | None
    paid_minor: int
    back_minor: int

    @classmethod
    def of(cls, cost: Leaving, shares: Shares) -> Self:
        reached = cost.reached
        return cls(
            cost.stage.value,
            cost.fixed_minor,
            cost.share_bp,
            reached.measured if reached else None,
            reached.minor if reached else None,
            reached.share_bp if reached else None,
            shares.earned,
            shares.back,
        )


class TaskDetail(msgspec.Struct, kw_only=True):
    """`may`: the states and acts that the side that asks can bring it to now. `cancel`: null where
    it cannot cancel now. `record`: what is on record now. `agency`: told to the creator only."""

    task: TaskShown
    terms: TermsShown
    service_fee_bp: int
    agency: AgencyShown | None
    may: list[str]
    cancel: CancelShown | None
    samples: SamplesShown
    record: EvidenceShown
    deliveries: list[DeliveryShown]
    notes: list[NoteShown]
    ratings: list[RatingShown]


def detail_of(
    row: Row[Any],
    work: Work,
    story: dict[str, list[Row[Any]]],
    record: Evidence,
    *,
    may: Set[str],
    cancel: CancelShown | None,
    is_creator: bool,
    at: datetime,
) -> TaskDetail:
    """`story`: as `work_story` reads it."""
    agency = None
    if is_creator and work.agency_id is not None:
        agency = AgencyShown(work.agency_id, work.agency_bp, row.agency_minor)
    told = _told(story["deliveries"][0]) if story["deliveries"] else None
    is_over = work.state in ENDED and told is not None
    return TaskDetail(
        task=TaskShown.of(row),
        terms=TermsShown.of(work.terms, with_invoice=True),
        service_fee_bp=work.service_fee_bp,
        agency=agency,
        may=sorted(may),
        cancel=cancel,
        samples=SamplesShown.of(work, at=at),
        record=told if is_over and told else EvidenceShown.of(record),
        deliveries=[
            DeliveryShown(one.id, one.number, one.video_id, one.note, one.at, _told(one))
            for one in story["deliveries"]
        ],
        notes=[
            NoteShown(one.side, one.kind, one.body, one.share_bp, one.at,
                      _told(one) if one.evidence else None)
            for one in story["notes"]
        ],
        ratings=[RatingShown(one.side, one.stars, one.words, one.at) for one in story["ratings"]],
    )  # fmt: skip


def _told(row: Row[Any]) -> EvidenceShown:
    return EvidenceShown.of(msgspec.convert(row.evidence, Evidence))
