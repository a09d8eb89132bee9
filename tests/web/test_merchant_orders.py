"""The merchant's orders over HTTP: shipped in parts, refunded line by line, seen in the money."""

import html
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests.factories import ARequest, a_buyer, a_store, the_rules
from tests.flows.test_order_life import a_placed_order, pay, to_final
from tests.web.accounts import a_person, a_session
from tests.web.test_merchant import Client

from dougong.base.ids import StoreId, new_id
from dougong.flows.receive_order import finalise_order, receive_order
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.orders.rules import LineMoney, line_shares
from dougong.reads.merchant_money import money_now, money_rows
from dougong.reads.merchant_orders import order_to_work_on
from dougong.web.merchant.refund_preview import preview
from dougong.web.security import SESSION_COOKIE


class Shop(msgspec.Struct):
    store_id: UUID
    token: str
    order: Any

    @property
    def base(self) -> str:
        return f"/merchant/stores/{self.store_id}"

    @property
    def page(self) -> str:
        return f"{self.base}/orders/{self.order.order_id}"


async def a_shop(*, is_paid: bool = True) -> Shop:
    """A store with one order: two of 99.00 and one of 1.01."""
    owner_id = await a_person()
    async with transaction() as conn:
        await the_rules(conn)
        store = await a_store(conn, prices=(9_900, 101), owner_id=owner_id)
        buyer = await a_buyer(conn)
    order = await a_placed_order(ARequest(store, buyer, 19_901, {0: 2, 1: 1}))
    if is_paid:
        await pay(order, buyer)
    return Shop(store.store_id, await a_session(owner_id), order)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client() as made:
        await made.get("/healthz")
        yield made


def as_(client: Client, shop: Shop) -> Client:
    client.cookies.set(SESSION_COOKIE, shop.token)
    client.headers["x-csrftoken"] = client.cookies["csrftoken"]
    return client


async def the_order(shop: Shop) -> Any:
    async with transaction() as conn:
        return await order_to_work_on(
            conn, store_id=StoreId(shop.store_id), order_id=shop.order.order_id
        )


async def send(client: Client, shop: Shop, quantities: list[str], **changed: str) -> Any:
    form = {"carrier": "顺丰速运", "tracking_no": "SF12345678", "line_no": ["1", "2"]}
    data = form | {"quantity": quantities} | changed
    return await client.post(f"{shop.page}/ship", data=data, follow_redirects=False)


