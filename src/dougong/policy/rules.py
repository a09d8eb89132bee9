"""Decision tables: of the rows in force at an instant, the most specific one wins.

A row matches on seven columns; `*` is the value "any". The columns weigh in the order of
PRECEDENCE: a row that names the party beats every row that does not, whatever else they say; only
between equals does the next column decide. A category matches everything below it, and the deeper
path is the more specific. The source `outside` matches every source but `own`, and is less specific
than a source's code. Two approved rows with the same columns never overlap in time (exclusion
constraint), so at every instant exactly one row wins, or none.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from dougong.base.decisions import ranked
from dougong.base.errors import BadInput, Conflict, Refusal
from dougong.base.ids import RuleId
from dougong.base.money import FULL_BP

ANY = "*"
OWN = "own"  # the source that is no third party
OUTSIDE = "outside"  # in a row's source: any source but `own`
LONGEST_TERM_S = 31_536_000  # one year
LONGEST_KEPT_S = 315_360_000  # ten years, for evidence

# The printed order: from the column that weighs most to the one that weighs least.
PRECEDENCE = ("party", "merchant_class", "party_class", "category", "route", "surface", "source")


class RuleKind(StrEnum):
    """What a row decides: a rate in basis points (fees), a span in seconds (terms), or whether a
    product link may stand (link)."""

    PLATFORM_SERVICE_FEE = "platform_service_fee"
    CREATOR_COMMISSION = "creator_commission"
    COMMISSION_CUT = "commission_cut"
    PAYMENT_COST = "payment_cost"
    GIFT_FEE = "gift_fee"  # what the platform keeps of a gift in a live room
    PAY_WITHIN_S = "pay_within_s"
    SHIP_WITHIN_S = "ship_within_s"  # what the buyer is promised, from the payment on
    RECEIVE_WITHIN_S = "receive_within_s"
    AFTER_SALES_WINDOW_S = "after_sales_window_s"
    EVIDENCE_KEPT_S = "evidence_kept_s"
    EXPLAINED_GRACE_S = "explained_grace_s"
    CASE_ANSWER_S = "case_answer_s"
    CASE_OFFER_S = "case_offer_s"
    CASE_ESCALATE_S = "case_escalate_s"
    CASE_SHIP_BACK_S = "case_ship_back_s"
    CASE_RECEIVE_BACK_S = "case_receive_back_s"
    CASE_INSPECT_S = "case_inspect_s"
    CASE_RESEND_S = "case_resend_s"
    CASE_CONFIRM_S = "case_confirm_s"
    CASE_RULE_S = "case_rule_s"
    CASE_APPEAL_S = "case_appeal_s"
    CASE_LATE_S = "case_late_s"  # after an order is final
    PRICE_PROTECTED_S = "price_protected_s"  # after it was paid
    LINK = "link"


FEE_KINDS = frozenset(
    {
        RuleKind.PLATFORM_SERVICE_FEE,
        RuleKind.CREATOR_COMMISSION,
        RuleKind.COMMISSION_CUT,
        RuleKind.PAYMENT_COST,
        RuleKind.GIFT_FEE,
    }
)
LINK_KINDS = frozenset({RuleKind.LINK})
TERM_KINDS = frozenset(RuleKind) - FEE_KINDS - LINK_KINDS

# The highest value of each kind, by its name.
MOST = (
    {kind.value: FULL_BP for kind in FEE_KINDS}
    | {kind.value: LONGEST_TERM_S for kind in TERM_KINDS}
    | {kind.value: 1 for kind in LINK_KINDS}
    | {RuleKind.EVIDENCE_KEPT_S.value: LONGEST_KEPT_S}
)

# What holds where no row is in force: an order must never end in the moment it is placed, nor its
# money be shared out in the moment it is shipped; what a live room showed is kept three years
# (China's E-Commerce Law, article 31, asks that of transaction information).
TERM_WITHOUT_RULE = {
    RuleKind.PAY_WITHIN_S: 900, RuleKind.SHIP_WITHIN_S: 48 * 3_600,
    RuleKind.RECEIVE_WITHIN_S: 10 * 86_400,
    RuleKind.AFTER_SALES_WINDOW_S: 7 * 86_400,
    RuleKind.EVIDENCE_KEPT_S: 1_096 * 86_400,
    RuleKind.EXPLAINED_GRACE_S: 300,
} | {
    RuleKind(f"{what}_s"): days * 86_400
    for what, days in (
        ("case_answer", 2), ("case_offer", 3), ("case_escalate", 7), ("case_ship_back", 7),
        ("case_receive_back", 10), ("case_inspect", 3), ("case_resend", 3), ("case_confirm", 10),
        ("case_rule", 7), ("case_appeal", 3), ("case_late", 30), ("price_protected", 15),
    )
}  # fmt: skip


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One dated row. In force in the half-open window [starts, ends); `ends` None: until further
    notice. `value`: basis points for a fee, seconds for a term, 1 or 0 (allowed or not) for a link.
    `rollout_bp`: for how many of ten thousand parties the row is there at all. `round_id`: the
    signed agreement round that announced the row, if one did."""

    id: RuleId
    kind: str
    source: str = ANY
    surface: str = ANY
    category: str = ANY
    route: str = ANY
    party_class: str = ANY
    party: str = ANY
    merchant_class: str = ANY
    announced_at: datetime
    starts: datetime
    ends: datetime | None
    rollout_bp: int = FULL_BP
    value: int
    reason_zh: str
    reason_en: str
    citation: str = ""
    round_id: UUID | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one case; the words are those of the rows."""

    kind: str
    source: str
    surface: str
    category: str
    route: str
    party_class: str
    party: str
    merchant_class: str
    at: datetime


class Lost(StrEnum):
    """Why a row did not decide a case."""

    OTHER_KIND = "other_kind"
    NO_MATCH = "no_match"
    NOT_YET = "not_yet"
    OVER = "over"
    OUTSIDE_ROLLOUT = "outside_rollout"
    LESS_SPECIFIC = "less_specific"


class Considered(msgspec.Struct, frozen=True):
    """A row that lost. `column`: where it did not match, or where the winner names more."""

    rule: Rule
    why: Lost
    column: str = ""


class Verdict(msgspec.Struct, frozen=True):
    """The row that decides, or None; and why every other row does not."""

    rule: Rule | None
    considered: tuple[Considered, ...] = ()


class LinkVerdict(msgspec.Struct, frozen=True):
    """Whether a link may stand, and the row that says so; None where no row says anything."""

    allowed: bool
    rule: Rule | None

    @property
    def reason_zh(self) -> str:
        return self.rule.reason_zh if self.rule else WITHOUT_RULE[self.allowed][0]

    @property
    def reason_en(self) -> str:
        return self.rule.reason_en if self.rule else WITHOUT_RULE[self.allowed][1]


# Why, in zh and en, where no row says anything: own goods may be shown, others need a row.
WITHOUT_RULE = {
    True: ("没有规则限制小店商品", "No rule keeps own-store goods out"),
    False: ("没有规则允许该来源", "No rule lets this source in"),
}


class RuleState(StrEnum):
    """Where a row stands at an instant."""

    DRAFT = "draft"
    ANNOUNCED = "announced"
    IN_FORCE = "in_force"
    ENDED = "ended"


class BadRule(BadInput):
    """A draft that cannot be a rule. `field` names the column."""

    code = "bad_rule"
    status = 422


class RuleOverlaps(Conflict):
    """Another approved rule with the same columns is in force in part of that time."""

    code = "rule_overlaps"


class SecondPersonNeeded(Refusal):
    """Who drafted a rule cannot approve it."""

    code = "second_person_needed"
    status = 403


class RuleNotOpen(Conflict):
    """Not a draft any more, or (when ending) not in force until later than asked."""

    code = "rule_not_open"


class RuleInPast(Refusal):
    """A rule decides from now on at the earliest: what was agreed is not touched."""

    code = "rule_in_past"


def matches(rule: Rule, facts: Facts) -> bool:
    """Whether kind and all columns of the row fit, whatever the time and the rollout."""
    return rule.kind == facts.kind and mismatch(rule, facts) is None


def mismatch(rule: Rule, facts: Facts) -> str | None:
    """The first column, in order of PRECEDENCE, that does not fit."""
    for column in PRECEDENCE:
        wanted, found = getattr(rule, column), getattr(facts, column)
        if wanted in (ANY, found):
            continue
        if column == "category" and found.startswith(wanted + "/"):
            continue
        if column == "source" and wanted == OUTSIDE and found != OWN:
            continue
        return column
    return None


def specificity(rule: Rule) -> tuple[int, ...]:
    """Compared like a word: column after column, larger is more specific."""
    return tuple(_weight(column, getattr(rule, column)) for column in PRECEDENCE)


def _weight(column: str, value: str) -> int:
    if value == ANY:
        return 0
    if column == "source":
        return 1 if value == OUTSIDE else 2
    return 1 + value.count("/") if column == "category" else 1


def in_rollout(rule: Rule, party: str) -> bool:
    """Whether the row is there for this party.

    A stable hash (SHA-256) of what is rolled out and to whom: the kind and the columns, not the
    row's id, so that whoever is in at ten per cent is still in when a later row says fifty.
    """
    return rollout_place(rule, party) < rule.rollout_bp


def rollout_place(rule: Rule, party: str) -> int:
    """The party's place in the queue, 0 to 9 999."""
    columns = (getattr(rule, column) for column in PRECEDENCE)
    text = "|".join((rule.kind, *columns, party))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") % FULL_BP


