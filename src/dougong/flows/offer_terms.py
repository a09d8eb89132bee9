"""An offer is put on the table when its rules could be announced: words that the policy book knows,
sources that are the partner's."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.queries import organisation
from dougong.base.access import Role
from dougong.base.errors import NotFound
from dougong.base.ids import OrgId, PersonId, RoundId
from dougong.flows.sign_round import rules_of
from dougong.partners.commands import Offered, offer, open_round
from dougong.partners.rules import BadTerms, Side, Terms
from dougong.policy.rules import ANY, FEE_KINDS, BadRule, check_draft
from dougong.reads.partner_rounds import round_names, sources_of

SURFACES = ("video", "live", "profile", "search")
ROUTES = (ANY, "direct", "task")


async def open_for(
    conn: AsyncConnection,
    *,
    partner_id: OrgId,
    name_zh: str,
    name_en: str,
    previous_id: RoundId | None,
    person_id: PersonId,
    at: datetime,
) -> RoundId:
    """Open a round with an organisation that is a partner. Raises NotFound, BadTerms."""
    if (await organisation(conn, partner_id)).kind != Role.PARTNER:
        raise NotFound
    return await open_round(
        conn,
        partner_id=partner_id,
        name_zh=name_zh,
        name_en=name_en,
        previous_id=previous_id,
        person_id=person_id,
        at=at,
    )


async def offer_terms(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    partner_id: UUID | None,
    side: Side,
    author_id: PersonId,
    terms: Terms,
    message: str,
    expires_at: datetime,
    at: datetime,
) -> Offered:
    """Raises BadTerms, and what `partners.commands.offer` raises."""
    names = await round_names(conn, round_id=round_id)
    if names is None or partner_id not in (None, names.partner_id):
        raise NotFound
    ours = {one.code for one in await sources_of(conn, partner_id=names.partner_id)}
    _check_words(terms, ours)
    try:
        for rule in rules_of(
            names, terms, proposal_id=round_id, number=0, at=min(at, terms.starts)
        ):
            check_draft(rule)
    except BadRule as refusal:
        raise BadTerms(field="fees", reason=str(refusal.facts.get("reason", ""))) from refusal
    return await offer(
        conn,
        round_id=round_id,
        partner_id=partner_id,
        side=side,
        author_id=author_id,
        terms=terms,
        message=message,
        expires_at=expires_at,
        at=at,
    )


def _check_words(terms: Terms, ours: set[str]) -> None:
    for grant in terms.grants:
        if grant.source not in ours or grant.surface not in SURFACES:
            raise BadTerms(field="grants", reason="unknown")
    for fee in terms.fee_overrides:
        known = fee.kind in FEE_KINDS and fee.source in ours and fee.route in ROUTES
        if not known or fee.surface not in (ANY, *SURFACES):
            raise BadTerms(field="fees", reason="unknown")
