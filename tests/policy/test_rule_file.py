"""A rule book as a file: what is read, what is refused by line and field, and saved again."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.factories import MICROSECOND, a_rule

from dougong.base.ids import new_id
from dougong.policy.rule_file import BadFile, parse_book, write_book
from dougong.policy.rules import Rule

FIRST = datetime(1990, 1, 1, tzinfo=UTC)
MOST = 100 * 365 * 86_400 * 10**6  # a hundred years in microseconds
GOOD = """
[[link]]
code = "ban"
source = "taobao"
allowed = false
starts = 2020-07-01T00:00:00+08:00
reason_zh = "不再支持"
reason_en = "No longer supported"

[[fee]]
kind = "platform_service_fee"
route = "task"
source = "outside"
rate_bp = 2000
announced = 2020-08-17T00:00:00+08:00
starts = 2020-08-20T00:00:00+08:00
ends = 2021-08-20T00:00:00+08:00
rollout_bp = 5000
reason_zh = "二成"
reason_en = "A fifth"
citation = "2020-08-17"

[[term]]
kind = "pay_within_s"
seconds = 900
starts = 2018-01-01T00:00:00Z
reason_zh = "一刻钟"
reason_en = "A quarter of an hour"
"""


def test_each_table_has_its_value_and_absent_columns_are_any() -> None:
    parsed = parse_book(GOOD.encode())
    assert parsed.bad == []
    ban, fee, term = (row.rule for row in parsed.rows)
    assert (ban.kind, ban.value, ban.source, ban.surface) == ("link", 0, "taobao", "*")
    assert ban.announced_at == ban.starts == datetime(2020, 6, 30, 16, tzinfo=UTC)
    assert (fee.value, fee.rollout_bp, fee.ends) == (
        2000,
        5000,
        datetime(2021, 8, 19, 16, tzinfo=UTC),
    )
    assert (term.kind, term.value, term.citation) == ("pay_within_s", 900, "")
    assert [row.line for row in parsed.rows] == [2, 10, 23]


def test_ids_come_from_the_code_or_from_what_a_row_says() -> None:
    ids = [row.rule.id for row in parse_book(GOOD.encode()).rows]
    assert ids == [row.rule.id for row in parse_book(("\n\n# moved\n" + GOOD).encode()).rows]
    same_code = GOOD.replace("不再支持", "停止支持").replace("seconds = 900", "seconds = 901")
    changed = [row.rule.id for row in parse_book(same_code.encode()).rows]
    assert (changed[0] == ids[0], changed[1] == ids[1], changed[2] == ids[2]) == (True, True, False)


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "reason"),
    [
        ("allowed = false", "allowed = 0", 5, "allowed", "not_true_or_false"),
        ('source = "taobao"', "source = 7", 4, "source", "not_text"),
        ('source = "taobao"', 'source = "Tao Bao"', 4, "source", "unknown"),
        ('source = "taobao"', 'surface = "radio"', 4, "surface", "unknown"),
        ('source = "taobao"', 'route = "tasks"', 4, "route", "unknown"),
        ('source = "taobao"', 'platform = "taobao"', 4, "platform", "unknown"),
        ('source = "taobao"', 'kind = "pay_within_s"', 4, "kind", "unknown"),
        ("allowed = false", "", 2, "allowed", "missing"),
        ("starts = 2020-07-01T00:00:00+08:00", "", 2, "starts", "missing"),
        ("2020-07-01T00:00:00+08:00", "2020-07-01", 6, "starts", "not_instant"),
        ("2020-07-01T00:00:00+08:00", "2020-07-01T00:00:00", 6, "starts", "no_offset"),
        ("2020-07-01T00:00:00+08:00", "0001-01-01T00:00:00+08:00", 6, "starts", "out_of_range"),
        ('"不再支持"', '" "', 7, "reason_zh", "empty"),
        ('"No longer supported"', '"\\u0000"', 8, "reason_en", "zero_character"),
        ('code = "ban"', 'id = "ban"', 3, "id", "not_an_id"),
        ("rate_bp = 2000", "rate_bp = 10001", 10, "value", "0–10000"),
        ("rate_bp = 2000", "rate_bp = 20.0", 14, "rate_bp", "not_whole_number"),
        ("rate_bp = 2000", "rate_bp = true", 14, "rate_bp", "not_whole_number"),
        ("rollout_bp = 5000", "rollout_bp = -1", 18, "rollout_bp", "0–10000"),
        ("ends = 2021-08-20", "ends = 2020-08-20", 17, "ends", "before_start"),
        ("announced = 2020-08-17", "announced = 2020-08-21", 10, "announced_at", "after_start"),
        ('kind = "platform_service_fee"', 'kind = "tip"', 11, "kind", "unknown"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_by_line_and_field(
    old: str, new: str, line: int, field: str, reason: str
) -> None:
    assert old in GOOD
    parsed = parse_book(GOOD.replace(old, new, 1).encode())
    assert [(bad.line, bad.field, bad.reason) for bad in parsed.bad] == [(line, field, reason)]
    assert len(parsed.rows) == 2


@pytest.mark.parametrize(
    ("data", "field", "reason"),
    [
        ("规则".encode("gb18030"), "file", "not_utf8"),
        (b"[[links]]\n", "links", "unknown"),
        (b"link = 3\n", "link", "not_rows"),
        (b"#" * 5_000_001, "file", "too_big"),
    ],
)
def test_what_is_no_rule_book(data: bytes, field: str, reason: str) -> None:
    with pytest.raises(BadFile) as refused:
        parse_book(data)
    assert (refused.value.field, refused.value.facts["reason"]) == (field, reason)


def test_broken_toml_is_named_by_line() -> None:
    with pytest.raises(BadFile) as refused:
        parse_book(b"[[link]]\nsource = taobao\n")
    assert refused.value.facts["line"] == 2


def test_rows_in_one_line_are_told_by_number() -> None:
    parsed = parse_book(b"link = [{allowed = 1}, 5]\n")
    assert [(bad.line, bad.number, bad.field) for bad in parsed.bad] == [
        (0, 1, "allowed"),
        (0, 2, "link"),
    ]


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20
).filter(str.strip)
COLUMNS = {
    "source": st.sampled_from(["*", "own", "outside", "taobao"]),
    "surface": st.sampled_from(["*", "video", "live"]),
    "route": st.sampled_from(["*", "task"]),
    "party": TEXTS.filter(lambda text: text == text.strip()),
    "category": st.sampled_from(["*", "beauty", "beauty/skincare"]),
}
KINDS = st.sampled_from(
    [("link", 1, True), ("payment_cost", 10_000, True), ("pay_within_s", 31_536_000, False)]
)


@st.composite
def any_rule(draw: st.DrawFn) -> Rule:
    kind, most, may_have_round = draw(KINDS)
    starts = FIRST + draw(st.integers(0, MOST)) * MICROSECOND
    length = draw(st.one_of(st.none(), st.integers(1, MOST)))
    return a_rule(
        kind=kind,
        value=draw(st.integers(0, most)),
        starts=starts,
        ends=starts + length * MICROSECOND if length else None,
        rollout_bp=draw(st.integers(0, 10_000)),
        reason_zh=draw(TEXTS),
        reason_en=draw(TEXTS),
        citation=draw(st.one_of(st.just(""), TEXTS)),
        round_id=draw(st.sampled_from([None, new_id()])) if may_have_round else None,
        **{name: draw(values) for name, values in COLUMNS.items()},
    )


@given(st.lists(any_rule(), max_size=6), st.sampled_from(["Asia/Shanghai", "UTC", "Europe/Rome"]))
def test_what_is_saved_loads_to_the_same(rules: list[Rule], zone: str) -> None:
    text = write_book(rules, zone=ZoneInfo(zone))
    parsed = parse_book(text.encode())
    assert parsed.bad == []
    assert {row.rule.id: row.rule for row in parsed.rows} == {rule.id: rule for rule in rules}
    assert all(row.line for row in parsed.rows)
