"""Order events of UCP sources: from the source's own shop, signed by its keys, each seen once."""

import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text
from tests.links.outside_shop import a_kept_source
from tests.links.ucp_keys import Key, signed_headers
from tests.links.ucp_shop import Shop
from tests.links.ucp_shops import a_shop, serving
from tests.web.accounts import Client, a_client

from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.links.adapters import ucp_orders

KEYS = ("keys", "order")
browsers: list[Client] = []


@pytest.fixture(scope="module", autouse=True)
async def browser(connections: None) -> AsyncIterator[None]:
    async with a_client() as client:
        browsers.append(client)
        yield
        browsers.clear()


@pytest.fixture(autouse=True)
def no_profiles_kept() -> None:
    ucp_orders._shops.clear()


class Sender:
    """A shop that tells of its orders, as the source `code`."""

    def __init__(self, shop: Shop, code: str) -> None:
        self.shop, self.code = shop, code

    def order(self, **changes: Any) -> dict[str, Any]:
        session = {
            "id": "chk_1",
            "currency": "CNY",
            "order": {"id": "ord_1", "permalink_url": f"{self.shop.url}/orders/ord_1"},
            "line_items": self.shop.lines([{"item": {"id": "var_lantern_red"}, "quantity": 2}]),
        }
        session["totals"] = self.shop.totals(session)
        return self.shop.order(session) | {"attribution": {"sub_id": "s1"}} | changes

    async def tells(
        self,
        order: dict[str, Any] | None = None,
        *,
        key: Key | None = None,
        signs: bool = True,
        event_id: str = "evt_1",
        parameters: str | None = None,
        agent: str | None = None,
        path: str | None = None,
        signed_path: str | None = None,
        spoils: bool = False,
    ) -> tuple[int, dict[str, Any]]:
        body = json.dumps(order or self.order()).encode()
        path = path or f"/hooks/ucp/{self.code}"
        profile = agent or f'profile="{self.shop.url}/.well-known/ucp"'
        headers = {"content-type": "application/json", "ucp-agent": profile}
        headers["webhook-id"] = event_id
        if signs:
            rows = [
                ("@method", "POST"),
                ("@authority", urlsplit(settings().public_url).netloc),
                ("@path", signed_path or path),
                ("ucp-agent", profile),
            ]
            made = f";created={int(time.time())}" if parameters is None else parameters
            headers |= signed_headers(key or self.shop.key, body, rows, made)
        if spoils:
            body = body.replace(b"25800", b"25801")
        answer = await browsers[0].post(path, content=body, headers=headers)
        return answer.status_code, answer.json()

    async def seen(self) -> list[dict[str, Any]]:
        async with transaction() as conn:
            rows = await conn.execute(
                text("""
                    SELECT facts FROM events WHERE kind = 'links.ucp_order_seen'
                      AND facts ->> 'source' = :code ORDER BY at, id
                """),
                {"code": self.code},
            )
            return [row.facts for row in rows]


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    with a_shop(*KEYS) as shop:
        yield await a_sender(shop)


async def a_sender(shop: Shop) -> Sender:
    async with transaction() as conn:
        code = await a_kept_source(conn, f"127.0.0.1:{shop.port}", adapter="ucp")
    return Sender(shop, code)


async def test_an_event_is_seen_once_in_our_own_words(sender: Sender) -> None:
    for _ in range(3):
        assert await sender.tells() == (200, {"ucp": {"version": "2026-04-08"}})
    (facts,) = await sender.seen()
    assert facts["order_id"] == "ord_1"
    assert facts["checkout_id"] == "chk_1"
    assert (facts["total_minor"], facts["currency"]) == (25_800, "CNY")
    assert facts["refunded_minor"] == 0
    assert facts["lines"] == [
        {
            "item_id": "var_lantern_red",
            "title": "Silk lantern",
            "quantity": 2,
            "price_minor": 12_900,
            "total_minor": 25_800,
        }
    ]
    assert (facts["is_verified"], facts["key_id"]) == (True, "shop-2026")
    assert facts["attribution"] == {"sub_id": "s1"}
    assert not facts["is_final"]


async def test_an_old_message_under_a_new_id_is_a_repeat(sender: Sender) -> None:
    assert (await sender.tells(event_id="evt_1"))[0] == 200
    assert (await sender.tells(event_id="evt_2"))[0] == 200
    assert len(await sender.seen()) == 1
    other = sender.order(label="changed")
    assert (await sender.tells(other, event_id="evt_1"))[0] == 200  # its sender says: the same
    assert len(await sender.seen()) == 1


