"""Discovery: what a UCP shop says of itself at /.well-known/ucp."""

from typing import Any

import ada_url
import msgspec

from dougong.infra.clock import wall_now
from dougong.infra.http import OutsideFailed, UnsafeUrl, call, parse
from dougong.links.adapters.ucp_signatures import (
    PublishedKey,
    answer_message,
    is_signed,
    verify,
)
from dougong.links.adapters.ucp_wire import (
    VERSION,
    Body,
    OfferedHandler,
    handlers_of,
    remarks_on,
)
from dougong.links.ucp_rules import Handler, distrust, within

WELL_KNOWN = "/.well-known/ucp"
SHOPPING = "dev.ucp.shopping"
CHECKOUT = "dev.ucp.shopping.checkout"
FULFILLMENT = "dev.ucp.shopping.fulfillment"
CART = "dev.ucp.shopping.cart"
SEARCH = "dev.ucp.shopping.catalog.search"
LOOKUP = "dev.ucp.shopping.catalog.lookup"
ORDER = "dev.ucp.shopping.order"
LINKING = "dev.ucp.common.identity_linking"
OURS = (CHECKOUT, FULFILLMENT, CART, SEARCH, LOOKUP, ORDER, LINKING)
LOOPBACK_NAMES = {"127.0.0.1", "::1", "localhost"}


class Capability(msgspec.Struct):
    version: str = VERSION
    spec: str | None = None
    extends: str | list[str] | None = None
    config: dict[str, Any] | None = None


class Service(msgspec.Struct):
    transport: str
    version: str = VERSION
    endpoint: str | None = None
    spec: str | None = None


class Declared(msgspec.Struct):
    """The `ucp` part of a profile."""

    version: str
    services: dict[str, list[Service]] = {}
    capabilities: dict[str, list[Capability]] | None = None
    payment_handlers: dict[str, list[OfferedHandler]] | None = None
    supported_versions: dict[str, str] | None = None


class Profile(msgspec.Struct):
    ucp: Declared
    signing_keys: list[dict[str, Any]] | None = None


class Shop(msgspec.Struct, frozen=True):
    """A shop as its profile has it, after negotiation.

    `capabilities`: those that both sides speak, or None when the profile lists none at all.
    `declared`: ways to pay, or None when the profile says nothing of them.
    """

    origin: str
    profile_url: str
    endpoint: str
    capabilities: dict[str, Capability] | None
    declared: tuple[Handler, ...] | None
    registry: dict[str, list[OfferedHandler]]
    keys: tuple[PublishedKey, ...]
    remarks: list[str]

    def offers(self, name: str) -> bool:
        return self.capabilities is None or name in self.capabilities

    def says(self, name: str) -> bool:
        """Whether the profile itself lists a capability, rather than nothing at all."""
        return self.capabilities is not None and name in self.capabilities

    def hosts(self) -> list[str]:
        return [parse(self.origin).host, parse(self.endpoint).host]


def origin_of(url: str) -> str:
    """Scheme, host and port of an address. Raises UnsafeUrl."""
    parse(url)
    return str(ada_url.URL(url).origin)


def secure(url: str, what: str) -> str:
    """An address that may be called for a shop: https, or loopback where that is open.

    Raises ShopNotTrusted.
    """
    try:
        safe = parse(url)
    except UnsafeUrl as error:
        raise distrust("unsafe_address", f"{what}: {error.facts.get('reason')}") from error
    if safe.scheme != "https" and safe.host not in LOOPBACK_NAMES:
        raise distrust("insecure", f"{what} is not https: {safe.href[:120]}")
    return safe.href


async def discover(url: str) -> Shop:
    """Read a shop's profile. `url`: any address of the shop.

    Raises ShopNotTrusted when the profile cannot be read or is of another version.
    """
    origin = origin_of(secure(url, "the shop's address"))
    profile_url = origin + WELL_KNOWN
    body, profile = await fetch_profile(profile_url)
    if profile.ucp.version != VERSION:
        older = (profile.ucp.supported_versions or {}).get(VERSION)
        if older is None:
            raise distrust("version_unsupported", f"the shop speaks {profile.ucp.version[:20]}")
        profile_url = secure(older, "the older profile's address")
        if origin_of(profile_url) != origin:
            raise distrust("profile_elsewhere", f"{profile_url} is not the shop's")
        body, profile = await fetch_profile(profile_url)
        if profile.ucp.version != VERSION or profile.ucp.supported_versions:
            raise distrust("version_unsupported", "the profile of that version is of another")
    return negotiate(profile, body, origin=origin, profile_url=profile_url)


