"""A million orders at once are judged as one order is: by the same words, to the minor unit."""

import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from dougong.settlement.compare import Comparison, Sum, compared
from dougong.settlement.rules import (
    DAY_US,
    Ours,
    Received,
    Terms,
    Theirs,
    Verdict,
    judge,
    judge_lump,
)

AS_OF = 100 * DAY_US
REFS = st.sampled_from(
    ["A1", "A2", "a2", "订单3", 'with "quotes", commas', "7", *(f"B{n}" for n in range(12))]
)
CURRENCIES = st.sampled_from(["CNY", "CNY", "CNY", "USD"])
PHASES = st.sampled_from(["open", "settled", "closed"])
AMOUNTS = st.one_of(st.integers(0, 30), st.integers(9_990, 10_010), st.just(9 * 10**15))
INSTANTS = st.one_of(
    st.integers(0, AS_OF), st.sampled_from([AS_OF - 3 * DAY_US + n for n in (-1, 0, 1)])
)
TERMS = st.builds(Terms, st.integers(0, 5), st.sampled_from([0, 1, 10]), st.integers(0, 5))


@st.composite
def _ours(draw: st.DrawFn) -> list[Ours]:
    made = st.builds(Ours, REFS, CURRENCIES, PHASES, AMOUNTS, st.integers(0, 30), INSTANTS)
    return draw(st.lists(made, max_size=18, unique_by=lambda one: one.order_ref))


@st.composite
def _theirs(draw: st.DrawFn) -> list[Theirs]:
    made = st.builds(
        Theirs, REFS, CURRENCIES, PHASES, st.one_of(st.none(), AMOUNTS), st.integers(0, 9),
        INSTANTS, st.one_of(st.none(), INSTANTS), st.integers(0, 10**15),
        st.sampled_from(["", "amounts_disagree"]),
    )  # fmt: skip
    return draw(st.lists(made, max_size=25, unique_by=lambda one: one.told))


RECEIVED = st.lists(
    st.builds(
        Received, REFS, CURRENCIES, st.one_of(AMOUNTS, st.integers(-9, -1)), INSTANTS, st.booleans()
    ),
    max_size=15,
)
LUMPS = st.dictionaries(CURRENCIES, AMOUNTS, max_size=2)


def write(path: Path, rows: Sequence[tuple[object, ...]]) -> Path:
    """As PostgreSQL's COPY writes CSV: nothing is NULL."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return path


def naive(
    ours: Sequence[Ours],
    theirs: Sequence[Theirs],
    received: Sequence[Received],
    terms: dict[str, Terms],
    lumps: dict[str, int],
) -> list[Verdict]:
    """One order after the other, with a loop over everything for each."""
    found = []
    for ref in sorted({one.order_ref for side in (ours, theirs, received) for one in side}):
        said = judge(
            ref,
            next((one for one in ours if one.order_ref == ref), None),
            [one for one in theirs if one.order_ref == ref],
            [one for one in received if one.order_ref == ref],
            terms=terms,
            lumps=lumps,
            as_of_us=AS_OF,
        )
        if said is not None:
            found.append(said)
    for currency, lump in lumps.items():
        covered = [
            one
            for one in found
            if (one.currency, one.outcome, one.received_minor) == (currency, "matched", None)
            and is_settled(one, theirs)
        ]
        found.append(
            judge_lump(
                f"2020-08 {currency}", currency, covered, lump_minor=lump, terms=terms, at_us=7
            )
        )
    return found


def is_settled(one: Verdict, theirs: Sequence[Theirs]) -> bool:
    rows = [row for row in theirs if row.order_ref == one.order_ref]
    last = max(rows, key=lambda row: (row.amount_minor is not None, row.told), default=None)
    return last is not None and last.phase == "settled" and (one.theirs_minor or 0) > 0


def summed(verdicts: Sequence[Verdict]) -> list[Sum]:
    keys = sorted({(one.currency, one.outcome) for one in verdicts})
    return [
        Sum(
            currency,
            outcome,
            len(group),
            sum(one.ours_minor or 0 for one in group),
            sum(one.theirs_minor or 0 for one in group),
            sum(one.received_minor or 0 for one in group),
            sum(one.gap_minor for one in group),
        )
        for currency, outcome in keys
        for group in [[v for v in verdicts if (v.currency, v.outcome) == (currency, outcome)]]
    ]


def all_of(found: Comparison) -> list[Verdict]:
    return [one for piece in found.differences(every=True, most=3) for one in piece]


@settings(max_examples=40)
@given(_ours(), _theirs(), RECEIVED, st.dictionaries(CURRENCIES, TERMS, max_size=2), LUMPS)
def test_set_based_is_row_by_row(
    ours: list[Ours],
    theirs: list[Theirs],
    received: list[Received],
    terms: dict[str, Terms],
    lumps: dict[str, int],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with compared(
            write(home / "o", ours),
            write(home / "t", theirs),
            write(home / "r", received),
            terms=terms,
            lumps=lumps,
            lump_subject="2020-08",
            starts_us=7,
            as_of_us=AS_OF,
            beside=home,
        ) as found:
            verdicts, sums = all_of(found), found.sums()
    wanted = naive(ours, theirs, received, terms, lumps)
    assert sorted(verdicts) == sorted(wanted, key=lambda one: (one.order_ref, one))
    assert sums == summed(wanted)
