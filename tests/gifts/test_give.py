"""Coins bought, given in a room, taken back and turned into money again, to the fen."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from tests.books import balances
from tests.factories import a_person, an_org, the_rules
from tests.flows.paying import chosen

from dougong.base.errors import KeyReused, Refusal
from dougong.base.ids import PLATFORM_BOOK, OrgId, PersonId, new_id
from dougong.flows.buy_coins import buy_coins, refund_coins
from dougong.flows.send_gift import send_gift, take_gift_back
from dougong.gifts.commands import say_born_on
from dougong.gifts.queries import coins_of
from dougong.gifts.rules import (
    AgeUnknown,
    BornTwice,
    GiftGone,
    GiftLimit,
    NotEnoughCoins,
    NothingLeft,
    ReversedBefore,
    RoomNotOnAir,
)
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.ledger.rules import PLATFORM, Purpose
from dougong.payments.adapters.sandbox import Outcome
from dougong.policy.queries import forget_book
from dougong.reads.coins import wallet

pytestmark = pytest.mark.money
ADULT, CHILD = date(1990, 5, 1), date(2015, 5, 1)


class Viewer:
    """Somebody with coins, and a room on air to give them in."""

    def __init__(self, person_id: PersonId, creator_id: OrgId, room_id: UUID) -> None:
        self.person_id, self.creator_id, self.room_id = person_id, creator_id, room_id

    async def buys(self, *, coins: int, price_minor: int) -> UUID:
        """The id of the purchase."""
        pack_id, key = new_id(), uuid4().hex
        await run(
            "INSERT INTO coin_packs (id, coins, price_minor, currency, made_at)"
            " VALUES (:id, :coins, :price, 'CNY', :at)",
            id=pack_id, coins=coins, price=price_minor, at=clock.now(),
        )  # fmt: skip
        payment = await buy_coins(
            person_id=self.person_id, pack_id=pack_id, key=key, return_url="/coins"
        )
        await chosen(UUID(payment.pay_url.rsplit("/", 1)[1]), Outcome.TWICE)
        return UUID(
            str(
                await run(
                    "SELECT id FROM pay_ins WHERE payer_id = :p AND idempotency_key = :k",
                    p=self.person_id, k=key,
                )
            )
        )  # fmt: skip

    async def gives(self, count: int = 1, *, key: str = "", gift: str = "rose") -> Any:
        async with transaction() as conn:
            return await send_gift(
                conn, room_id=self.room_id, person_id=self.person_id, name="小红", gift=gift,
                count=count, key=key or uuid4().hex, at=await clock.refresh(conn),
            )  # fmt: skip

    async def turns_back(self, pay_in_id: UUID, *, key: str = "back-1") -> Any:
        async with transaction() as conn:
            return await refund_coins(
                conn, person_id=self.person_id, pay_in_id=pay_in_id, key=key, at=clock.now()
            )

    async def coins(self) -> int:
        async with transaction() as conn:
            return await coins_of(conn, person_id=self.person_id)

    async def held(self) -> int:
        return await self.balance(self.person_id, Purpose.COIN_LIABILITY)

    async def creator_has(self) -> int:
        return await self.balance(self.creator_id, Purpose.CREATOR_PAYABLE)

    async def balance(self, owner_id: UUID, purpose: Purpose) -> int:
        async with transaction() as conn:
            return (await balances(conn, PLATFORM_BOOK)).get((owner_id, purpose), 0)


async def run(statement: str, **values: Any) -> Any:
    async with transaction() as conn:
        found = await conn.execute(text(statement), values)
        return found.scalar_one_or_none() if found.returns_rows else None


@pytest.fixture
async def viewer(connections: None) -> Viewer:
    """An adult; the platform keeps half of gifts in this creator's rooms."""
    async with transaction() as conn:
        await the_rules(conn)
        person_id = await a_person(conn)
        creator_id = await an_org(conn, kind="creator", person_id=await a_person(conn))
        await say_born_on(conn, person_id=person_id, born_on=ADULT, at=clock.now())
    room_id = new_id()
    await run(
        "INSERT INTO live_rooms (id, creator_id, title_zh, state, announced_for, started_at,"
        " made_at, keep_until) VALUES (:id, :creator, '夜场', 'live', :at, :at, :at, :until)",
        id=room_id, creator=creator_id, at=clock.now(), until=clock.now() + timedelta(days=1095),
    )  # fmt: skip
    await run(
        "INSERT INTO gift_kinds (code, name_zh, name_en, coins, made_at)"
        " VALUES ('rose', '玫瑰', 'Rose', 10, :at) ON CONFLICT DO NOTHING",
        at=clock.now(),
    )
    await run(
        "INSERT INTO fee_rules (id, kind, party, announced_at, in_force, rate_bp, reason_zh,"
        " reason_en, author_id, approver_id, approved_at) VALUES (:id, 'gift_fee', :party, :at,"
        " tstzrange(:at, NULL), 5000, '分成', 'share', :a, :b, :at)",
        id=new_id(), party=str(creator_id), at=clock.now() - timedelta(days=1), a=new_id(),
        b=new_id(),
    )  # fmt: skip
    forget_book()
    return Viewer(person_id, creator_id, room_id)


