"""Golden days: dated examples of which rule decides, and the same from the database."""

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.policy.factories import a_rule, facts

from dougong.base.ids import PersonId, RuleId, new_id
from dougong.policy.commands import install_rules
from dougong.policy.queries import RuleBook, decide_many
from dougong.policy.rules import Facts, Rule, decide

GOLDEN = tomllib.loads((Path(__file__).parent / "rules_2020.toml").read_text())


def golden_rules() -> dict[str, Rule]:
    return {
        row["name"]: a_rule(
            **{k: v for k, v in row.items() if k != "name"},
            id=RuleId(new_id()),
            announced_at=row["starts"] - timedelta(days=3),
        )
        for row in GOLDEN["rules"]
    }


def case(example: dict[str, Any]) -> Facts:
    known = {k: v for k, v in example.items() if k not in ("says", "want")}
    return facts(**{"category": "*"} | known)


@pytest.mark.parametrize("example", GOLDEN["examples"], ids=lambda e: e["says"])
def test_golden_day(example: dict[str, Any]) -> None:
    rules = golden_rules()
    names = {rule.id: name for name, rule in rules.items()}
    verdict = decide(rules.values(), case(example))
    assert (names[verdict.rule.id] if verdict.rule else "") == example["want"]
    assert RuleBook(list(rules.values())).decide(case(example)).rule == verdict.rule


async def test_the_database_says_the_same_of_all_of_them_at_once(conn: AsyncConnection) -> None:
    rules = golden_rules()
    await install_rules(
        conn,
        rules=list(rules.values()),
        at=rules["own-5"].starts,
        author_id=PersonId(new_id()),
        approver_id=PersonId(new_id()),
    )
    names = {rule.id: name for name, rule in rules.items()} | {None: ""}
    found = await decide_many(conn, [case(example) for example in GOLDEN["examples"]])
    assert [names[RuleId(key) if key else None] for key in found] == [
        example["want"] for example in GOLDEN["examples"]
    ]