def why_not(rule: Rule, facts: Facts) -> Lost | None:
    """Why a row is no candidate; None where it is one."""
    if rule.kind != facts.kind:
        return Lost.OTHER_KIND
    if mismatch(rule, facts):
        return Lost.NO_MATCH
    if facts.at < rule.starts:
        return Lost.NOT_YET
    if rule.ends is not None and facts.at >= rule.ends:
        return Lost.OVER
    return None if in_rollout(rule, facts.party) else Lost.OUTSIDE_ROLLOUT


def decide(rules: Iterable[Rule], facts: Facts) -> Verdict:
    """The most specific row in force, and why the others lost. Raises AmbiguousRules."""
    candidates: list[Rule] = []
    lost: list[Considered] = []
    for rule in rules:
        why = why_not(rule, facts)
        if why is None:
            candidates.append(rule)
        elif why is not Lost.OTHER_KIND:
            column = mismatch(rule, facts) or ""
            lost.append(Considered(rule, why, column))
    if not candidates:
        return Verdict(None, tuple(lost))
    (winner, _), *others = ranked(candidates, specificity=specificity, columns=PRECEDENCE)
    lost += [Considered(other, Lost.LESS_SPECIFIC, column) for other, column in others]
    return Verdict(winner, tuple(lost))


def link_case(
    *,
    source: str,
    surface: str,
    category: str,
    route: str,
    creator: str,
    at: datetime,
    merchant_class: str = "",
) -> Facts:
    """The facts of a product link. Its party is the creator's organisation; `merchant_class` is
    known only of a store's own product."""
    return Facts(
        kind=RuleKind.LINK.value,
        source=source,
        surface=surface,
        category=category or ANY,
        route=route,
        party_class="creator",
        party=creator,
        merchant_class=merchant_class,
        at=at,
    )


