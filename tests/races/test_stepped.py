"""Every interleaving of two flows over their pause points ends as one of the serial orders does."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.factories import ARequest, a_buyer
from tests.races.flows import PRICE, Act, Scene, a_scene, a_shop, assert_whole, place
from tests.races.stepped import interleavings, run_steps

from dougong.flows.deadlines import act_on_one
from dougong.flows.place_orders import Placed
from dougong.infra import clock
from dougong.infra.db import transaction

pytestmark = [
    pytest.mark.slow,
    pytest.mark.money,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("own_database", "patient"),
]

ORDERS = interleavings(3, 3)  # two points each


async def every_order(
    begin: Callable[[], Awaitable[Any]],
    acts: Callable[[Any], tuple[Act, Act]],
    check: Callable[[Any, list[Any]], Awaitable[None]],
    *,
    points: set[str],
) -> None:
    """Run all orders, each from a new beginning; `points` must all have been passed."""
    passed: set[str] = set()
    for order in ORDERS:
        scene = await begin()
        answers, steps = await run_steps(acts(scene), order)
        passed |= {name for one in steps.points for name in one}
        try:
            await check(scene, answers)
        except AssertionError as error:
            raise AssertionError(f"order {order}, points {steps.points}: {answers}") from error
    assert points <= passed


async def states(
    state: str,
    acts: Callable[[Scene], tuple[Act, Act]],
    *allowed: dict[tuple[Any, Any], tuple[str, int, int, int]],
    points: set[str],
) -> None:
    """`allowed`: outcomes of both (ids count as "refunded") to the order's state, refunded minor
    units, refunds, unallocated minor units."""
    shop = await a_shop()

    async def check(scene: Scene, answers: list[Any]) -> None:
        said = tuple(a if isinstance(a, str) else "refunded" for a in answers)
        row = await scene.row()
        got = (row.state, int(row.refunded), row.refunds, int(row.unallocated))
        assert any(one.get(said) == got for one in allowed), (said, got)

    await every_order(lambda: a_scene(shop, state=state), acts, check, points=points)
    await assert_whole(shop[0])


async def nothing_else_is_due() -> None:
    """Act on what other tests have left: the deadline to come is the only one."""
    async with transaction() as conn:
        while await act_on_one(conn, at=clock.now() + timedelta(days=11)):
            pass


async def test_pay_and_expire() -> None:
    await states(
        "placed",
        lambda s: (s.pay, s.expire),
        {
            ("told", "wrong_order_state"): ("paid", 0, 0, 0),
            ("told", "cancelled"): ("cancelled", 0, 0, 2 * PRICE),
        },
        points={"pay: captured", "pay: read the order", "close: cancelled"},
    )


async def test_pay_and_the_deadline() -> None:
    await nothing_else_is_due()
    await states(
        "placed",
        lambda s: (s.pay, s.fall_due),
        {("told", "looked"): ("paid", 0, 0, 0)},
        {("told", "looked"): ("cancelled", 0, 0, 2 * PRICE)},
        points={"pay: captured", "pay: read the order", "deadline: found it"},
    )


async def test_confirm_and_the_deadline() -> None:
    await nothing_else_is_due()
    await states(
        "shipped",
        lambda s: (s.confirm, s.fall_due),
        {
            ("received", "looked"): ("received", 0, 0, 0),
            ("wrong_order_state", "looked"): ("received", 0, 0, 0),
        },
        {("received", "looked"): ("final", 0, 0, 0)},  # received, so its window is what ends next
        points={"receive: found it", "deadline: found it"},
    )


async def test_refund_and_the_order_becoming_final() -> None:
    """Before or after it is final: the same money goes back, and the books are whole."""
    await nothing_else_is_due()
    left = 2 * PRICE - 100
    await states(
        "received",
        lambda s: (s.refund_most, s.become_final),
        {("refunded", "looked"): ("final", left, 1, 0)},
        {("refunded", "looked"): ("received", left, 1, 0)},  # the job left it to the next tick
        points={"refund: asked", "refund: read the lines", "deadline: found it"},
    )


async def test_pay_and_cancel_by_buyer() -> None:
    await states(
        "placed",
        lambda s: (s.pay, s.cancel),
        {
            ("told", "wrong_order_state"): ("paid", 0, 0, 0),
            ("told", "cancelled"): ("cancelled", 0, 0, 2 * PRICE),
        },
        points={"pay: captured", "close: found it", "close: cancelled"},
    )


async def test_webhook_delivered_twice() -> None:
    await states(
        "placed",
        lambda s: (s.pay, s.pay),
        {("told", "told"): ("paid", 0, 0, 0)},
        points={"pay: captured", "pay: read the order"},
    )


async def test_two_refunds_that_are_too_much_together() -> None:
    left = 2 * PRICE - 100
    await states(
        "paid",
        lambda s: (s.refund_most, s.refund_most),
        {
            ("refunded", "refund_too_much"): ("paid", left, 1, 0),
            ("refund_too_much", "refunded"): ("paid", left, 1, 0),
        },
        points={"refund: asked", "refund: read the lines"},
    )


async def test_one_refund_key_twice() -> None:
    shop = await a_shop()

    async def begin() -> Scene:
        return await a_scene(await a_shop(), state="paid")

    async def check(scene: Scene, answers: list[Any]) -> None:
        assert answers[0] == answers[1]
        row = await scene.row()
        assert (row.state, int(row.refunded), row.refunds) == ("paid", 500, 1)
        await assert_whole(scene.store)

    await every_order(
        begin,
        lambda s: (s.refund_with_one_key, s.refund_with_one_key),
        check,
        points={"refund: asked"},
    )
    await assert_whole(shop[0])


async def test_ship_and_refund_of_all() -> None:
    await states(
        "paid",
        lambda s: (s.ship, s.refund_whole),
        {
            ("shipped", "refunded"): ("refunded", 2 * PRICE, 1, 0),
            ("wrong_order_state", "refunded"): ("refunded", 2 * PRICE, 1, 0),
        },
        points={"ship: asked", "ship: read the order", "refund: asked", "refund: read the lines"},
    )


async def test_confirm_and_refund_of_all() -> None:
    await states(
        "shipped",
        lambda s: (s.confirm, s.refund_whole),
        {
            ("received", "refunded"): ("refunded", 2 * PRICE, 1, 0),
            ("wrong_order_state", "refunded"): ("refunded", 2 * PRICE, 1, 0),
        },
        points={"receive: found it", "refund: asked", "refund: read the lines"},
    )


async def test_one_order_key_in_two_web_workers() -> None:
    store, buyer = await a_shop()

    async def begin() -> Any:
        return ARequest(store, buyer, PRICE).build()

    async def check(_: Any, answers: list[Any]) -> None:
        assert isinstance(answers[0], Placed)
        assert answers[0] == answers[1]

    await every_order(
        begin,
        lambda r: (lambda: place(r), lambda: place(r)),
        check,
        points={"place: looked for the key", "place: took the units"},
    )
    await assert_whole(store)


@pytest.mark.parametrize("what", ["last unit", "last coupon"])
async def test_one_order_key_in_two_web_workers_and_one_left(what: str) -> None:
    """The order itself has taken the last one: its key's repeat hears of the order, not "no"."""
    is_coupon = what == "last coupon"
    code, total = ("SAVE10", PRICE - 1_000) if is_coupon else (None, PRICE)

    async def begin() -> Any:
        store, buyer = await a_shop(on_hand=2 if is_coupon else 1, coupons=1 if is_coupon else 0)
        return store, ARequest(store, buyer, total, coupon_code=code).build()

    async def check(scene: Any, answers: list[Any]) -> None:
        assert isinstance(answers[0], Placed)
        assert answers[0] == answers[1]
        await assert_whole(scene[0])

    await every_order(
        begin,
        lambda s: (lambda: place(s[1]), lambda: place(s[1])),
        check,
        points={"place: looked for the key", "place: took the units"},
    )


