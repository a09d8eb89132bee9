"""The gateways by their codes."""

from collections.abc import Callable
from functools import cache

from dougong.base.errors import NotFound
from dougong.infra.settings import settings
from dougong.payments.adapters.sandbox import Sandbox
from dougong.payments.rules import Gateway


def _stripe() -> Gateway:
    # Its SDK takes a tenth of a web worker's start: loaded where it is used.
    from dougong.payments.adapters.stripe import Stripe

    return Stripe()


GATEWAYS: dict[str, Callable[[], Gateway]] = {"sandbox": Sandbox, "stripe": cache(_stripe)}


def gateway(code: str) -> Gateway:
    """Raises NotFound for a gateway that this platform does not use."""
    usable = code in GATEWAYS and (settings().mode != "production" or code == settings().gateway)
    if not usable:
        raise NotFound
    return GATEWAYS[code]()


def default_gateway() -> Gateway:
    return GATEWAYS[settings().gateway]()