async def test_coins_are_there_when_the_money_has_come_once(viewer: Viewer) -> None:
    await viewer.buys(coins=70, price_minor=699)
    assert await viewer.coins() == 70
    assert await viewer.held() == 699


async def test_a_gift_moves_what_its_coins_were_paid_with(viewer: Viewer) -> None:
    """70 coins for 6.99: ten of them 0.99, of which the platform keeps 0.49."""
    await viewer.buys(coins=70, price_minor=699)
    before = await viewer.balance(PLATFORM, Purpose.PLATFORM_GIFT_REVENUE)
    row = await viewer.gives()
    assert (row.coins, row.value_minor, row.platform_minor, row.creator_minor) == (10, 99, 49, 50)
    assert (await viewer.coins(), await viewer.held(), await viewer.creator_has()) == (60, 600, 50)
    assert await viewer.balance(PLATFORM, Purpose.PLATFORM_GIFT_REVENUE) - before == 49


async def test_the_last_gift_takes_the_rest_of_the_price(viewer: Viewer) -> None:
    await viewer.buys(coins=30, price_minor=100)
    assert [(await viewer.gives()).value_minor for _ in range(3)] == [33, 33, 34]
    assert (await viewer.coins(), await viewer.held()) == (0, 0)


async def test_a_gift_takes_the_oldest_coins_first(viewer: Viewer) -> None:
    await viewer.buys(coins=15, price_minor=150)
    await viewer.buys(coins=10, price_minor=50)
    assert (await viewer.gives(2)).value_minor == 150 + 25


async def test_the_same_key_gives_once(viewer: Viewer) -> None:
    await viewer.buys(coins=100, price_minor=1_000)
    rows = await asyncio.gather(*(viewer.gives(key="same-key-1") for _ in range(10)))
    assert {row.id for row in rows} == {rows[0].id}
    assert await viewer.coins() == 90


async def test_a_key_for_another_gift_is_refused(viewer: Viewer) -> None:
    await viewer.buys(coins=100, price_minor=1_000)
    await viewer.gives(key="same-key-1")
    with pytest.raises(KeyReused):
        await viewer.gives(2, key="same-key-1")


async def test_gifts_at_once_never_give_more_than_is_held(viewer: Viewer) -> None:
    await viewer.buys(coins=35, price_minor=350)
    answers = await asyncio.gather(*(viewer.gives() for _ in range(8)), return_exceptions=True)
    refused = [a for a in answers if isinstance(a, NotEnoughCoins)]
    assert (len(refused), len(answers) - len(refused)) == (5, 3)
    assert await viewer.coins() == 5


OVER = """
    UPDATE live_rooms SET state = 'ended', ended_at = made_at, end_reason = 'creator'
    WHERE id = :room AND :person = :person AND :creator = :creator
"""
A_CHILD = """
    UPDATE gift_people SET born_on = '2015-05-01'
    WHERE person_id = :person AND :room = :room AND :creator = :creator
"""
RUNS_THE_ROOM = """
    INSERT INTO grants SELECT :person, :creator, 'creator', made_at FROM live_rooms WHERE id = :room
"""


