"""Run as a program: a creator that can go on air, signed in. Prints its id and session."""

import asyncio
import json

from dougong.accounts.commands import open_organisation, sign_up, start_session
from dougong.base.access import Role
from dougong.infra import clock
from dougong.infra.clock import wall_now
from dougong.infra.db import dispose, transaction


async def a_creator() -> dict[str, str]:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        person_id = await sign_up(
            conn, email="lin@example.org", password=None, name="Lin", locale="en", at=at
        )
        org_id = await open_organisation(
            conn, person_id=person_id, kind=Role.CREATOR, name="Lin Live", handle="linlive", at=at
        )
        token = await start_session(conn, person_id=person_id, at=wall_now(), user_agent="tests")
    await dispose()
    return {"creator_id": str(org_id), "token": token}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(a_creator())))
