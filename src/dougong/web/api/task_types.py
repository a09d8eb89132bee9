"""API v1: what the task market says and is told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import msgspec
from msgspec import Meta
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.infra.settings import settings
from dougong.reads.task_desk import own_product, work_row, work_story
from dougong.tasks.brief_queries import KeptBrief
from dougong.tasks.brief_rules import BadBrief, Brief, Measure, Model, Terms, Tier, Way
from dougong.tasks.work_commands import work_of
from dougong.web.api.common import Filled, Instant, Lines, Minor, OneLine
from dougong.web.forms import Input

Bp = Annotated[int, Meta(ge=0, le=10_000, description="Basis points.")]
Days = Annotated[int, Meta(ge=0, le=365)]
Words = Annotated[Lines, Meta(max_length=4_000)]


class TierShown(Input):
    """From `reached` on, up to the next tier."""

    reached: Annotated[int, Meta(ge=0, le=10**9)]
    price_minor: Minor


class BriefInput(Input, kw_only=True):
    """`product_id`: of a mini-store. What does not belong to the price model stays 0. Amounts are
    in minor units of the platform's currency."""

    title_zh: Annotated[Filled, Meta(max_length=120)]
    title_en: Annotated[OneLine, Meta(max_length=120)] = ""
    body_zh: Words = ""
    body_en: Words = ""
    way: Literal["assigned", "open", "recruiting"] = "open"
    surface: Literal["video", "live"]
    product_id: UUID
    price_model: Literal[
        "one_price", "commission", "price_and_commission", "per_thousand_views", "tiered"
    ] = "one_price"
    price_minor: Minor = 0
    per_thousand_minor: Minor = 0
    most_minor: Minor = 0
    measure: Literal["views", "orders", "sales"] | None = None
    tiers: Annotated[tuple[TierShown, ...], Meta(max_length=20)] = ()
    budget_minor: Minor
    places: Annotated[int, Meta(ge=1, le=10_000)] = 1
    apply_until: Instant
    starts_at: Instant
    ends_at: Instant
    deliver_within_days: Annotated[int, Meta(ge=1, le=90)] = 3
    review_days: Annotated[int, Meta(ge=1, le=30)] = 5
    pinned_minutes: Annotated[int, Meta(ge=0, le=1_440)] = 0
    rooms: Annotated[int, Meta(ge=0, le=100)] = 0
    public_days: Days = 0
    cancel_samples_bp: Bp = 0
    cancel_during_bp: Bp = 5_000
    least_followers: Annotated[int, Meta(ge=0, le=10**9)] = 0


class NoteInput(Input):
    note: Annotated[Lines, Meta(max_length=1_000)] = ""


class ReasonInput(Input):
    reason: Annotated[Lines, Meta(min_length=1, max_length=4_000)]


class PartInput(Input):
    """`share_bp`: of the price, in basis points."""

    share_bp: Annotated[int, Meta(ge=0, le=9_999)]
    reason: Annotated[Lines, Meta(min_length=1, max_length=4_000)]


class DeliveryInput(Input):
    """`video_id`: for a task on the surface `video`."""

    video_id: UUID | None = None
    note: Annotated[Lines, Meta(max_length=2_000)] = ""


class BriefShown(msgspec.Struct):
    """`state`: draft, posted or closed. `taken`: places, `taken_minor`: of the budget."""

    id: UUID
    brand_id: UUID
    state: str
    way: str
    title_zh: str
    title_en: str
    body_zh: str
    body_en: str
    surface: str
    source: str
    category: str
    store_id: UUID | None
    product_id: UUID | None
    price_model: str
    currency: str
    price_minor: int
    per_thousand_minor: int
    most_minor: int
    measure: str | None
    tiers: tuple[TierShown, ...]
    budget_minor: int
    taken_minor: int
    places: int
    taken: int
    apply_until: datetime
    starts_at: datetime
    ends_at: datetime
    deliver_within_days: int
    review_days: int
    pinned_minutes: int
    rooms: int
    public_days: int
    cancel_samples_bp: int
    cancel_during_bp: int
    least_followers: int

    @classmethod
    def of(cls, kept: KeptBrief) -> Self:
        brief, terms = kept.brief, kept.brief.terms
        own: dict[str, Any] = {
            "state": kept.state.value,
            "taken": kept.taken,
            "taken_minor": kept.taken_minor,
        }
        own |= {"price_model": terms.model.value, "measure": terms.measure and terms.measure.value}
        tiers = tuple(TierShown(reached=t.reached, price_minor=t.price_minor) for t in terms.tiers)
        own |= {"tiers": tiers, "way": brief.way.value}
        rest = {
            name: getattr(brief if name in Brief.__struct_fields__ else terms, name)
            for name in cls.__struct_fields__
            if name not in own
        }
        return cls(**own, **rest)


