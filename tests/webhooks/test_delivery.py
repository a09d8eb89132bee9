"""Deliveries to a real server: signed, at least once, one row each, in order, given up in time."""

import asyncio
import json
from datetime import datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from tests.webhooks.receiver import Receiver, a_receiver
from tests.webhooks.shop import Shop

from dougong.base.errors import NotFound
from dougong.base.ids import StoreId, new_id
from dougong.flows import deliver_webhooks as flow
from dougong.infra import http
from dougong.infra.db import transaction
from dougong.webhooks import commands, delivery_commands, rules

MINUTE = timedelta(minutes=1)


def ids(receiver: Receiver) -> list[str]:
    return [one.headers["webhook-id"] for one in receiver.received]


async def test_an_event_arrives_once_and_its_signature_verifies(shop: Shop) -> None:
    with a_receiver() as receiver:
        await shop.listens(receiver.url)
        await shop.says()
        await shop.rounds(3)
    assert len(receiver.received) == 1
    headers, body = receiver.received[0]
    secret = (await shop.endpoint()).secret
    told = Webhook(secret).verify(body, headers)
    assert told["type"] == "order.paid"
    assert told["data"]["paid_minor"] == 1230
    assert told["data"]["store_id"] == str(shop.store_id)
    with pytest.raises(WebhookVerificationError):
        Webhook(rules.new_secret()).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"1230", b"1231"), headers)
    row = (await shop.log())[0]
    assert (row.delivered, row.last_status, row.attempts) == (True, 204, 1)


async def test_only_the_kinds_asked_for_and_only_this_store(shop: Shop) -> None:
    with a_receiver() as receiver:
        await shop.listens(receiver.url, "order.paid", "order.refunded")
        for kind in ("order.paid", "order.final", "catalog.store_changed", "order.refunded"):
            await shop.says(kind)
        mine, shop.store_id = shop.store_id, StoreId(new_id())
        await shop.says("order.paid")
        shop.store_id = mine
        await shop.rounds(2)
    assert sorted(json.loads(one.body)["type"] for one in receiver.received) == [
        "order.paid",
        "order.refunded",
    ]


async def test_errors_are_tried_again_under_the_same_id_eight_times_in_a_day(shop: Shop) -> None:
    start = shop.at
    with a_receiver(lambda n: 500) as receiver:
        await shop.listens(receiver.url)
        await shop.says()
        for wait in (timedelta(0), *rules.WAITS, timedelta(days=2)):
            await shop.rounds()
            shop.at += wait - timedelta(seconds=1) if wait else timedelta(0)
            await shop.rounds()
            shop.at += timedelta(seconds=1)
        await shop.rounds()
    assert (len(receiver.received), len(set(ids(receiver)))) == (8, 1)
    row = (await shop.log())[0]
    assert (row.attempts, row.delivered, row.last_status) == (8, False, 500)
    assert row.done_at - start == pytest.approx(timedelta(hours=23, minutes=43), abs=MINUTE)


async def test_a_server_that_recovers_gets_what_it_missed(shop: Shop) -> None:
    with a_receiver(lambda n: 503 if n == 1 else 200) as receiver:
        await shop.listens(receiver.url)
        await shop.says()
        await shop.rounds()
        assert (await shop.endpoint()).failing_since is not None
        shop.at += rules.WAITS[0]
        await shop.rounds()
    assert len(set(ids(receiver))) == 1
    assert (await shop.log())[0].delivered
    assert (await shop.endpoint()).failing_since is None


@pytest.mark.parametrize("status", [0, 302, 400, 404])
async def test_garbage_redirects_and_refusals_are_failures(shop: Shop, status: int) -> None:
    with a_receiver(lambda n: status) as receiver:
        await shop.listens(receiver.url)
        await shop.says()
        await shop.rounds()
    row = (await shop.log())[0]
    assert (row.delivered, row.done_at, row.attempts) == (False, None, 1)
    assert row.last_status == (status or None)
    assert bool(row.last_error) == (status == 0)


async def test_a_slow_server_is_given_up_and_does_not_hold_up_others(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "PAGE", http.PAGE._replace(total_s=0.5))
    with a_receiver(delay_s=1) as slow, a_receiver() as quick:
        await shop.listens(slow.url)
        await shop.listens(quick.url)
        await shop.says()
        await shop.rounds()
    assert len(quick.received) == 1
    errors = {row.url: row.last_error for row in await shop.log()}
    assert (errors[slow.url], errors[quick.url]) == ("too slow", None)


async def test_nobody_there_is_a_failure_with_its_reason(shop: Shop) -> None:
    with a_receiver() as receiver:
        url = receiver.url
    await shop.listens(url)
    await shop.says()
    await shop.rounds()
    assert (await shop.log())[0].last_error == "ConnectError"


async def test_gone_switches_the_endpoint_off(shop: Shop) -> None:
    with a_receiver(lambda n: 410) as receiver:
        await shop.listens(receiver.url)
        await shop.says()
        await shop.rounds()
        await shop.says()
        await shop.rounds()
    assert len(receiver.received) == 1
    assert (await shop.endpoint()).disabled_why == "gone"


async def test_days_of_failure_switch_the_endpoint_off(shop: Shop) -> None:
    with a_receiver(lambda n: 500) as receiver:
        await shop.listens(receiver.url)
        await shop.says()
        await shop.rounds()
        shop.at += rules.GIVE_UP_AFTER - MINUTE
        await shop.rounds()
        assert (await shop.endpoint()).disabled_at is None
        shop.at += timedelta(hours=1)
        await shop.rounds()
        assert (await shop.endpoint()).disabled_why == "failing"
        before = len(receiver.received)
        shop.at += timedelta(days=1)
        await shop.rounds()
        assert len(receiver.received) == before
        async with transaction() as conn:
            await commands.switch_endpoint(
                conn, store_id=shop.store_id, endpoint_id=shop.endpoint_id, on=True, at=shop.at
            )
        await shop.rounds()
        assert len(receiver.received) == before + 1


