"""Rules and facts with named defaults."""

from datetime import UTC, datetime, timedelta
from typing import Any

from dougong.base.ids import RuleId, new_id
from dougong.policy.rules import Facts, Rule

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def a_rule(**changes: Any) -> Rule:
    values: dict[str, Any] = {
        "id": RuleId(new_id()),
        "kind": "platform_service_fee",
        "announced_at": NOW - timedelta(days=3),
        "starts": NOW,
        "ends": None,
        "value": 500,
        "reason_zh": "平台服务费",
        "reason_en": "Platform service fee",
    }
    changed = values | changes
    changed["announced_at"] = min(changed["announced_at"], changed["starts"])
    return Rule(**changed)


def facts(**changes: Any) -> Facts:
    values: dict[str, Any] = {
        "kind": "platform_service_fee",
        "source": "own",
        "surface": "video",
        "category": "beauty/skincare",
        "route": "direct",
        "party_class": "merchant",
        "party": "m-1",
        "merchant_class": "standard",
        "at": NOW,
    }
    return Facts(**values | changes)
