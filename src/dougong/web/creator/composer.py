"""The link composer: paste or search, see where a link ends, where it may stand and what it leaves,
then put it on a video."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import Refusal
from dougong.base.ids import VideoId
from dougong.catalog.queries import category_tree
from dougong.flows.compose_link import SURFACES, Composition, Standing, compose_link
from dougong.flows.publish_link import publish_outside_link
from dougong.flows.resolve_link import can_search, search_source
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.limits import spend
from dougong.links.landed_rules import Part
from dougong.links.source_queries import sources_at
from dougong.links.source_rules import SourceState, host_of
from dougong.policy.queries import RuleBook
from dougong.reads.composer import videos_to_choose
from dougong.tasks.queries import tasks_of_creator
from dougong.tasks.rules import Task, TaskState
from dougong.web.creator.common import creator_page, see
from dougong.web.creator.links import choice_from
from dougong.web.deps import Conn, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext, mark, pick
from dougong.web.operator.words import cell_words
from dougong.web.refusals import message_for
from dougong.web.render import Page

COMPOSER = "/creator/{creator_id:uuid}/composer"
ROUTE: dict[str, Any] = {"permission": Permission.LINK_MANAGE, "include_in_schema": False}
AnyRequest = Request[Any, Any, Any]

PARTS = {
    "commission": mark("Commission that the shop pays"),
    "refunds": mark("Expected refunds"),
    "merchant": mark("The shop keeps"),
    "alliance_fee": mark("Fee of the source's alliance"),
    "payment_cost": mark("Payment cost"),
    "service_fee": mark("Platform service fee"),
    "commission_cut": mark("The platform's part of the commission"),
    "creator": mark("You earn"),
}
GIVEN_BY = {
    "product": mark("as offered with the product"),
    "source": mark("by the source's terms"),
    "history": mark("as in the store's last 180 days"),
    "no_rule": mark("no rule takes any"),
    "rest": mark("what is left"),
}
# Why a link leads nowhere that may be linked.
UNRESOLVED = {
    "loop": mark("The link leads in a circle."),
    "too_many_redirects": mark("The link is passed on too often: five times is the most."),
    "too_slow": mark("The other side takes too long to answer."),
    "unknown_host": mark("There is no such host."),
    "too_big": mark("What stands there is too big to be a product page."),
    "away": mark("The other side does not answer."),
    "unsafe": mark("The link leads to an address that must not be called."),
    "dead": mark("There is nothing at the end of the link (status {status})."),
}


class PasteForm(Form):
    """`item_id`: which product of a page; `compare`: words for offers of ours; `link`: the link for
    which an offer is chosen that stands in when a rule denies it."""

    pasted: str
    item_id: str = ""
    category: str = ""
    compare: str = ""
    video: str = ""
    link: str = ""
    when_denied: str = "default"


class PublishForm(Form):
    pasted: str
    address: str
    item_id: str
    video_id: UUID
    category: str = ""
    task_id: str = ""
    compare: str = ""
    when_denied: str = "default"


async def _now() -> datetime:
    async with transaction() as conn:
        return await clock.refresh(conn)


async def _page(
    request: AnyRequest,
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    at: datetime,
    typed: PasteForm,
    composition: Composition | None = None,
    refusal: Refusal | None = None,
) -> Page:
    sources = await sources_at(conn, at=at)
    tasks = await tasks_of_creator(conn, creator_id=creator_id)
    facts = refusal.facts if refusal else {}
    return await creator_page(
        request,
        conn,
        "creator/composer.html",
        creator_id=creator_id,
        status=refusal.status if refusal else 200,
        typed=typed,
        made=composition,
        problem=problem_words(refusal) if refusal else "",
        hops=composition.resolved.hops
        if composition and composition.resolved
        else facts.get("hops", []),
        host_of=host_of,
        names={one.code: one for one in sources},
        searchable=[s for s in sources if s.state is SourceState.OPEN and can_search(s)],
        videos=await videos_to_choose(conn, creator_id=creator_id),
        tasks=usable_tasks(tasks, composition, at),
        categories=await category_tree(conn),
        surfaces=SURFACES,
        cell_words=cell_words,
        label_of=standing_label,
        part_words=lambda what: gettext(PARTS[what]),
        given_by=given_by,
    )


def problem_words(refusal: Refusal) -> str:
    why = UNRESOLVED.get(str(refusal.facts.get("why", "")))
    if why:
        return gettext(why).format(status=refusal.facts.get("status", ""))
    return message_for(refusal.code, refusal.facts)


def usable_tasks(tasks: list[Task], made: Composition | None, at: datetime) -> list[Task]:
    """Agreed tasks for videos that this product could be linked by."""
    if made is None:
        return []
    return [
        task
        for task in tasks
        if task.state is TaskState.AGREED
        and (task.surface, task.source) == ("video", made.source)
        and task.agreed_at <= at < task.ends_at
    ]


def standing_label(direct: Standing, by_task: Standing) -> tuple[str, str]:
    """What a surface says of a link in a word, and its tone: ok, task or no."""
    if direct.verdict.allowed:
        return gettext(mark("Yes")), "ok"
    if by_task.verdict.allowed:
        return gettext(mark("Only by task")), "task"
    return gettext(mark("No")), "no"


def given_by(part: Part, book: RuleBook) -> str:
    """What gave a rate, in words: a rule's own reason, or where it comes from."""
    rule = next((r for r in book.rules if r.id == part.rule_id), None) if part.rule_id else None
    return pick(rule, "reason") if rule else gettext(GIVEN_BY.get(part.by, ""))


