"""A rule book of 10 000 rows and cases that it has never seen: how long one verdict takes."""

import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dougong.base.ids import PLATFORM_BOOK, RuleId, derived_id
from dougong.policy.queries import RuleBook
from dougong.policy.rules import ANY, Facts, Rule

ROWS, CASES = 10_000, 50_000
FIRST = datetime(2018, 1, 1, tzinfo=UTC)
DAYS = 3_000
KIND = "link"
VALUES: dict[str, list[str]] = {
    "source": ["own", "taobao", "tmall", "jd", "pdd", "vip"],
    "surface": ["video", "live", "profile", "search"],
    "category": [
        *(f"c{a}" for a in range(20)),
        *(f"c{a}/{b}" for a in range(20) for b in range(10)),
        *(f"c{a}/{b}/{c}" for a in range(20) for b in range(10) for c in range(3)),
    ],
    "route": ["direct", "task"],
    "party_class": ["creator", "merchant"],
    "party": [f"party-{n}" for n in range(2_000)],
    "merchant_class": ["standard", "flagship"],
}
# How often a row names something in the column.
NAMED = {
    "source": 0.7,
    "surface": 0.5,
    "category": 0.6,
    "route": 0.4,
    "party_class": 0.2,
    "party": 0.4,
    "merchant_class": 0.15,
}


def a_big_book(chance: random.Random, *, rows: int = ROWS) -> list[Rule]:
    """Rows of one kind, dense enough that most cases meet several; a tenth is being rolled out."""
    made: dict[tuple[str, ...], Rule] = {}
    while len(made) < rows:
        columns: dict[str, Any] = {name: _named(chance, name) for name in VALUES}
        starts = FIRST + timedelta(days=chance.randrange(DAYS))
        length = timedelta(days=chance.randrange(1, 1_500))
        made[tuple(columns.values())] = Rule(
            id=RuleId(derived_id(PLATFORM_BOOK, str(len(made)))),
            kind=KIND,
            announced_at=starts,
            starts=starts,
            ends=starts + length if chance.random() < 0.6 else None,
            value=chance.randrange(2),
            rollout_bp=5_000 if chance.random() < 0.1 else 10_000,
            reason_zh="理由",
            reason_en="Because",
            **columns,
        )
    return list(made.values())


def _named(chance: random.Random, column: str) -> str:
    if chance.random() >= NAMED[column]:
        return ANY
    return chance.choice([*VALUES[column], "outside"] if column == "source" else VALUES[column])


def some_cases(chance: random.Random, *, count: int = CASES) -> list[Facts]:
    return [
        Facts(
            kind=KIND,
            at=FIRST + timedelta(days=chance.randrange(DAYS + 500)),
            **{name: chance.choice(values) for name, values in VALUES.items()},
        )
        for _ in range(count)
    ]


def verdict_times(book: RuleBook, cases: Sequence[Facts]) -> list[float]:
    """Microseconds of each case, sorted. What reading the clock takes is in it."""
    times = []
    for case in cases:
        began = time.perf_counter_ns()
        book.decide(case)
        times.append((time.perf_counter_ns() - began) / 1_000)
    return sorted(times)


def measure() -> dict[str, Any]:
    chance = random.Random(20_200_701)  # the same book each time
    rules, cases = a_big_book(chance), some_cases(chance)
    began = time.process_time()
    book = RuleBook(rules)
    built_s = time.process_time() - began
    undecided = sum(book.decide(case).rule is None for case in cases)
    times = verdict_times(book, cases)
    return {
        "rows": len(rules),
        "cases": len(cases),
        "median_us": round(times[len(times) // 2], 2),
        "p99_us": round(times[len(times) * 99 // 100], 2),
        "mean_us": round(sum(times) / len(times), 2),
        "index_built_s": round(built_s, 3),
        "without_a_rule": undecided,
    }
