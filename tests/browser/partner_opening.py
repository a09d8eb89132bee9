"""Run as a program: a source with five orders that we know of, each worth ten yuan to us."""

import asyncio
import sys

from tests.settlement.outside import a_source, an_order

from dougong.infra.db import dispose, transaction


async def open_source(code: str) -> None:
    async with transaction() as conn:
        source = await a_source(conn, code)
        for n in range(1, 6):
            await an_order(conn, source, f"{code}-{n}")
    await dispose()


if __name__ == "__main__":
    asyncio.run(open_source(sys.argv[1]))
