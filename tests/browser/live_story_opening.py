"""Run as a program, after the opening: one person with a store and a channel, and a shopper with an
address, both signed in. Prints who and where they are, as JSON."""

import asyncio
import json

from tests.factories import a_store

from dougong.accounts.address_commands import AddressFields, add_address
from dougong.accounts.commands import open_organisation, sign_up, start_session
from dougong.base.access import Role
from dougong.infra import clock
from dougong.infra.clock import wall_now
from dougong.infra.db import dispose, transaction

ON_HAND = 20


async def two_people() -> dict[str, str]:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        host, shopper = [
            await sign_up(
                conn, email=f"{name}@example.org", password=None, name=name, locale="en", at=at
            )
            for name in ("Lin", "Shan")
        ]
        creator = await open_organisation(
            conn, person_id=host, kind=Role.CREATOR, name="Lin Live", handle="linlive", at=at
        )
        store = await a_store(conn, prices=(9_900,), on_hand=ON_HAND, owner_id=host)
        fields = AddressFields(
            recipient="Shan", phone="13800138000", country="CN", province="浙江省", city="杭州市",
            district="", line="龙井路 1 号", postcode="",
        )  # fmt: skip
        await add_address(conn, person_id=shopper, fields=fields, is_default=True)
        tokens = [
            await start_session(conn, person_id=person, at=wall_now(), user_agent="tests")
            for person in (host, shopper)
        ]
    await dispose()
    return {
        "creator": str(creator), "store": str(store.store_id), "sku": str(store.skus[0]),
        "host_token": tokens[0], "shopper_token": tokens[1],
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(asyncio.run(two_people())))
