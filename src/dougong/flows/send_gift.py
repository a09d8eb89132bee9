"""A viewer gives a gift in a live room; the operator takes one back that was no honest gift."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.errors import KeyReused
from dougong.base.ids import PLATFORM_BOOK, EntryId, PersonId, new_id
from dougong.base.time import day_window, local_day
from dougong.gifts.commands import (
    as_lot,
    gift_before,
    given_between,
    lock_lots,
    take_back,
    use_coins,
    write_gift,
)
from dougong.gifts.queries import born_on, gift_on_offer, limits_at
from dougong.gifts.rules import (
    MOST_AT_ONCE,
    AgeUnknown,
    GiftGone,
    RoomNotOnAir,
    Use,
    age_on,
    check_limit,
    shares,
    take,
)
from dougong.infra import broadcast, clock
from dougong.infra.events import record
from dougong.infra.settings import settings
from dougong.ledger.commands import book, reverse
from dougong.ledger.queries import entry_by_key
from dougong.ledger.rules import AccountName, Entry, EntryKind, Part, Purpose, moved, platform
from dougong.policy.queries import rules_book
from dougong.policy.rules import ANY, Facts, RuleKind
from dougong.reads.gift_rooms import room_on_air


async def send_gift(
    conn: AsyncConnection,
    *,
    room_id: UUID,
    person_id: PersonId,
    name: str,
    gift: str,
    count: int,
    key: str,
    at: datetime,
) -> Any:
    """The gift's row; the same key gives once. Heard by all in the room.

    Raises RoomNotOnAir, GiftGone, AgeUnknown, GiftLimit, NotEnoughCoins, KeyReused.
    """
    if (before := await gift_before(conn, person_id=person_id, key=key)) is not None:
        return _same(before, room_id=room_id, gift=gift, count=count)
    room = await room_on_air(conn, room_id=room_id, giver_id=person_id)
    if room is None:
        raise RoomNotOnAir(field="room_id")
    kind = await gift_on_offer(conn, code=gift)
    if not 1 <= count <= MOST_AT_ONCE:
        raise GiftGone(field="count")
    coins = kind.coins * count
    rows = await lock_lots(conn, person_id=person_id)  # from here on one gift of a person at a time
    if (before := await gift_before(conn, person_id=person_id, key=key)) is not None:
        return _same(before, room_id=room_id, gift=gift, count=count)
    await _check_age(conn, person_id=person_id, coins=coins, at=at)
    uses = take([as_lot(row) for row in rows], coins)
    await use_coins(conn, person_id=person_id, uses=uses)
    row = {
        "id": new_id(),
        "room_id": room_id,
        "person_id": person_id,
        "creator_id": room.creator_id,
        "kind": gift,
        "count": count,
        "coins": coins,
        "currency": rows[0].currency,
        "idempotency_key": key,
        "given_at": at,
        **await _shared(conn, creator_id=room.creator_id, uses=uses, at=at),
    }
    await write_gift(conn, row=row, uses=uses)
    await _book(conn, row)
    await _tell(conn, row, kind=kind, name=name)
    return await gift_before(conn, person_id=person_id, key=key)


async def _shared(
    conn: AsyncConnection, *, creator_id: UUID, uses: Sequence[Use], at: datetime
) -> dict[str, Any]:
    """What the coins were paid with and who gets it, with the rule of this instant."""
    value = sum(use.value_minor for use in uses)
    rule = (await rules_book(conn)).decide(_fee_case(creator_id, at)).rule
    fee_bp = rule.value if rule else 0
    shared = shares(value, fee_bp=fee_bp)
    return {
        "value_minor": value,
        "platform_minor": shared.platform_minor,
        "creator_minor": shared.creator_minor,
        "fee_bp": fee_bp,
        "fee_rule_id": rule.id if rule else None,
    }


async def _tell(conn: AsyncConnection, row: dict[str, Any], *, kind: Any, name: str) -> None:
    """The platform by an event, the room over its sockets."""
    facts = {"room_id": str(row["room_id"]), "gift": kind.code, "count": row["count"]}
    await record(conn, "gifts.given", subject_id=row["id"], at=row["given_at"], facts=facts)
    told = {"from": name, "gift": kind.code, "count": row["count"], "animation": kind.animation}
    named = {"name_zh": kind.name_zh, "name_en": kind.name_en, "icon": kind.icon}
    await broadcast.say(conn, row["room_id"], "gift", told | named)


def _same(before: Any, *, room_id: UUID, gift: str, count: int) -> Any:
    if (before.room_id, before.kind, before.count) != (room_id, gift, count):
        raise KeyReused(field="idempotency_key")
    return before


async def _check_age(
    conn: AsyncConnection, *, person_id: PersonId, coins: int, at: datetime
) -> None:
    """Limits go by the day of the platform's zone, and by the age on that day."""
    born = await born_on(conn, person_id=person_id)
    if born is None:
        raise AgeUnknown(field="born_on")
    zone = ZoneInfo(settings().timezone)
    today = local_day(at, zone)
    since, until = day_window(today, zone)
    given = await given_between(conn, person_id=person_id, since=since, until=until)
    age = age_on(today, born_on=born)
    check_limit(await limits_at(conn, at=at), age=age, given=given, coins=coins)


def _fee_case(creator_id: UUID, at: datetime) -> Facts:
    return Facts(
        kind=RuleKind.GIFT_FEE,
        source="own",
        surface="live",
        category=ANY,
        route="direct",
        party_class="creator",
        party=str(creator_id),
        merchant_class="",
        at=at,
    )


async def _book(conn: AsyncConnection, row: dict[str, Any]) -> None:
    """From what the giver paid for its coins: the creator's share, the platform's fee.

    Coins that cost less than a minor unit move no money.
    """
    giver = AccountName(row["person_id"], Purpose.COIN_LIABILITY)
    creator = AccountName(row["creator_id"], Purpose.CREATOR_PAYABLE)
    fee = platform(Purpose.PLATFORM_GIFT_REVENUE)
    transfers = (
        *moved(giver, creator, row["creator_minor"], Part.GIFT),
        *moved(giver, fee, row["platform_minor"], Part.GIFT_FEE),
    )
    if not transfers:
        return
    entry = Entry(
        kind=EntryKind.GIFT, key=_key(row["id"]), counts_at=row["given_at"], transfers=transfers
    )
    await book(
        conn,
        store_id=PLATFORM_BOOK,
        currency=row["currency"],
        entries=[entry],
        written_at=clock.wall_now(),
    )


def _key(gift_id: UUID) -> str:
    return f"gift:{gift_id}"


async def take_gift_back(
    conn: AsyncConnection, *, gift_id: UUID, by: PersonId, reason: str, at: datetime
) -> None:
    """Undo a gift, fraud or a child's: coins and money are where they were before it.

    What the creator was paid already is then owed by the creator. Raises GiftGone, ReversedBefore.
    """
    row = await take_back(conn, gift_id=gift_id, by=by, reason=reason, at=at)
    entry_id = await entry_by_key(conn, store_id=PLATFORM_BOOK, key=_key(gift_id))
    if entry_id is not None:
        await reverse(
            conn,
            store_id=PLATFORM_BOOK,
            entry_id=EntryId(entry_id),
            key=f"gift_back:{gift_id}",
            counts_at=at,
            written_at=clock.wall_now(),
        )
    facts = {"reason": reason, "coins": row.coins}
    await record(conn, "gifts.taken_back", subject_id=gift_id, at=at, facts=facts)
    await audit(
        conn, at=at, person_id=by, action="gifts.taken_back", subject=str(gift_id), facts=facts
    )
