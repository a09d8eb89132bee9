"""Contracts with agencies, seen by the creator that shares and by the agency that gets a share."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import PLATFORM_BOOK
from dougong.infra.settings import settings
from dougong.reads import agency
from dougong.reads.task_desk import contracts, creator_by_handle
from dougong.tasks.agency_commands import (
    BadContract,
    answer_contract,
    end_contract,
    offer_contract,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import FormData
from dougong.web.operator.common import midnight, see
from dougong.web.paging import (
    MOST_CSV_ROWS,
    PAGE_ROWS,
    csv_answer,
    cursor_values,
    cut,
    first_url,
    next_url,
)
from dougong.web.render import page
from dougong.web.tasks.forms import ContractForm, LastDayForm, percent_from
from dougong.web.tasks.pages import Answer, AnyRequest, attempt, creator_seat
from dougong.web.tasks.words import problem, task_words

ROUTE: dict[str, Any] = {"permission": Permission.TASK_TAKE, "include_in_schema": False}
AGENCY = "/creator/{creator_id:uuid}/agency"
CONTRACT = AGENCY + "/{contract_id:uuid}"
COLUMNS = ("title_zh", "creator_zh", "brand_zh", "state", "surface", "source", "price_model",
           "funded_minor", "agency_bp", "expected_minor", "agency_minor", "currency", "agreed_at",
           "closed_at")  # fmt: skip


async def _page(
    request: AnyRequest,
    conn: AsyncConnection,
    creator_id: UUID,
    now: datetime,
    refusal: Refusal | None = None,
) -> Answer:
    mine = await agency.creators(conn, agency_id=creator_id)
    return page(
        request,
        "tasks/agency.html",
        status=422 if refusal else 200,
        **await creator_seat(creator_id).home(conn),
        **task_words(),
        **problem(refusal),
        rows=await contracts(conn, org_id=creator_id),
        now=now,
        mine=mine,
        expected=_sums(mine, "expected_minor"),
        earned=_sums(mine, "earned_minor"),
        currency=settings().currency,
    )


def _sums(rows: Sequence[Row[Any]], name: str) -> dict[str, int]:
    """By currency."""
    found: dict[str, int] = {}
    for row in rows:
        if row.currency:
            found[row.currency] = found.get(row.currency, 0) + getattr(row, name)
    return found


@get(AGENCY, **ROUTE)
async def contract_list(
    creator_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now
) -> Answer:
    return await _page(request, conn, creator_id, now)


@get(AGENCY + "/tasks", **ROUTE)
async def task_list(
    creator_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Answer:
    """Tasks of its creators in which it has a share."""
    asked: dict[str, Any] = {"agency_id": creator_id, "words": q.strip()[:100]}
    if file == "csv":
        rows = await agency.tasks(conn, **asked, most=MOST_CSV_ROWS)
        lines = ([getattr(row, name) for name in COLUMNS] for row in rows)
        return csv_answer("agency-tasks.csv", COLUMNS, lines)
    start = cursor_values(after, tuple[datetime, UUID])
    found = await agency.tasks(conn, **asked, before=start, most=PAGE_ROWS + 1)
    shown, following = cut(found, lambda row: (row.agreed_at, row.task_id))
    return page(
        request,
        "tasks/agency_tasks.html",
        **await creator_seat(creator_id).home(conn),
        **task_words(),
        rows=shown,
        q=q,
        book_id=PLATFORM_BOOK,
        file_url=f"/creator/{creator_id}/agency/tasks?{urlencode({'q': q, 'file': 'csv'})}",
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@post(AGENCY, **ROUTE)
async def offer(
    creator_id: FromPath[UUID],
    data: FormData[ContractForm],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Answer:
    """As an agency: a share of what a creator's tasks earn."""

    async def act() -> None:
        creator = await creator_by_handle(conn, handle=data.handle)
        if creator is None:
            raise BadContract(field="handle", reason="unknown")
        starts, ends = _days(data)
        await offer_contract(
            conn, agency_id=creator_id, creator_id=creator,
            share_bp=percent_from(data.share, field="share"), starts=starts or now, ends=ends,
            person_id=who.person_id, at=now,
        )  # fmt: skip

    if refusal := await attempt(conn, act):
        return await _page(request, conn, creator_id, now, refusal)
    return see(f"/creator/{creator_id}/agency")


def _days(data: ContractForm) -> tuple[datetime | None, datetime | None]:
    return _day(data.starts, "starts"), _day(data.ends, "ends", after=1)


def _day(text: str, field: str, *, after: int = 0) -> datetime | None:
    """Raises BadContract."""
    try:
        return midnight(text, field=field, after=after)
    except BadInput as error:
        raise BadContract(field=field, reason="no_date") from error


def answer_route(act: str) -> HTTPRouteHandler:
    """accept or decline, as the creator; end, as either side, now or with a last day."""

    @post(f"{CONTRACT}/{act}", **ROUTE)
    async def handler(
        creator_id: FromPath[UUID],
        contract_id: FromPath[UUID],
        data: FormData[LastDayForm],
        request: AnyRequest,
        who: Who,
        conn: Conn,
        now: Now,
    ) -> Answer:
        async def do() -> None:
            if act == "end":
                await end_contract(
                    conn, contract_id=contract_id, party_id=creator_id, at=now,
                    last=_day(data.last, "last", after=1),
                )  # fmt: skip
            else:
                await answer_contract(
                    conn, contract_id=contract_id, creator_id=creator_id, accept=act == "accept",
                    person_id=who.person_id, at=now,
                )  # fmt: skip

        if refusal := await attempt(conn, do):
            return await _page(request, conn, creator_id, now, refusal)
        return see(f"/creator/{creator_id}/agency")

    return handler


HANDLERS: list[HTTPRouteHandler] = [
    contract_list,
    task_list,
    offer,
    *(answer_route(act) for act in ("accept", "decline", "end")),
]
