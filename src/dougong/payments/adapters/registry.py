"""The gateways by their codes."""

from dougong.base.errors import NotFound
from dougong.infra.settings import settings
from dougong.payments.adapters.sandbox import Sandbox
from dougong.payments.adapters.stripe import Stripe
from dougong.payments.rules import Gateway

GATEWAYS: dict[str, Gateway] = {"sandbox": Sandbox(), "stripe": Stripe()}


def gateway(code: str) -> Gateway:
    """Raises NotFound for a gateway that this platform does not use."""
    usable = code in GATEWAYS and (settings().mode != "production" or code == settings().gateway)
    if not usable:
        raise NotFound
    return GATEWAYS[code]


def default_gateway() -> Gateway:
    return GATEWAYS[settings().gateway]
