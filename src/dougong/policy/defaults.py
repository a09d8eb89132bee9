"""The rules that a new platform starts with: believable, dated, and every one replaceable by a row.

They hold from the first day of 2018 in Shanghai, so that history loaded from then on is judged by
the same rules. A category's own rate is one of plain sales (route `direct`): what comes through a
task pays what tasks pay.
"""

from datetime import UTC, datetime
from uuid import UUID

from dougong.base.ids import RuleId, derived_id
from dougong.policy.rules import ANY, Rule, RuleKind

FIRST_DAY = datetime(2017, 12, 31, 16, tzinfo=UTC)  # 2018-01-01 00:00 in Asia/Shanghai
_DEFAULTS = UUID("00000000-0000-7000-8000-0000000000d1")

_DAY_S = 86_400
_FEE, _COMMISSION = RuleKind.PLATFORM_SERVICE_FEE, RuleKind.CREATOR_COMMISSION
_CUT, _COST = RuleKind.COMMISSION_CUT, RuleKind.PAYMENT_COST
_PAY, _RECEIVE = RuleKind.PAY_WITHIN_S, RuleKind.RECEIVE_WITHIN_S
_WINDOW = RuleKind.AFTER_SALES_WINDOW_S

# kind, source, category, value, why (zh), why (en)
_ROWS: tuple[tuple[RuleKind, str, str, int, str, str], ...] = (
    (_FEE, "own", "*", 500, "小店成交的平台服务费", "Platform service fee on mini-store sales"),
    (_FEE, "own", "digital", 200, "数码类目利润薄", "Electronics leave thin margins"),
    (_FEE, "own", "food", 300, "鼓励日常食品复购", "Everyday food should be bought again"),
    (_FEE, "own", "culture/books", 200, "支持阅读", "Reading is worth supporting"),
    (_FEE, "own", "fashion/jewellery", 400, "珠宝客单价高", "Jewellery sells at high prices"),
    (_FEE, "own", "beauty", 500, "美妆类目标准费率", "The standard rate of beauty"),
    (_COMMISSION, "own", "*", 1000, "商品未设佣金时的默认佣金", "Where the product offers none"),
    (_CUT, "own", "*", 1000, "平台从创作者佣金中的分成", "The platform's part of the commission"),
    (_COST, "*", "*", 60, "支付渠道成本", "What the payment channel costs"),
    (_PAY, "*", "*", 900, "下单后 15 分钟内付款", "Pay within 15 minutes of ordering"),
    (
        _RECEIVE,
        "*",
        "*",
        10 * _DAY_S,
        "发货 10 天后自动确认收货",
        "Received 10 days after shipping",
    ),
    (_WINDOW, "*", "*", 7 * _DAY_S, "收货后 7 天售后期", "Seven days to return after receipt"),
)


def default_rules() -> list[Rule]:
    """The same rows with the same ids, on every platform."""
    return [
        Rule(
            id=RuleId(derived_id(_DEFAULTS, f"{kind.value}:{source}:{category}")),
            kind=kind.value,
            source=source,
            category=category,
            route=ANY if category == ANY else "direct",
            announced_at=FIRST_DAY,
            starts=FIRST_DAY,
            ends=None,
            value=value,
            reason_zh=reason_zh,
            reason_en=reason_en,
            citation="Dougong default rules, 2018-01-01",
        )
        for kind, source, category, value, reason_zh, reason_en in _ROWS
    ]
