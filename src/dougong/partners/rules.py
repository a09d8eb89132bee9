"""What a round of an agreement says, and how it comes about: terms, offers, signatures.

A proposal is a full set of terms. At most one of a round is on the table; the side that has not
made it may accept, decline or counter it. What both sides accept is signed by hash, unchanged.
"""

import hashlib
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from dougong.base.errors import BadInput, Conflict, Refusal
from dougong.base.money import FULL_BP

MOST_AMOUNT = 9_000_000_000_000_000  # exact in a JSON reader that uses doubles
MOST_TIERS, MOST_OVERRIDES, MOST_GRANTS = 12, 20, 40
MOST_NOTICE_DAYS = 730
MOST_CHARACTERS = 4_000
IMPRESSIONS_PER = 1_000  # impressions are valued by the thousand


class Side(StrEnum):
    PLATFORM = "platform"
    PARTNER = "partner"

    def other(self) -> "Side":
        return Side.PARTNER if self is Side.PLATFORM else Side.PLATFORM


class ComponentKind(StrEnum):
    """What is committed; at most one of a kind in a round."""

    ADVERTISING = "advertising"
    ECOMMERCE_TRAFFIC = "ecommerce_traffic"
    APP_REVENUE = "app_revenue"
    OTHER = "other"


class Unit(StrEnum):
    """What a commitment is counted in. Spend and GMV are minor units of the currency."""

    SPEND = "spend"
    GMV = "gmv"
    ORDERS = "orders"
    CLICKS = "clicks"
    IMPRESSIONS = "impressions"


MONEY_UNITS = frozenset({Unit.SPEND, Unit.GMV})


class TierMethod(StrEnum):
    """`whole`: the highest tier that is reached holds for all. `marginal`: each for its slice."""

    WHOLE = "whole"
    MARGINAL = "marginal"


class Exclusivity(StrEnum):
    NONE = "none"
    CATEGORIES = "categories"  # which ones: the clauses say
    FULL = "full"


class RoundState(StrEnum):
    NEGOTIATING = "negotiating"
    SIGNED = "signed"
    ENDED = "ended"
    GIVEN_UP = "given_up"


class ProposalState(StrEnum):
    OFFERED = "offered"
    COUNTERED = "countered"
    WITHDRAWN = "withdrawn"
    DECLINED = "declined"
    EXPIRED = "expired"
    ACCEPTED = "accepted"
    HALF_SIGNED = "half_signed"
    SIGNED = "signed"
    REPLACED = "replaced"  # by a signed amendment


_ROUND, _PROPOSAL = RoundState, ProposalState
ROUND_MOVES: dict[RoundState, set[RoundState]] = {
    _ROUND.NEGOTIATING: {_ROUND.SIGNED, _ROUND.GIVEN_UP},
    _ROUND.SIGNED: {_ROUND.ENDED},
    _ROUND.ENDED: set(),
    _ROUND.GIVEN_UP: set(),
}
MOVES: dict[ProposalState, set[ProposalState]] = {
    _PROPOSAL.OFFERED: {
        *(_PROPOSAL.COUNTERED, _PROPOSAL.WITHDRAWN, _PROPOSAL.DECLINED),
        *(_PROPOSAL.EXPIRED, _PROPOSAL.ACCEPTED),
    },
    _PROPOSAL.ACCEPTED: {_PROPOSAL.HALF_SIGNED, _PROPOSAL.EXPIRED, _PROPOSAL.WITHDRAWN},
    _PROPOSAL.HALF_SIGNED: {_PROPOSAL.SIGNED, _PROPOSAL.EXPIRED, _PROPOSAL.WITHDRAWN},
    _PROPOSAL.SIGNED: {_PROPOSAL.REPLACED},
    _PROPOSAL.COUNTERED: set(),
    _PROPOSAL.WITHDRAWN: set(),
    _PROPOSAL.DECLINED: set(),
    _PROPOSAL.EXPIRED: set(),
    _PROPOSAL.REPLACED: set(),
}
LIVE = (_PROPOSAL.OFFERED, _PROPOSAL.ACCEPTED, _PROPOSAL.HALF_SIGNED)
TO_SIGN = (_PROPOSAL.ACCEPTED, _PROPOSAL.HALF_SIGNED)
OPEN_ROUNDS = (_ROUND.NEGOTIATING, _ROUND.SIGNED)


