"""A rule book from a file: every bad row is reported, and all rows are taken or none.

A row that is there already, by its id, is left alone: the same file again changes nothing. Who
loads a file stands for its approval, as a second person beside its author.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK, PersonId, RuleId, derived_id
from dougong.infra import events
from dougong.policy.commands import install_rules
from dougong.policy.queries import draft_ids, rules_book
from dougong.policy.rule_file import BadRow, FileRow, parse_book
from dougong.policy.rules import PRECEDENCE, Rule
from dougong.reads.agreed import anything_agreed


class LoadReport(msgspec.Struct, frozen=True):
    """`made` new rows; `kept` were there before. With any bad row nothing is made."""

    rows: int
    made: int
    kept: int
    bad: list[BadRow]


async def load_rules(
    conn: AsyncConnection,
    *,
    data: bytes,
    at: datetime,
    author_id: PersonId | None = None,
    approver_id: PersonId | None = None,
    is_history: bool = False,
) -> LoadReport:
    """Take a file's rows in as approved. Without people, the platform's own two stand for them.

    Rows that begin before `at` are bad once an order, a link or a task is there, unless
    `is_history`: they decide nothing that was agreed, but a wrong date should not pass unseen.
    Raises BadFile, SecondPersonNeeded.
    """
    parsed = parse_book(data)
    there = (await rules_book(conn, fresh=True)).by_id
    may_begin_before = is_history or not await anything_agreed(conn)
    fresh, bad = _sorted_out(
        parsed.rows,
        there=there,
        drafts=await draft_ids(conn),
        earliest=None if may_begin_before else at,
    )
    bad = [*parsed.bad, *bad, *_overlaps(fresh, there.values())]
    rows = len(parsed.rows) + len(parsed.bad)
    if bad:
        order = sorted(bad, key=lambda one: (one.line, one.table, one.number))
        return LoadReport(rows, 0, 0, order)
    made = await install_rules(
        conn,
        rules=[row.rule for row in fresh],
        at=at,
        author_id=author_id or PersonId(derived_id(PLATFORM_BOOK, "author")),
        approver_id=approver_id or PersonId(derived_id(PLATFORM_BOOK, "approver")),
    )
    if made:
        file_id = derived_id(PLATFORM_BOOK, f"rules {data.decode('utf-8-sig')}")
        facts = {"made": made, "rows": rows}
        await events.record(conn, "policy.rules_loaded", subject_id=file_id, at=at, facts=facts)
    return LoadReport(rows, made, rows - made, [])


def _sorted_out(
    rows: Iterable[FileRow],
    *,
    there: Mapping[RuleId, Rule],
    drafts: Collection[RuleId],
    earliest: datetime | None,
) -> tuple[list[FileRow], list[BadRow]]:
    """Rows that are new, and those that cannot be taken; what is there already is neither."""
    first: dict[RuleId, FileRow] = {}
    fresh: list[FileRow] = []
    bad: list[BadRow] = []
    for row in rows:
        rule = row.rule
        if first.setdefault(rule.id, row) is not row:
            bad.append(_bad(row, "code", "repeated", _place(first[rule.id])))
        elif rule.id in drafts:
            bad.append(_bad(row, "id", "waits_for_approval"))
        elif rule.id in there:
            if field := _difference(rule, there[rule.id]):
                bad.append(_bad(row, field, "differs"))
        elif earliest is not None and rule.starts < earliest:
            bad.append(_bad(row, "starts", "in_the_past"))
        else:
            fresh.append(row)
    return fresh, bad


def _bad(row: FileRow, field: str, reason: str, other: str = "") -> BadRow:
    return BadRow(row.table, row.number, row.line, field, reason, other)


def _place(row: FileRow) -> str:
    return f"line {row.line}" if row.line else f"[[{row.table}]] {row.number}"


def _difference(rule: Rule, kept: Rule) -> str | None:
    """The first field that an approved row says otherwise. It may have ended earlier since."""
    for name in Rule.__struct_fields__:
        if getattr(rule, name) != getattr(kept, name):
            ended = kept.ends is not None and (rule.ends is None or kept.ends < rule.ends)
            if name == "ends" and ended:
                continue
            return "announced" if name == "announced_at" else name
    return None


def _overlaps(fresh: Iterable[FileRow], approved: Iterable[Rule]) -> list[BadRow]:
    """Rows whose columns and time are taken, by an approved row or by one before it in the file."""
    taken: dict[tuple[str, ...], list[tuple[Rule, str]]] = defaultdict(list)
    for rule in approved:
        taken[_columns(rule)].append((rule, str(rule.id)))
    found = []
    for row in fresh:
        there = taken[_columns(row.rule)]
        if clash := next((place for one, place in there if _meet(one, row.rule)), None):
            found.append(_bad(row, "starts", "overlaps", clash))
        there.append((row.rule, _place(row)))
    return found


def _columns(rule: Rule) -> tuple[str, ...]:
    return (rule.kind, *(getattr(rule, column) for column in PRECEDENCE))


def _meet(one: Rule, two: Rule) -> bool:
    return (one.ends is None or two.starts < one.ends) and (
        two.ends is None or one.starts < two.ends
    )
