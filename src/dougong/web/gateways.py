"""Where gateways reach us, and the sandbox's own hosted pay page."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import StoreId
from dougong.flows.carrier_events import receive_events
from dougong.flows.payment_arrived import receive
from dougong.flows.tell_bank import receive_answer
from dougong.infra.db import transaction
from dougong.payments.adapters.sandbox import Outcome, charge, choose
from dougong.web.deps import Conn
from dougong.web.forms import Form, FormData
from dougong.web.render import Page, page

MAX_WEBHOOK_BYTES = 262_144


@post(
    "/gateways/{code:str}/events",
    permission=Permission.PUBLIC,
    status_code=200,
    include_in_schema=False,
    request_max_body_size=MAX_WEBHOOK_BYTES,
)
async def gateway_event(code: FromPath[str], request: Request[Any, Any, Any]) -> dict[str, str]:
    """A gateway's webhook; its signature is its permission."""
    await receive(code=code, body=await request.body(), headers=dict(request.headers))
    return {"status": "kept"}


@post(
    "/gateways/carriers/{store:uuid}/{code:str}/events",
    permission=Permission.PUBLIC,
    status_code=200,
    include_in_schema=False,
    request_max_body_size=MAX_WEBHOOK_BYTES,
)
async def carrier_event(
    store: FromPath[UUID], code: FromPath[str], request: Request[Any, Any, Any]
) -> dict[str, int]:
    """News of parcels from a store's carrier or its tracking service; the signature is its
    permission."""
    new = await receive_events(
        store_id=StoreId(store),
        code=code,
        body=await request.body(),
        headers=dict(request.headers),
    )
    return {"new": new}


@post(
    "/gateways/banks/sandbox/events",
    permission=Permission.PUBLIC,
    status_code=200,
    include_in_schema=False,
    request_max_body_size=MAX_WEBHOOK_BYTES,
)
async def bank_event(request: Request[Any, Any, Any]) -> dict[str, bool]:
    """What the sandbox bank says of a payout; its signature is its permission."""
    is_news = await receive_answer(body=await request.body(), headers=dict(request.headers))
    return {"news": is_news}


@get("/pay/sandbox/{charge_id:uuid}", permission=Permission.PUBLIC, include_in_schema=False)
async def sandbox_page(
    charge_id: FromPath[UUID], request: Request[Any, Any, Any], conn: Conn
) -> Page:
    """The sandbox's pay page: the payer chooses what happens."""
    row = await charge(conn, charge_id=charge_id)
    return page(request, "pay/sandbox.html", charge=row, outcomes=[o.value for o in Outcome])


class ChosenOutcome(Form):
    outcome: str


@post("/pay/sandbox/{charge_id:uuid}", permission=Permission.PUBLIC, include_in_schema=False)
async def sandbox_choose(
    charge_id: FromPath[UUID], request: Request[Any, Any, Any], data: FormData[ChosenOutcome]
) -> Response[Any]:
    """Carry out the choice, send its webhooks, and take the payer back to the shop."""
    if data.outcome not in set(Outcome):
        raise BadInput(field="outcome", reason="unknown")
    async with transaction() as conn:
        row = await charge(conn, charge_id=charge_id)
        events = await choose(conn, charge_id=charge_id, outcome=Outcome(data.outcome))
    for event in events:
        await receive(code="sandbox", body=event.body, headers=event.headers)
    if data.outcome == Outcome.VERIFY:
        async with transaction() as conn:
            row = await charge(conn, charge_id=charge_id)
        return page(request, "pay/sandbox.html", charge=row, outcomes=["paid", "declined"])
    return Response("", status_code=303, headers={"Location": row.return_url})


HANDLERS: list[HTTPRouteHandler] = [
    gateway_event,
    carrier_event,
    bank_event,
    sandbox_page,
    sandbox_choose,
]