@pytest.mark.parametrize(
    ("change", "refusal"),
    [(OVER, RoomNotOnAir), (A_CHILD, GiftLimit), (RUNS_THE_ROOM, RoomNotOnAir)],
)
async def test_who_may_not_give_keeps_all_coins(
    viewer: Viewer, change: str, refusal: type[Refusal]
) -> None:
    await viewer.buys(coins=100, price_minor=1_000)
    await run(change, room=viewer.room_id, person=viewer.person_id, creator=viewer.creator_id)
    with pytest.raises(refusal):
        await viewer.gives()
    assert (await viewer.coins(), await viewer.held()) == (100, 1_000)


async def test_who_has_not_said_an_age_gives_nothing(viewer: Viewer) -> None:
    async with transaction() as conn:
        stranger = Viewer(await a_person(conn), viewer.creator_id, viewer.room_id)
    await stranger.buys(coins=100, price_minor=1_000)
    with pytest.raises(AgeUnknown):
        await stranger.gives()
    assert await stranger.coins() == 100


async def test_an_unknown_gift_is_refused(viewer: Viewer) -> None:
    with pytest.raises(GiftGone):
        await viewer.gives(gift="moon")


async def test_the_day_of_birth_is_said_once(viewer: Viewer) -> None:
    async with transaction() as conn:
        await say_born_on(conn, person_id=viewer.person_id, born_on=ADULT, at=clock.now())
        with pytest.raises(BornTwice):
            await say_born_on(conn, person_id=viewer.person_id, born_on=CHILD, at=clock.now())


async def test_a_gift_that_is_taken_back_leaves_no_trace_in_the_balances(viewer: Viewer) -> None:
    await viewer.buys(coins=30, price_minor=100)
    first = await viewer.gives()
    await viewer.gives()
    operator = await a_moderator()
    async with transaction() as conn:
        await take_gift_back(conn, gift_id=first.id, by=operator, reason="stolen card",
                             at=clock.now())  # fmt: skip
    assert (await viewer.coins(), await viewer.held(), await viewer.creator_has()) == (20, 67, 17)
    with pytest.raises(ReversedBefore):
        async with transaction() as conn:
            await take_gift_back(conn, gift_id=first.id, by=operator, reason="again",
                                 at=clock.now())  # fmt: skip
    assert [(await viewer.gives()).value_minor for _ in range(2)] == [33, 34]


async def test_what_a_purchase_has_left_goes_back_the_way_it_came(viewer: Viewer) -> None:
    pay_in_id = await viewer.buys(coins=30, price_minor=100)
    await viewer.gives()
    first = await viewer.turns_back(pay_in_id)
    assert first.amount_minor == 67
    assert (await viewer.turns_back(pay_in_id)).id == first.id
    assert (await viewer.coins(), await viewer.held()) == (0, 0)
    with pytest.raises(NothingLeft):
        await viewer.turns_back(pay_in_id, key="back-2")


async def test_coins_that_come_back_after_a_refund_can_be_refunded_too(viewer: Viewer) -> None:
    """The purchase stands once in the wallet, with what both refunds gave back."""
    pay_in_id = await viewer.buys(coins=30, price_minor=100)
    gift = await viewer.gives()
    await viewer.turns_back(pay_in_id)
    operator = await a_moderator()
    async with transaction() as conn:
        await take_gift_back(conn, gift_id=gift.id, by=operator, reason="a child's",
                             at=clock.now())  # fmt: skip
    assert (await viewer.turns_back(pay_in_id, key="back-2")).amount_minor == 33
    async with transaction() as conn:
        held = await wallet(conn, person_id=viewer.person_id, most=10)
    assert [(one.left, one.refunded_minor) for one in held.purchases] == [(0, 100)]
    assert await viewer.held() == 0


async def a_moderator() -> PersonId:
    async with transaction() as conn:
        return await a_person(conn, name="运营")
