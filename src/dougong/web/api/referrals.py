"""API v1, orders at other platforms: reports in, orders and their rulings out, a creator's part."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.money import Money
from dougong.flows.report_arrived import result_of, share_read, start_report
from dougong.flows.rule_referral import MOST_REASON, dispute
from dougong.flows.take_reported import BadRow
from dougong.reads.creator_referrals import orders_elsewhere
from dougong.reads.operator_referrals import referral_detail, referral_rows
from dougong.referrals.queries import report_of
from dougong.web.api.common import Filled, OneLine
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Input
from dougong.web.paging import cursor_of, cursor_values

TAGS = ["other platforms"]
READ: dict[str, Any] = {"permission": Permission.REFERRAL_READ, "tags": TAGS}
MANAGE: dict[str, Any] = {"permission": Permission.REFERRAL_MANAGE, "tags": TAGS}
EARN: dict[str, Any] = {"permission": Permission.EARNINGS_READ, "tags": TAGS}
MOST = 100


class ReportInput(Input):
    """`content`: the file's bytes in base64, up to 10 MB; `mapping`: how its columns are read."""

    source: Annotated[Filled, Meta(max_length=31)]
    mapping: Annotated[Filled, Meta(max_length=80)]
    file_name: Annotated[Filled, Meta(max_length=200)]
    content: Annotated[str, Meta(min_length=1, max_length=14_000_000)]


class ReportStarted(msgspec.Struct):
    id: UUID


class ReportShown(msgspec.Struct):
    """`state`: waiting, running, done or failed (`failure` says why). `share_bp`: how much of the
    file has been read, in basis points. `bad`: rows that were refused, parked or stand twice, each
    with line, field, reason and value."""

    id: UUID
    source: str
    mapping: str
    state: str
    share_bp: int
    rows: int
    applied: int
    repeated: int
    stale: int
    parked: int
    refused: int
    failure: str
    bad: list[BadRow]


class RulingInput(Input):
    """For a claim on the order, for a creator by its handle, or (neither) for the platform."""

    reason: Annotated[Filled, Meta(max_length=MOST_REASON)]
    claim_id: UUID | None = None
    handle: Annotated[OneLine, Meta(max_length=40)] = ""


class ReferralShown(msgspec.Struct):
    """`parked`: why nobody has earned it yet. `settled`: what reaches us, after the alliance's
    fees; none before the source has settled."""

    id: UUID
    source: str
    order_ref: str
    title: str
    state: str
    parked: str
    paid_at: datetime
    paid: Money
    estimated: Money
    settled: Money | None
    taken_back: Money
    claim: str | None


class Referrals(msgspec.Struct):
    items: list[ReferralShown]
    next: str


class LostClaim(msgspec.Struct):
    claim: str
    evidence: str
    at: datetime
    why: str


class RulingShown(msgspec.Struct):
    """`number`: from 1; a later one was made by hand, with its reason."""

    number: int
    claim: str | None
    evidence: str | None
    creator_id: UUID | None
    judged_at: datetime
    service_fee_bp: int
    service_fee_rule_id: UUID | None
    commission_cut_bp: int
    commission_cut_rule_id: UUID | None
    made_at: datetime
    reason: str
    losers: list[LostClaim]


class Rulings(msgspec.Struct):
    """The newest first."""

    items: list[RulingShown]


class Elsewhere(msgspec.Struct):
    """A creator's part. `settled`: what is booked; none before."""

    order_id: UUID
    order_ref: str
    title: str
    state: str
    paid_at: datetime
    estimated: Money
    settled: Money | None


class ElsewherePage(msgspec.Struct):
    items: list[Elsewhere]
    next: str


