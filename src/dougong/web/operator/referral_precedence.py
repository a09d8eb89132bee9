"""Which kind of claim goes before which: rows, drafted by one person and approved by a second."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.ids import PLATFORM_BOOK, PersonId, derived_id
from dougong.reads.operator_referrals import precedence_rows, source_names
from dougong.referrals.commands import ensure_claim_rules
from dougong.referrals.defaults import default_claim_rules
from dougong.referrals.precedence_commands import approve_precedence, draft_precedence
from dougong.referrals.rules import ClaimKind
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.operator.common import instant_from, local_text, see
from dougong.web.operator.referral_reports import Nothing
from dougong.web.operator.referral_words import referral_words, tabs
from dougong.web.render import page

READ: dict[str, Any] = {"permission": Permission.REFERRAL_READ, "include_in_schema": False}
MANAGE: dict[str, Any] = {"permission": Permission.REFERRAL_MANAGE, "include_in_schema": False}


class Precedence(Form):
    source: str
    claim: ClaimKind
    rank: int
    window_days: int
    starts: str
    reason_zh: str
    reason_en: str


@get("/operator/referrals/precedence", **READ)
async def precedence_page(
    request: Request[Any, Any, Any], who: Who, conn: Conn, now: Now
) -> Response[Any]:
    """The default rows are written when something is first ruled on; until then they are shown."""
    rows = await precedence_rows(conn, at=now)
    return page(
        request,
        "operator/referral_precedence.html",
        tabs=tabs(),
        rows=rows or default_claim_rules(),
        is_default=not rows,
        sources=await source_names(conn),
        soonest=local_text(now),
        me=who.person_id,
        **referral_words(),
    )


@post("/operator/referrals/precedence", **MANAGE)
async def draft_row(data: FormData[Precedence], who: Who, conn: Conn, now: Now) -> Response[None]:
    await ensure_claim_rules(
        conn,
        at=now,
        author_id=PersonId(derived_id(PLATFORM_BOOK, "author")),
        approver_id=PersonId(derived_id(PLATFORM_BOOK, "approver")),
    )
    rule_id = await draft_precedence(
        conn,
        source=data.source.strip() or "*",
        claim=data.claim,
        rank=data.rank,
        window_days=data.window_days,
        starts=instant_from(data.starts, field="starts", default=None),
        reason_zh=data.reason_zh,
        reason_en=data.reason_en,
        author_id=who.person_id,
        at=now,
    )
    await audit(
        conn, at=now, person_id=who.person_id, action="policy.draft", subject=str(rule_id),
        facts={"kind": data.claim.value},
    )  # fmt: skip
    return see("/operator/referrals/precedence")


@post("/operator/referrals/precedence/{rule_id:uuid}/approval", **MANAGE)
async def approve_row(
    rule_id: FromPath[UUID], data: FormData[Nothing], who: Who, conn: Conn, now: Now
) -> Response[None]:
    await approve_precedence(conn, rule_id=rule_id, approver_id=who.person_id, at=now)
    await audit(
        conn, at=now, person_id=who.person_id, action="policy.approve", subject=str(rule_id)
    )
    return see("/operator/referrals/precedence")


HANDLERS: list[HTTPRouteHandler] = [precedence_page, draft_row, approve_row]
