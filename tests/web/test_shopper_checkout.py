"""From the cart to the payment, with the server's totals all the way."""

import html
import json
import re
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from tests.factories import ABuyer, AStore, a_buyer, a_coupon, a_store, the_rules
from tests.web.accounts import Client, a_client, a_person, a_session, send

from dougong.infra.db import transaction


async def a_market(**store: Any) -> tuple[AStore, ABuyer, str]:
    """A store, a buyer with an address, and the buyer's session."""
    async with transaction() as conn:
        await the_rules(conn)
        made = await a_store(conn, **store)
        buyer = await a_buyer(conn)
    return made, buyer, await a_session(buyer.person_id)


def hidden(page: str, name: str) -> str:
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)
    assert found, name
    return html.unescape(found[1])


async def put(client: Client, store: AStore, *, quantity: int = 1, n: int = 0) -> Any:
    return await send(
        client, "/cart", store_id=str(store.store_id), sku_id=str(store.skus[n]), quantity=quantity
    )


async def place(client: Client, page: str, buyer: ABuyer, **changed: str) -> Any:
    fields = {name: hidden(page, name) for name in ("key", "ask", "parts")}
    return await send(client, "/checkout", address_id=str(buyer.address_id), **fields | changed)


async def orders_of(buyer: ABuyer) -> list[Any]:
    async with transaction() as conn:
        rows = await conn.execute(
            text("SELECT state, total_minor, checkout_id FROM orders WHERE buyer_id = :id"),
            {"id": buyer.person_id},
        )
        return list(rows)


async def test_the_cart_is_for_people_who_are_signed_in() -> None:
    async with a_client() as client:
        answer = await client.get("/cart", follow_redirects=False)
        back = await client.get("/checkout?store=1&coupon=a%3Ab", follow_redirects=False)
    assert answer.headers["location"] == "/sign-in?next=/cart"
    assert back.status_code in (303, 400)


async def test_buy_now_comes_back_after_signing_in_with_what_was_chosen() -> None:
    store, _, _ = await a_market()
    async with a_client() as client:
        answer = await send(
            client, "/buy", store_id=str(store.store_id), sku_id=str(store.skus[0]), quantity=2
        )
        target = answer.headers["location"]
        refused = await client.get(target, follow_redirects=False)
    assert target == f"/checkout?store={store.store_id}&sku={store.skus[0]}&quantity=2"
    assert f"sku%3D{store.skus[0]}" in refused.headers["location"]


async def test_adding_twice_adds_up_and_zero_takes_out() -> None:
    store, _, token = await a_market()
    line = f"/cart/{store.store_id}/{store.skus[0]}"
    async with a_client(token) as client:
        await put(client, store, quantity=2)
        answer = await put(client, store, quantity=3)
        assert (answer.status_code, answer.headers["location"]) == (303, "/cart")
        assert 'data-cart-holds="5"' in (await client.get("/cart")).text
        await send(client, line, quantity=4)
        assert 'data-cart-holds="4"' in (await client.get("/cart")).text
        await send(client, line, quantity=0)
        assert 'data-cart-holds="0"' in (await client.get("/cart")).text


async def test_htmx_gets_the_new_count_instead_of_a_page() -> None:
    store, _, token = await a_market()
    async with a_client(token) as client:
        await client.get("/cart")
        answer = await client.post(
            "/cart",
            data={"store_id": str(store.store_id), "sku_id": str(store.skus[0]), "quantity": "2"},
            headers={"HX-Request": "true", "x-csrftoken": client.cookies["csrftoken"]},
        )
    assert answer.status_code == 204
    assert json.loads(answer.headers["HX-Trigger"])["cart-count"] == 2


async def test_a_form_with_an_unknown_field_or_a_bad_quantity_changes_nothing() -> None:
    store, _, token = await a_market()
    fields = {"store_id": str(store.store_id), "sku_id": str(store.skus[0])}
    async with a_client(token) as client:
        unknown = await send(client, "/cart", **fields, price_minor="1")
        negative = await send(client, "/cart", **fields, quantity="-1")
        no_link = await send(client, "/cart", **fields, link_id="x")
        foreign = await send(client, "/cart", store_id=fields["store_id"], sku_id=str(uuid4()))
        cart = await client.get("/cart")
    assert [a.status_code for a in (unknown, negative, no_link, foreign)] == [400, 400, 400, 404]
    assert 'data-cart-holds="0"' in cart.text


