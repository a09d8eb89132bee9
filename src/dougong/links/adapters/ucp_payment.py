"""What a purchase is paid with: an instrument of a kind that the shop offers, never another."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec

from dougong.links.adapters.ucp_wire import Body, OfferedHandler, OfferedKind
from dougong.links.ucp_rules import Instrument, distrust

# Where the configuration of a test handler lists the tokens that it takes.
TOKEN_LISTS = ("supported_tokens", "test_tokens", "tokens")


class Payer(msgspec.Struct, frozen=True):
    """Who buys, where it goes, and what pays.

    `credential`: what a payment provider gave for the handler `handler_id`. Without one a test
    token is sent, which no provider has issued and with which no money can move.
    """

    buyer: Body
    address: Body
    credential: Body | None = None
    handler_id: str | None = None


def choose_instrument(
    registry: Mapping[str, list[OfferedHandler]], payer: Payer
) -> tuple[Instrument | None, Body | None]:
    """The first handler offered (or the payer's), with the first kind that it takes.

    (None, None) when the shop offers no handler at all. Raises ShopNotTrusted when a handler is
    offered without one kind of instrument, or the payer's is not offered.
    """
    offered = [one for found in registry.values() for one in found]
    if payer.handler_id is not None:
        offered = [one for one in offered if one.id == payer.handler_id]
        if not offered:
            raise distrust("instrument_not_offered", f"handler {payer.handler_id} is not offered")
    if not offered:
        return None, None
    handler = offered[0]
    kinds = handler.available_instruments
    if kinds is not None and not kinds:
        raise distrust("instrument_not_offered", f"handler {handler.id} offers no instrument")
    kind = kinds[0] if kinds else OfferedKind("card")
    chosen = Instrument(f"pi_{uuid4().hex}", handler.id, kind.type, selected=True)
    sent: Body = {
        "id": chosen.id,
        "handler_id": chosen.handler_id,
        "type": chosen.type,
        "selected": True,
        "credential": payer.credential or {"type": "token", "token": _test_token(handler)},
    }
    if kind.type == "card":
        brands = kind.constraints.get("brands") or ["visa"]
        sent["display"] = {"brand": str(brands[0]), "last_digits": "4242"}
    if payer.address:
        sent["billing_address"] = payer.address
    return chosen, sent


def _test_token(handler: OfferedHandler) -> str:
    config: Mapping[str, Any] = handler.config or {}
    for name in TOKEN_LISTS:
        listed = config.get(name)
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, str) and "fail" not in one:
                return one
    return f"test_{uuid4().hex}"
