"""Rows of a store that answer cases by themselves: of those in force when a case is opened, the
most specific one decides. Pure.

A row matches on six columns; `*` is "any". They weigh in the order of PRECEDENCE: a row that names
the buyer beats every row that does not, whatever else they say; only between equals does the next
column decide. A category matches everything below it, and only cases of which all goods are in it;
the deeper path is the more specific. An amount matches cases that ask for no more; the lower one is
the more specific. Two rows with the same columns never overlap in time (exclusion constraint).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from dougong.aftersales.rules import REASONS, BadCase, CaseKind
from dougong.base.decisions import ranked
from dougong.base.errors import Conflict, NotFound, Refusal

ANY = "*"
ANY_AMOUNT = 100_000_000_000  # minor units: more than any case can ask for
MOST_SAID = 300
MOST_RULES = 200  # of one store, in force or to come
MOST_LOST = 20  # kept on a case

# The printed order: from the column that weighs most to the one that weighs least.
PRECEDENCE = ("buyer", "kind", "reason", "category", "order_state", "up_to_minor")


class Answer(StrEnum):
    """`ask`: a person of the store answers, whatever a less specific row says."""

    APPROVE = "approve"
    REFUSE = "refuse"
    ASK = "ask"


class OrderStage(StrEnum):
    """How far an order is, as rows see it; a part that is shipped makes it shipped."""

    NOT_SHIPPED = "not_shipped"
    SHIPPED = "shipped"
    RECEIVED = "received"


class Lost(StrEnum):
    """Why a row did not decide."""

    NO_MATCH = "no_match"
    NOT_YET = "not_yet"
    OVER = "over"
    LESS_SPECIFIC = "less_specific"


class CaseRule(msgspec.Struct, frozen=True, kw_only=True):
    """One dated row, in force in the half-open window [starts, ends); `ends` None: until further
    notice. `buyer`: a person's id. `up_to_minor`: the most that a case asks for, included."""

    id: UUID
    buyer: str = ANY
    kind: str = ANY
    reason: str = ANY
    category: str = ANY
    order_state: str = ANY
    up_to_minor: int
    outcome: Answer
    says_zh: str
    says_en: str
    starts: datetime
    ends: datetime | None

    @property
    def columns(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in PRECEDENCE}


class CaseFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a case when it is opened. `categories`: of its goods."""

    buyer: str
    kind: str
    reason: str
    categories: tuple[str, ...]
    order_state: str
    asked_minor: int
    at: datetime


class Considered(msgspec.Struct, frozen=True):
    """A row that lost. `column`: where it did not match, or where the winner names more."""

    rule: CaseRule
    why: Lost
    column: str = ""


class CaseVerdict(msgspec.Struct, frozen=True):
    """The row that decides, or None: then a person answers. And why every other row does not."""

    rule: CaseRule | None
    lost: tuple[Considered, ...] = ()


class CaseRuleOverlaps(Conflict):
    """Another row with the same columns is in force in part of that time."""

    code = "case_rule_overlaps"


class CaseRuleInPast(Refusal):
    """A row answers from now on at the earliest, and what it answered stays."""

    code = "case_rule_in_past"


class CaseRuleOver(Conflict):
    """The row has ended already."""

    code = "case_rule_over"


class CaseRuleGone(NotFound):
    code = "case_rule_gone"


def check_rule(rule: CaseRule) -> None:
    """Raises BadCase at the field that no row may have."""
    _one_of("kind", rule.kind, (*CaseKind, ANY))
    _one_of("reason", rule.reason, (*REASONS, ANY))
    _one_of("order_state", rule.order_state, (*OrderStage, ANY))
    if not 1 <= rule.up_to_minor <= ANY_AMOUNT:
        raise BadCase(field="up_to", reason="out_of_range")
    if rule.ends is not None and rule.ends <= rule.starts:
        raise BadCase(field="ends", reason="ends_before_it_starts")
    for field, words in (("says_zh", rule.says_zh), ("says_en", rule.says_en)):
        if not words.strip():
            raise BadCase(field=field, reason="missing")
        if len(words) > MOST_SAID:
            raise BadCase(field=field, reason="too_long")


def _one_of(field: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise BadCase(field=field, reason="unknown_value")


def order_stage(*, is_shipped: bool, is_received: bool) -> OrderStage:
    if is_received:
        return OrderStage.RECEIVED
    return OrderStage.SHIPPED if is_shipped else OrderStage.NOT_SHIPPED


def mismatch(rule: CaseRule, facts: CaseFacts) -> str | None:
    """The first column, in order of PRECEDENCE, that does not fit."""
    for column in ("buyer", "kind", "reason"):
        if getattr(rule, column) not in (ANY, getattr(facts, column)):
            return column
    if not _covers(rule.category, facts.categories):
        return "category"
    if rule.order_state not in (ANY, facts.order_state):
        return "order_state"
    return "up_to_minor" if facts.asked_minor > rule.up_to_minor else None


def _covers(path: str, categories: Iterable[str]) -> bool:
    """Whether all are the path or below it."""
    return path == ANY or all(one == path or one.startswith(path + "/") for one in categories)


def specificity(rule: CaseRule) -> tuple[int, ...]:
    """Compared like a word: column after column, larger is more specific."""
    named = [int(getattr(rule, column) != ANY) for column in ("buyer", "kind", "reason")]
    depth = 0 if rule.category == ANY else 1 + rule.category.count("/")
    return (*named, depth, int(rule.order_state != ANY), -rule.up_to_minor)


def why_not(rule: CaseRule, facts: CaseFacts) -> Lost | None:
    """Why a row is no candidate; None where it is one."""
    if mismatch(rule, facts):
        return Lost.NO_MATCH
    if facts.at < rule.starts:
        return Lost.NOT_YET
    return Lost.OVER if rule.ends is not None and facts.at >= rule.ends else None


def decide(rules: Iterable[CaseRule], facts: CaseFacts) -> CaseVerdict:
    """The most specific row in force, and why the others lost. Raises AmbiguousRules."""
    candidates: list[CaseRule] = []
    lost: list[Considered] = []
    for rule in rules:
        why = why_not(rule, facts)
        if why is None:
            candidates.append(rule)
        else:
            lost.append(Considered(rule, why, mismatch(rule, facts) or ""))
    if not candidates:
        return CaseVerdict(None, tuple(lost))
    (winner, _), *others = ranked(candidates, specificity=specificity, columns=PRECEDENCE)
    lost += [Considered(other, Lost.LESS_SPECIFIC, column) for other, column in others]
    return CaseVerdict(winner, tuple(lost))


def frozen_facts(facts: CaseFacts, verdict: CaseVerdict) -> Mapping[str, Any]:
    """What is written on the case and stays: the facts, the row as it read then, and the rows that
    lost, each with the reason and the column."""
    rule = verdict.rule
    return {
        "categories": list(facts.categories),
        "order_state": facts.order_state,
        "rule": rule and msgspec.to_builtins(rule),
        "lost": [
            {"rule_id": str(one.rule.id), "why": one.why.value, "column": one.column}
            for one in verdict.lost[:MOST_LOST]
        ],
    }
