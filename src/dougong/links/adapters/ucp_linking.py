"""Account linking with a UCP shop: OAuth 2.0 with PKCE, metadata by RFC 8414, `iss` by RFC 9207.

A shop that asks the shopper to sign in on a page of its own cannot be linked from a command; the
flow ends there, and nothing has been said to the shop but the request.
"""

import base64
import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode

import ada_url
import msgspec

from dougong.infra.http import Answer, OutsideFailed, UnsafeUrl, call
from dougong.links.adapters.ucp_profile import LINKING, ORDER, Shop, origin_of, secure
from dougong.links.ucp_rules import ShopRefused, distrust

METADATA = "/.well-known/oauth-authorization-server"
FALLBACK = "/.well-known/openid-configuration"
MOST_HOPS = 5


class Metadata(msgspec.Struct):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    scopes_supported: list[str] | None = None
    code_challenge_methods_supported: list[str] | None = None
    token_endpoint_auth_methods_supported: list[str] | None = None


class Token(msgspec.Struct):
    access_token: str
    token_type: str


class Client(msgspec.Struct, frozen=True):
    """How we are known to shops. Without a secret we are a public client, and PKCE proves us."""

    id: str
    redirect_uri: str
    secret: str | None = None


class Linked(msgspec.Struct, frozen=True):
    """`token`: None when the shopper must act; `why` says what is missing, `url` where."""

    token: str | None
    why: str = ""
    url: str | None = None


def scopes_for(shop: Shop) -> list[str]:
    """What to ask for: the shop's scopes of capabilities that both sides speak and we use."""
    capability = (shop.capabilities or {}).get(LINKING)
    config: dict[str, Any] = (capability.config if capability else None) or {}
    listed = config.get("scopes")
    found = [one for one in listed if isinstance(one, str)] if isinstance(listed, dict) else []
    wanted = [one for one in found if one.rpartition(":")[0] in (shop.capabilities or {})]
    return sorted(one for one in wanted if one != f"{ORDER}:manage")


async def link(shop: Shop, client: Client) -> Linked:
    """Get a token for the shopper's account at a shop.

    Raises ShopNotTrusted: an issuer or a state that is not the one that was asked, metadata that
    cannot be read, a code sent elsewhere, a token that is none.
    """
    metadata = await _metadata(shop)
    if metadata is None:
        return Linked(None, why="the shop shows no authorization server")
    scopes = scopes_for(shop)
    missing = set(scopes) - set(metadata.scopes_supported or scopes)
    if missing:
        raise distrust("linking_malformed", f"scopes not supported: {', '.join(sorted(missing))}")
    methods = metadata.code_challenge_methods_supported
    if methods is not None and "S256" not in methods:
        raise distrust("linking_malformed", "the shop does not take S256 for PKCE")
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    asked = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": client.redirect_uri,
        "code_challenge": challenge.decode().rstrip("="),
        "code_challenge_method": "S256",
        "state": state,
    } | ({"scope": " ".join(scopes)} if scopes else {})
    start = secure(metadata.authorization_endpoint, "the authorization endpoint")
    joint = "&" if "?" in start else "?"
    found = await _authorize(f"{start}{joint}{urlencode(asked)}", client)
    if isinstance(found, Linked):
        return found
    code = check_response(found, state=state, issuer=metadata.issuer)
    if code is None:
        return Linked(None, why=f"the shop says {_one(found, 'error')}")
    return await _token(metadata, client, code, verifier)


async def _metadata(shop: Shop) -> Metadata | None:
    """The metadata of the shop's own authorization server; its issuer is the shop, to the byte.

    None when the shop has none: then nobody can be linked, and nothing else is wrong with it.
    """
    answer = await _fetch(shop.origin + METADATA)
    if answer.status == 404:
        answer = await _fetch(shop.origin + FALLBACK)
    if answer.status != 200:
        return None
    try:
        metadata = msgspec.json.decode(answer.body, type=Metadata)
    except (msgspec.DecodeError, RecursionError) as error:
        raise distrust("linking_unreadable", f"the metadata: {error}") from error
    if metadata.issuer != shop.origin:
        raise distrust("issuer_wrong", f"the metadata is of {metadata.issuer[:120]}")
    return metadata


