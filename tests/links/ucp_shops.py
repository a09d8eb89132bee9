"""The tests' shops as servers on loopback."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

from tests.links.ucp_keys import signed_headers, why_not_signed
from tests.links.ucp_shop import Body, Shop


class Handler(BaseHTTPRequestHandler):
    shop: Shop

    def log_message(self, *args: object) -> None:
        pass

    def say(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def plain(self, name: str, body: Body) -> None:
        """A document without signature: the profile, metadata, tokens."""
        if self.shop.spoil is not None:
            self.shop.spoil(self.shop, name, body)
        headers = {"Content-Type": "application/json", "Cache-Control": "public, max-age=60"}
        raw = body.pop("RAW", None)
        status, extra = body.pop("STATUS", 200), body.pop("HEADERS", {})
        sent = raw if isinstance(raw, bytes) else json.dumps(body).encode()
        self.say(status, headers | extra, sent)

    def authorize(self, query: str) -> None:
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        code = uuid4().hex
        self.shop.codes[code] = dict(asked)
        back: Body = {"code": code, "state": asked["state"], "iss": self.shop.url}
        where = asked["redirect_uri"]
        if self.shop.spoil is not None:
            self.shop.spoil(self.shop, "authorize", back)
        where = back.pop("WHERE", where)
        if "sign_in" in self.shop.traits:
            self.say(200, {"Content-Type": "text/html"}, b"<form>Sign in</form>")
            return
        self.say(302, {"Location": f"{where}?{urlencode(back)}"}, b"")

    def token(self, body: bytes) -> None:
        sent = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        asked = self.shop.codes.pop(sent.get("code", ""), None)
        made = base64.urlsafe_b64encode(
            hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        )
        good = (
            asked is not None
            and asked["code_challenge_method"] == "S256"
            and asked["code_challenge"] == made.decode().rstrip("=")
            and asked["redirect_uri"] == sent.get("redirect_uri")
        )
        if not good:
            self.say(400, {"Content-Type": "application/json"}, b'{"error":"invalid_grant"}')
            return
        self.plain("token", {"access_token": "tok_shopper", "token_type": "Bearer"})

    def handle_one(self, method: str) -> None:
        split = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.shop.asked.append((method, self.path, headers))
        self.shop.bodies.append(body)
        match method, split.path:
            case "GET", "/.well-known/ucp":
                self.plain("profile", self.shop.profile())
            case "GET", "/.well-known/ucp/older":
                self.plain("older", self.shop.profile())
            case "GET", "/.well-known/oauth-authorization-server":
                self.plain("metadata", self.shop.metadata())
            case "GET", "/oauth2/authorize":
                self.authorize(split.query)
            case "POST", "/oauth2/token":
                self.token(body)
            case _:
                self.api(method, split.path, headers, body)

    def api(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        agent = headers.get("ucp-agent", "")
        if not (agent.startswith('profile="https://') and agent.endswith('"')):
            self.refuse(400, "invalid_profile_url")
            return
        if "wants_signed" in self.shop.traits:
            keys = self.shop.platform_keys
            if why := why_not_signed(method, self.path, headers, body, keys):
                self.refuse(401, why)
                return
        if "gated" in self.shop.traits and headers.get("authorization") != "Bearer tok_shopper":
            self.refuse(401, "identity_required")
            return
        key = headers.get("idempotency-key")
        if method in ("POST", "PUT") and "/catalog/" not in path and key is None:
            self.refuse(400, "idempotency_key_missing")
            return
        if "busy" in self.shop.traits and len(self.shop.asked) % 3 == 0:
            self.say(503, {"Retry-After": "0"}, b"")
            return
        name, status, answer = self.shop.act(method, path, json.loads(body) if body else {})
        if self.shop.spoil is not None:
            self.shop.spoil(self.shop, name, answer)
        raw, status = answer.pop("RAW", None), answer.pop("STATUS", status)
        extra, signing = answer.pop("HEADERS", {}), answer.pop("SIGNING", {})
        sent = raw if isinstance(raw, bytes) else json.dumps(answer).encode()
        self.say(status, self.signed(name, status, sent, signing) | extra, sent)

    def refuse(self, status: int, code: str) -> None:
        body = {"code": code, "content": code, "messages": []}
        self.say(status, {"Content-Type": "application/json"}, json.dumps(body).encode())

    def signed(self, name: str, status: int, body: bytes, how: Body) -> dict[str, str]:
        plain = {"Content-Type": "application/json"}
        wanted = name in ("create", "update", "complete") or "signs_all" in self.shop.traits
        if "keys" not in self.shop.traits or "signs_nothing" in self.shop.traits or not wanted:
            return plain
        if how.get("not"):
            return plain
        created = how.get("created", int(time.time()))
        parameters = f";created={created}" + how.get("parameters", "")
        rows = [("@status", str(how.get("status", status)))]
        made = signed_headers(
            how.get("key", self.shop.key), how.get("body", body), rows, parameters
        )
        return plain | made

    def do_GET(self) -> None:
        self.handle_one("GET")

    def do_POST(self) -> None:
        self.handle_one("POST")

    def do_PUT(self) -> None:
        self.handle_one("PUT")


@contextmanager
def serving(shop: Shop) -> Iterator[Shop]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OfShop", (Handler,), {"shop": shop}))
    shop.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def a_shop(*traits: str) -> Iterator[Shop]:
    """A well-behaved shop."""
    with serving(Shop(*traits)) as shop:
        yield shop