async def test_without_an_address_the_checkout_asks_for_one() -> None:
    store, _, _ = await a_market()
    person_id = await a_person()
    async with a_client(await a_session(person_id)) as client:
        await put(client, store)
        said = (await client.get("/checkout")).text
    assert 'action="/me/addresses"' in said
    assert re.search(r'type="submit" disabled>', said)


async def test_an_empty_address_form_names_no_error_and_chooses_the_home_country() -> None:
    store, _, _ = await a_market()
    async with a_client(await a_session(await a_person())) as client:
        await put(client, store)
        page = (await client.get("/checkout")).text
    assert "is-invalid" not in page
    assert re.search(r'<option value="CN" selected>', page)


async def test_two_taps_place_an_order_at_the_shown_total_and_lead_to_the_payment() -> None:
    store, buyer, token = await a_market(prices=[9_900], shipping_fee_minor=800)
    async with a_client(token) as client:
        await put(client, store, quantity=2)
        page = (await client.get("/checkout", headers={"accept-language": "en"})).text
        assert 'data-total="20600"' in page
        answer = await place(client, page, buyer)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/pay/sandbox/")
        assert 'data-cart-holds="0"' in (await client.get("/cart")).text
        (order,) = await orders_of(buyer)
        state = await client.get(f"/checkouts/{order.checkout_id}")
    assert (order.state, order.total_minor) == ("placed", 20_600)
    assert "hx-trigger" in state.text


async def test_the_same_key_places_one_order() -> None:
    store, buyer, token = await a_market()
    async with a_client(token) as client:
        await put(client, store)
        page = (await client.get("/checkout")).text
        first = await place(client, page, buyer)
        again = await place(client, page, buyer)
    assert first.headers["location"] == again.headers["location"]
    assert len(await orders_of(buyer)) == 1


async def test_a_stale_total_comes_back_with_the_new_one_and_orders_nothing() -> None:
    store, buyer, token = await a_market(prices=[9_900])
    async with a_client(token) as client:
        client.cookies.set("dougong_locale", "en")
        await put(client, store)
        page = (await client.get("/checkout")).text
        async with transaction() as conn:
            await conn.execute(
                text("UPDATE skus SET price_minor = 10900 WHERE store_id = :id"),
                {"id": store.store_id},
            )
        refused = await place(client, page, buyer)
        assert refused.status_code == 409
        assert "The price has changed. Please look at the new total." in refused.text
        assert 'data-total="10900"' in refused.text
        assert hidden(refused.text, "key") != hidden(page, "key")
        assert await orders_of(buyer) == []
        done = await place(client, refused.text, buyer)
    assert done.status_code == 303
    assert [o.total_minor for o in await orders_of(buyer)] == [10_900]


async def test_a_total_made_up_by_the_client_is_refused() -> None:
    store, buyer, token = await a_market(prices=[9_900])
    async with a_client(token) as client:
        await put(client, store)
        page = (await client.get("/checkout")).text
        parts = json.loads(hidden(page, "parts"))
        parts[0]["expected_total_minor"] = 1
        refused = await place(client, page, buyer, parts=json.dumps(parts))
    assert refused.status_code == 409
    assert await orders_of(buyer) == []


async def test_what_is_no_json_of_ours_is_refused() -> None:
    store, buyer, token = await a_market()
    async with a_client(token) as client:
        await put(client, store)
        page = (await client.get("/checkout")).text
        codes = [
            (await place(client, page, buyer, parts=bad)).status_code
            for bad in ("", "[]", "{}", '[{"store_id": 1}]')
        ]
        foreign = await place(client, page, ABuyer(buyer.person_id, uuid4()))
    assert codes == [400, 400, 400, 400]
    assert foreign.status_code == 422
    assert await orders_of(buyer) == []


