"""Contracts with agencies, seen by the creator that shares and by the agency that gets a share."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
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
from dougong.web.render import page
from dougong.web.tasks.forms import Button, ContractForm, percent_from
from dougong.web.tasks.pages import Answer, AnyRequest, attempt, creator_seat
from dougong.web.tasks.words import problem, task_words

ROUTE: dict[str, Any] = {"permission": Permission.TASK_TAKE, "include_in_schema": False}
AGENCY = "/creator/{creator_id:uuid}/agency"
CONTRACT = AGENCY + "/{contract_id:uuid}"


async def _page(
    request: AnyRequest, conn: AsyncConnection, creator_id: UUID, refusal: Refusal | None = None
) -> Answer:
    return page(
        request,
        "tasks/agency.html",
        status=422 if refusal else 200,
        **await creator_seat(creator_id).home(conn),
        **task_words(),
        **problem(refusal),
        rows=await contracts(conn, org_id=creator_id),
    )


@get(AGENCY, **ROUTE)
async def contract_list(creator_id: FromPath[UUID], request: AnyRequest, conn: Conn) -> Answer:
    return await _page(request, conn, creator_id)


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
        return await _page(request, conn, creator_id, refusal)
    return see(f"/creator/{creator_id}/agency")


def _days(data: ContractForm) -> tuple[datetime | None, datetime | None]:
    try:
        return midnight(data.starts, field="starts"), midnight(data.ends, field="ends", after=1)
    except BadInput as error:
        raise BadContract(field=error.field, reason="no_date") from error


def answer_route(act: str) -> HTTPRouteHandler:
    """accept or decline, as the creator; end, as either side."""

    @post(f"{CONTRACT}/{act}", **ROUTE)
    async def handler(
        creator_id: FromPath[UUID],
        contract_id: FromPath[UUID],
        data: FormData[Button],
        request: AnyRequest,
        who: Who,
        conn: Conn,
        now: Now,
    ) -> Answer:
        async def do() -> None:
            if act == "end":
                await end_contract(conn, contract_id=contract_id, party_id=creator_id, at=now)
            else:
                await answer_contract(
                    conn, contract_id=contract_id, creator_id=creator_id, accept=act == "accept",
                    person_id=who.person_id, at=now,
                )  # fmt: skip

        if refusal := await attempt(conn, do):
            return await _page(request, conn, creator_id, refusal)
        return see(f"/creator/{creator_id}/agency")

    return handler


HANDLERS: list[HTTPRouteHandler] = [
    contract_list,
    offer,
    *(answer_route(act) for act in ("accept", "decline", "end")),
]
