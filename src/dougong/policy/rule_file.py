"""A rule book as a TOML file: [[link]], [[fee]] and [[term]] rows. docs/how-to/rule-book-file.md.

Pure. A row's id is its `id`, or derived from its `code`, or from all it says: the same file again
has the same ids, so that loading twice makes no doubles.
"""

import json
import re
import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any
from uuid import UUID

import msgspec

from dougong.base.errors import BadInput
from dougong.base.ids import RuleId, derived_id
from dougong.base.money import FULL_BP
from dougong.policy.rules import (
    ANY,
    FEE_KINDS,
    LINK_KINDS,
    PRECEDENCE,
    TERM_KINDS,
    BadRule,
    Rule,
    RuleKind,
    check_draft,
)

BOOK = UUID("00000000-0000-7000-8000-0000000000d2")
MOST_BYTES = 5_000_000
# Each table with the name of its value, and its kinds.
TABLES = {
    "link": ("allowed", LINK_KINDS),
    "fee": ("rate_bp", FEE_KINDS),
    "term": ("seconds", TERM_KINDS),
}
VALUES: dict[str, type] = {"allowed": bool, "rate_bp": int, "seconds": int}
KNOWN = {
    "surface": re.compile(r"\*|video|live|profile|search"),
    "route": re.compile(r"\*|direct|task"),
    "source": re.compile(r"\*|[a-z][a-z0-9_]{1,30}"),
}
TEXTS = (*PRECEDENCE, "kind", "reason_zh", "reason_en", "citation", "code", "id", "round_id")
INSTANTS = ("announced", "starts", "ends")
NEEDED = ("starts", "reason_zh", "reason_en")
HEADER = re.compile(r"\s*\[\[\s*(link|fee|term)\s*\]\]")
AT_LINE = re.compile(r"line (\d+)")


class BadFile(BadInput):
    """No rule book can be read from this file. Facts: `line` where known."""

    code = "bad_rule_file"


class BadRow(msgspec.Struct, frozen=True):
    """What is wrong with one row. `line` 0: not known; `number`: of the rows of its table, from 1.
    `other`: the row that it collides with."""

    table: str
    number: int
    line: int
    field: str
    reason: str
    other: str = ""


class FileRow(msgspec.Struct, frozen=True):
    """A good row, and where it stands."""

    table: str
    number: int
    line: int
    rule: Rule


class Parsed(msgspec.Struct, frozen=True):
    rows: list[FileRow]
    bad: list[BadRow]


def parse_book(data: bytes) -> Parsed:
    """Good and bad rows in the order of tables and of the file. Raises BadFile."""
    if len(data) > MOST_BYTES:
        raise BadFile(field="file", reason="too_big")
    try:
        text = data.decode("utf-8-sig")
        tables = tomllib.loads(text)
    except UnicodeDecodeError:
        raise BadFile(field="file", reason="not_utf8") from None
    except tomllib.TOMLDecodeError as error:
        at = AT_LINE.search(str(error))
        raise BadFile(field="file", reason=str(error), line=int(at[1]) if at else 0) from None
    if unknown := next((name for name in tables if name not in TABLES), None):
        raise BadFile(field=unknown, reason="unknown")
    rows: list[FileRow] = []
    bad: list[BadRow] = []
    for table in TABLES:
        given = tables.get(table, [])
        if not isinstance(given, list):
            raise BadFile(field=table, reason="not_rows")
        spans = _spans(text, table, count=len(given))
        for number, (row, (first, block)) in enumerate(zip(given, spans, strict=True), start=1):
            try:
                rows.append(FileRow(table, number, first, _rule(table, row)))
            except BadRule as refused:
                field = refused.field or ""
                line = _line_of(field, first, block)
                bad.append(BadRow(table, number, line, field, refused.facts["reason"]))
    return Parsed(rows, bad)


def _spans(text: str, table: str, *, count: int) -> list[tuple[int, list[str]]]:
    """First line and text of each row; 0 where a file does not write one header a row."""
    lines = text.split("\n")
    heads = [(n, found[1]) for n, line in enumerate(lines) if (found := HEADER.match(line))]
    ends = [*(n for n, _ in heads), len(lines)][1:]
    spans = [
        (n + 1, lines[n:end]) for (n, name), end in zip(heads, ends, strict=True) if name == table
    ]
    return spans if len(spans) == count else [(0, [])] * count


def _line_of(field: str, first: int, block: list[str]) -> int:
    said = re.compile(rf"\s*{re.escape(field)}\s*=")
    return first + next((n for n, line in enumerate(block) if said.match(line)), 0)