@get(COMPOSER, **ROUTE)
async def composer_page(
    creator_id: FromPath[UUID], request: AnyRequest, conn: Conn, video: FromQuery[str] = ""
) -> Page:
    at = await clock.refresh(conn)
    typed = PasteForm(pasted="", video=video)
    return await _page(request, conn, creator_id=creator_id, at=at, typed=typed)


# The two below ask outside parties: they open their own short transactions.


@post(COMPOSER, status_code=200, **ROUTE)
async def compose(
    creator_id: FromPath[UUID], data: FormData[PasteForm], request: AnyRequest, who: Who
) -> Page:
    await spend(f"compose:{who.person_id}", most=40, window_s=60)
    return await _composed(request, creator_id, data, refusal=None)


async def _composed(
    request: AnyRequest, creator_id: UUID, data: PasteForm, *, refusal: Refusal | None
) -> Page:
    """The composition anew, with what was refused before on top."""
    at = await _now()
    made = None
    try:
        made = await compose_link(
            data.pasted,
            creator_id=creator_id,
            item_id=data.item_id,
            category=data.category,
            compare=data.compare,
            at=at,
        )
    except Refusal as refused:
        refusal = refusal or refused
    async with transaction() as conn:
        return await _page(
            request,
            conn,
            creator_id=creator_id,
            at=at,
            typed=data,
            composition=made,
            refusal=refusal,
        )


@post(COMPOSER + "/publish", **ROUTE)
async def publish(
    creator_id: FromPath[UUID], data: FormData[PublishForm], request: AnyRequest, who: Who
) -> Response[Any]:
    await spend(f"compose:{who.person_id}", most=40, window_s=60)
    try:
        await publish_outside_link(
            data.address,
            creator_id=creator_id,
            video_id=VideoId(data.video_id),
            item_id=data.item_id,
            category=data.category,
            task_id=_task_id(data.task_id),
            instead=choice_from(data.when_denied),
            at=await _now(),
        )
    except Refusal as refusal:
        again = PasteForm(
            pasted=data.pasted,
            item_id=data.item_id,
            category=data.category,
            compare=data.compare,
            video=str(data.video_id),
            when_denied=data.when_denied,
        )
        return await _composed(request, creator_id, again, refusal=refusal)
    return see(f"/creator/{creator_id}/videos/{data.video_id}#products")


def _task_id(text: str) -> UUID | None:
    return msgspec.convert(text, UUID) if text else None


@get(COMPOSER + "/search", **ROUTE)
async def search(
    creator_id: FromPath[UUID],
    request: AnyRequest,
    who: Who,
    source: FromQuery[str] = "",
    q: FromQuery[str] = "",
    video: FromQuery[str] = "",
) -> Page:
    """A fragment: what a source finds, each with a button that composes it."""
    await spend(f"compose:{who.person_id}", most=40, window_s=60)
    at = await _now()
    problem, found = "", []
    try:
        found = list(await search_source(source, q, at=at)) if q.strip() else []
    except Refusal as refusal:
        problem = problem_words(refusal)
    async with transaction() as conn:
        return await creator_page(
            request,
            conn,
            "creator/composer_found.html",
            creator_id=creator_id,
            found=found,
            problem=problem,
            words=q,
            video=video,
        )


HANDLERS: list[HTTPRouteHandler] = [composer_page, compose, publish, search]
