"""A shopper's orders in their states, and what can be done in each."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.factories import ABuyer, ARequest, a_buyer, a_store, the_rules
from tests.web.accounts import a_client, a_person, a_session, send

from dougong.flows.place_orders import Placed, place_order
from dougong.infra.db import transaction
from dougong.reads.shopper_orders import GROUPS


async def an_order(state: str = "placed") -> tuple[ABuyer, Placed, str]:
    """An order put into a state by hand: only its screen is looked at."""
    async with transaction() as conn:
        await the_rules(conn)
        store = await a_store(conn, prices=[9_900])
        buyer = await a_buyer(conn)
    placed = await place_order(ARequest(store, buyer, 9_900).build())
    assert isinstance(placed, Placed)
    stamps = {
        "placed": "",
        "cancelled": "closed_at",
        "paid": "paid_at",
        "shipped": "shipped_at",
        "received": "received_at",
        "final": "final_at",
        "refunded": "closed_at",
    }
    changes = {
        "closed_at": text("""UPDATE orders SET state = :state, closed_at = placed_at,
            close_reason = 'by_buyer' WHERE store_id = :store AND id = :id"""),
        "paid_at": text("""UPDATE orders SET state = :state, paid_at = placed_at
            WHERE store_id = :store AND id = :id"""),
        "shipped_at": text("""UPDATE orders SET state = :state, paid_at = placed_at,
            shipped_at = placed_at WHERE store_id = :store AND id = :id"""),
        "received_at": text("""UPDATE orders SET state = :state, paid_at = placed_at,
            shipped_at = placed_at, received_at = placed_at
            WHERE store_id = :store AND id = :id"""),
        "final_at": text("""UPDATE orders SET state = :state, paid_at = placed_at,
            shipped_at = placed_at, received_at = placed_at, final_at = placed_at
            WHERE store_id = :store AND id = :id"""),
    }
    if stamps[state]:
        async with transaction() as conn:
            await conn.execute(
                changes[stamps[state]],
                {"state": state, "store": placed.store_id, "id": placed.order_id},
            )
    return buyer, placed, await a_session(buyer.person_id)


def page_of(order: Placed) -> str:
    return f"/orders/{order.store_id}/{order.order_id}"


async def state_of(order: Placed) -> str:
    async with transaction() as conn:
        return str(
            await conn.scalar(
                text("SELECT state FROM orders WHERE store_id = :store AND id = :id"),
                {"store": order.store_id, "id": order.order_id},
            )
        )


SAYS = {
    "placed": "待付款",
    "paid": "商家正在打包你的订单",
    "shipped": "收到后请确认",
    "received": "已收货",
    "final": "交易完成",
    "cancelled": "你已取消订单",
    "refunded": "款项已全部退还给你",
}


@pytest.mark.parametrize("state", SAYS)
async def test_every_state_has_its_words_and_its_place_in_the_list(state: str) -> None:
    _, order, token = await an_order(state)
    group = next(name for name, states in GROUPS.items() if states and state in states)
    async with a_client(token) as client:
        headers = {"accept-language": "zh"}
        client.cookies.set("dougong_locale", "zh")
        page = await client.get(page_of(order), headers=headers)
        listed = await client.get(f"/orders?group={group}", headers=headers)
        others = [name for name in GROUPS if name not in ("", group)]
        elsewhere = [await client.get(f"/orders?group={name}") for name in others]
    assert SAYS[state] in page.text
    assert f'data-state="{state}"' in listed.text
    assert page_of(order) in listed.text
    assert not any(page_of(order) in one.text for one in elsewhere)


async def test_an_order_that_waits_can_be_paid_or_cancelled() -> None:
    _, order, token = await an_order()
    async with a_client(token) as client:
        page = (await client.get(page_of(order))).text
        assert f'action="/checkouts/{order.checkout_id}/pay"' in page
        paying = await send(client, f"/checkouts/{order.checkout_id}/pay")
        assert paying.headers["location"].startswith("/pay/sandbox/")
        answer = await send(client, f"{page_of(order)}/cancel")
    assert (answer.status_code, answer.headers["location"]) == (303, page_of(order))
    assert await state_of(order) == "cancelled"


async def test_receipt_is_confirmed_only_for_what_was_shipped() -> None:
    _, shipped, token = await an_order("shipped")
    async with a_client(token) as client:
        assert f'action="{page_of(shipped)}/receive"' in (await client.get(page_of(shipped))).text
        await send(client, f"{page_of(shipped)}/receive")
    assert await state_of(shipped) == "received"
    _, paid, token = await an_order("paid")
    async with a_client(token) as client:
        refused = await send(client, f"{page_of(paid)}/receive")
    assert refused.status_code == 409
    assert 'data-code="wrong_order_state"' in refused.text
    assert await state_of(paid) == "paid"


async def test_a_strangers_order_looks_like_none() -> None:
    _, order, _ = await an_order("shipped")
    stranger = await a_session(await a_person())
    async with a_client(stranger) as client:
        answers: list[Any] = [
            await client.get(page_of(order)),
            await client.get(page_of(order) + "/receipt"),
            await send(client, page_of(order) + "/receive"),
            await send(client, page_of(order) + "/cancel"),
        ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert await state_of(order) == "shipped"


async def test_the_receipt_shows_lines_and_total() -> None:
    _, order, token = await an_order("final")
    async with a_client(token) as client:
        client.cookies.set("dougong_locale", "zh")
        page = (await client.get(page_of(order) + "/receipt")).text
    assert order.number in page
    assert "面霜" in page
    assert "¥99.00" in page
    assert "data-print" in page


async def test_the_account_page_counts_what_waits() -> None:
    _, _, token = await an_order("shipped")
    async with a_client(token) as client:
        page = (await client.get("/me")).text
    assert page.count("<b>1</b>") == 1


async def test_the_list_turns_pages_by_time() -> None:
    buyer, order, token = await an_order()
    async with transaction() as conn:
        placed_at = await conn.scalar(
            text("SELECT placed_at FROM orders WHERE store_id = :store AND id = :id"),
            {"store": order.store_id, "id": order.order_id},
        )
    async with a_client(token) as client:
        before = await client.get("/orders", params={"before": placed_at.isoformat()})
        bad = await client.get("/orders", params={"before": "yesterday"})
    assert page_of(order) not in before.text
    assert bad.status_code == 400
    assert isinstance(buyer.person_id, UUID)


async def test_a_language_is_kept_in_a_cookie_and_stays_on_this_site() -> None:
    async with a_client() as client:
        answer = await send(client, "/language", locale="en", next="//evil.example")
        assert answer.headers["location"] == "/"
        assert "dougong_locale=en" in answer.headers["set-cookie"]
        assert '<html lang="en">' in (await client.get("/search")).text
        refused = await send(client, "/language", locale="xx")
    assert refused.status_code == 400


async def test_orders_are_found_by_product_store_or_number() -> None:
    _, order, token = await an_order("shipped")
    async with a_client(token) as client:
        client.cookies.set("dougong_locale", "en")
        title = (await client.get("/orders", params={"q": "面霜"})).text
        number = (await client.get("/orders", params={"q": order.number[2:9]})).text
        other = (await client.get("/orders", params={"q": "no such thing"})).text
        wild = (await client.get("/orders", params={"q": "%"})).text
        elsewhere = (await client.get("/orders", params={"q": "面霜", "group": "to_pay"})).text
    assert page_of(order) in title
    assert page_of(order) in number
    assert not any(page_of(order) in page for page in (other, wild, elsewhere))
    assert "No such order" in other
