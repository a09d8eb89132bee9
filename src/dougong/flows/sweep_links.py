"""When verdicts change, links follow: what the book denies now is hidden, or turned into our own
offer of the same product where that is wanted; what it lets in again is shown again as it was; and
their owners hear why.

Rules change verdicts at instants that are known before: where a link rule starts or ends. Each such
instant gets one sweep over all links that stand, in batches, each its own transaction. A link that
was published while the sweep passed is looked at on the ticks that follow. Links by task keep what
was agreed. A link that a room explains at that moment has a grace: until its explanation is over,
or as long as a rule says (flows/keep_shelf.py hides it then).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, RuleId
from dougong.flows.convert_links import convert
from dougong.infra import clock, events
from dougong.infra.db import transaction
from dougong.infra.jobs import task
from dougong.links.convert_commands import take_off_stand_ins
from dougong.links.sweep_commands import (
    Sweep,
    begin_sweep,
    deny_anew,
    hide_links,
    next_sweep,
    note_progress,
    show_links,
)
from dougong.policy.queries import RuleBook, rules_book
from dougong.policy.rules import (
    TERM_WITHOUT_RULE,
    WITHOUT_RULE,
    Facts,
    LinkVerdict,
    RuleKind,
)
from dougong.reads.link_sweep import Case, StandingLink, standing_links
from dougong.reads.live_shelf import links_explained

BATCH = 25_000
RECENT = timedelta(minutes=10)  # of the wall clock: longer than any request that publishes a link


@task("links.sweep", every="* * * * * */10", retries=0)
async def sweep_links() -> None:
    """Finish every sweep that is due, then look at what was published meanwhile."""
    await sweep_due()
    async with transaction() as conn:
        await sweep_recent(conn, at=await clock.refresh(conn))


async def sweep_due() -> None:
    """Every instant up to now at which verdicts changed and no sweep has been yet."""
    async with transaction() as conn:
        now = await clock.refresh(conn)
        changed = last_change(await rules_book(conn, fresh=True), now)
        if changed:
            await begin_sweep(conn, at=changed)
    while await _sweep_batch():
        pass


def last_change(book: RuleBook, now: datetime) -> datetime | None:
    """The latest instant up to now at which a link rule started or ended."""
    edges = [
        edge
        for rule in book.rules
        if rule.kind == RuleKind.LINK
        for edge in (rule.starts, rule.ends)
        if edge is not None and edge <= now
    ]
    return max(edges, default=None)


async def _sweep_batch() -> bool:
    """One batch of the sweep that is due; False when there is none left to do."""
    async with transaction(slow=True) as conn:
        sweep = await next_sweep(conn)
        if sweep is None:
            return False
        now = await clock.refresh(conn)
        page = await standing_links(conn, after=sweep.after, most=BATCH)
        moved = await judge(conn, page.links, at=max(now, sweep.at))
        await note_progress(
            conn,
            sweep,
            after=page.after,
            looked=len(page.links),
            hidden=moved.hidden,
            shown=moved.shown,
            converted=moved.converted,
            done_at=now if page.is_last else None,
        )
        if page.is_last:
            await _tell_of_sweep(conn, sweep, at=now)
    return True


async def sweep_recent(conn: AsyncConnection, *, at: datetime) -> None:
    """Judge the links of the last minutes: they may have been published by the book of before."""
    since = UUID(int=int((clock.wall_now() - RECENT).timestamp() * 1000) << 80)
    page = await standing_links(conn, after=since, most=BATCH)
    await judge(conn, page.links, at=at)


class Moved(NamedTuple):
    """How many links were hidden, and shown again; for how many an offer of ours stands in now."""

    hidden: int
    shown: int
    converted: int


async def judge(conn: AsyncConnection, links: Sequence[StandingLink], *, at: datetime) -> Moved:
    """Hide, convert and show by the book as of an instant; answers how many of each."""
    book = await rules_book(conn)
    explained = await links_explained(conn)
    verdicts: dict[Case, LinkVerdict] = {}  # each case is judged once, however many links it has
    denied: dict[LinkId, RuleId | None] = {}
    anew: dict[LinkId, RuleId | None] = {}
    wanted: dict[LinkId, RuleId | None] = {}
    allowed: list[LinkId] = []
    for link in links:
        verdict = verdicts.get(link.case)
        if verdict is None:
            verdict = verdicts[link.case] = book.judge(link.facts(at))
        if verdict.allowed:
            if link.is_hidden:
                allowed.append(link.id)
            continue
        if link.id in explained and not link.is_hidden and not grace_over(book, link, at=at):
            continue
        rule_id = verdict.rule.id if verdict.rule else None
        if not link.is_hidden:
            denied[link.id] = rule_id
        elif link.hidden_rule_id != rule_id:
            anew[link.id] = rule_id
        if link.converts:
            wanted[link.id] = rule_id
    owners = {link.id: link.creator_id for link in links}
    hidden = await hide_links(conn, links=denied, at=at) if denied else set()
    if anew:
        await deny_anew(conn, links=anew)
    converted = await convert(conn, wanted, book=book, at=at) if wanted else set()
    shown = await show_links(conn, link_ids=allowed) if allowed else set()
    if shown:
        await take_off_stand_ins(conn, link_ids=shown, at=at)
    why = wanted | denied
    if gone := Counter((owners[link], why[link]) for link in hidden - converted):
        told = _told(book, gone)
        await events.record_many(conn, "links.links_hidden", at=at, subjects=told)
    if gone := Counter((owners[link], why[link]) for link in converted):
        told = _told(book, gone)
        await events.record_many(conn, "links.links_converted", at=at, subjects=told)
    if back := Counter(owners[link] for link in shown):
        told = [(creator_id, {"links": count}) for creator_id, count in back.items()]
        await events.record_many(conn, "links.links_shown", at=at, subjects=told)
    return Moved(len(hidden), len(shown), len(converted))


def grace_over(book: RuleBook, link: StandingLink, *, at: datetime) -> bool:
    """Whether a link that is being explained must go now: the book denies it, and has done so for
    as long as the rule of such a grace says."""
    facts = link.facts(at)
    verdict = book.judge(facts)
    if verdict.allowed:
        return False
    since = verdict.rule.starts if verdict.rule else last_change(book, at)
    return since is None or at >= since + _grace(book, facts)


def _grace(book: RuleBook, facts: Facts) -> timedelta:
    kind = RuleKind.EXPLAINED_GRACE_S
    rule = book.decide(msgspec.structs.replace(facts, kind=kind.value)).rule
    return timedelta(seconds=rule.value if rule else TERM_WITHOUT_RULE[kind])


def _told(
    book: RuleBook, gone: Mapping[tuple[UUID, RuleId | None], int]
) -> list[tuple[UUID, dict[str, Any]]]:
    """Each creator and rule, with how many links, and the rule's own words."""
    return [(who, _reason(book, rule_id, count)) for (who, rule_id), count in gone.items()]


def _reason(book: RuleBook, rule_id: RuleId | None, count: int) -> dict[str, Any]:
    rule = book.by_id.get(rule_id) if rule_id else None
    return {
        "links": count,
        "rule_id": str(rule_id) if rule_id else None,
        "reason_zh": rule.reason_zh if rule else WITHOUT_RULE[False][0],
        "reason_en": rule.reason_en if rule else WITHOUT_RULE[False][1],
    }


async def _tell_of_sweep(conn: AsyncConnection, sweep: Sweep, *, at: datetime) -> None:
    facts = {"changed_at": sweep.at.isoformat()}
    await events.record(conn, "links.swept", subject_id=sweep.id, at=at, facts=facts)
