"""How a merchant stands, in words: metrics, measures, violations, states."""

from typing import Any

from dougong.standing.rules import Measure, Metric, PartScore
from dougong.web.i18n import gettext, mark

METRICS = {
    Metric.SHIPPED_IN_TIME: mark("Shipped in time"),
    Metric.NOT_SENT_BACK: mark("Kept by the buyer"),
    Metric.ANSWERED_IN_TIME: mark("Cases answered in time"),
    Metric.RULED_FOR: mark("Disputes won"),
}
MEASURES = {
    Measure.NONE: mark("No measure"),
    Measure.NO_NEW_LINKS: mark("No new product links"),
}
STATES = {
    "decided": mark("In force"),
    "appealed": mark("Appealed"),
    "upheld": mark("Upheld"),
    "reversed": mark("Taken back"),
}
VIOLATIONS = {
    "late_shipping": mark("Shipped late"),
    "fake_shipping": mark("Fake shipping"),
    "counterfeit": mark("Counterfeit goods"),
}


def metric_words(metric: str) -> str:
    return gettext(METRICS[Metric(metric)])


def measure_words(measure: str) -> str:
    return gettext(MEASURES[Measure(measure)])


def violation_words(violation: str) -> str:
    """An operator's own violations are shown by their code."""
    return gettext(VIOLATIONS[violation]) if violation in VIOLATIONS else violation


def state_words(state: str) -> str:
    return gettext(STATES[state])


def standing_words() -> dict[str, Any]:
    return {
        "metric_words": metric_words,
        "measure_words": measure_words,
        "violation_words": violation_words,
        "penalty_state": state_words,
    }


def score_chart(days: list[Any]) -> dict[str, Any]:
    """Score by day, 0 to 100."""
    return {
        "grid": {"left": 8, "right": 16, "top": 16, "bottom": 4, "containLabel": True},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": [day.day.isoformat() for day in days]},
        "yAxis": {"type": "value", "min": 0, "max": 100},
        "series": [
            {
                "type": "line",
                "name": gettext("Score"),
                "connectNulls": True,
                "smooth": True,
                "data": [
                    None if day.score_bp is None else round(day.score_bp / 100, 2) for day in days
                ],
            }
        ],
    }


def sum_words(parts: list[PartScore] | tuple[PartScore, ...]) -> str:
    """The weighted mean as one would type it: (40 × 87.5 + 30 × 100) ÷ 70."""
    counted = [part for part in parts if part.points_bp is not None]
    above = " + ".join(
        f"{_hundredths(p.weight_bp)} × {_hundredths(p.points_bp or 0)}" for p in counted
    )
    return f"({above}) ÷ {_hundredths(sum(p.weight_bp for p in counted))}" if counted else ""


def _hundredths(bp: int) -> str:
    return f"{bp / 100:.2f}".rstrip("0").rstrip(".")
