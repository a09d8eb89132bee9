"""Words and pictures of freight insurance."""

from collections.abc import Sequence
from typing import Any

from dougong.reads.insurance import Month
from dougong.web.i18n import gettext


def pool_chart(months: Sequence[Month]) -> dict[str, Any]:
    """Premiums and claims by month as bars, what is left as a line, in minor units."""
    series = [
        ("bar", gettext("Premiums"), [one.premium_minor for one in months], "#2f7f86"),
        ("bar", gettext("Paid for returns"), [one.claim_minor for one in months], "#d1331a"),
        ("line", gettext("Result"), [one.result_minor for one in months], "#466b9c"),
    ]
    return {
        "grid": {"left": 8, "right": 16, "top": 40, "bottom": 4, "containLabel": True},
        "tooltip": {"trigger": "axis"},
        "legend": {"top": 0},
        "xAxis": {"type": "category", "data": [one.month for one in months]},
        "yAxis": {"type": "value"},
        "series": [
            {
                "type": kind,
                "name": name,
                "data": data,
                "showSymbol": True,
                "itemStyle": {"color": colour},
            }
            for kind, name, data, colour in series
        ],
    }
