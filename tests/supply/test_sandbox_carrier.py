"""The sandbox carrier over real HTTP: replies that never come, news twice, late, and of nobody."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.supply.sandbox_carrier import (
    WORKER,
    Carrier,
    a_paid,
    a_shop_with_carrier,
    ask_waybill,
    pack,
    row_of,
    running_carrier,
)
from tests.supply.test_tracking import send

from dougong.base.ids import StoreId
from dougong.flows import carrier_events, waybills
from dougong.flows.hand_over import hand_over, list_parcels
from dougong.flows.pack_orders import open_package
from dougong.infra import clock, settings
from dougong.infra.db import transaction
from dougong.infra.sandbox_webhooks import sign
from dougong.payments.rules import BadSignature
from dougong.supply.adapters.carrier import CarrierAway
from dougong.supply.carrier_commands import add_carrier
from dougong.supply.carrier_queries import carrier_of
from dougong.supply.carrier_rules import CarrierKind


@pytest.fixture(scope="module")
def carrier() -> Iterator[Carrier]:
    with running_carrier() as made:
        yield made


@pytest.fixture(autouse=True)
def connected(carrier: Carrier, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = settings.settings()
    found = settings.msgspec.structs.replace(chosen, carrier_sandbox_url=carrier.url)
    monkeypatch.setattr("dougong.supply.adapters.sandbox.settings", lambda: found)
    carrier.control(cut=0, twice=False, shuffle=False)


async def a_labelled(phone: str = "") -> tuple[StoreId, object, str]:
    """A packed package with its waybill; answers store, package and number."""
    store, buyer = await a_shop_with_carrier()
    order = await a_paid(store, buyer, phone=phone)
    package_id = await pack(store.store_id, {order.order_id: {1: 1}})
    await waybills.tell_carrier(*await ask_waybill(store.store_id, package_id))
    row = await row_of("packages", store.store_id, package_id)
    return store.store_id, package_id, row.tracking_no


async def gone(store_id: StoreId, package_id: object) -> None:
    """The driver takes one package along."""
    named: dict[str, Any] = {"store_id": store_id, "by_id": WORKER}
    async with transaction() as conn:
        at = await clock.refresh(conn)
        list_id = await list_parcels(conn, package_ids=[package_id], at=at, **named)  # type: ignore[list-item]
    assert (await hand_over(list_id=list_id, taken_by="王", **named)).held_back == {}


async def deliver(store_id: StoreId, body: dict[str, object], *, secret: str = "") -> int:
    """Hand a webhook to the platform as the carrier signs it."""
    async with transaction() as conn:
        row = await carrier_of(conn, store_id=store_id, code="box")
    data = json.dumps(body, ensure_ascii=False).encode()
    headers = sign(data, secret=secret or row.secret)
    return await carrier_events.receive_events(
        store_id=store_id, code="box", body=data, headers=headers
    )


async def test_a_waybill_gives_the_package_its_number(connections: None) -> None:
    store_id, package_id, number = await a_labelled()
    row = await row_of("packages", store_id, package_id)
    assert (row.carrier, row.state) == ("盒子快递", "packed")
    assert number.startswith("SB")


async def test_a_carrier_that_never_answers_makes_one_waybill_when_asked_again(
    connections: None, carrier: Carrier
) -> None:
    store, buyer = await a_shop_with_carrier()
    order = await a_paid(store, buyer)
    package_id = await pack(store.store_id, {order.order_id: {1: 1}})
    job = await ask_waybill(store.store_id, package_id)
    carrier.control(cut=2)
    for _ in range(2):
        with pytest.raises(CarrierAway):
            await waybills.tell_carrier(*job)
    assert (await row_of("waybills", store.store_id, job[1])).state == "asked"
    await waybills.tell_carrier(*job)
    made = await row_of("waybills", store.store_id, job[1])
    other = await a_labelled()
    assert made.state == "made"
    assert int(other[2][2:]) == int(made.number[2:]) + 1  # the two lost replies made no number


async def test_a_carrier_that_answers_twice_changes_nothing_more(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    order = await a_paid(store, buyer)
    package_id = await pack(store.store_id, {order.order_id: {1: 1}})
    job = await ask_waybill(store.store_id, package_id)
    await waybills.tell_carrier(*job)
    first = await row_of("waybills", store.store_id, job[1])
    made = waybills.Made(number="SB00000000", minor=1)
    await waybills._made(store.store_id, first.id, made)
    await waybills.tell_carrier(*job)
    assert await row_of("waybills", store.store_id, job[1]) == first


async def test_a_carrier_may_refuse_an_address(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    order = await a_paid(store, buyer, phone="13800009006")
    package_id = await pack(store.store_id, {order.order_id: {1: 1}})
    job = await ask_waybill(store.store_id, package_id)
    await waybills.tell_carrier(*job)
    row = await row_of("waybills", store.store_id, job[1])
    assert (row.state, row.reason) == ("refused", "address_out_of_area")
    again = await ask_waybill(store.store_id, package_id)  # another try, or another carrier
    assert again[1] != job[1]


async def test_a_package_that_is_opened_calls_its_waybill_off(connections: None) -> None:
    store_id, package_id, _ = await a_labelled()
    async with transaction() as conn:
        await open_package(
            conn, store_id=store_id, package_id=package_id, by_id=WORKER, reason="test",  # type: ignore[arg-type]
            at=await clock.refresh(conn),
        )  # fmt: skip
        row = await waybills.live_waybill(conn, store_id=store_id, package_id=package_id)  # type: ignore[arg-type]
    assert row.state == "cancel_asked"
    await waybills.tell_carrier(str(store_id), str(row.id))
    assert (await row_of("waybills", store_id, row.id)).state == "cancelled"


@pytest.mark.parametrize(
    ("phone", "steps", "state"),
    [("", 5, "delivered"), ("13800009002", 3, "lost"), ("13800009003", 4, "failed"),
     ("13800009003", 6, "returned"), ("13800009004", 3, "failed"), ("13800009005", 6, "delivered")],
)  # fmt: skip
async def test_webhooks_repeated_and_out_of_order_end_right(
    connections: None, carrier: Carrier, phone: str, steps: int, state: str
) -> None:
    store_id, package_id, number = await a_labelled(phone)
    await gone(store_id, package_id)
    carrier.control(twice=True, shuffle=True)
    news = carrier.control(advance=steps, number=number)["webhooks"]
    assert len(news) == 2 * steps
    assert sum([await deliver(store_id, body) for body in news]) == steps
    assert (await row_of("packages", store_id, package_id)).state == state
    known = await waybills.ask_where_it_is(store_id=store_id, package_id=package_id)  # type: ignore[arg-type]
    assert known == 0


async def test_a_parcel_is_turned_round_on_its_way(connections: None, carrier: Carrier) -> None:
    store_id, package_id, number = await a_labelled()
    await gone(store_id, package_id)
    carrier.control(advance=2, number=number)
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await waybills.intercept(conn, store_id=store_id, package_id=package_id, at=at)  # type: ignore[arg-type]
        row = await waybills.live_waybill(conn, store_id=store_id, package_id=package_id)  # type: ignore[arg-type]
    await waybills.tell_carrier(str(store_id), str(row.id))
    carrier.control(advance=3, number=number)
    assert (await row_of("waybills", store_id, row.id)).state == "intercepted"


async def test_news_that_the_carrier_has_not_signed_is_refused(connections: None) -> None:
    store_id, _, number = await a_labelled()
    event = {"id": "x", "code": 50, "words": "", "at": "2026-01-01T00:00:00+00:00", "place": "",
             "province": ""}  # fmt: skip
    with pytest.raises(BadSignature):
        await deliver(store_id, {"number": number, "event": event}, secret="another")


async def test_news_before_the_hand_over_counts_after_it(
    connections: None, carrier: Carrier
) -> None:
    store_id, package_id, number = await a_labelled()
    for body in carrier.control(advance=1, number=number)["webhooks"]:
        assert await deliver(store_id, body) == 1
    assert (await row_of("packages", store_id, package_id)).state == "packed"
    await gone(store_id, package_id)
    assert (await row_of("packages", store_id, package_id)).state == "in_transit"


async def test_a_tracking_service_tells_in_its_own_tongue(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    order = await a_paid(store, buyer)
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await add_carrier(
            conn, store_id=store.store_id, code="sf", name="顺丰速运", kind=CarrierKind.TABLE, at=at
        )
        secret = (await carrier_of(conn, store_id=store.store_id, code="sf")).secret
    package_id = await send(order)
    points = [
        {"checkpoint_time": "2098-01-01T09:00:00", "tag": "Exception", "subtag": "Exception_013"},
        {"checkpoint_time": "2098-01-01T08:00:00+08:00", "tag": "InTransit", "city": "武汉"},
    ]
    body = json.dumps({"event": "tracking_update", "msg": {
        "tracking_number": "SF7700000001", "checkpoints": points}}).encode()  # fmt: skip
    digest = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    for new in (2, 0):
        told = await carrier_events.receive_events(
            store_id=store.store_id, code="sf", body=body,
            headers={"Aftership-Hmac-Sha256": digest},
        )  # fmt: skip
        assert told == new
    assert (await row_of("packages", store.store_id, package_id)).state == "lost"
    with pytest.raises(BadSignature):
        await carrier_events.receive_events(
            store_id=store.store_id, code="sf", body=body + b" ",
            headers={"aftership-hmac-sha256": digest},
        )  # fmt: skip