async def test_a_later_state_is_another_event(sender: Sender) -> None:
    await sender.tells()
    refund = {
        "id": "adj_1",
        "type": "refund",
        "occurred_at": datetime.now(UTC).isoformat(),
        "status": "completed",
        "totals": [{"type": "total", "amount": -12_900}],
    }
    waiting = refund | {"id": "adj_2", "status": "pending"}
    order = sender.order(adjustments=[refund, waiting])
    order["line_items"][0] |= {
        "status": "fulfilled",
        "quantity": {"original": 2, "total": 2, "fulfilled": 2},
    }
    assert (await sender.tells(order, event_id="evt_2"))[0] == 200
    last = (await sender.seen())[-1]
    assert (last["refunded_minor"], last["is_final"]) == (12_900, True)


async def test_our_profile_names_one_address_for_every_shop(sender: Sender) -> None:
    profile = (await browsers[0].get("/.well-known/ucp")).json()["ucp"]
    order = profile["capabilities"]["dev.ucp.shopping.order"][0]
    path = urlsplit(order["config"]["webhook_url"]).path
    assert (await sender.tells(path=path))[0] == 200
    assert len(await sender.seen()) == 1


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"signs": False}, "signature_missing"),
        ({"key": Key("shop-2026")}, "signature_invalid"),
        ({"key": Key("other")}, "key_not_found"),
        ({"spoils": True}, "digest_mismatch"),
        ({"parameters": ";created=1700000000"}, "signature_stale"),
        ({"parameters": ";expires=1700000000"}, "signature_expired"),
        ({"signed_path": "/hooks/ucp/other"}, "signature_invalid"),
        ({"agent": 'profile="https://evil.example/.well-known/ucp"'}, "profile_elsewhere"),
        ({"agent": "profile=none"}, "profile_elsewhere"),
        ({"agent": "()"}, "profile_elsewhere"),
    ],
)
async def test_what_is_not_the_shops_own_is_refused(
    sender: Sender, how: dict[str, Any], reason: str
) -> None:
    status, said = await sender.tells(**how)
    assert (status, said["code"], said["facts"]["reason"]) == (401, "event_refused", reason)
    assert await sender.seen() == []


async def test_another_path_of_the_shop_is_no_profile(sender: Sender) -> None:
    agent = f'profile="{sender.shop.url}/uploads/mine.json"'
    status, said = await sender.tells(agent=agent)
    assert (status, said["facts"]["reason"]) == (401, "profile_elsewhere")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"totals": [{"type": "subtotal", "amount": 1}, {"type": "total", "amount": 2}]},
            "totals_sum",
        ),
        ({"totals": []}, "totals_malformed"),
        ({"line_items": None}, "answer_malformed"),
        ({"currency": 5}, "answer_malformed"),
        ({"ucp": {"version": "2026-01-11"}}, "version_switched"),
    ],
)
async def test_an_order_that_does_not_add_up_is_refused(
    sender: Sender, change: dict[str, Any], reason: str
) -> None:
    status, said = await sender.tells(sender.order(**change))
    assert (status, said["facts"]["reason"]) == (401, reason)
    assert await sender.seen() == []


async def test_a_shop_without_keys_is_heard_but_not_believed() -> None:
    with a_shop("order") as shop:
        sender = await a_sender(shop)
        assert (await sender.tells(signs=False))[0] == 200
        (facts,) = await sender.seen()
    assert (facts["is_verified"], facts["key_id"]) == (False, None)


async def test_there_is_no_hook_for_other_sources() -> None:
    async with transaction() as conn:
        page = await a_kept_source(conn, "127.0.0.1:9", adapter="page")
    for code in (page, "nobody", "own"):
        assert (await browsers[0].post(f"/hooks/ucp/{code}", content=b"{}")).status_code == 404


async def test_a_shop_whose_profile_cannot_be_read_is_not_asked_for_every_event() -> None:
    def broken(shop: Shop, what: str, body: dict[str, Any]) -> None:
        body["STATUS"] = 500

    with serving(Shop(*KEYS, spoil=broken)) as shop:
        sender = await a_sender(shop)
        for number in range(3):
            status, said = await sender.tells(event_id=f"evt_{number}")
            assert (status, said["facts"]["reason"]) == (401, "profile_unreachable")
        assert [one[1] for one in shop.asked] == ["/.well-known/ucp"]


async def test_a_huge_event_is_refused(sender: Sender) -> None:
    status, _ = await sender.tells(sender.order(label="x" * 300_000))
    assert status == 413
