"""The next change of a verdict that is known already."""

from datetime import datetime, timedelta
from uuid import uuid4

from dougong.base.ids import RuleId, new_id
from dougong.policy.rules import Rule, link_case
from dougong.policy.verdict_rules import next_change

AT = datetime.fromisoformat("2020-09-01T00:00:00+08:00")


def a_rule(allowed: int, *, starts: int, ends: int | None = None, **columns: object) -> Rule:
    """Days from AT; announced a week before it starts."""
    start = AT + timedelta(days=starts)
    facts = {"announced_at": start - timedelta(days=30), "reason_zh": "原因", "reason_en": "Why"}
    return Rule(
        id=RuleId(new_id()),
        kind="link",
        starts=start,
        ends=AT + timedelta(days=ends) if ends is not None else None,
        value=allowed,
        **facts | columns,  # type: ignore[arg-type]
    )


def case(**columns: str) -> object:
    said = {"source": "taobao", "surface": "live", "category": "food", "route": "direct"}
    return link_case(creator=str(uuid4()), at=AT, **said | columns)  # type: ignore[arg-type]


def test_the_first_instant_at_which_the_verdict_turns() -> None:
    let_in = a_rule(1, starts=-99, source="taobao")
    same = a_rule(1, starts=5, ends=8, source="taobao", surface="live")
    barred = a_rule(0, starts=5, source="outside", surface="live", route="direct")
    found = next_change([let_in, same, barred], case())  # type: ignore[arg-type]
    assert found and (found.at, found.verdict.rule) == (barred.starts, barred)
    video = next_change([let_in, same, barred], case(surface="video"))  # type: ignore[arg-type]
    assert video is None


def test_the_end_of_a_rule_turns_it_back() -> None:
    let_in = a_rule(1, starts=-99, source="taobao")
    barred = a_rule(0, starts=-1, ends=9, source="outside", surface="live")
    found = next_change([let_in, barred], case())  # type: ignore[arg-type]
    assert found and (found.at, found.verdict.allowed) == (barred.ends, True)


def test_what_is_not_announced_yet_is_not_told() -> None:
    let_in = a_rule(1, starts=-99, source="taobao")
    secret = a_rule(0, starts=40, source="taobao", surface="live")
    assert next_change([let_in, secret], case()) is None  # type: ignore[arg-type]