async def test_an_order_is_sent_in_two_packages(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    page = (await client.get(shop.page)).text
    assert "王小明" in page and shop.order.number in page
    assert (await send(client, shop, ["1", "0"])).status_code == 303
    assert (await the_order(shop))["order"].state == "part_shipped"
    assert (await send(client, shop, ["1", "1"], tracking_no="SF22222222")).status_code == 303
    found = await the_order(shop)
    assert found["order"].state == "shipped"
    assert [line.shipped_quantity for line in found["lines"]] == [2, 1]
    assert "SF22222222" in (await client.get(shop.page)).text


@pytest.mark.parametrize(
    ("quantities", "changed"),
    [
        (["3", "0"], {}),
        (["0", "0"], {}),
        (["x", "0"], {}),
        (["1", "0"], {"tracking_no": "1"}),
        (["1", "0"], {"carrier": " "}),
        (["1", "0"], {"tracking_no": "x" * 61}),
    ],
)
async def test_a_bad_package_changes_nothing(
    client: Client, quantities: list[str], changed: dict[str, str]
) -> None:
    shop = await a_shop()
    answer = await send(as_(client, shop), shop, quantities, **changed)
    assert answer.status_code == 422
    found = await the_order(shop)
    assert (found["order"].state, found["packages"]) == ("paid", [])


async def test_an_unpaid_order_cannot_be_sent(client: Client) -> None:
    shop = await a_shop(is_paid=False)
    assert (await send(as_(client, shop), shop, ["1", "0"])).status_code == 422
    assert 'id="ship"' not in (await client.get(shop.page)).text


async def give_back(client: Client, shop: Shop, amounts: list[str], **changed: str) -> Any:
    data = {"key": f"key-{new_id()}", "reason": "少发", "line_no": ["1", "2"], "refund": amounts}
    return await client.post(f"{shop.page}/refund", data=data | changed, follow_redirects=False)


async def test_a_repeat_of_a_refund_pays_once(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    for _ in range(2):
        made = await give_back(client, shop, ["50.00", ""], key="the-same-key")
        assert made.status_code == 303, made.text
    found = await the_order(shop)
    assert [line.refunded_minor for line in found["lines"]] == [5_000, 0]
    assert len(found["refunds"]) == 1
    assert "少发" in (await client.get(f"{shop.base}/refunds")).text


@pytest.mark.parametrize("amounts", [["198.01", ""], ["", ""], ["x", ""], ["-1", ""]])
async def test_a_bad_refund_changes_nothing(client: Client, amounts: list[str]) -> None:
    shop = await a_shop()
    assert (await give_back(as_(client, shop), shop, amounts)).status_code == 422
    assert (await the_order(shop))["refunds"] == []


async def test_a_preview_says_who_gives_back_what(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    data = {"line_no": ["1", "2"], "refund": ["100.00", ""]}
    page = await client.post(f"{shop.page}/refund/preview", data=data)
    assert (page.status_code, "100.00" in page.text) == (200, True)
    lines = (await the_order(shop))["lines"]
    parts = preview(lines, {1: 10_000})
    back = parts.merchant + parts.service_fee + parts.creator + parts.commission_cut
    coupons = parts.platform_coupon + parts.creator_coupon
    assert (parts.buyer, back + parts.payment_cost - coupons) == (10_000, 10_000)
    assert (await the_order(shop))["refunds"] == []


async def test_another_merchant_finds_no_order(client: Client) -> None:
    mine, theirs = await a_shop(), await a_shop()
    as_(client, mine)
    assert (await client.get(theirs.page)).status_code == 404
    crossed = f"{mine.base}/orders/{theirs.order.order_id}"
    assert (await client.get(crossed)).status_code == 404
    assert (
        await client.post(
            f"{crossed}/ship",
            data={"carrier": "x", "tracking_no": "12345", "line_no": "1", "quantity": "1"},
        )
    ).status_code == 404
    assert (
        await client.post(
            f"{crossed}/refund", data={"key": "12345678", "line_no": "1", "refund": "1"}
        )
    ).status_code == 404
    assert (await the_order(theirs))["order"].state == "paid"


def the_merchants(lines: Any) -> int:
    """The merchant's part by the rules of the orders area."""
    total = 0
    for line in lines:
        money = LineMoney(**{n: getattr(line, n) for n in LineMoney.__struct_fields__})
        shares = line_shares(money, refunded_minor=line.refunded_minor)
        total += shares.merchant - shares.merchant_discount
    return total


async def test_money_is_estimated_by_the_rules_and_settled_by_the_books(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    await give_back(client, shop, ["33.33", "0.50"])
    store_id = StoreId(shop.store_id)
    want = the_merchants((await the_order(shop))["lines"])
    async with transaction() as conn:
        now = await money_now(conn, store_id=store_id)
        (row,) = await money_rows(conn, store_id=store_id, most=5)
    assert (now.estimated_minor, now.settled_minor, now.escrow_minor) == (want, 0, 16_518)
    assert (row.merchant_minor, row.paid_minor - row.refunded_minor) == (want, 16_518)
    await to_final(shop.order, {1: 2, 2: 1})
    async with transaction() as conn:
        now = await money_now(conn, store_id=store_id)
    assert (now.estimated_minor, now.settled_minor, now.escrow_minor) == (0, want, 0)
    assert now.settled_minor + now.fees_minor + now.commission_minor == 16_518
    assert sum(now.by_kind.values()) == 16_518
    assert now.by_kind["merchant_payable"] == want


async def test_money_says_by_kind_and_by_order_when_it_comes(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    await send(client, shop, ["2", "1"])
    ids = {"store_id": shop.order.store_id, "order_id": shop.order.order_id}
    async with transaction() as conn:
        await receive_order(conn, **ids, why="test", at=await clock.refresh(conn))
    number, url = shop.order.number, f"{shop.base}/money"
    page = (await client.get(url, params={"q": number, "since": "2001-01-01"})).text
    assert "yours on" in page
    assert f'aria-label="Why? {number}"' in page
    want = the_merchants((await the_order(shop))["lines"])
    order = (await client.get(shop.page)).text
    assert f'<dd class="sums-whole">CN¥{want / 100:.2f}</dd>' in order
    assert "yours on" in order
    for query in ({"q": "x"}, {"until": "2001-01-01"}, {"track": "settled"}):
        assert number not in (await client.get(url, params=query)).text
        assert number not in (await client.get(f"{url}.csv", params=query)).text
    async with transaction() as conn:
        await finalise_order(conn, **ids, at=await clock.refresh(conn))
    page = (await client.get(url)).text
    assert "Fees by kind" in page


async def test_the_lists_hold_the_order(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    for page in (
        "orders",
        "orders?tab=all&q=王小明",
        f"orders?tab=all&q={shop.order.number}",
        "money",
        "today",
        "orders.csv",
        "money.csv",
    ):
        assert shop.order.number in (await client.get(f"{shop.base}/{page}")).text, page
    assert shop.order.number not in (await client.get(f"{shop.base}/orders?tab=done")).text


async def test_a_search_goes_on_behind_the_orders_that_it_looked_at(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await a_shop()
    as_(client, shop)
    monkeypatch.setattr("dougong.reads.merchant_orders.LOOK", 1)
    page = (await client.get(f"{shop.base}/orders?tab=all&q=nobody")).text
    further = re.search(r'href="([^"]*after=[^"]*)"', page)
    assert further
    last = (await client.get(html.unescape(further[1]))).text
    assert "after=" not in last
    found = (await client.get(f"{shop.base}/orders?tab=all&q={shop.order.number}")).text
    assert shop.order.number in found
    assert "after=" not in found
