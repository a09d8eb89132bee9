"""One conversation with one UCP shop: headers, signatures, versions, and what an answer means."""

import asyncio
from typing import Any
from uuid import uuid4

import msgspec

from dougong.infra.clock import wall_now
from dougong.infra.http import Answer, OutsideFailed, UnsafeUrl, call
from dougong.links.adapters.ucp_keys import own_keys, signed_headers
from dougong.links.adapters.ucp_profile import Shop
from dougong.links.adapters.ucp_signatures import (
    answer_message,
    check_digest,
    is_signed,
    verify,
)
from dougong.links.adapters.ucp_wire import VERSION, Body, Envelope, Note, read
from dougong.links.ucp_rules import ShopRefused, distrust

TRIES = 3
BUSY = {429, 503}
MOST_WAIT_S = 2.0


class Refusing(msgspec.Struct):
    """An answer that carries no resource: a protocol error, or a business outcome."""

    code: str = ""
    content: str = ""
    messages: list[Note] = []


class Conversation:
    """Sends requests to a shop's endpoint and lets only trustworthy answers through.

    What we ask is signed where the platform has keys. `agent_url`: our own profile, for the shop to
    read. `only_signed`: take no unsigned answer
    from a shop that publishes keys; otherwise, as the specification has it, a shop may leave
    answers unsigned, but one that signed a checkout must not finish it unsigned.
    """

    def __init__(
        self, shop: Shop, *, agent_url: str, language: str = "en", only_signed: bool = False
    ) -> None:
        self.shop = shop
        self.agent_url = agent_url
        self.language = language
        self.only_signed = only_signed
        self.token: str | None = None
        self.signed = 0
        self.unsigned = 0

    async def send(
        self, method: str, path: str, sent: Body | None = None, *, finishing: bool = False
    ) -> Body:
        """The JSON object that a shop answers.

        `finishing`: the answer places an order. Raises ShopNotTrusted, and ShopRefused for every
        clear no, with the shop's own code as the reason.
        """
        url = self.shop.endpoint + path
        body = b"" if sent is None else msgspec.json.encode(sent)
        headers = self._headers(method, path, body)
        headers |= signed_headers(
            own_keys(), method=method, url=url, headers=headers, body=body,
            at=wall_now().timestamp(),
        )  # fmt: skip
        answer = await self._answer(method, url, headers, body)
        if 300 <= answer.status < 400:
            raise distrust("answer_redirects", f"{path} answers {answer.status}")
        self._check_signature(method, headers, answer, finishing=finishing)
        return _meaning(path, answer)

    def _headers(self, method: str, path: str, body: bytes) -> dict[str, str]:
        headers = {
            "accept": "application/json",
            "accept-language": self.language,
            "request-id": str(uuid4()),
            "ucp-agent": f'profile="{self.agent_url}"',
        }
        if body:
            headers["content-type"] = "application/json"
        if method in {"POST", "PUT"} and not path.startswith("/catalog/"):
            headers["idempotency-key"] = str(uuid4())
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token}"
        return headers

    async def _answer(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """The same request up to three times while the shop is busy or away: it has its key."""
        for left in range(TRIES - 1, -1, -1):
            try:
                answer = await call(method, url, headers=headers, body=body)
            except UnsafeUrl as error:
                raise distrust("unsafe_address", f"{url}: {error.facts.get('reason')}") from error
            except OutsideFailed as error:
                if left == 0 or str(error) == "answer too big":
                    raise ShopRefused(reason="unreachable", detail=f"{url}: {error}") from error
                await asyncio.sleep(0.2)
                continue
            if answer.status not in BUSY or left == 0:
                return answer
            await asyncio.sleep(_wait_s(answer.headers.get("retry-after", "")))
        raise ShopRefused(reason="unreachable", detail=url)

    def _check_signature(
        self, method: str, headers: dict[str, str], answer: Answer, *, finishing: bool
    ) -> None:
        message = answer_message(method, headers, answer)
        if self.shop.keys and is_signed(message):
            verify(message, self.shop.keys, at=wall_now().timestamp())
            self.signed += 1
            return
        check_digest(message, needed=False)
        wanted = self.only_signed or (finishing and self.signed > 0)
        if self.shop.keys and wanted and answer.status < 400:
            raise distrust("signature_missing", "the shop publishes keys, but did not sign this")
        self.unsigned += 1


def _wait_s(retry_after: str) -> float:
    return min(float(retry_after), MOST_WAIT_S) if retry_after.isdigit() else 0.5


def _meaning(path: str, answer: Answer) -> Body:
    try:
        body: Any = msgspec.json.decode(answer.body) if answer.body else {}
    except (msgspec.DecodeError, RecursionError) as error:
        if answer.status >= 400:
            raise ShopRefused(reason=f"status_{answer.status}", detail=path) from error
        raise distrust("answer_unreadable", f"{path}: not JSON") from error
    if not isinstance(body, dict):
        raise distrust("answer_unreadable", f"{path}: not an object")
    envelope = body.get("ucp")
    status = "success"
    if answer.status < 400 and envelope is not None:
        said = read(envelope, Envelope, f"{path} ucp")
        status = said.status
        if said.version != VERSION:
            raise distrust("version_switched", f"{path} answers in {said.version[:20]}")
    if answer.status >= 400 or status == "error":
        raise refused(body, path=path, status=answer.status)
    return body


def refused(body: Body, *, path: str, status: int) -> ShopRefused:
    """What a shop says when it gives no resource."""
    try:
        said = msgspec.convert(body, Refusing)
    except msgspec.ValidationError:
        said = Refusing()
    errors = [one for one in said.messages if one.type == "error"] or said.messages
    code = errors[0].code if errors else said.code
    content = errors[0].content if errors else said.content
    return ShopRefused(
        reason=code[:60] or f"status_{status}",
        detail=content[:300] or f"{path} answers {status}",
        status=status,
    )
