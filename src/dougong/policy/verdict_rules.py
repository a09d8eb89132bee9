"""What is known already of how a verdict will change. Pure."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from dougong.policy.rules import (
    Facts,
    LinkVerdict,
    Rule,
    RuleKind,
    decide,
    in_rollout,
    link_verdict,
    mismatch,
)


class Change(msgspec.Struct, frozen=True):
    """From `at` on the verdict is another one."""

    at: datetime
    verdict: LinkVerdict


def next_change(rules: Iterable[Rule], facts: Facts) -> Change | None:
    """The first instant after `facts.at` at which a link that may stand may no more, or the other
    way round, by the rules announced so far; None when none is planned."""
    mine = [
        rule
        for rule in rules
        if rule.kind == RuleKind.LINK
        and rule.announced_at <= facts.at
        and mismatch(rule, facts) is None
        and in_rollout(rule, facts.party)
    ]
    now = link_verdict(facts, decide(mine, facts).rule).allowed
    edges = {edge for rule in mine for edge in (rule.starts, rule.ends) if edge}
    for edge in sorted(one for one in edges if one > facts.at):
        later = msgspec.structs.replace(facts, at=edge)
        verdict = link_verdict(later, decide(mine, later).rule)
        if verdict.allowed != now:
            return Change(edge, verdict)
    return None
