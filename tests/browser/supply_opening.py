"""Run as a program, after the opening: a merchant whose warehouse is empty, a room on air with one
product, another that a supplier sends, three shoppers and a crowd, all signed in. Prints who and
where they are, as JSON."""

import asyncio
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.crash.buyers import Buyer
from tests.factories import a_store, buyers
from tests.live.rooms import a_room

from dougong.accounts.address_commands import AddressFields, add_address
from dougong.accounts.commands import sign_up, start_session
from dougong.base.ids import PersonId
from dougong.infra import clock
from dougong.infra.clock import wall_now
from dougong.infra.db import dispose, transaction

CROWD = 8
SHOPPERS = {"ann": "13800138001", "ben": "13800138002", "cai": "13800138003"}


class People(msgspec.Struct):
    """`tokens`: of sessions, by name; `buyers`: the three by name first, then the crowd."""

    store: UUID
    product: UUID
    sku: UUID
    sent_by_supplier: UUID
    room: UUID
    creator: UUID
    link: UUID
    tokens: dict[str, str]
    buyers: list[Buyer]


async def somebody(conn: AsyncConnection, name: str) -> tuple[PersonId, str]:
    at = await clock.refresh(conn)
    person_id = await sign_up(
        conn, email=f"{name}@example.org", password=None, name=name.title(), locale="en", at=at
    )
    return person_id, await start_session(
        conn, person_id=person_id, at=wall_now(), user_agent="tests"
    )


async def a_shopper(conn: AsyncConnection, name: str) -> Buyer:
    person_id, token = await somebody(conn, name)
    fields = AddressFields(
        recipient=name.title(), phone=SHOPPERS[name], country="CN", province="浙江省",
        city="杭州市", district="", line="龙井路 1 号", postcode="",
    )  # fmt: skip
    address_id = await add_address(conn, person_id=person_id, fields=fields, is_default=True)
    return Buyer(token, address_id)


async def the_people() -> People:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        merchant, merchant_token = await somebody(conn, "mei")
        store = await a_store(conn, prices=(9_900, 4_500), on_hand=0, owner_id=merchant)
        colleague, colleague_token = await somebody(conn, "tao")
        await conn.execute(
            text("INSERT INTO grants SELECT :p, org_id, 'merchant', :at FROM stores WHERE id = :s"),
            {"p": colleague, "at": at, "s": store.store_id},
        )
        room = await a_room(conn, store, at=at)
        shoppers = [await a_shopper(conn, name) for name in SHOPPERS]
        crowd = [
            Buyer(
                await start_session(
                    conn, person_id=one.person_id, at=wall_now(), user_agent="tests"
                ),
                one.address_id,
            )
            for one in await buyers(conn, CROWD)
        ]
        olga = PersonId(
            await conn.scalar(text("SELECT id FROM people WHERE email = 'olga@example.org'"))
        )
        operator_token = await start_session(
            conn, person_id=olga, at=wall_now(), user_agent="tests"
        )
    await dispose()
    tokens = dict(zip(SHOPPERS, (one.token for one in shoppers), strict=True))
    return People(
        store.store_id, store.products[0], store.skus[0], store.products[1], room.room_id,
        room.creator_id, room.links[0],
        tokens | {"mei": merchant_token, "tao": colleague_token, "olga": operator_token},
        shoppers + crowd,
    )  # fmt: skip


if __name__ == "__main__":
    print(msgspec.json.encode(asyncio.run(the_people())).decode())
