"""A merchant sends many orders at once: one parcel an order, each on its own or not at all."""

from collections.abc import Sequence

import msgspec

from dougong.accounts.commands import audit
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import PersonId, StoreId
from dougong.flows.ship_order import ship_order
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.orders.rules import WrongState
from dougong.reads.merchant_shipping import LeftToSend, left_to_send
from dougong.supply.tracking_rules import tracking_number


class Parcel(msgspec.Struct, frozen=True):
    """One row of a file: everything that is left of this order goes in this parcel."""

    line: int
    number: str
    carrier: str
    tracking_no: str


class Sent(msgspec.Struct, frozen=True):
    """What became of a parcel. `outcome`: sent, repeated (it had gone before) or refused."""

    parcel: Parcel
    outcome: str
    refusal: Refusal | None = None


async def ship_many(
    *, store_id: StoreId, person_id: PersonId, parcels: Sequence[Parcel], request_id: str = ""
) -> list[Sent]:
    """Every parcel in a transaction of its own, so that one bad row holds up no other; a file
    that is sent again sends nothing twice. Answers in the order of the file."""
    done = []
    for parcel in parcels:
        try:
            outcome = await _ship(store_id, person_id, parcel, request_id)
            done.append(Sent(parcel, outcome))
        except Refusal as refusal:
            done.append(Sent(parcel, "refused", refusal))
    return done


async def _ship(store_id: StoreId, person_id: PersonId, parcel: Parcel, request_id: str) -> str:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        orders = await left_to_send(conn, store_id=store_id, numbers=[parcel.number])
        order = _known(orders.get(parcel.number))
        if tracking_number(parcel.tracking_no) in order.sent:
            return "repeated"
        if not order.lines:
            raise WrongState(order_state=order.state)
        if len(parcel.carrier) > 60 or len(parcel.tracking_no) > 60:
            raise BadInput(field="tracking_no", reason="too_long")
        package_id = await ship_order(
            conn,
            store_id=store_id,
            order_id=order.order_id,
            carrier=parcel.carrier,
            tracking_no=parcel.tracking_no,
            lines=order.lines,
            at=at,
        )
        await audit(
            conn,
            at=at,
            person_id=person_id,
            action="orders.shipped",
            owner_id=store_id,
            subject=str(order.order_id),
            facts={"package_id": str(package_id), "number": parcel.number},
            request_id=request_id,
        )
    return "sent"


def _known(order: LeftToSend | None) -> LeftToSend:
    if order is None:
        raise BadInput(field="number", reason="unknown_order")
    return order
