"""Signing makes its rules: grants and fee overrides stand in the policy book from that instant on.

A rule needs two people: its author is who put the text forward for the platform, its approver who
signed it. An amendment ends what it does not repeat, and announces what is new.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, RoundId, RuleId, derived_id
from dougong.partners.rules import FeeOverride, Grant, Side, Terms
from dougong.partners.sign_commands import AT_ONCE, Signed, sign
from dougong.policy.commands import approve_rule, draft_rule, end_rule
from dougong.policy.queries import rules_book
from dougong.policy.rules import ANY, PRECEDENCE, Rule, RuleKind
from dougong.reads.partner_rounds import RoundNames, round_names

MICROSECOND = timedelta(microseconds=1)


class Announced(NamedTuple):
    """What a signature did to the policy book; None while the other side has not signed."""

    made: list[RuleId]
    ended: list[RuleId]


async def sign_round(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    partner_id: UUID | None,
    number: int,
    side: Side,
    person_id: PersonId,
    signer: str,
    hash: bytes,
    at: datetime,
) -> Announced | None:
    """Sign, and with the second signature announce the round's rules.

    Raises what `partners.sign_commands.sign` raises, and RuleOverlaps when the policy book holds a
    rule for the same cases already: then nobody has signed.
    """
    signed = await sign(
        conn,
        round_id=round_id,
        partner_id=partner_id,
        number=number,
        side=side,
        person_id=person_id,
        signer=signer,
        hash=hash,
        at=at,
    )
    return None if signed is None else await _announce(conn, signed, at=at)


async def _announce(conn: AsyncConnection, signed: Signed, *, at: datetime) -> Announced:
    names = await round_names(conn, round_id=signed.round_id)
    if names is None:
        raise LookupError(signed.round_id)
    since = at + AT_ONCE if signed.is_amendment else at
    wanted = rules_of(
        names, signed.terms, proposal_id=signed.proposal_id, number=signed.number, at=since
    )
    book = await rules_book(conn, fresh=True)
    there = [rule for rule in book.rules if rule.round_id == signed.round_id]
    there = [rule for rule in there if rule.ends is None or rule.ends > since]
    said = {_what(rule) for rule in wanted}
    ended = await _end(conn, [r for r in there if _what(r) not in said], since=since, at=at)
    kept = {_what(rule) for rule in there}
    made = []
    for rule in wanted:
        if _what(rule) not in kept:
            free = ended.get(_cases(rule), rule.starts)
            ours = msgspec.structs.replace(rule, starts=max(rule.starts, free), announced_at=at)
            await draft_rule(conn, rule=ours, author_id=signed.author_id, at=at)
            await approve_rule(conn, rule_id=rule.id, approver_id=signed.signer_id, at=at)
            made.append(rule.id)
    return Announced(made, [rule.id for rule in there if _cases(rule) in ended])


async def _end(
    conn: AsyncConnection, rules: Sequence[Rule], *, since: datetime, at: datetime
) -> dict[tuple[str, ...], datetime]:
    """End rules; answers from when on their cases are free. A rule that would begin later only is
    left its first microsecond: a window is never empty."""
    ended = {}
    for rule in rules:
        ends = max(since, rule.starts + MICROSECOND)
        await end_rule(conn, rule_id=rule.id, ends=ends, at=at)
        ended[_cases(rule)] = ends
    return ended


def _cases(rule: Rule) -> tuple[str, ...]:
    return (rule.kind, *(getattr(rule, column) for column in PRECEDENCE))


def _what(rule: Rule) -> tuple[tuple[str, ...], int, datetime | None]:
    return _cases(rule), rule.value, rule.ends


class _Row(NamedTuple):
    """What is its own of a rule that a round makes; `name` tells it from the round's others."""

    name: str
    kind: str
    source: str
    surface: str
    category: str
    route: str
    value: int
    zh: str
    en: str


def rules_of(
    names: RoundNames, terms: Terms, *, proposal_id: UUID, number: int, at: datetime
) -> list[Rule]:
    """A row for each granted source and surface, and one for each fee; none begins before `at`."""
    return [
        Rule(
            id=RuleId(derived_id(proposal_id, row.name)),
            kind=row.kind,
            source=row.source,
            surface=row.surface,
            category=row.category,
            route=row.route,
            announced_at=at,
            starts=max(at, terms.starts),
            ends=terms.ends,
            value=row.value,
            reason_zh=f"{names.partner_zh}《{names.name_zh}》{row.zh}",
            reason_en=f"{row.en} {names.name_en}, {names.partner_en}",
            citation=f"{names.name_zh} / {names.name_en} · {number}",
            round_id=names.round_id,
        )
        for row in (*map(_grant, terms.grants), *map(_fee, terms.fee_overrides))
    ]


def _grant(one: Grant) -> _Row:
    name = f"grant:{one.source}:{one.surface}"
    columns = (RuleKind.LINK.value, one.source, one.surface, ANY, ANY)
    return _Row(name, *columns, value=1, zh="约定放行", en="Granted by")


def _fee(one: FeeOverride) -> _Row:
    columns = (one.kind, one.source, one.surface, one.category, one.route)
    name = "fee:" + ":".join(columns)
    return _Row(name, *columns, value=one.rate_bp, zh="约定费率", en="Rate agreed in")