def task_fee_case(*, source: str, surface: str, category: str, creator: str, at: datetime) -> Facts:
    """The facts of the platform service fee on a task's price: the creator pays it."""
    return Facts(
        kind=RuleKind.PLATFORM_SERVICE_FEE.value,
        source=source,
        surface=surface,
        category=category or ANY,
        route="task",
        party_class="creator",
        party=creator,
        merchant_class="",
        at=at,
    )


def link_verdict(facts: Facts, rule: Rule | None) -> LinkVerdict:
    """What the deciding row says of a link; without a row, own goods may stand and others not."""
    return LinkVerdict(bool(rule.value) if rule else facts.source == OWN, rule)


def state_at(rule: Rule, *, is_approved: bool, at: datetime) -> RuleState:
    if not is_approved:
        return RuleState.DRAFT
    if at < rule.starts:
        return RuleState.ANNOUNCED
    is_over = rule.ends is not None and at >= rule.ends
    return RuleState.ENDED if is_over else RuleState.IN_FORCE


def check_draft(rule: Rule) -> Rule:
    """Raises BadRule (naming the field) for what no table would take."""
    if rule.kind not in MOST:
        raise BadRule(field="kind", reason="unknown")
    highest = MOST[rule.kind]
    if not 0 <= rule.value <= highest:
        raise BadRule(field="value", reason=f"0–{highest}")
    if not 0 <= rule.rollout_bp <= FULL_BP:
        raise BadRule(field="rollout_bp", reason=f"0–{FULL_BP}")
    if rule.ends is not None and rule.ends <= rule.starts:
        raise BadRule(field="ends", reason="before_start")
    if rule.announced_at > rule.starts:
        raise BadRule(field="announced_at", reason="after_start")
    if rule.round_id is not None and rule.kind in TERM_KINDS:
        raise BadRule(field="round_id", reason="unknown")
    for column in PRECEDENCE:
        value = getattr(rule, column)
        if not value or len(value) > 120 or value != value.strip():
            raise BadRule(field=column, reason="empty")
    for name in ("reason_zh", "reason_en"):
        if not getattr(rule, name).strip():
            raise BadRule(field=name, reason="empty")
    return rule