class BriefLine(msgspec.Struct):
    """A brief in a list. `waiting`: how many have applied and wait."""

    id: UUID
    state: str
    way: str
    title_zh: str
    title_en: str
    surface: str
    source: str
    price_model: str
    currency: str
    most_minor: int
    places: int
    taken: int
    waiting: int
    apply_until: datetime


class Briefs(msgspec.Struct):
    """`after`: for the next page, empty at the end."""

    items: list[BriefLine]
    after: str


class ApplicationShown(msgspec.Struct):
    """`state`: invited, applied, agreed, declined, withdrawn or lapsed."""

    id: UUID
    creator_id: UUID
    handle: str
    state: str
    note: str
    followers: int
    made_at: datetime
    decided_at: datetime | None


class Applications(msgspec.Struct):
    items: list[ApplicationShown]


class Applied(msgspec.Struct):
    """`task_id`: agreed at once, or none while the brand has yet to choose."""

    application_id: UUID
    task_id: UUID | None


class Agreed(msgspec.Struct):
    task_id: UUID


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


class DeliveryShown(msgspec.Struct):
    id: UUID
    number: int
    video_id: UUID | None
    note: str
    at: datetime


class NoteShown(msgspec.Struct):
    """`kind`: samples, redo, part, dispute, statement, ruling, cancel or checked."""

    side: str
    kind: str
    body: str
    share_bp: int | None
    at: datetime


class TaskDetail(msgspec.Struct):
    task: TaskShown
    deliveries: list[DeliveryShown]
    notes: list[NoteShown]


def lines_of(rows: Sequence[Row[Any]]) -> list[BriefLine]:
    return [BriefLine(**{n: getattr(r, n) for n in BriefLine.__struct_fields__}) for r in rows]


async def task_shown(conn: AsyncConnection, *, task_id: UUID, party_id: UUID) -> TaskShown:
    """Raises WorkGone for who has no part in it."""
    work = await work_of(conn, task_id=task_id)
    work.side_of(party_id)
    return TaskShown.of(await work_row(conn, task_id=task_id))


async def task_detail(conn: AsyncConnection, *, task_id: UUID, party_id: UUID) -> TaskDetail:
    """Raises WorkGone."""
    task = await task_shown(conn, task_id=task_id, party_id=party_id)
    story = await work_story(conn, task_id=task_id)
    return TaskDetail(
        task,
        [
            DeliveryShown(**{n: getattr(row, n) for n in DeliveryShown.__struct_fields__})
            for row in story["deliveries"]
        ],
        [
            NoteShown(**{n: getattr(row, n) for n in NoteShown.__struct_fields__})
            for row in story["notes"]
        ],
    )


async def brief_asked(
    conn: AsyncConnection, data: BriefInput, *, brief_id: UUID, brand_id: UUID
) -> Brief:
    """Raises BadBrief."""
    product = await own_product(conn, words=str(data.product_id))
    if product is None:
        raise BadBrief(field="product_id", reason="unknown")
    same = {
        name: getattr(data, name)
        for name in Terms.__struct_fields__
        if name in BriefInput.__struct_fields__ and name not in ("measure", "tiers")
    }
    terms = Terms(
        **same,
        source=product.source,
        category=product.category,
        store_id=product.store_id,
        product_zh=product.title_zh,
        product_en=product.title_en,
        model=Model(data.price_model),
        measure=Measure(data.measure) if data.measure else None,
        tiers=tuple(Tier(one.reached, one.price_minor) for one in data.tiers),
        currency=settings().currency,
    )
    return Brief(
        id=brief_id,
        brand_id=brand_id,
        way=Way(data.way),
        title_zh=data.title_zh,
        title_en=data.title_en,
        body_zh=data.body_zh,
        body_en=data.body_en,
        terms=terms,
        budget_minor=data.budget_minor,
        places=data.places,
        apply_until=data.apply_until,
    )
