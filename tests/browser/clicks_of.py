"""Run as a program beside the server: how the clicks of a link were judged, in their order."""

import asyncio
import json
import sys

from sqlalchemy import text

from dougong.infra.db import dispose, transaction

CLICKS = text("SELECT validity FROM clicks WHERE link_id = CAST(:id AS uuid) ORDER BY at, id")


async def say(link_id: str) -> None:
    async with transaction() as conn:
        print(json.dumps(list((await conn.execute(CLICKS, {"id": link_id})).scalars())))
    await dispose()


if __name__ == "__main__":
    asyncio.run(say(sys.argv[1]))