def _rule(table: str, row: Any) -> Rule:
    """Raises BadRule, naming the field."""
    value_name, kinds = TABLES[table]
    if not isinstance(row, dict):
        raise BadRule(field=table, reason="not_a_row")
    _check_types(row, value_name)
    kind = RuleKind.LINK.value if table == "link" else row.get("kind", "")
    if kind not in kinds or row.get("kind", kind) != kind:
        raise BadRule(field="kind", reason="unknown")
    for column, known in KNOWN.items():
        if not known.fullmatch(row.get(column, ANY)):
            raise BadRule(field=column, reason="unknown")
    starts = row["starts"].astimezone(UTC)
    rule = Rule(
        id=_id(table, row),
        kind=kind,
        **{column: row.get(column, ANY) for column in PRECEDENCE},
        announced_at=row.get("announced", starts).astimezone(UTC),
        starts=starts,
        ends=row["ends"].astimezone(UTC) if "ends" in row else None,
        rollout_bp=row.get("rollout_bp", FULL_BP),
        value=int(row[value_name]),
        reason_zh=row["reason_zh"],
        reason_en=row["reason_en"],
        citation=row.get("citation", ""),
        round_id=_uuid("round_id", row["round_id"]) if "round_id" in row else None,
    )
    return check_draft(rule)


def _check_types(row: dict[str, Any], value_name: str) -> None:
    for name, value in row.items():
        if name in TEXTS:
            wanted: type = str
        elif name in INSTANTS:
            wanted = datetime
        elif name in (value_name, "rollout_bp"):
            wanted = VALUES.get(name, int)
        else:
            raise BadRule(field=name, reason="unknown")
        if type(value) is not wanted:
            raise BadRule(field=name, reason=f"not_{_WORDS[wanted]}")
        if isinstance(value, datetime) and value.tzinfo is None:
            raise BadRule(field=name, reason="no_offset")
        if isinstance(value, datetime) and not 1901 < value.year < 2200:
            raise BadRule(field=name, reason="out_of_range")
        if isinstance(value, str) and "\x00" in value:
            raise BadRule(field=name, reason="zero_character")
    for name in (*NEEDED, value_name):
        if name not in row:
            raise BadRule(field=name, reason="missing")


_WORDS: dict[type, str] = {
    str: "text",
    int: "whole_number",
    bool: "true_or_false",
    datetime: "instant",
}


def _id(table: str, row: dict[str, Any]) -> RuleId:
    if "id" in row:
        return RuleId(_uuid("id", row["id"]))
    if row.get("code"):
        return RuleId(derived_id(BOOK, f"{table}:{row['code']}"))
    said = {name: _plain(value) for name, value in sorted(row.items())}
    return RuleId(derived_id(BOOK, f"{table} {json.dumps(said, ensure_ascii=False)}"))


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _uuid(field: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadRule(field=field, reason="not_an_id") from None


def write_book(rules: Iterable[Rule], *, zone: tzinfo) -> str:
    """A file that `parse_book` reads as the same rows. Instants are written in `zone`."""
    parts = ["# A rule book: dougong policy load FILE\n"]
    for rule in sorted(rules, key=lambda one: (_table(one), one.starts, one.kind, str(one.id))):
        table = _table(rule)
        lines = [f"[[{table}]]", f'id = "{rule.id}"']
        if table != "link":
            lines.append(f'kind = "{rule.kind}"')
        for column in PRECEDENCE:
            if getattr(rule, column) != ANY:
                lines.append(f"{column} = {_quoted(getattr(rule, column))}")
        lines.append(f"{TABLES[table][0]} = {_value(rule)}")
        lines.append(f"announced = {_instant(rule.announced_at, zone)}")
        lines.append(f"starts = {_instant(rule.starts, zone)}")
        if rule.ends is not None:
            lines.append(f"ends = {_instant(rule.ends, zone)}")
        if rule.rollout_bp != FULL_BP:
            lines.append(f"rollout_bp = {rule.rollout_bp}")
        for name in ("reason_zh", "reason_en", "citation"):
            lines.append(f"{name} = {_quoted(getattr(rule, name))}")
        if rule.round_id is not None:
            lines.append(f'round_id = "{rule.round_id}"')
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _table(rule: Rule) -> str:
    return next(name for name, (_, kinds) in TABLES.items() if rule.kind in kinds)


def _value(rule: Rule) -> str:
    return str(bool(rule.value)).lower() if rule.kind in LINK_KINDS else str(rule.value)


def _quoted(text: str) -> str:
    """A TOML basic string; what JSON escapes is escaped alike, but for one character more."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _instant(at: datetime, zone: tzinfo) -> str:
    """With an offset of whole minutes, which is all that TOML can say."""
    local = at.astimezone(zone)
    offset = local.utcoffset()
    return (at.astimezone(UTC) if offset is None or offset.seconds % 60 else local).isoformat()
