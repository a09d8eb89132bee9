"""What the book says of one case, whole: the answer, the row that decides, and why others lost.

Pure. The command line and the API give the same answers, for past and future instants too.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from dougong.base.money import part_of
from dougong.policy.rules import (
    ANY,
    Facts,
    Lost,
    Rule,
    RuleState,
    Verdict,
    link_verdict,
    state_at,
)

NO_FEE = ("没有规则，不收取", "No rule: nothing is taken")


class RuleShown(msgspec.Struct, frozen=True, kw_only=True):
    """A row with its columns and window [starts, ends). `value`: basis points of a fee, seconds of
    a term, 1 or 0 (allowed or not) of a link. `state`: as of the instant asked for."""

    id: UUID
    kind: str
    party: str
    merchant_class: str
    party_class: str
    category: str
    route: str
    surface: str
    source: str
    value: int
    announced_at: datetime
    starts: datetime
    ends: datetime | None
    rollout_bp: int
    state: RuleState
    reason_zh: str
    reason_en: str
    citation: str
    round_id: UUID | None


class LoserShown(msgspec.Struct, frozen=True):
    """A row of the same kind that did not decide. `column`: where it is for another case, or where
    the winner names more."""

    why: Lost
    column: str
    rule: RuleShown


class VerdictAnswer(msgspec.Struct, frozen=True):
    """Whether such a link may stand. `rule` null: no row says anything."""

    allowed: bool
    reason_zh: str
    reason_en: str
    rule: RuleShown | None
    facts: Facts
    considered: list[LoserShown]


class FeeAnswer(msgspec.Struct, frozen=True):
    """What is taken of `base_minor`, rounded down to a whole minor unit. `rule` null: nothing."""

    fee_minor: int
    rate_bp: int
    base_minor: int
    reason_zh: str
    reason_en: str
    rule: RuleShown | None
    facts: Facts
    considered: list[LoserShown]


def shown(rule: Rule, *, at: datetime) -> RuleShown:
    """An approved row as it stands at an instant."""
    fields = {name: getattr(rule, name) for name in Rule.__struct_fields__}
    return RuleShown(**fields, state=state_at(rule, is_approved=True, at=at))


def verdict_answer(verdict: Verdict, facts: Facts) -> VerdictAnswer:
    """`verdict` is what `RuleBook.explain` said of the facts."""
    said = link_verdict(facts, verdict.rule)
    reasons = (said.reason_zh, said.reason_en)
    return VerdictAnswer(
        said.allowed, *reasons, _winner(verdict, facts), facts, _losers(verdict, facts)
    )


def fee_answer(verdict: Verdict, facts: Facts, *, base_minor: int) -> FeeAnswer:
    """Raises BadAmount for a base below zero."""
    rule = verdict.rule
    rate_bp = rule.value if rule else 0
    reasons = (rule.reason_zh, rule.reason_en) if rule else NO_FEE
    fee_minor = part_of(base_minor, rate_bp)
    winner, losers = _winner(verdict, facts), _losers(verdict, facts)
    return FeeAnswer(fee_minor, rate_bp, base_minor, *reasons, winner, facts, losers)


def _winner(verdict: Verdict, facts: Facts) -> RuleShown | None:
    return shown(verdict.rule, at=facts.at) if verdict.rule else None


def _losers(verdict: Verdict, facts: Facts) -> list[LoserShown]:
    """Rows for other cases stand last."""
    lost = sorted(verdict.considered, key=lambda one: one.why is Lost.NO_MATCH)
    return [LoserShown(one.why, one.column, shown(one.rule, at=facts.at)) for one in lost]


def seen_by(rules: Iterable[Rule], *, party: str, at: datetime) -> list[Rule]:
    """What a party may know of: announced rows that are for everybody, or name it."""
    return [r for r in rules if r.party in (ANY, party) and r.announced_at <= at]
