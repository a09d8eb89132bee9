"""The terms of a date: the policy book asked once per stretch of time in which no rule changes."""

from bisect import bisect_right
from datetime import datetime
from uuid import UUID

from dougong.base.money import FULL_BP
from dougong.orders.history_rules import RowRefused, Terms
from dougong.policy.queries import RuleBook
from dougong.policy.rules import Facts, Rule, RuleKind

KINDS = (
    RuleKind.PLATFORM_SERVICE_FEE,
    RuleKind.PAYMENT_COST,
    RuleKind.PAY_WITHIN_S,
    RuleKind.RECEIVE_WITHIN_S,
    RuleKind.AFTER_SALES_WINDOW_S,
)


class DatedTerms:
    """What the rules say of one store's orders, by date: as for a live order that no link led to
    and whose goods are of no known category."""

    def __init__(self, rules: RuleBook, *, merchant_id: UUID, merchant_class: str) -> None:
        self._rules = rules
        self._merchant_id, self._merchant_class = merchant_id, merchant_class
        kinds = {kind.value for kind in KINDS}
        ours = [rule for rule in rules.rules if rule.kind in kinds]
        ends = {rule.ends for rule in ours if rule.ends is not None}
        self._changes = sorted({rule.starts for rule in ours} | ends)
        self._known: dict[int, Terms | RowRefused] = {}

    def at(self, instant: datetime) -> Terms:
        """Raises RowRefused where a rule is missing, or where fees are above the whole."""
        stretch = bisect_right(self._changes, instant)
        found = self._known.get(stretch)
        if found is None:
            found = self._known[stretch] = self._decide(instant)
        if isinstance(found, RowRefused):
            raise RowRefused(found.field, found.reason)
        return found

    def _decide(self, instant: datetime) -> Terms | RowRefused:
        rules: list[Rule] = []
        for kind in KINDS:
            rule = self._rules.decide(self._facts(kind.value, instant)).rule
            if rule is None:
                return RowRefused("created", f"no_rule_for_{kind.value}")
            rules.append(rule)
        fee, cost, pay, receive, window = rules
        if fee.value + cost.value > FULL_BP:
            return RowRefused("created", "fees_above_whole")
        return Terms(
            service_fee_bp=fee.value,
            service_fee_rule_id=fee.id,
            payment_cost_bp=cost.value,
            payment_cost_rule_id=cost.id,
            pay_within_s=pay.value,
            receive_within_s=receive.value,
            receive_rule_id=receive.id,
            after_sales_window_s=window.value,
            after_sales_rule_id=window.id,
        )

    def _facts(self, kind: str, instant: datetime) -> Facts:
        return Facts(
            kind=kind,
            source="own",
            surface="search",
            category="*",
            route="direct",
            party_class="merchant",
            party=str(self._merchant_id),
            merchant_class=self._merchant_class,
            at=instant,
        )
