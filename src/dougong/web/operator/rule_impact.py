"""Before a rule is approved: what would be under another verdict, listed, charted, as a file."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.base.errors import NotFound
from dougong.base.ids import RuleId
from dougong.policy.rules import Rule
from dougong.reads.operator_rules import RuleRow, rule_rows
from dougong.reads.policy_impact import DAYS, Impact, impact_of
from dougong.web.deps import Conn, Now
from dougong.web.i18n import gettext, mark
from dougong.web.operator.common import csv_file
from dougong.web.operator.rules import COLUMNS, FAMILIES, KINDS, Screen
from dougong.web.operator.words import cell_words
from dougong.web.render import page

READ: dict[str, Any] = {"permission": Permission.RULE_READ, "include_in_schema": False}
MOST_SHOWN = 100
HEAD = ("owner", "kind", "links_hidden", "links_shown", "clicks", "orders", "paid_minor",
        "fee_before_minor", "fee_after_minor")  # fmt: skip


@get("/operator/{screen:str}/{rule_id:uuid}/impact", **READ)
async def impact_page(
    screen: FromPath[Screen],
    rule_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    file: FromQuery[str] = "",
) -> Response[Any]:
    """What stands now and what the last days sold, with and without the row."""
    rows = await rule_rows(conn, family=FAMILIES[screen])
    row = next((one for one in rows if one.id == rule_id), None)
    if row is None:
        raise NotFound
    found = await impact_of(conn, rule=_rule(row), now=now)
    if file == "csv":
        return csv_file(f"impact-{row.starts:%Y-%m-%d}", HEAD, map(_csv_row, found.owners))
    return page(
        request,
        "operator/rule_impact.html",
        screen=screen,
        row=row,
        state=row.state_at(now),
        impact=found,
        owners=found.owners[:MOST_SHOWN],
        more=max(0, len(found.owners) - MOST_SHOWN),
        days=DAYS,
        kinds={kind: gettext(words) for kind, words in KINDS.items()},
        columns={column: gettext(words) for column, words in COLUMNS.items()},
        cell_words=cell_words,
        chart=_chart(found, screen),
        was_missed=row.approved_at is None and row.starts < now,
    )


def _rule(row: RuleRow) -> Rule:
    columns = {name: getattr(row, name) for name in COLUMNS}
    return Rule(
        id=RuleId(row.id), kind=row.kind, **columns, announced_at=row.announced_at,
        starts=row.starts, ends=row.ends, rollout_bp=row.rollout_bp, value=row.value,
        reason_zh=row.reason_zh, reason_en=row.reason_en, citation=row.citation,
    )  # fmt: skip


def _csv_row(owner: Any) -> list[Any]:
    return [
        owner.name_zh, owner.kind, owner.denied, owner.allowed, owner.clicks, owner.orders,
        owner.paid_minor, owner.before_minor, owner.after_minor,
    ]  # fmt: skip


def _chart(found: Impact, screen: str) -> dict[str, Any]:
    """By local day: what the links concerned brought, or the fee then and now."""
    days = sorted(found.by_day)
    if screen == "link-rules":
        series = [(mark("Clicks"), 0), (mark("Orders"), 1)]
    else:
        series = [(mark("Fee as it is"), 1), (mark("Fee with this rule"), 2)]
    return {
        "tooltip": {"trigger": "axis"},
        "legend": {"top": 0},
        "grid": {"left": 8, "right": 8, "top": 36, "bottom": 4, "containLabel": True},
        "xAxis": {"type": "category", "data": [f"{day:%m-%d}" for day in days]},
        "yAxis": {"type": "value"},
        "series": [
            {
                "type": "bar",
                "name": gettext(words),
                "data": [found.by_day[day][n] for day in days],
            }
            for words, n in series
        ],
    }


HANDLERS: list[HTTPRouteHandler] = [impact_page]