async def _fetch(url: str) -> Answer:
    try:
        return await call("GET", url, headers={"accept": "application/json"})
    except UnsafeUrl as error:
        raise distrust("unsafe_address", f"{url[:120]}: {error.facts.get('reason')}") from error
    except OutsideFailed as error:
        raise distrust("linking_unreadable", f"{url[:120]}: {error}") from error


async def _authorize(url: str, client: Client) -> dict[str, list[str]] | Linked:
    """Go as a browser would until the shop sends it back to us; answers what came with it."""
    first = url
    for _ in range(MOST_HOPS):
        answer = await _fetch(url)
        location = answer.headers.get("location")
        if not (300 <= answer.status < 400) or location is None:
            if answer.status >= 400:
                return Linked(None, why=f"the shop answers {answer.status}")
            return Linked(None, why="the shopper must sign in at the shop", url=first)
        try:
            following = ada_url.URL(ada_url.join_url(url, location))
        except ValueError as error:
            raise distrust("linking_malformed", "it redirects to no address") from error
        if following.href.split("?")[0].split("#")[0] == client.redirect_uri:
            return parse_qs(following.search.removeprefix("?"), keep_blank_values=True)
        if following.origin != origin_of(first):
            raise distrust("linking_elsewhere", f"it sends the shopper to {following.host}")
        url = following.href
    raise distrust("linking_malformed", "it redirects without end")


def _one(found: dict[str, list[str]], name: str) -> str | None:
    values = found.get(name, [])
    return values[0] if len(values) == 1 else None


def check_response(found: dict[str, list[str]], *, state: str, issuer: str) -> str | None:
    """The code of an authorization response, or None when the shop refused. Raises
    ShopNotTrusted unless state and issuer are, to the byte, the ones that were asked."""
    if not hmac.compare_digest((_one(found, "state") or "").encode(), state.encode()):
        raise distrust("state_wrong", "the answer is not to our request")
    said = _one(found, "iss")
    if said is None:
        raise distrust("issuer_missing", "the answer does not say who gives it")
    if said != issuer:
        raise distrust("issuer_wrong", f"the answer is of {said[:120]}")
    code = _one(found, "code")
    if code is None and "error" not in found:
        raise distrust("linking_malformed", "the answer has neither a code nor an error")
    return code


async def _token(metadata: Metadata, client: Client, code: str, verifier: str) -> Linked:
    url = secure(metadata.token_endpoint, "the token endpoint")
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": verifier,
        "client_id": client.id,
    }
    headers = {
        "accept": "application/json",
        "content-type": "application/x-www-form-urlencoded",
    }
    methods = metadata.token_endpoint_auth_methods_supported or ["none"]
    if client.secret is not None and "client_secret_basic" in methods:
        pair = f"{client.id}:{client.secret}".encode()
        headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    elif "none" not in methods:
        return Linked(None, why=f"the shop takes only {', '.join(methods)} from clients")
    try:
        answer = await call("POST", url, headers=headers, body=urlencode(fields).encode())
    except UnsafeUrl as error:
        raise distrust("unsafe_address", f"{url[:120]}: {error.facts.get('reason')}") from error
    except OutsideFailed as error:
        raise ShopRefused(reason="unreachable", detail=f"{url[:120]}: {error}") from error
    if answer.status != 200:
        return Linked(None, why=f"the token endpoint answers {answer.status}")
    try:
        token = msgspec.json.decode(answer.body, type=Token)
    except (msgspec.DecodeError, RecursionError) as error:
        raise distrust("linking_unreadable", f"the token: {error}") from error
    plain = token.access_token.isascii() and token.access_token.isprintable()
    if token.token_type.lower() != "bearer" or not token.access_token or not plain:
        raise distrust("linking_malformed", "the token is not a bearer token")
    return Linked(token.access_token)