@post("/api/v1/referral-reports", summary="Take in a report", status_code=202, **MANAGE)
async def take_report(data: JSONBody[ReportInput], who: Who, conn: Conn, now: Now) -> ReportStarted:
    """Kept, and read by a job: ask `referral-reports/{id}` how it went. The same rows again change
    nothing. 404 for an unknown source or mapping, 422 `bad_report_file`."""
    try:
        content = base64.b64decode(data.content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput(field="content", reason="bad_encoding") from error
    report_id = await start_report(
        conn,
        source=data.source,
        mapping=data.mapping,
        file_name=data.file_name,
        data=content,
        started_by=who.person_id,
        at=now,
    )
    return ReportStarted(report_id)


@get("/api/v1/referral-reports/{report_id:uuid}", summary="How a report went", **READ)
async def show_report(report_id: FromPath[UUID], conn: Conn) -> ReportShown:
    report = await report_of(conn, report_id=report_id)
    result = await result_of(conn, report_id=report_id)
    return ReportShown(
        id=report_id,
        source=result.source,
        mapping=result.mapping,
        state=report.state,
        share_bp=share_read(report),
        rows=result.rows,
        applied=result.applied,
        repeated=result.repeated,
        stale=result.stale,
        parked=result.parked,
        refused=result.refused,
        failure=result.failure,
        bad=result.bad,
    )


@get("/api/v1/referrals", summary="Orders at other platforms", **READ)
async def list_referrals(
    conn: Conn,
    source: FromQuery[str] = "",
    status: FromQuery[Literal["", "paid", "received", "settled", "closed", "parked"]] = "",
    after: FromQuery[str] = "",
) -> Referrals:
    """The newest first, 100 a page. `status`: a state, or parked."""
    if not source.isprintable():
        raise BadInput(field="source", reason="unknown_value")
    rows = await referral_rows(
        conn,
        source=source,
        state=status,
        words="",
        since=None,
        until=None,
        before=cursor_values(after, tuple[datetime, UUID]),
        most=MOST + 1,
    )
    items = [
        ReferralShown(
            id=row.id,
            source=row.source,
            order_ref=row.order_ref,
            title=row.title,
            state=row.state,
            parked=row.parked,
            paid_at=row.paid_at,
            paid=Money(row.paid_minor, row.currency),
            estimated=Money(row.estimated_minor, row.currency),
            settled=None if row.settled_minor is None else Money(row.settled_minor, row.currency),
            taken_back=Money(row.refunded_minor, row.currency),
            claim=row.claim,
        )
        for row in rows[:MOST]
    ]
    last = items[-1] if len(rows) > MOST else None
    return Referrals(items, cursor_of(last.paid_at, last.id) if last else "")


@get("/api/v1/referrals/{referral_id:uuid}/rulings", summary="Who earned an order", **READ)
async def list_rulings(referral_id: FromPath[UUID], conn: Conn) -> Rulings:
    """Every ruling with the claims that lost and why; the newest holds."""
    return await _rulings(conn, referral_id)


async def _rulings(conn: AsyncConnection, referral_id: UUID) -> Rulings:
    detail = await referral_detail(conn, order_id=referral_id)
    names = [name for name in RulingShown.__struct_fields__ if name != "losers"]
    return Rulings(
        [
            RulingShown(
                **{name: ruling[name] for name in names},
                losers=[
                    LostClaim(one.claim, one.evidence, one.at, one.why) for one in ruling["losers"]
                ],
            )
            for ruling in detail["rulings"]
        ]
    )


@post("/api/v1/referrals/{referral_id:uuid}/rulings", summary="Rule anew", **MANAGE)
async def rule_again(
    referral_id: FromPath[UUID], data: JSONBody[RulingInput], who: Who, conn: Conn, now: Now
) -> Rulings:
    """A dispute is decided: the ruling before is kept, what it booked moves.
    409 `not_disputable`."""
    await dispute(
        conn,
        order_id=referral_id,
        claim_id=data.claim_id,
        handle=data.handle,
        person_id=who.person_id,
        reason=data.reason,
        at=now,
    )
    return await _rulings(conn, referral_id)


@get("/api/v1/creators/{creator_id:uuid}/referrals", summary="Earned elsewhere", **EARN)
async def earned_elsewhere(
    creator_id: FromPath[UUID], conn: Conn, after: FromQuery[str] = ""
) -> ElsewherePage:
    """A creator's orders at other platforms, the newest first; estimated and settled side by side.
    Why, says `stores/{platform book}/orders/{order_id}/explanation`."""
    rows = await orders_elsewhere(
        conn,
        creator_id=creator_id,
        before=cursor_values(after, tuple[datetime, UUID]),
        most=MOST + 1,
    )
    items = [
        Elsewhere(
            order_id=row.order_id,
            order_ref=row.order_ref,
            title=row.title,
            state=row.state,
            paid_at=row.paid_at,
            estimated=Money(row.estimated_minor, row.currency),
            settled=Money(row.settled_minor, row.currency) if row.is_booked else None,
        )
        for row in rows[:MOST]
    ]
    last = items[-1] if len(rows) > MOST else None
    return ElsewherePage(items, cursor_of(last.paid_at, last.order_id) if last else "")


HANDLERS: list[HTTPRouteHandler] = [
    take_report,
    show_report,
    list_referrals,
    list_rulings,
    rule_again,
    earned_elsewhere,
]
