"""Money that came in and that no order waits for: seen, and decided about."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import OrderId, StoreId
from dougong.flows.match_unallocated import match
from dougong.flows.resolve_unallocated import resolve
from dougong.reads.operator_money import payable_orders, unallocated_money
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext, mark
from dougong.web.operator.common import MOST_IN_FILE, PAGE, csv_file, see
from dougong.web.render import page

RESOLVE: dict[str, Any] = {
    "permission": Permission.UNALLOCATED_RESOLVE,
    "include_in_schema": False,
}
REASONS = {
    "unknown_payment": mark("We know no such payment"),
    "order_closed": mark("The order was closed before"),
    "wrong_amount": mark("The amount is not the one asked for"),
    "wrong_currency": mark("The currency is not the one asked for"),
    "paid_twice": mark("The order was paid before"),
}
GATEWAYS = {"sandbox": mark("Sandbox"), "stripe": mark("Stripe")}
LONGEST_NOTE = 500


class Decision(Form):
    resolution: Literal["sent_back", "kept_for_claim"]
    note: str = ""
    show: Literal["open", "done"] = "open"  # the list to come back to


class Match(Form):
    store: UUID
    order: UUID
    note: str = ""


@get("/operator/unallocated", **RESOLVE)
async def unallocated_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    show: FromQuery[str] = "open",
    before: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    is_open = show != "done"
    try:
        start = datetime.fromisoformat(before) if before else None
    except ValueError:
        raise BadInput(field="before", reason="cursor") from None
    most = MOST_IN_FILE if file == "csv" else PAGE + 1
    rows = await unallocated_money(conn, is_open=is_open, before=start, most=most)
    if file == "csv":
        head = ("arrived_at", "gateway", "reference", "amount_minor", "currency", "reason",
                "resolution")  # fmt: skip
        lines = [
            (r.arrived_at.isoformat(), r.gateway, r.gateway_ref, r.amount_minor, r.currency,
             r.reason, r.resolution)
            for r in rows
        ]  # fmt: skip
        return csv_file("unallocated", head, lines)
    shown = rows[:PAGE]
    last = shown[-1].arrived_at.isoformat().replace("+", "%2B") if len(rows) > PAGE else ""
    return page(
        request,
        "operator/unallocated.html",
        rows=shown,
        payable=await payable_orders(conn, [row.id for row in shown if not row.is_over()], at=now),
        is_open=is_open,
        reasons={reason: gettext(words) for reason, words in REASONS.items()},
        gateways={gateway: gettext(words) for gateway, words in GATEWAYS.items()},
        longest_note=LONGEST_NOTE,
        next_url=f"?show={'open' if is_open else 'done'}&before={last}" if last else "",
    )


@post("/operator/unallocated/{unallocated_id:uuid}", **RESOLVE)
async def decide(
    unallocated_id: FromPath[UUID], data: FormData[Decision], who: Who, conn: Conn, now: Now
) -> Response[None]:
    if len(data.note) > LONGEST_NOTE:
        raise BadInput(field="note", reason="too_long")
    await resolve(
        conn,
        unallocated_id=unallocated_id,
        person_id=who.person_id,
        resolution=data.resolution,
        note=data.note,
        at=now,
    )
    return see(f"/operator/unallocated?show={data.show}")


@post("/operator/unallocated/{unallocated_id:uuid}/match", **RESOLVE)
async def match_order(
    unallocated_id: FromPath[UUID], data: FormData[Match], who: Who, conn: Conn, now: Now
) -> Response[None]:
    """The order is in the form, not the path: it is not the operator's own."""
    if len(data.note) > LONGEST_NOTE:
        raise BadInput(field="note", reason="too_long")
    await match(
        conn,
        unallocated_id=unallocated_id,
        store_id=StoreId(data.store),
        order_id=OrderId(data.order),
        person_id=who.person_id,
        note=data.note,
        at=now,
    )
    return see("/operator/unallocated?show=done")


HANDLERS: list[HTTPRouteHandler] = [unallocated_page, decide, match_order]
