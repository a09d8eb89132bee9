"""Many at once, held at a barrier: one effect, whatever comes first."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from tests.factories import T0, a_person
from tests.races.flows import PRICE, Act, Scene, a_scene, a_shop, assert_whole, outcome

from dougong.base.ids import RuleId, new_id
from dougong.flows.payment_arrived import receive
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.payments.adapters.sandbox import sign
from dougong.payments.rules import EventKind, GatewayEvent
from dougong.policy.commands import approve_rule, draft_rule
from dougong.policy.defaults import default_rules

pytestmark = [pytest.mark.money, pytest.mark.usefixtures("own_database")]

TIMES = 6


async def at_once(acts: Sequence[Act]) -> list[Any]:
    barrier = asyncio.Barrier(len(acts))

    async def run(act: Act) -> Any:
        await barrier.wait()
        return await outcome(act)

    return list(await asyncio.gather(*(run(act) for act in acts)))


def counted(answers: Sequence[Any]) -> Counter[str]:
    return Counter(a if isinstance(a, str) else "refunded" for a in answers)


async def test_pay_while_it_expires_or_is_cancelled() -> None:
    shop = await a_shop()
    for _ in range(TIMES):
        scene = await a_scene(shop)
        answers = counted(await at_once([scene.pay, scene.expire, scene.cancel, scene.pay]))
        row = await scene.row()
        if row.state == "paid":
            assert answers["wrong_order_state"] == 2 and row.unallocated == 0
        else:
            assert row.state == "cancelled" and int(row.unallocated) == 2 * PRICE
            assert answers["cancelled"] == 1
    await assert_whole(shop[0])


async def test_refunds_that_are_too_much_together() -> None:
    shop = await a_shop()
    for _ in range(TIMES):
        scene = await a_scene(shop, state="paid")
        answers = counted(await at_once([scene.refund_most] * 6))
        assert answers == {"refunded": 1, "refund_too_much": 5}
        assert (await scene.row()).refunds == 1
    await assert_whole(shop[0])


async def test_one_refund_key_ten_times() -> None:
    for _ in range(TIMES):
        scene = await a_scene(await a_shop(), state="paid")
        answers = await at_once([scene.refund_with_one_key] * 10)
        assert len(set(answers)) == 1
        assert (await scene.row()).refunds == 1
        await assert_whole(scene.store)


@pytest.mark.parametrize("state", ["paid", "shipped"])
async def test_refund_of_all_while_it_is_shipped_or_received(state: str) -> None:
    shop = await a_shop()
    for _ in range(TIMES):
        scene = await a_scene(shop, state=state)
        other = scene.ship if state == "paid" else scene.confirm
        await at_once([scene.refund_whole, other, other, scene.refund_whole])
        row = await scene.row()
        assert (row.state, int(row.refunded), row.refunds) == ("refunded", 2 * PRICE, 1)
    await assert_whole(shop[0])


async def test_one_webhook_ten_times() -> None:
    shop = await a_shop()
    for _ in range(TIMES):
        scene: Scene = await a_scene(shop)
        assert counted(await at_once([scene.pay] * 10)) == {"told": 10}
        assert (await scene.row()).state == "paid"
    await assert_whole(shop[0])


async def test_money_for_an_unknown_payment_ten_times_is_kept_once() -> None:
    reference = f"sb_{uuid4().hex}"
    event = GatewayEvent(
        f"evt_{reference}", EventKind.CAPTURED, reference, 777, "CNY", clock.wall_now()
    )

    async def tell() -> str:
        signed = sign(event)
        await receive(code="sandbox", body=signed.body, headers=signed.headers)
        return "told"

    assert counted(await at_once([tell] * 10)) == {"told": 10}
    async with transaction() as conn:
        rows = await conn.execute(
            text("SELECT amount_minor FROM unallocated_money WHERE gateway_ref = :r"),
            {"r": reference},
        )
        assert [row.amount_minor for row in rows] == [777]


async def test_two_approvals_of_one_rule() -> None:
    async with transaction() as conn:
        author, one, two = [await a_person(conn) for _ in range(3)]
    for n in range(TIMES):
        starts = clock.wall_now() + timedelta(days=3_650 + n)
        rule_id = RuleId(new_id())
        template = default_rules()[0]
        draft = type(template)(
            **{f: getattr(template, f) for f in template.__struct_fields__}
            | {"id": rule_id, "starts": starts, "ends": starts + timedelta(hours=1)}
            | {"party": uuid4().hex}
        )
        async with transaction() as conn:
            await draft_rule(conn, rule=draft, author_id=author, at=T0)

        async def approve(person: Any, rule: RuleId = rule_id) -> str:
            async with transaction() as conn:
                await approve_rule(conn, rule_id=rule, approver_id=person, at=T0)
            return "approved"

        answers = await at_once(
            [lambda: approve(one), lambda: approve(two), lambda: approve(author)]
        )
        assert sorted(map(str, answers)).count("approved") == 1