@pytest.mark.parametrize("what", ["last unit", "last coupon"])
async def test_two_buyers_and_one_left(what: str) -> None:
    is_coupon = what == "last coupon"

    async def begin() -> Any:
        store, one = await a_shop(on_hand=2 if is_coupon else 1, coupons=1 if is_coupon else 0)
        async with transaction() as conn:
            two = await a_buyer(conn)
        code, total = ("SAVE10", PRICE - 1_000) if is_coupon else (None, PRICE)
        made = [ARequest(store, b, total, coupon_code=code).build() for b in (one, two)]
        return store, made

    async def check(scene: Any, answers: list[Any]) -> None:
        refused = "coupon_refused" if is_coupon else "sold_out"
        assert sum(isinstance(a, Placed) for a in answers) == 1
        assert refused in answers
        await assert_whole(scene[0])

    await every_order(
        begin,
        lambda s: (lambda: place(s[1][0]), lambda: place(s[1][1])),
        check,
        points={"place: looked for the key", "place: took the units"},
    )


async def test_last_unit_comes_back_while_another_asks() -> None:
    async def begin() -> Any:
        store, one = await a_shop(on_hand=2)
        async with transaction() as conn:
            two = await a_buyer(conn)
        scene = await a_scene((store, one))
        return scene, ARequest(store, two, PRICE).build()

    async def check(made: Any, answers: list[Any]) -> None:
        assert answers[0] == "cancelled"
        assert isinstance(answers[1], Placed) or answers[1] == "sold_out"
        await assert_whole(made[0].store)

    await every_order(
        begin,
        lambda s: (s[0].cancel, lambda: place(s[1])),
        check,
        points={"close: found it", "close: cancelled", "place: looked for the key"},
    )