def states_before(state: ProposalState) -> list[ProposalState]:
    return [one for one, after in MOVES.items() if state in after]


def rounds_before(state: RoundState) -> list[RoundState]:
    return [one for one, after in ROUND_MOVES.items() if state in after]


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From `from_amount` (in the component's unit) on, `rebate_bp` of the value comes back."""

    from_amount: int
    rebate_bp: int


class Component(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`committed_by` promises to bring `committed` units within the round's period.

    `unit_value_minor`: what one unit is worth (a thousand impressions); not used for money units.
    `shortfall_bp`: the part of what is missing that the one who promised pays at the end.
    """

    kind: ComponentKind
    unit: Unit
    committed: int
    committed_by: Side
    unit_value_minor: int = 0
    shortfall_bp: int = 0
    tier_method: TierMethod = TierMethod.WHOLE
    tiers: tuple[Tier, ...] = ()


class Grant(msgspec.Struct, frozen=True, order=True, forbid_unknown_fields=True):
    """Links of this source may stand on this surface while the round lasts."""

    source: str
    surface: str


class FeeOverride(
    msgspec.Struct, frozen=True, order=True, kw_only=True, forbid_unknown_fields=True
):
    """A fee that holds while the round lasts; the words are those of the policy book."""

    kind: str
    source: str
    surface: str = "*"
    category: str = "*"
    route: str = "*"
    rate_bp: int


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that is agreed; in force in the half-open window [starts, ends)."""

    currency: str
    starts: datetime
    ends: datetime
    components: tuple[Component, ...] = ()
    grants: tuple[Grant, ...] = ()
    fee_overrides: tuple[FeeOverride, ...] = ()
    exclusivity: Exclusivity = Exclusivity.NONE
    notice_days: int = 30
    clauses: str = ""

    def component(self, kind: str) -> Component | None:
        return next((one for one in self.components if one.kind == kind), None)


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed: these terms, of this round, under this number."""

    round_id: UUID
    number: int
    terms: Terms


class Change(msgspec.Struct, frozen=True):
    """One term that moved. None: it was not there, or is not any more."""

    term: str
    before: str | int | None
    after: str | int | None


class BadTerms(BadInput):
    """Terms that nobody could sign; `field` names the one."""

    code = "bad_terms"
    status = 422


class NotYourTurn(Conflict):
    """Whoever has made the offer waits for the other side."""

    code = "not_your_turn"


class NothingOnTable(Conflict):
    """There is no offer, or not any more, that this could be done with."""

    code = "nothing_on_table"


class OfferOnTable(Conflict):
    """The same side's offer, or an accepted text, is still on the table."""

    code = "offer_on_table"


class OfferExpired(Conflict):
    code = "offer_expired"


class NothingChanged(Refusal):
    """A counter-offer that says the same: accept the other one instead."""

    code = "nothing_changed"


class OtherText(Conflict):
    """The hash is not that of the text to be signed."""

    code = "other_text"


class SignedAlready(Conflict):
    code = "signed_already"


class SecondSignerNeeded(Refusal):
    """Whoever proposed or accepted the text for the platform cannot sign it too: the rules that a
    signature makes need two people."""

    code = "second_signer_needed"
    status = 403


class RoundClosed(Conflict):
    """The round is not in a state in which this can be done (`state`)."""

    code = "round_closed"


def canonical(document: Document) -> str:
    """The text that is hashed: JSON with sorted names, no blanks, instants in UTC."""
    return msgspec.json.encode(document, order="sorted").decode()


def hash_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def document_from(text: str) -> Document:
    return msgspec.json.decode(text, type=Document)


def tidy_terms(terms: Terms) -> Terms:
    """The same terms in one order, so that what says the same has the same text."""
    order = list(ComponentKind)
    components = sorted(terms.components, key=lambda one: order.index(one.kind))
    return msgspec.structs.replace(
        terms,
        components=tuple(components),
        grants=tuple(sorted(set(terms.grants))),
        fee_overrides=tuple(sorted(terms.fee_overrides)),
        clauses="\n".join(line.rstrip() for line in terms.clauses.strip().splitlines()),
    )


def check_terms(terms: Terms) -> Terms:
    """The terms in order. Raises BadTerms, naming the field, for what could not be kept."""
    if terms.ends <= terms.starts:
        raise BadTerms(field="ends", reason="before_start")
    if not (terms.components or terms.grants or terms.fee_overrides):
        raise BadTerms(field="components", reason="empty")
    kinds = [one.kind for one in terms.components]
    if len(set(kinds)) != len(kinds):
        raise BadTerms(field="components", reason="twice")
    for one in terms.components:
        _check_component(one)
    if len(terms.grants) > MOST_GRANTS:
        raise BadTerms(field="grants", reason="too_many")
    keys = [(one.kind, one.source, one.surface, one.category, one.route)
            for one in terms.fee_overrides]  # fmt: skip
    if len(set(keys)) != len(keys):
        raise BadTerms(field="fees", reason="twice")
    if len(keys) > MOST_OVERRIDES:
        raise BadTerms(field="fees", reason="too_many")
    if any(not 0 <= one.rate_bp <= FULL_BP for one in terms.fee_overrides):
        raise BadTerms(field="fees", reason="0–100 %")
    if not 0 <= terms.notice_days <= MOST_NOTICE_DAYS:
        raise BadTerms(field="notice_days", reason=f"0–{MOST_NOTICE_DAYS}")
    if len(terms.clauses) > MOST_CHARACTERS:
        raise BadTerms(field="clauses", reason="too_long")
    return tidy_terms(terms)


def _check_component(one: Component) -> None:
    field = one.kind.value
    if not 0 < one.committed <= MOST_AMOUNT or not 0 <= one.unit_value_minor <= MOST_AMOUNT:
        raise BadTerms(field=field, reason="out_of_range")
    if not 0 <= one.shortfall_bp <= FULL_BP:
        raise BadTerms(field=field, reason="0–100 %")
    if one.unit not in MONEY_UNITS and not one.unit_value_minor and (one.shortfall_bp or one.tiers):
        raise BadTerms(field=field, reason="needs_value")
    if len(one.tiers) > MOST_TIERS:
        raise BadTerms(field=field, reason="too_many")
    amounts = [tier.from_amount for tier in one.tiers]
    if amounts != sorted(set(amounts)) or any(not 0 <= at <= MOST_AMOUNT for at in amounts):
        raise BadTerms(field=field, reason="tiers_rise")
    if any(not 0 <= tier.rebate_bp <= FULL_BP for tier in one.tiers):
        raise BadTerms(field=field, reason="0–100 %")


def flat(terms: Terms) -> dict[str, str | int]:
    """Term to value, one line each, in the order of print; amounts in the component's unit."""
    found: dict[str, str | int] = {
        "currency": terms.currency,
        "starts": terms.starts.isoformat(),
        "ends": terms.ends.isoformat(),
    }
    for one in terms.components:
        name = f"component.{one.kind}"
        found |= {
            f"{name}.committed": one.committed,
            f"{name}.unit": one.unit.value,
            f"{name}.committed_by": one.committed_by.value,
            f"{name}.shortfall_bp": one.shortfall_bp,
        }
        if one.unit not in MONEY_UNITS:
            found[f"{name}.unit_value_minor"] = one.unit_value_minor
        if one.tiers:
            found[f"{name}.tier_method"] = one.tier_method.value
        found |= {f"{name}.tier.{tier.from_amount}": tier.rebate_bp for tier in one.tiers}
    found |= {f"grant.{one.source}.{one.surface}": 1 for one in terms.grants}
    for fee in terms.fee_overrides:
        columns = (fee.kind, fee.source, fee.surface, fee.category, fee.route)
        found["fee." + ".".join(columns)] = fee.rate_bp
    found["exclusivity"] = terms.exclusivity.value
    found["notice_days"] = terms.notice_days
    if terms.clauses:
        found["clauses"] = terms.clauses
    return found


def changes(before: Terms | None, after: Terms) -> list[Change]:
    """What moved from one set of terms to the next, in the order of print."""
    old, new = flat(before) if before else {}, flat(after)
    names = [*new, *(name for name in old if name not in new)]
    return [
        Change(name, old.get(name), new.get(name))
        for name in names
        if old.get(name) != new.get(name)
    ]
