"""Who earned an order at another platform: ruled once, and for ever, by the claims known then.

A later claim changes nothing by itself. An operator may rule anew, with a reason; the ruling before
stays, and what it booked is moved by one entry.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.errors import BadInput
from dougong.base.ids import PLATFORM_BOOK, PersonId, derived_id
from dougong.flows.book_referrals import ruled_anew_entry
from dougong.flows.settle_referral import booked_referral, settle
from dougong.infra import clock
from dougong.infra.events import record, record_many
from dougong.ledger.commands import book
from dougong.policy.queries import RuleBook, rules_book
from dougong.policy.rules import Facts, RuleKind
from dougong.reads.referral_claims import (
    Evidence,
    TaskTerms,
    claims_by_evidence,
    creator_by_handle,
    task_terms,
)
from dougong.referrals.commands import ensure_claim_rules, resolve_rows_of
from dougong.referrals.order_commands import (
    Decided,
    RulingDraft,
    keep_claims,
    keep_rulings,
    note_decided,
)
from dougong.referrals.order_rules import Order
from dougong.referrals.queries import (
    Held,
    MadeRuling,
    claim_rules_book,
    claims_of,
    order_for_work,
    rulings_of,
)
from dougong.referrals.rules import (
    NOBODY_BP,
    Claim,
    ClaimKind,
    Loser,
    Lost,
    NotDisputable,
    Rates,
    rule_on,
)

NOBODY_CLICKED, NO_VALID_CLAIM = "nobody_clicked", "no_valid_claim"
MOST_REASON = 500


class FrozenRates(NamedTuple):
    """The rates of a ruling and the rows that said so."""

    service_fee_bp: int
    service_fee_rule_id: UUID | None
    commission_cut_bp: int
    commission_cut_rule_id: UUID | None

    def rates(self) -> Rates:
        return Rates(self.service_fee_bp, self.commission_cut_bp)


async def rule_orders(
    conn: AsyncConnection, *, held: Sequence[Held], evidence: Sequence[Evidence], at: datetime
) -> list[Held]:
    """Rule on those of these orders (locked) that no ruling was made of; answers all of them as
    they are now, to be noted. One that nobody claims, or whose claims all fail, is parked."""
    found = await claims_by_evidence(conn, evidence)
    await keep_claims(conn, found, at=at)  # also late ones, of orders that are ruled on
    waiting = [one for one in held if one.ruling_id is None and one.parked != NO_VALID_CLAIM]
    if not waiting:
        return list(held)
    system = PersonId(derived_id(PLATFORM_BOOK, "author"))
    approver = PersonId(derived_id(PLATFORM_BOOK, "approver"))
    await ensure_claim_rules(conn, at=at, author_id=system, approver_id=approver)
    rules = await claim_rules_book(conn)
    open_ids = {one.order.id for one in waiting}
    seen_before = [one.order.id for one in waiting if one.is_known]
    claims = found | await claims_of(conn, order_ids=sorted(seen_before))
    terms = await task_terms(
        conn, task_ids=[c.task_id for many in claims.values() for c in many if c.task_id]
    )
    book_of_rules = await rules_book(conn)
    drafts = []
    for one in waiting:
        order = one.order
        if many := claims.get(order.id):
            ruling = rule_on(source=order.source, paid_at=order.paid_at, claims=many, rules=rules)
            winner = ruling.winner
            frozen = _frozen(book_of_rules, order, winner, terms)
            drafts.append(
                _draft(
                    order,
                    number=1,
                    winner=winner,
                    rule_id=ruling.rule.id if ruling.rule else None,
                    frozen=frozen,
                    losers=ruling.losers,
                )
            )
    made = await keep_rulings(conn, drafts, at=at)
    won = {draft.order_id for draft in drafts if draft.claim_id is not None}
    return await _note(conn, held, open_ids, made, won, at=at)


async def _note(
    conn: AsyncConnection,
    held: Sequence[Held],
    open_ids: set[UUID],
    made: Mapping[UUID, UUID],
    won: set[UUID],
    *,
    at: datetime,
) -> list[Held]:
    """The orders with what was decided of them, which is told."""
    after = []
    events: list[tuple[UUID, dict[str, str]]] = []
    for one in held:
        order_id = one.order.id
        if order_id in open_ids:
            parked = (
                "" if order_id in won else NO_VALID_CLAIM if order_id in made else NOBODY_CLICKED
            )
            ruling_id = made[order_id] if order_id in won else None
            one = msgspec.structs.replace(one, ruling_id=ruling_id, parked=parked)
            if order_id in made:
                facts = {"source": one.order.source, "order_ref": one.order.order_ref}
                facts |= {"parked": parked}
                events.append((order_id, facts))
        after.append(one)
    await record_many(conn, "referral.ruled", at=at, subjects=events)
    return after


def _frozen(
    rules: RuleBook, order: Order, winner: Claim | None, terms: Mapping[UUID, TaskTerms]
) -> FrozenRates:
    """The rates at the instant at which the winner led the shopper there; a task's fee is what was
    frozen when it was agreed. Without a creator the platform keeps what is left."""

    def decided(kind: RuleKind, claim: Claim) -> tuple[int, UUID | None]:
        facts = Facts(
            kind=kind.value,
            source=order.source,
            surface=claim.surface,
            category=claim.category,
            route=claim.route,
            party_class="creator",
            party=str(claim.creator_id or ""),
            merchant_class="",
            at=claim.at,
        )
        rule = rules.decide(facts).rule
        return (rule.value, rule.id) if rule else (0, None)

    if winner is None or winner.creator_id is None:
        return FrozenRates(0, None, NOBODY_BP, None)
    agreed = terms.get(winner.task_id) if winner.task_id else None
    if agreed is not None:
        fee: tuple[int, UUID | None] = (agreed.service_fee_bp, agreed.service_fee_rule_id)
    else:
        fee = decided(RuleKind.PLATFORM_SERVICE_FEE, winner)
    return FrozenRates(*fee, *decided(RuleKind.COMMISSION_CUT, winner))


def _draft(
    order: Order,
    *,
    number: int,
    winner: Claim | None,
    rule_id: UUID | None,
    frozen: FrozenRates,
    losers: tuple[Loser, ...],
    made_by: PersonId | None = None,
    reason: str = "",
) -> RulingDraft:
    return RulingDraft(
        order_id=order.id,
        number=number,
        claim_id=winner.id if winner else None,
        claim_rule_id=rule_id,
        creator_id=winner.creator_id if winner else None,
        judged_at=winner.at if winner else order.paid_at,
        **frozen._asdict(),
        losers=losers,
        made_by=made_by,
        reason=reason,
    )


# by hand --------------------------------------------------------------------------------------


async def dispute(
    conn: AsyncConnection,
    *,
    order_id: UUID,
    claim_id: UUID | None,
    handle: str,
    person_id: PersonId,
    reason: str,
    at: datetime,
) -> None:
    """Rule anew for a claim on the order, for a creator by its handle, or (neither) for the
    platform itself. The ruling before is kept; what it booked moves.

    Raises NotFound, BadInput (no reason, no such creator), NotDisputable.
    """
    reason = " ".join(reason.split())
    for field, words in (("reason", reason), ("handle", handle)):
        if not words.isprintable():
            raise BadInput(field=field, reason="control_character")
    if not reason or len(reason) > MOST_REASON:
        raise BadInput(field="reason", reason="missing" if not reason else "too_long")
    held = await order_for_work(conn, order_id=order_id)
    order = held.order
    winner = await _named(conn, order, claim_id=claim_id, handle=handle, by=person_id, at=at)
    before = (await rulings_of(conn, order_ids=[order_id])).get(order_id)
    if before is not None and before.claim_id == winner.id:
        raise NotDisputable
    number = before.number + 1 if before else 1
    draft = await _overruled(conn, order, winner, number=number, by=person_id, reason=reason)
    made = await keep_rulings(conn, [draft], at=at)
    await resolve_rows_of(
        conn, order_id=order_id, reasons=(NOBODY_CLICKED, NO_VALID_CLAIM), by=person_id, at=at
    )
    await _book_anew(conn, held, before, made[order_id], at=at)
    facts = {"source": order.source, "order_ref": order.order_ref, "number": draft.number}
    await record(conn, "referral.ruled_anew", subject_id=order_id, at=at, facts=facts)
    await audit(
        conn,
        at=at,
        person_id=person_id,
        action="referrals.dispute",
        owner_id=draft.creator_id,
        subject=str(order_id),
        facts=facts | {"reason": reason},
    )


async def _overruled(
    conn: AsyncConnection, order: Order, winner: Claim, *, number: int, by: PersonId, reason: str
) -> RulingDraft:
    """A ruling by hand: every other claim loses to it."""
    claims = (await claims_of(conn, order_ids=[order.id])).get(order.id, [])
    terms = await task_terms(conn, task_ids=[winner.task_id] if winner.task_id else [])
    return _draft(
        order,
        number=number,
        winner=winner,
        rule_id=None,
        frozen=_frozen(await rules_book(conn), order, winner, terms),
        losers=tuple(Loser(one, Lost.OVERRULED) for one in claims if one.id != winner.id),
        made_by=by,
        reason=reason,
    )


async def _named(
    conn: AsyncConnection,
    order: Order,
    *,
    claim_id: UUID | None,
    handle: str,
    by: PersonId,
    at: datetime,
) -> Claim:
    """The claim that is to win: a known one, or one made by hand."""
    claims = (await claims_of(conn, order_ids=[order.id])).get(order.id, [])
    if claim_id is not None:
        found = next((one for one in claims if one.id == claim_id), None)
        if found is None:
            raise NotDisputable(field="claim")
        return found
    creator_id = await creator_by_handle(conn, handle=handle) if handle.strip() else None
    if handle.strip() and creator_id is None:
        raise BadInput(field="handle", reason="unknown_value")
    evidence = handle.strip().lower() or "platform"
    made = Claim(
        id=derived_id(order.id, f"operator:{evidence}"),
        claim=ClaimKind.OPERATOR,
        evidence=evidence,
        at=order.paid_at,
        creator_id=creator_id,
    )
    await keep_claims(conn, {order.id: [made]}, at=at)
    return made


async def _book_anew(
    conn: AsyncConnection, held: Held, before: MadeRuling | None, ruling_id: UUID, *, at: datetime
) -> None:
    """Note the new ruling; what was booked moves, what is due is booked."""
    order_id, owners = held.order.id, dict[UUID, UUID]()
    if held.booked and before is not None:
        await _move_books(conn, held, before, ruling_id, at=at)
    else:
        ruled = msgspec.structs.replace(held, ruling_id=ruling_id, parked="")
        owners = await settle(conn, held=[ruled], refunds=[], at=at)
    owner_id = owners.get(order_id)
    decided = Decided(order_id=order_id, ruling_id=ruling_id, parked="", owner_id=owner_id)
    await note_decided(conn, [decided], at=at)


async def _move_books(
    conn: AsyncConnection, held: Held, before: MadeRuling, ruling_id: UUID, *, at: datetime
) -> None:
    after = (await rulings_of(conn, order_ids=[held.order.id]))[held.order.id]
    if after.id != ruling_id or held.receivable_owner_id is None:
        raise ValueError(ruling_id)  # the order is locked: nobody ruled in between
    owner = held.receivable_owner_id
    entry = ruled_anew_entry(
        booked_referral(held.order, before, owner),
        booked_referral(held.order, after, owner),
        refunded_minor=held.order.refunded_minor,
        number=after.number,
        at=at,
    )
    if entry is not None:
        await book(
            conn,
            store_id=PLATFORM_BOOK,
            currency=held.order.currency,
            entries=[entry],
            written_at=clock.wall_now(),
        )
