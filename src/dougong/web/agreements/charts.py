"""Charts of a round as plain data for ECharts."""

from typing import Any

from dougong.partners.rules import MONEY_UNITS
from dougong.reads.partner_progress import ComponentProgress, Progress
from dougong.reads.partner_rounds import RoundNames
from dougong.web.agreements.words import COMPONENTS, said
from dougong.web.i18n import gettext, mark, pick

LAST, THIS, AHEAD = "#c9bdb3", "#d1331a", "#e8a13a"


def _share(amount: int | None, committed: int) -> float:
    return 0 if amount is None else round(100 * amount / committed, 1)


def progress_chart(state: Progress) -> dict[str, Any]:
    """Delivered and both forecasts in per cent of what is promised, component by component."""
    found = state.components
    series = (
        (gettext(mark("Delivered, % of promised")), [one.delivered for one in found], THIS),
        (gettext(mark("Straight-line forecast, %")), [one.straight_line for one in found], AHEAD),
        (gettext(mark("Seasonal forecast, %")), [one.seasonal for one in found], "#2f7f86"),
    )
    return {
        "xAxis": {"type": "category", "data": [said(COMPONENTS, one.kind) for one in found]},
        "yAxis": {"type": "value"},
        "legend": {"bottom": 0},
        "grid": {"left": 8, "right": 12, "top": 16, "bottom": 92, "containLabel": True},
        "series": [
            {
                "type": "bar",
                "name": name,
                "data": [_share(a, one.committed) for a, one in zip(amounts, found, strict=True)],
                "itemStyle": {"color": colour},
            }
            for name, amounts, colour in series
        ],
    }


def rounds_chart(state: Progress, names: RoundNames, last: RoundNames) -> dict[str, Any]:
    """Money promised in the last round and in this one, side by side."""
    found = [one for one in state.components if one.unit in MONEY_UNITS and one.last_committed]
    series = (
        (pick(last, "name"), [one.last_committed for one in found], LAST),
        (pick(names, "name"), [one.committed for one in found], THIS),
    )
    return {
        "xAxis": {"type": "category", "data": [said(COMPONENTS, one.kind) for one in found]},
        "yAxis": {"type": "value"},
        "series": [
            {"type": "bar", "name": name, "data": data, "itemStyle": {"color": colour}}
            for name, data, colour in series
        ],
    }


def season_chart(one: ComponentProgress) -> dict[str, Any]:
    """What each twelfth of the time brought, in this round and in the last one."""
    series = [(gettext(mark("This round")), one.months, THIS)]
    if one.last_months:
        series.insert(0, (gettext(mark("The last round")), one.last_months, LAST))
    return {
        "xAxis": {"type": "category", "data": [f"{n}/12" for n in range(1, 13)]},
        "yAxis": {"type": "value"},
        "series": [
            {"type": "bar", "name": name, "data": data, "itemStyle": {"color": colour}}
            for name, data, colour in series
        ],
    }
