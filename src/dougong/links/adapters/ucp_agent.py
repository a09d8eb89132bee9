"""Who we are to UCP shops: our own profile, where they read it, and how accounts are linked."""

from typing import Any
from urllib.parse import urlsplit

from dougong.infra.settings import settings
from dougong.links.adapters.ucp_keys import own_keys
from dougong.links.adapters.ucp_linking import Client
from dougong.links.adapters.ucp_profile import CHECKOUT, OURS, SHOPPING, WELL_KNOWN
from dougong.links.adapters.ucp_wire import VERSION

PROFILE_PATH = WELL_KNOWN
HOOK_PATH = "/hooks/ucp"
SPECIFICATION = "https://ucp.dev"
EXTENDS = {"dev.ucp.shopping.fulfillment": CHECKOUT}
# Where a shop's sign-in sends a command back to (RFC 8252: of loopback only the path counts).
COMMAND_REDIRECT = "http://127.0.0.1:8000/ucp/linked"
CLIENT_ID = "dougong"


def agent_url() -> str:
    """Where shops read our profile. The protocol knows https only, so it is https always."""
    return f"https://{urlsplit(settings().public_url).netloc}{PROFILE_PATH}"


def link_client() -> Client:
    return Client(CLIENT_ID, COMMAND_REDIRECT)


def _documents(name: str) -> dict[str, str]:
    area, _, rest = name.removeprefix("dev.ucp.").partition(".")
    page = rest.split(".")[0] if area == "shopping" else rest
    return {
        "version": VERSION,
        "spec": f"{SPECIFICATION}/{VERSION}/specification/{page.replace('_', '-')}",
        "schema": f"{SPECIFICATION}/{VERSION}/schemas/{area}/{rest.replace('.', '_')}.json",
    }


def agent_profile() -> dict[str, Any]:
    """Our profile as shops read it: what we speak, where they send order events, and the keys that
    our requests are signed with, where there are any."""
    capabilities: dict[str, Any] = {}
    for name in OURS:
        entry: dict[str, Any] = dict(_documents(name))
        if name in EXTENDS:
            entry["extends"] = EXTENDS[name]
        if name == "dev.ucp.shopping.order":
            entry["config"] = {"webhook_url": f"{settings().public_url}{HOOK_PATH}"}
        capabilities[name] = [entry]
    service = {
        "version": VERSION,
        "transport": "rest",
        "spec": f"{SPECIFICATION}/{VERSION}/specification/overview",
        "schema": f"{SPECIFICATION}/{VERSION}/services/shopping/rest.openapi.json",
    }
    profile: dict[str, Any] = {
        "ucp": {
            "version": VERSION,
            "services": {SHOPPING: [service]},
            "capabilities": capabilities,
            "payment_handlers": {},
        }
    }
    if keys := own_keys():
        profile["signing_keys"] = [key.public_jwk() for key in keys]
    return profile
