"""Orders at other platforms: found, looked at with their rulings, and ruled anew by hand."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import PLATFORM_BOOK
from dougong.flows.rule_referral import MOST_REASON, dispute
from dougong.reads.explain_referral import explain_referral
from dougong.reads.operator_referrals import (
    ReferralRow,
    referral_detail,
    referral_rows,
    source_names,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.operator.common import MOST_IN_FILE, PAGE, csv_file, midnight, see
from dougong.web.operator.referral_words import referral_words, tabs
from dougong.web.paging import cursor_values, cut, file_url, first_url, next_url
from dougong.web.render import page

READ: dict[str, Any] = {"permission": Permission.REFERRAL_READ, "include_in_schema": False}
MANAGE: dict[str, Any] = {"permission": Permission.REFERRAL_MANAGE, "include_in_schema": False}
CSV_HEAD = ("paid_at", "source", "order_ref", "title", "state", "parked", "creator", "claim",
            "paid_minor", "estimated_minor", "settled_minor", "refunded_minor",
            "currency")  # fmt: skip


class Dispute(Form):
    """`claim`: the id of a claim on the order, `creator` (with `handle`), or `platform`."""

    claim: str
    handle: str = ""
    reason: str = ""


@get("/operator/referrals", **READ)
async def referrals_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    source: FromQuery[str] = "",
    status: FromQuery[str] = "",
    q: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    after: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    """`q`: an order number there, a part of the title, or a creator's name; `status` may be parked;
    `since` and `until`: local days of payment, both included."""
    rows = await referral_rows(
        conn,
        source=source,
        state=status,
        words=q.strip()[:100],
        since=midnight(since, field="since"),
        until=midnight(until, field="until", after=1),
        before=cursor_values(after, tuple[datetime, UUID]),
        most=MOST_IN_FILE if file == "csv" else PAGE + 1,
    )
    if file == "csv":
        return csv_file("referrals", CSV_HEAD, map(_csv_row, rows))
    shown, following = cut(rows, lambda row: (row.paid_at, row.id), PAGE)
    return page(
        request,
        "operator/referrals.html",
        tabs=tabs(),
        rows=shown,
        sources=await source_names(conn),
        chosen={"source": source, "status": status, "q": q, "since": since, "until": until},
        file_url=file_url(request),
        next_url=next_url(request, following),
        first_url=first_url(request),
        **referral_words(),
    )


def _csv_row(row: ReferralRow) -> tuple[Any, ...]:
    return (
        row.paid_at.isoformat(), row.source, row.order_ref, row.title, row.state, row.parked,
        row.creator_zh, row.claim, row.paid_minor, row.estimated_minor, row.settled_minor,
        row.refunded_minor, row.currency,
    )  # fmt: skip


@get("/operator/referrals/{referral_id:uuid}", **READ)
async def referral_page(
    referral_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn
) -> Response[Any]:
    detail = await referral_detail(conn, order_id=referral_id)
    tree = await explain_referral(conn, order_id=referral_id)
    return page(
        request,
        "operator/referral.html",
        tree=tree,
        explain_url=f"/explain/{PLATFORM_BOOK}/{referral_id}",
        most_reason=MOST_REASON,
        **detail,
        **referral_words(),
    )


@post("/operator/referrals/{referral_id:uuid}/rulings", **MANAGE)
async def rule_anew(
    referral_id: FromPath[UUID], data: FormData[Dispute], who: Who, conn: Conn, now: Now
) -> Response[None]:
    """A dispute is decided, with a reason."""
    handle = data.handle if data.claim == "creator" else ""
    if data.claim == "creator" and not handle.strip():
        raise BadInput(field="handle", reason="missing")
    try:
        claim_id = UUID(data.claim) if data.claim not in ("creator", "platform") else None
    except ValueError:
        raise BadInput(field="claim", reason="unknown_value") from None
    await dispute(
        conn,
        order_id=referral_id,
        claim_id=claim_id,
        handle=handle,
        person_id=who.person_id,
        reason=data.reason,
        at=now,
    )
    return see(f"/operator/referrals/{referral_id}")


HANDLERS: list[HTTPRouteHandler] = [referrals_page, referral_page, rule_anew]