async def test_events_of_one_subject_arrive_in_order(shop: Shop) -> None:
    order, other = new_id(), new_id()
    with a_receiver(lambda n: 500 if n == 1 else 200) as receiver:
        await shop.listens(receiver.url)
        for kind in ("order.paid", "order.package_shipped", "order.final"):
            await shop.says(kind, subject=order)
        await shop.rounds()
        await shop.says("order.paid", subject=other)
        await shop.rounds()
        shop.at += rules.WAITS[0]
        await shop.rounds(4)
    told = [json.loads(one.body) for one in receiver.received]
    mine = [one["type"] for one in told if one["data"]["subject_id"] == str(order)]
    assert mine == ["order.paid", "order.paid", "order.package_shipped", "order.final"]
    assert told[1]["data"]["subject_id"] == str(other)


async def test_workers_at_once_make_no_double_rows_and_no_double_calls(shop: Shop) -> None:
    with a_receiver() as receiver:
        await shop.listens(receiver.url)
        await asyncio.gather(*(shop.says() for _ in range(40)))
        await asyncio.gather(*(flow.fan_out() for _ in range(4)))
        for _ in range(20):
            await asyncio.gather(*(flow.deliver_due() for _ in range(4)))
    assert (len(receiver.received), len(set(ids(receiver)))) == (40, 40)
    assert len(await shop.log()) == 40


async def test_a_worker_that_dies_in_a_call_leaves_the_delivery_to_another(shop: Shop) -> None:
    with a_receiver() as receiver:
        await shop.listens(receiver.url)
        await shop.says()
        await flow.fan_out()
        async with transaction() as conn:
            taken = await delivery_commands.claim(conn, at=shop.at, most=10, most_each=10)
        assert len([one for one in taken if one.store_id == shop.store_id]) == 1
        await shop.rounds()
        assert receiver.received == []
        shop.at += rules.LEASE
        await shop.rounds()
    assert len(receiver.received) == 1
    async with transaction() as conn:  # the dead one's word comes too late to count
        await delivery_commands.finish(
            conn,
            store_id=shop.store_id,
            delivery_id=taken[0].id,
            attempts=1,
            status=500,
            error=None,
            at=shop.at,
        )
    assert (await shop.log())[0].delivered


async def test_a_rotation_signs_with_both_secrets_for_a_day(shop: Shop) -> None:
    with a_receiver() as receiver:
        await shop.listens(receiver.url)
        old = (await shop.endpoint()).secret
        async with transaction() as conn:
            await commands.rotate_secret(
                conn, store_id=shop.store_id, endpoint_id=shop.endpoint_id, at=shop.at
            )
        new = (await shop.endpoint()).secret
        await shop.says()
        await shop.rounds()
        headers, body = receiver.received[0]
        for secret in (old, new):
            Webhook(secret).verify(body, headers)
        shop.at += rules.ROTATION
        await shop.says()
        await shop.rounds()
    assert old != new
    assert len(receiver.received[1].headers["webhook-signature"].split(" ")) == 1


async def test_a_replay_goes_out_under_the_same_id(shop: Shop) -> None:
    with a_receiver() as receiver:
        await shop.listens(receiver.url)
        await shop.says()
        await shop.rounds()
        row = (await shop.log())[0]
        async with transaction() as conn:
            await delivery_commands.replay(
                conn, store_id=shop.store_id, delivery_id=row.id, at=shop.at
            )
        async with transaction() as conn:
            with pytest.raises(rules.NotReplayable):
                await delivery_commands.replay(
                    conn, store_id=shop.store_id, delivery_id=row.id, at=shop.at
                )
            with pytest.raises(NotFound):
                await delivery_commands.replay(
                    conn, store_id=StoreId(new_id()), delivery_id=row.id, at=shop.at
                )
        await shop.rounds()
    assert (len(receiver.received), len(set(ids(receiver)))) == (2, 1)


async def test_a_test_event_goes_to_the_one_endpoint(shop: Shop) -> None:
    with a_receiver() as one, a_receiver() as other:
        await shop.listens(other.url)
        await shop.listens(one.url)
        async with transaction() as conn:
            await delivery_commands.send_test(
                conn, store_id=shop.store_id, endpoint_id=shop.endpoint_id, at=shop.at
            )
        await shop.rounds(2)
    assert (len(one.received), len(other.received)) == (1, 0)
    assert json.loads(one.received[0].body)["type"] == rules.TEST_KIND


async def test_an_address_that_turns_private_is_not_called(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_receiver() as receiver:
        await shop.listens(receiver.url)
        await shop.says()
        monkeypatch.setattr(http, "loopback_allowed", lambda: False)
        await shop.rounds()
    assert receiver.received == []
    assert (await shop.log())[0].last_error == "unsafe_url: port"


def test_waits_sum_to_about_a_day() -> None:
    assert sum(rules.WAITS, timedelta()) == timedelta(hours=23, minutes=42, seconds=30)
    at = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
    assert rules.next_try(rules.MOST_TRIES, at) is None


@pytest.mark.parametrize("asked", [[], ["order.eaten"], ["order.paid", "x"]])
def test_unknown_kinds_are_refused(asked: list[str]) -> None:
    with pytest.raises(rules.BadKinds):
        rules.kinds_of(asked)
