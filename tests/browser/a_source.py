"""Run as a program: a third-party source that the book lets in, with links of two creators."""

import asyncio
import sys
from datetime import timedelta

from tests.factories import a_link_rule, an_outside_link, approved

from dougong.infra import clock
from dougong.infra.db import dispose, transaction


async def open_source(code: str) -> None:
    async with transaction() as conn:
        at = await clock.refresh(conn) - timedelta(days=9)
        await approved(conn, a_link_rule(code, allowed=True, starts=at))
        for _ in range(2):
            await an_outside_link(conn, code)
    await dispose()


if __name__ == "__main__":
    asyncio.run(open_source(sys.argv[1]))
