"""Several connections that write pieces of one history at the same time."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.flows.import_orders_books import HistoryRows
from dougong.infra.copy_in import copy_nothing
from dougong.infra.db import transaction
from dougong.ledger.history_commands import ENTRIES, TRANSFERS, UNSEALED
from dougong.orders.history_commands import DEADLINES, LINES, ORDERS
from dougong.payments.history_commands import PARTS, PAYMENTS, REFUND_LINES, REFUNDS

TABLES = (ORDERS, LINES, DEADLINES, PAYMENTS, PARTS, REFUNDS, REFUND_LINES, ENTRIES, TRANSFERS,
          UNSEALED)  # fmt: skip


@asynccontextmanager
async def second_connection() -> AsyncIterator[None]:
    """Beside the block, make ready another connection, which then waits in the pool. Raises what
    keeps it from that, once the block is through."""
    opening = asyncio.create_task(_open_tables())
    try:
        yield
    finally:
        await asyncio.wait([opening])
    opening.result()


async def _open_tables() -> None:
    async with transaction(slow=True) as conn:
        await copy_nothing(conn, TABLES)


class Lanes:
    """Each connection writes one piece at a time, in a transaction of its caller's. They take
    turns, so that none is left idle in its transaction for long."""

    def __init__(self, conns: Sequence[AsyncConnection]) -> None:
        self._free = deque(conns)
        self._writing: deque[tuple[asyncio.Task[None], AsyncConnection]] = deque()

    async def free(self) -> AsyncConnection:
        """A connection that writes nothing now. Raises what a piece before could not be written
        for."""
        if not self._free:
            task, conn = self._writing.popleft()
            self._free.append(conn)
            await task
        return self._free[0]

    async def write(self, rows: HistoryRows) -> None:
        """Start to write, as soon as a connection is free."""
        conn = await self.free()
        self._free.popleft()
        self._writing.append((asyncio.create_task(rows.write(conn)), conn))

    async def finish(self) -> None:
        """Wait for all; raises what the first of those that failed did."""
        tasks = [task for task, _ in self._writing]
        self._free.extend(conn for _, conn in self._writing)
        self._writing.clear()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        for result in done:
            if isinstance(result, BaseException):
                raise result
