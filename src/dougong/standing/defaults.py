"""The rules about merchants that a new platform starts with; every one is replaceable by a row."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec

from dougong.base.ids import derived_id
from dougong.standing.rules import (
    ANY,
    KINDS,
    Deposit,
    Formula,
    Measure,
    Metric,
    Part,
    Tariff,
    Terms,
)

FIRST_DAY = datetime(2017, 12, 31, 16, tzinfo=UTC)  # 2018-01-01 00:00 in Asia/Shanghai
CITATION = "Dougong default rules, 2018-01-01"
_DEFAULTS = UUID("00000000-0000-7000-8000-0000000000d3")


class DefaultRule(msgspec.Struct, frozen=True):
    id: UUID
    kind: str
    subject: str
    terms: Terms
    reason_zh: str
    reason_en: str


def _tariff(fixed: int, share_bp: int, most: int, measure: Measure, days: int) -> Tariff:
    return Tariff(fixed, share_bp, most, "CNY", measure, days, 7)


_ROWS: tuple[tuple[str, Terms, str, str], ...] = (
    (ANY, Deposit(200_000, "CNY"), "基础保证金", "The basic deposit"),
    ("digital", Deposit(500_000, "CNY"), "数码类目客单价高", "Electronics sell at high prices"),
    ("fashion/jewellery", Deposit(1_000_000, "CNY"), "珠宝类目风险高", "Jewellery is a high risk"),
    (
        ANY,
        Formula(
            days=30,
            parts=(
                Part(Metric.SHIPPED_IN_TIME, 4_000, 5_000, 9_800),
                Part(Metric.NOT_SENT_BACK, 3_000, 6_000, 9_700),
                Part(Metric.ANSWERED_IN_TIME, 2_000, 6_000, 9_500),
                Part(Metric.RULED_FOR, 1_000, 0, 9_000),
            ),
        ),
        "商家体验分：发货、品质、服务、纠纷",
        "Experience score: shipping, quality, service, disputes",
    ),
    (
        "late_shipping",
        _tariff(0, 500, 100_000, Measure.NONE, 0),
        "超时未发货：实付金额的 5 %，最高 1 000 元",
        "Shipped late: 5 % of what was paid, at most 1 000 yuan",
    ),
    (
        "fake_shipping",
        _tariff(50_000, 1_000, 500_000, Measure.NO_NEW_LINKS, 7),
        "虚假发货",
        "A parcel that was never sent",
    ),
    (
        "counterfeit",
        _tariff(500_000, 10_000, 5_000_000, Measure.NO_NEW_LINKS, 30),
        "销售假冒商品",
        "Counterfeit goods",
    ),
)


def default_rules() -> list[DefaultRule]:
    """The same rows with the same ids, on every platform."""
    return [
        DefaultRule(
            id=derived_id(_DEFAULTS, f"{KINDS[type(terms)]}:{subject}"),
            kind=KINDS[type(terms)].value,
            subject=subject,
            terms=terms,
            reason_zh=reason_zh,
            reason_en=reason_en,
        )
        for subject, terms, reason_zh, reason_en in _ROWS
    ]
