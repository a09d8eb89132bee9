"""Refunds that a gateway failed or made by itself, and kept money that its owner claims."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from tests.books import balances
from tests.factories import ARequest, a_person
from tests.flows.paying import one, state_of
from tests.flows.test_match_unallocated import stray
from tests.races.flows import PRICE, Scene, a_scene, a_shop, place
from tests.web.test_operator import Client, Desk, as_, client, desk

from dougong.accounts.commands import give_role, start_session
from dougong.base.access import Role
from dougong.base.ids import PLATFORM_BOOK, PersonId, new_id
from dougong.flows.payment_arrived import act
from dougong.flows.send_refunds import note_refund
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.payments.rules import EventKind, GatewayEvent

__all__ = ["client", "desk"]  # fixtures of the operator's tests


async def failed(scene: Scene, refund_id: UUID, *, attempt: int = 1, tells: bool = True) -> None:
    """The gateway tells that an attempt failed (or, without `tells`, of a refund of its own)."""
    row = await one("SELECT * FROM refunds WHERE id = :r", r=refund_id)
    paid = await one("SELECT * FROM payments WHERE id = :p", p=row.payment_id)
    event = GatewayEvent(
        uuid4().hex,
        EventKind.REFUND_FAILED if tells else EventKind.REFUNDED,
        paid.gateway_ref,
        321,
        "CNY",
        clock.now(),
        refund_id=refund_id if tells else None,
        attempt=attempt,
    )
    async with transaction() as conn:
        await note_refund(conn, payment=paid, event=event, at=clock.now())


async def merchant_of(scene: Scene) -> str:
    async with transaction() as conn:
        person = await a_person(conn)
        at = clock.wall_now()
        await give_role(
            conn, person_id=person, org_id=scene.store.org_id, role=Role.MERCHANT, at=at
        )
        return await start_session(conn, person_id=PersonId(person), at=at, user_agent="test")


@pytest.mark.parametrize("locale", ["zh", "en"])
async def test_a_failed_refund_is_seen_and_sent_again_once(
    client: Client, desk: Desk, locale: str
) -> None:
    scene = await a_scene(await a_shop(), state="paid")
    refund_id = await scene.refund(100)
    await failed(scene, refund_id)
    number = (await one("SELECT number FROM orders WHERE id = :o", o=scene.placed.order_id)).number
    page = await as_(client, desk.one, locale).get("/operator/refunds")
    assert number in page.text
    assert ("bank refused it" in page.text) is (locale == "en")
    path = f"/operator/refunds/{refund_id}/attempts"
    assert path in page.text
    pressed = [
        (await client.post(path, data={"attempt": "1"}, follow_redirects=False)).status_code
        for _ in range(2)
    ]
    assert pressed == [303, 409]
    row = await one("SELECT state, attempt FROM refunds WHERE id = :r", r=refund_id)
    assert (row.state, row.attempt) == ("booked", 2)
    jobs = await one(
        "SELECT count(*) n FROM procrastinate_jobs WHERE args->>'refund_id' = :r", r=str(refund_id)
    )
    assert jobs.n == 2  # the first attempt's, and this one's
    noted = await one(
        "SELECT facts FROM audit_log WHERE action = 'payments.refund_sent_again' AND subject = :o",
        o=str(scene.placed.order_id),
    )
    assert noted.facts["attempt"] == 2
    assert number not in (await client.get("/operator/refunds")).text


async def test_after_its_own_tries_a_hand_may_go_on_until_none_is_left(
    client: Client, desk: Desk
) -> None:
    scene = await a_scene(await a_shop(), state="paid")
    refund_id = await scene.refund(100)
    path = f"/operator/refunds/{refund_id}/attempts"
    for attempt in range(1, 10):
        await failed(scene, refund_id, attempt=attempt)
        done = await as_(client, desk.one).post(
            path, data={"attempt": str(attempt)}, follow_redirects=False
        )
        assert done.status_code == (303 if attempt < 9 else 409)
    page = await client.get("/operator/refunds")
    assert "No attempt is left" in page.text


@pytest.mark.parametrize("who", ["merchant", "shopper", "buyer", "creator"])
async def test_only_the_operator_tries_again(client: Client, desk: Desk, who: str) -> None:
    scene = await a_scene(await a_shop(), state="paid")
    refund_id = await scene.refund(100)
    await failed(scene, refund_id)
    asked = as_(client, getattr(desk, who))
    path = f"/operator/refunds/{refund_id}/attempts"
    assert (await asked.post(path, data={"attempt": "1"})).status_code == 404
    assert (await asked.get("/operator/refunds")).status_code == 404
    assert (await as_(client, desk.one).post(path, data={"attempt": "x"})).status_code == 400
    gone = f"/operator/refunds/{new_id()}/attempts"
    assert (await client.post(gone, data={"attempt": "1"})).status_code == 404
    row = await one("SELECT state, attempt FROM refunds WHERE id = :r", r=refund_id)
    assert (row.state, row.attempt) == ("failed", 1)


@pytest.mark.parametrize("locale", ["zh", "en"])
async def test_the_merchant_sees_why_a_refund_has_not_arrived(client: Client, locale: str) -> None:
    scene = await a_scene(await a_shop(), state="paid")
    refund_id = await scene.refund(100)
    token = await merchant_of(scene)
    path = f"/merchant/stores/{scene.store.store_id}/orders/{scene.placed.order_id}"
    english = locale == "en"
    on_its_way = await as_(client, token, locale).get(path)
    assert ("On its way to the buyer." in on_its_way.text) is english
    await failed(scene, refund_id)
    page = await client.get(path)
    assert ("It has not reached the buyer yet." in page.text) is english
    assert ("bank refused it" in page.text) is english
    assert ("It is sent again on" in page.text) is english
    listed = await client.get(f"/merchant/stores/{scene.store.store_id}/refunds?show=failed")
    assert "refused_by_gateway" not in listed.text


@pytest.mark.parametrize("locale", ["zh", "en"])
async def test_a_refund_made_at_the_gateway_is_booked_from_the_list(
    client: Client, desk: Desk, locale: str
) -> None:
    scene = await a_scene(await a_shop(), state="paid")
    refund_id = await scene.refund(100)
    await failed(scene, refund_id, tells=False)
    order = await one("SELECT number FROM orders WHERE id = :o", o=scene.placed.order_id)
    row = await one("SELECT f.id FROM foreign_refunds f JOIN payments p ON p.id = f.payment_id "
                    "WHERE p.checkout_id = :c", c=scene.placed.checkout_id)  # fmt: skip
    path = f"/operator/refunds/foreign/{row.id}"
    page = await as_(client, desk.one, locale).get("/operator/refunds/foreign")
    assert f'action="{path}/book"' in page.text
    assert f"Book it as a refund of {order.number}" in page.text or locale == "zh"
    assert f"作为 {order.number} 的退款入账" in page.text or locale == "en"
    assert "3.21" in page.text
    form = {"store": str(scene.store.store_id), "order": str(scene.placed.order_id), "note": "n"}
    pressed = [
        (await client.post(f"{path}/book", data=form, follow_redirects=False)).status_code
        for _ in range(2)
    ]
    assert pressed == [303, 409]
    assert path not in (await client.get("/operator/refunds/foreign")).text
    done = await client.get("/operator/refunds/foreign?show=done")
    assert ("Booked as a refund of" in done.text) is (locale == "en")
    for file in ("foreign?file=csv", "foreign?show=done&file=csv"):
        answer = await client.get(f"/operator/refunds/{file}")
        assert answer.headers["content-type"].startswith("text/csv")
    assert f",{order.number},n,{order.number}" in answer.text


async def test_only_the_operator_decides_about_a_refund_made_at_the_gateway(
    client: Client, desk: Desk
) -> None:
    scene = await a_scene(await a_shop(), state="paid")
    await failed(scene, await scene.refund(100), tells=False)
    row = await one("SELECT f.id FROM foreign_refunds f JOIN payments p ON p.id = f.payment_id "
                    "WHERE p.checkout_id = :c", c=scene.placed.checkout_id)  # fmt: skip
    path = f"/operator/refunds/foreign/{row.id}"
    form = {"store": str(scene.store.store_id), "order": str(scene.placed.order_id), "note": "n"}
    for who in (desk.merchant, desk.buyer):
        assert (await as_(client, who).get("/operator/refunds/foreign")).status_code == 404
        for act_of in ("book", "set-aside"):
            assert (await client.post(f"{path}/{act_of}", data=form)).status_code == 404
    operator = as_(client, desk.one)
    assert (await operator.post(f"{path}/set-aside", data={"note": " "})).status_code == 400
    assert (await operator.post(f"{path}/set-aside", data={"note": "n" * 501})).status_code == 400
    aside = await operator.post(f"{path}/set-aside", data={"note": "ours"}, follow_redirects=False)
    assert aside.status_code == 303
    assert (
        "The books stay as they are"
        in (await client.get("/operator/refunds/foreign?show=done")).text
    )


async def test_kept_money_goes_back_when_its_owner_asks(client: Client, desk: Desk) -> None:
    """Kept, then sent back: one entry each way, so the platform's books end where they began."""
    async with transaction() as conn:
        before = await balances(conn, PLATFORM_BOOK)
    ref = uuid4().hex
    event = GatewayEvent(uuid4().hex, EventKind.CAPTURED, ref, 888, "CNY", clock.now())
    await act(code="sandbox", event=event)
    row = await one("SELECT id FROM unallocated_money WHERE gateway_ref = :r", r=ref)
    path = f"/operator/unallocated/{row.id}"
    kept = await as_(client, desk.one).post(
        path, data={"resolution": "kept_for_claim"}, follow_redirects=False
    )
    assert kept.status_code == 303
    page = await client.get("/operator/unallocated?show=done")
    assert f'action="{path}"' in page.text
    assert "Its owner has asked: send it back" in page.text
    form = {"resolution": "sent_back", "note": "called", "show": "done"}
    sent = [await client.post(path, data=form, follow_redirects=False) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [303, 404]
    assert sent[0].headers["location"] == "/operator/unallocated?show=done"
    assert f'action="{path}"' not in (await client.get("/operator/unallocated?show=done")).text
    async with transaction() as conn:
        assert await balances(conn, PLATFORM_BOOK) == before
        jobs = await conn.scalar(
            text("SELECT count(*) FROM procrastinate_jobs WHERE args->>'unallocated_id' = :i"),
            {"i": str(row.id)},
        )
    assert jobs == 1


async def test_stray_money_is_given_to_a_waiting_order(client: Client, desk: Desk) -> None:
    shop = await a_shop()
    _, row = await stray(shop)
    waiting = await place(ARequest(shop[0], shop[1], PRICE).build())
    path = f"/operator/unallocated/{row.id}/match"
    form = {"store": str(waiting.store_id), "order": str(waiting.order_id)}
    page = await as_(client, desk.one).get("/operator/unallocated")
    assert f'action="{path}"' in page.text
    for who in ("merchant", "buyer"):
        refused = await as_(client, getattr(desk, who)).post(path, data=form)
        assert refused.status_code == 404
    wrong = form | {"order": str(new_id())}
    gone = await as_(client, desk.one).post(path, data=wrong)
    given = [await client.post(path, data=form, follow_redirects=False) for _ in range(2)]
    assert [gone.status_code, *(answer.status_code for answer in given)] == [404, 303, 303]
    assert await state_of(waiting) == "paid"
    for locale, words in (
        ("en", "Given to an order of its payer"),
        ("zh", "已用于支付付款人的订单"),
    ):
        done = await as_(client, desk.one, locale).get("/operator/unallocated?show=done")
        assert words in done.text