async def test_the_best_coupon_is_used_unless_another_is_chosen() -> None:
    store, _, token = await a_market(prices=[9_900])
    async with transaction() as conn:
        own = {"funder": "merchant", "funder_org_id": store.org_id}
        await a_coupon(conn, store, **own, code="SMALL", amount_off_minor=500)
        await a_coupon(conn, store, **own, code="BIG", amount_off_minor=2_000)
    async with a_client(token) as client:
        client.cookies.set("dougong_locale", "en")
        await put(client, store)
        best = await client.get("/checkout")
        small = await client.get(f"/checkout?coupon={store.store_id}:SMALL")
        none = await client.get(f"/checkout?coupon={store.store_id}:")
        bad = await client.get(f"/checkout?coupon={store.store_id}:NOPE")
        broken = await client.get("/checkout?coupon=x:NOPE")
    assert 'data-total="7900"' in best.text
    assert 'data-total="9400"' in small.text
    assert 'data-total="9900"' in none.text
    assert f'id="code-error-{store.store_id}"' in bad.text
    assert 'data-total="9900"' in bad.text
    assert broken.status_code == 400


async def test_a_sold_out_line_is_left_out_of_the_order() -> None:
    store, _, token = await a_market(prices=[9_900, 5_000])
    async with a_client(token) as client:
        client.cookies.set("dougong_locale", "en")
        await put(client, store)
        await put(client, store, n=1)
        async with transaction() as conn:
            await conn.execute(
                text("UPDATE stock SET on_hand = 0 WHERE store_id = :id AND sku_id = :sku"),
                {"id": store.store_id, "sku": store.skus[0]},
            )
        page = (await client.get("/checkout")).text
    assert "left out of this order" in page
    assert 'data-total="5000"' in page


async def test_stores_that_refuse_do_not_hold_up_the_others() -> None:
    store, buyer, token = await a_market(prices=[9_900])
    async with transaction() as conn:
        other = await a_store(conn, prices=[4_000])
    async with a_client(token) as client:
        client.cookies.set("dougong_locale", "en")
        await put(client, store)
        await put(client, other)
        page = (await client.get("/checkout")).text
        async with transaction() as conn:
            await conn.execute(
                text("UPDATE stock SET on_hand = 0 WHERE store_id = :id"), {"id": other.store_id}
            )
        partly = await place(client, page, buyer)
        cart = (await client.get("/cart")).text
    assert "One part could not be ordered" in partly.text
    assert "Pay the rest" in partly.text
    assert [o.total_minor for o in await orders_of(buyer)] == [9_900]
    assert str(other.skus[0]) in cart
    assert str(store.skus[0]) not in cart


async def test_a_strangers_checkout_is_not_found() -> None:
    store, buyer, token = await a_market()
    stranger = await a_person()
    async with a_client(token) as client:
        await put(client, store)
        await place(client, (await client.get("/checkout")).text, buyer)
    (order,) = await orders_of(buyer)
    async with a_client(await a_session(stranger)) as client:
        seen = await client.get(f"/checkouts/{order.checkout_id}")
    assert seen.status_code == 404


async def test_a_coupon_names_who_pays_for_it_and_a_refused_one_says_why() -> None:
    store, _, token = await a_market(prices=[9_900])
    async with transaction() as conn:
        await a_coupon(
            conn, store, funder="platform", funder_org_id=store.org_id, amount_off_minor=500
        )
    async with a_client(token) as client:
        client.cookies.set("dougong_locale", "zh")
        await put(client, store)
        offered = (await client.get("/checkout")).text
        refused = (await client.get(f"/checkout?coupon={store.store_id}:NOPE")).text
    assert "平台优惠券" in offered
    assert "店铺优惠券" not in offered
    assert "本店没有这个优惠码。" in refused
    assert "unknown" not in refused
    assert 'value="NOPE"' in refused


async def test_a_declined_payment_is_told_with_the_time_that_is_left() -> None:
    store, buyer, token = await a_market(prices=[9_900])
    async with a_client(token) as client:
        client.cookies.set("dougong_locale", "en")
        await put(client, store)
        placed = await place(client, (await client.get("/checkout")).text, buyer)
        pay_page = placed.headers["location"]
        [order] = await orders_of(buyer)
        waiting = (await client.get(f"/checkouts/{order.checkout_id}")).text
        await send(client, pay_page, outcome="declined")
        declined = (await client.get(f"/checkouts/{order.checkout_id}")).text
        again = (await client.get(pay_page)).text
    assert "Waiting for your payment" in waiting
    assert "Your payment was declined" in declined
    left = re.search(r'data-countdown="(\d+)">(\d+):', declined)
    assert left and 0 < int(left[1]) <= 900 and int(left[2]) == int(left[1]) // 60
    assert f'action="/checkouts/{order.checkout_id}/pay"' in declined
    assert 'value="paid"' not in again