async def fetch_profile(url: str) -> tuple[Body, Profile]:
    """A profile, as it came and as we read it. One that is signed must be signed by its own keys.

    Raises ShopNotTrusted: away, redirecting, too big, or no profile.
    """
    try:
        answer = await call("GET", url, headers={"accept": "application/json"})
    except UnsafeUrl as error:
        raise distrust("unsafe_address", f"{url}: {error.facts.get('reason')}") from error
    except OutsideFailed as error:
        raise distrust("profile_unreachable", f"{url}: {error}") from error
    if 300 <= answer.status < 400:
        raise distrust("profile_redirects", f"{url} answers {answer.status}")
    if answer.status != 200:
        raise distrust("profile_unreachable", f"{url} answers {answer.status}")
    try:
        body = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise distrust("profile_unreadable", f"not JSON: {error}") from error
    if not isinstance(body, dict):
        raise distrust("profile_unreadable", "not an object")
    try:
        profile = msgspec.convert(body, Profile)
    except (msgspec.ValidationError, RecursionError) as error:
        raise distrust("profile_unreadable", str(error)) from error
    message = answer_message("GET", {}, answer)
    keys = _keys(profile.signing_keys or [])
    if keys and is_signed(message):
        verify(message, keys, at=wall_now().timestamp())
    return body, profile


def negotiate(profile: Profile, body: Body, *, origin: str, profile_url: str) -> Shop:
    """What this shop and we have in common. Raises ShopNotTrusted."""
    endpoint = _endpoint(profile.ucp)
    common = _common(profile.ucp.capabilities)
    listed = (profile.ucp.capabilities or {}).get(CHECKOUT)
    if common is not None and CHECKOUT not in common and listed:
        raise distrust("version_unsupported", "its checkout is of another version, or not UCP's")
    from ucp_sdk.models.schemas.ucp import BusinessSchema

    return Shop(
        origin=origin,
        profile_url=profile_url,
        endpoint=secure(endpoint, "the shop's endpoint").rstrip("/"),
        capabilities=common,
        declared=(
            None
            if profile.ucp.payment_handlers is None
            else handlers_of(profile.ucp.payment_handlers)
        ),
        registry=profile.ucp.payment_handlers or {},
        keys=_keys(profile.signing_keys or []),
        remarks=remarks_on(body["ucp"], BusinessSchema, "profile"),
    )


def _endpoint(ucp: Declared) -> str:
    rest = [one for one in ucp.services.get(SHOPPING, ()) if one.transport == "rest"]
    if not rest:
        raise distrust("no_rest_service", "the profile has no REST service for shopping")
    for one in rest:
        if one.version == VERSION and one.endpoint:
            return one.endpoint
    raise distrust("version_unsupported", "its REST service is of another version")


def _common(listed: dict[str, list[Capability]] | None) -> dict[str, Capability] | None:
    """The intersection of what both sides speak, without extensions that have lost their parent."""
    if listed is None:
        return None
    found: dict[str, Capability] = {}
    for name in OURS:
        for one in listed.get(name, ()):
            if one.version == VERSION and _is_its_own(name, one):
                found[name] = one
    while orphans := [name for name, one in found.items() if not _has_parent(one, found)]:
        for name in orphans:
            del found[name]
    return found


def _has_parent(capability: Capability, found: dict[str, Capability]) -> bool:
    if not capability.extends:
        return True
    listed = capability.extends
    parents = [listed] if isinstance(listed, str) else listed
    return any(parent in found for parent in parents)


def _is_its_own(name: str, capability: Capability) -> bool:
    """Whether the specification that a capability names is of the authority in its name."""
    if capability.spec is None:
        return True
    try:
        host = ada_url.URL(capability.spec).hostname
    except ValueError:
        return False
    return within(host, [".".join(reversed(name.split(".")[:2]))])


def _keys(found: list[dict[str, Any]]) -> tuple[PublishedKey, ...]:
    keys = []
    for one in found:
        if "d" in one:
            raise distrust("private_key_published", "the profile shows a private key")
        try:
            keys.append(msgspec.convert(one, PublishedKey))
        except msgspec.ValidationError as error:
            raise distrust("profile_unreadable", f"signing_keys: {error}") from error
    return tuple(keys)
