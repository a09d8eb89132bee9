"""Where payees are paid, to be verified; how they are paid; lists for the bank and its answers."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, NotFound, Refusal
from dougong.base.money import BadAmount, minor_from_text
from dougong.flows.payout_accounts import judge
from dougong.flows.payout_files import list_file, make_list, start_answers
from dougong.infra.settings import settings
from dougong.reads.payouts import account_rows, file_problems, file_rows
from dougong.settlement.payout_rules import BadAnswerFile, Terms
from dougong.settlement.payout_terms_commands import set_payout_terms, terms_rows
from dougong.web.account.common import AnyRequest, form_page
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.operator.common import PAGE, instant_from, local_text, see
from dougong.web.paging import cursor_values, cut, file_answer, first_url, next_url
from dougong.web.payout_words import payout_words
from dougong.web.render import page

READ: dict[str, Any] = {"permission": Permission.PAYOUT_READ, "include_in_schema": False}
ACT: dict[str, Any] = {"permission": Permission.PAYOUT_MANAGE, "include_in_schema": False}
DESK = "/operator/payouts"
MOST_BYTES, MOST_PROBLEMS = 31_000_000, 500
Words = Annotated[str, msgspec.Meta(max_length=500)]


class JudgeForm(Form):
    verdict: Annotated[str, msgspec.Meta(pattern="^(verify|refuse)$")]
    why: Words = ""


class TermsForm(Form, kw_only=True):
    purpose: str
    weekday: str = ""
    minimum: str
    hold_days: int
    change_wait_days: int
    approve_above: str
    starts: str = ""
    reason: Words


class Nothing(Form):
    """A button."""


@get(DESK + "/accounts", **READ)
async def accounts_page(
    request: AnyRequest, conn: Conn, who: Who, q: FromQuery[str] = "",
    only: FromQuery[str] = "waiting", after: FromQuery[str] = "",
) -> Response[Any]:  # fmt: skip
    rows = await account_rows(
        conn, only_waiting=only != "all", words=q.strip()[:100],
        before=cursor_values(after, tuple[datetime, UUID]), most=PAGE + 1,
    )  # fmt: skip
    shown, following = cut(rows, lambda row: (row.made_at, row.id), PAGE)
    return page(
        request, "operator/payout_accounts.html", **payout_words(), show="accounts", rows=shown,
        q=q, only="all" if only == "all" else "waiting", next_url=next_url(request, following),
        first_url=first_url(request),
    )  # fmt: skip


@post(DESK + "/accounts/{account_id:uuid}", status_code=303, **ACT)
async def judge_one(
    account_id: FromPath[UUID], data: FormData[JudgeForm], who: Who, conn: Conn, now: Now
) -> Response[None]:
    why = data.why.strip()
    if data.verdict == "refuse" and not why:
        raise BadInput(field="why", reason="missing")
    refused = why if data.verdict == "refuse" else ""
    await judge(conn, account_id=account_id, by=who.person_id, refused=refused, at=now)
    return see(DESK + "/accounts")


async def _terms(
    request: AnyRequest, conn: Conn, now: datetime, refusal: Refusal | None = None
) -> Response[Any]:
    return form_page(
        request, "operator/payout_terms.html", refusal=refusal, **payout_words(), show="terms",
        rows=await terms_rows(conn), currency=settings().currency, now_text=local_text(now),
    )  # fmt: skip


@get(DESK + "/terms", **READ)
async def terms_page(request: AnyRequest, conn: Conn, now: Now) -> Response[Any]:
    return await _terms(request, conn, now)


def _minor(text: str, field: str) -> int:
    try:
        return minor_from_text(text.strip(), settings().currency)
    except BadAmount as error:
        raise BadInput(field=field, reason="not_an_amount") from error


@post(DESK + "/terms", status_code=303, **ACT)
async def set_terms(
    data: FormData[TermsForm], request: AnyRequest, who: Who, conn: Conn, now: Now
) -> Response[Any]:
    try:
        if data.weekday and data.weekday not in "1234567":
            raise BadInput(field="weekday", reason="unknown_value")
        terms = Terms(
            weekday=int(data.weekday) if data.weekday else None,
            minimum_minor=_minor(data.minimum, "minimum"),
            hold_days=data.hold_days,
            change_wait_days=data.change_wait_days,
            approve_above_minor=_minor(data.approve_above, "approve_above"),
        )
        starts = max(now, instant_from(data.starts, field="starts", default=now))
        async with conn.begin_nested():
            terms_id = await set_payout_terms(
                conn, purpose=data.purpose, currency=settings().currency, starts=starts,
                terms=terms, reason=data.reason, author_id=who.person_id, at=now,
            )  # fmt: skip
            await audit(
                conn, at=now, person_id=who.person_id, action="settlement.payout_terms_set",
                subject=str(terms_id), facts={"reason": data.reason},
            )  # fmt: skip
    except Refusal as refusal:
        return await _terms(request, conn, now, refusal)
    return see(DESK + "/terms")


@post(DESK + "/lists", status_code=303, **ACT)
async def make_one(data: FormData[Nothing], who: Who, conn: Conn, now: Now) -> Response[None]:
    """Everything that may go to the bank, as one list; the page of the list says more."""
    file_id = await make_list(conn, by=who.person_id, at=now)
    return see(f"{DESK}/files/{file_id}")


@post(DESK + "/answers", status_code=303, request_max_body_size=MOST_BYTES, **ACT)
async def take_answers(request: AnyRequest, who: Who, conn: Conn, now: Now) -> Response[None]:
    file = (await request.form()).get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise BadAnswerFile(field="file", why="empty")
    file_id = await start_answers(
        conn, file_name=file.filename, data=await file.read(), by=who.person_id, at=now
    )
    return see(f"{DESK}/files/{file_id}")


@get(DESK + "/files/{file_id:uuid}", **READ)
async def file_page(file_id: FromPath[UUID], request: AnyRequest, conn: Conn) -> Response[Any]:
    found = await file_rows(conn, file_id=file_id, most=1)
    if not found:
        raise NotFound
    return page(
        request, "operator/payout_file.html", **payout_words(), row=found[0],
        problems=await file_problems(conn, file_id=file_id, most=MOST_PROBLEMS),
    )  # fmt: skip


@post(DESK + "/files/{file_id:uuid}/download", status_code=200, **ACT)
async def download(
    file_id: FromPath[UUID], data: FormData[Nothing], who: Who, conn: Conn, now: Now
) -> Response[bytes]:
    """Account numbers in clear: only for who may act, and noted."""
    name, content = await list_file(conn, file_id=file_id, by=who.person_id, at=now)
    return file_answer(content, name, "text/csv; charset=utf-8")


HANDLERS: list[HTTPRouteHandler] = [
    accounts_page, judge_one, terms_page, set_terms, make_one, take_answers, file_page, download,
]  # fmt: skip
