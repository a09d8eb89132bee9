"""Pictures of a run: orders by outcome, differences by age."""

from typing import Any

from dougong.reads.operator_reconciliation import ReasonRow, SumRow
from dougong.web.i18n import gettext
from dougong.web.operator import reconciliation_words as words


def outcome_chart(sums: list[SumRow]) -> dict[str, Any]:
    """Orders by outcome."""
    found = {key: sum(one.orders for one in sums if one.outcome == key) for key in words.OUTCOMES}
    there = [key for key, orders in found.items() if orders]
    return {
        "grid": {"left": 8, "right": 56, "top": 8, "bottom": 4, "containLabel": True},
        "xAxis": {"type": "value", "show": False},
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": [gettext(words.OUTCOMES[key][0]) for key in there],
        },
        "series": [
            {
                "type": "bar",
                "name": gettext("Orders"),
                "label": {"show": True, "position": "right"},
                "data": [
                    {"value": found[key], "itemStyle": {"color": words.OUTCOMES[key][1]}}
                    for key in there
                ],
            }
        ],
    }


def age_chart(reasons: list[ReasonRow]) -> dict[str, Any]:
    """Differences by age, stacked by outcome."""
    buckets = words.ages()
    there = [key for key in words.OUTCOMES if any(one.outcome == key for one in reasons)]
    return {
        "legend": {"top": 0, "icon": "roundRect", "itemWidth": 12, "itemHeight": 8},
        "grid": {"left": 8, "right": 12, "top": 56, "bottom": 4, "containLabel": True},
        "xAxis": {"type": "category", "data": buckets},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {
                "type": "bar",
                "stack": "age",
                "name": gettext(words.OUTCOMES[key][0]),
                "itemStyle": {"color": words.OUTCOMES[key][1]},
                "data": [
                    sum(one.ages[n] for one in reasons if one.outcome == key)
                    for n in range(len(buckets))
                ],
            }
            for key in there
        ],
    }
