"""A composed link goes on a video: resolved once more, judged, and all that was decided frozen."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, VideoId
from dougong.content.queries import own_video
from dougong.flows.choose_instead import choose_instead
from dougong.flows.compose_link import Case, category_for, fee_rate, standings
from dougong.flows.outside_images import want_picture
from dougong.flows.resolve_link import Resolved, products_at, resolve_link
from dougong.infra.db import transaction
from dougong.links.adapters.protocol import NoProductData, SeenProduct
from dougong.links.outside_commands import add_outside_link, keep_outside_product
from dougong.links.rules import Instead, LinkDenied
from dougong.links.source_queries import source_at
from dougong.links.source_rules import SourceNotOpen, SourceState
from dougong.policy.queries import RuleBook, rules_book
from dougong.policy.rules import LinkVerdict, RuleKind
from dougong.reads.composer import own_offers
from dougong.tasks.queries import task_by_id
from dougong.tasks.rules import Task, check_covers


async def publish_outside_link(
    url: str,
    *,
    creator_id: UUID,
    video_id: VideoId,
    item_id: str,
    category: str,
    task_id: UUID | None = None,
    instead: Instead | None = None,
    at: datetime,
) -> LinkId:
    """Put the product at an address on one of the creator's videos, as its last one.

    The address is followed anew: what is frozen is what is true now, not what a page showed. A
    link by task keeps the verdict and the fee that were frozen when the task was agreed.
    `instead`: what becomes of the link when a rule denies it. Raises
    LinkUnresolved, UnlistedHost, NoProductData, SourceNotOpen, LinkDenied, TaskDoesNotCover,
    TaskClosed, NotFound, LinkedAlready, TooManyLinks, NotLinkable.
    """
    resolved, seen = await _seen_there(url, item_id, at=at)
    async with transaction() as conn:
        await own_video(conn, video_id=video_id, creator_id=creator_id, for_update=True)
        task = await task_by_id(conn, task_id=task_id) if task_id else None
        case = await _case(conn, resolved, seen, task, creator_id, wanted=category, at=at)
        book = await rules_book(conn, fresh=True)
        rule_id = _let_in(case, task, book)
        product_id = await keep_outside_product(
            conn, source=case.source.code, seen=seen, category=case.category, at=at
        )
        await want_picture(conn, product_id=product_id)
        link_id = await add_outside_link(
            conn,
            video_id=video_id,
            creator_id=creator_id,
            outside_product_id=product_id,
            source=case.source.code,
            category=case.category,
            task_id=task_id,
            asked_url=url,
            hops=resolved.hops,
            verdict_rule_id=rule_id,
            terms=frozen_terms(case, seen, task, book),
            at=at,
        )
        if instead is not None:
            await choose_instead(
                conn, link_id=link_id, creator_id=creator_id, instead=instead, at=at
            )
        return link_id


async def _seen_there(url: str, item_id: str, *, at: datetime) -> tuple[Resolved, SeenProduct]:
    """Raises LinkUnresolved, UnlistedHost, NoProductData."""
    resolved = await resolve_link(url, at=at)
    products = await products_at(resolved)
    seen = next((one for one in products if one.item_id == item_id), None)
    if seen is None:
        raise NoProductData(field="address")
    return resolved, seen


async def _case(
    conn: AsyncConnection,
    resolved: Resolved,
    seen: SeenProduct,
    task: Task | None,
    creator_id: UUID,
    *,
    wanted: str,
    at: datetime,
) -> Case:
    """Raises SourceNotOpen."""
    source = await source_at(conn, code=resolved.source.code, at=at)
    if source is None or source.state is not SourceState.OPEN:
        raise SourceNotOpen(field="address", source=resolved.source.code)
    same = await own_offers(conn, gtin=seen.gtin, at=at)
    path, _ = await category_for(conn, seen, same, wanted=wanted)
    return Case(
        source=source,
        category=path,
        creator_id=creator_id,
        route="task" if task else "direct",
        at=at,
    )


def _let_in(case: Case, task: Task | None, book: RuleBook) -> UUID | None:
    """The rule that lets the link stand on a video, if one does. Raises LinkDenied, and for a task
    TaskDoesNotCover, TaskClosed."""
    if task is not None:
        check_covers(
            task,
            creator_id=case.creator_id,
            surface="video",
            source=case.source.code,
            category=case.category,
            at=case.at,
        )
        return task.frozen.verdict_rule_id
    found = standings(
        book,
        source=case.source.code,
        category=case.category,
        creator_id=case.creator_id,
        at=case.at,
    )
    verdict = next(one.verdict for one in found if (one.surface, one.route) == ("video", "direct"))
    if not verdict.allowed:
        raise denial(verdict)
    return verdict.rule.id if verdict.rule else None


def denial(verdict: LinkVerdict) -> LinkDenied:
    return LinkDenied(
        field="product",
        rule_id=str(verdict.rule.id) if verdict.rule else None,
        reason_zh=verdict.reason_zh,
        reason_en=verdict.reason_en,
    )


def frozen_terms(
    case: Case, seen: SeenProduct, task: Task | None, book: RuleBook
) -> dict[str, Any]:
    """Rates in basis points and the rules that gave them, as of publishing."""
    source = case.source
    fee = fee_rate(book, case, RuleKind.PLATFORM_SERVICE_FEE)
    cut = fee_rate(book, case, RuleKind.COMMISSION_CUT)
    own_bp = seen.commission_bp
    fee_bp = task.frozen.service_fee_bp if task else fee.bp
    fee_rule = task.frozen.service_fee_rule_id if task else fee.rule_id
    return {
        "price_minor": seen.price.minor if seen.price else None,
        "currency": seen.price.currency if seen.price else None,
        "commission_bp": source.terms.commission_bp if own_bp is None else own_bp,
        "alliance_fee_bp": source.terms.alliance_fee_bp,
        "refund_bp": source.terms.refund_bp,
        "service_fee_bp": fee_bp,
        "service_fee_rule_id": str(fee_rule) if fee_rule else None,
        "commission_cut_bp": cut.bp,
        "commission_cut_rule_id": str(cut.rule_id) if cut.rule_id else None,
    }
