"""What `localstripe` lacks of Stripe: Checkout Sessions. A server on loopback in front of it.

`POST /v1/checkout/sessions` opens a session; its intent comes to be when the payer confirms, with
the metadata that the session was given. Everything else goes to `localstripe` as it came.
"""

import asyncio
from types import TracebackType
from urllib.parse import parse_qs
from uuid import uuid4

import httpx
import msgspec

CARD = {
    "type": "card", "card[number]": "4242424242424242", "card[exp_month]": "12",
    "card[exp_year]": "2030", "card[cvc]": "123",
}  # fmt: skip
OTHER_CARDS = {"declined": "4000000000000341"}


class HostedPage:
    """`sessions`: the form of each session by its id; the same idempotency key opens it once."""

    def __init__(self, localstripe: httpx.AsyncClient) -> None:
        self.behind = localstripe
        self.sessions: dict[str, dict[str, str]] = {}
        self.by_key: dict[str, str] = {}
        self.port = 0

    async def __aenter__(self) -> "HostedPage":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {k.lower(): v for k, v in (ln.split(": ", 1) for ln in head[1:] if ": " in ln)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if (method, path) == ("POST", "/v1/checkout/sessions"):
            status, answer = 200, self._session(body, headers["idempotency-key"])
        else:
            sent = {k: headers[k] for k in ("content-type", "authorization") if k in headers}
            found = await self.behind.request(method, path, content=body, headers=sent)
            status, answer = found.status_code, found.content
        writer.write(
            b"HTTP/1.1 %d -\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%s" % (status, len(answer), answer)
        )
        await writer.drain()
        writer.close()

    def _session(self, body: bytes, key: str) -> bytes:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        session_id = self.by_key.setdefault(key, f"cs_test_{uuid4().hex}")
        self.sessions.setdefault(session_id, form)
        url = f"http://127.0.0.1:{self.port}/pay/{session_id}"
        made = {"id": session_id, "object": "checkout.session", "payment_intent": None, "url": url}
        return msgspec.json.encode(made)

    async def pay(self, session_id: str, *, card: str = "") -> httpx.Response:
        """What the payer does on the page: a card, then confirm. Answers the confirmation."""
        form, post = self.sessions[session_id], self.behind.post
        intent = {
            "amount": form["line_items[0][price_data][unit_amount]"],
            "currency": form["line_items[0][price_data][currency]"],
            "metadata[payment_id]": form["payment_intent_data[metadata][payment_id]"],
        }
        made = (await post("/v1/payment_intents", data=intent)).json()["id"]
        number = {"card[number]": OTHER_CARDS[card]} if card else {}
        method = (await post("/v1/payment_methods", data=CARD | number)).json()["id"]
        done = await post(f"/v1/payment_intents/{made}", data={"payment_method": method})
        assert done.status_code == 200, done.text
        return await post(f"/v1/payment_intents/{made}/confirm")
