"""Units that were set aside for a while or for a room are everybody's again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.jobs import task
from dougong.supply.quota_commands import end_quota, quotas_due, quotas_of_room
from dougong.supply.quota_rules import QuotaOver

AT_ONCE = 500


async def end_quotas_of(conn: AsyncConnection, *, room_id: UUID, at: datetime) -> None:
    """A room is over, and with it what was set aside for it."""
    for store_id, quota_id in await quotas_of_room(conn, room_id=room_id):
        await end_quota(conn, store_id=store_id, quota_id=quota_id, at=at)


@task("supply.end_quotas", every="* * * * * 20")
async def end_due_quotas() -> None:
    """Those whose time is over. The intake looks at the time itself and does not wait for this."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        due = await quotas_due(conn, at=at, most=AT_ONCE)
    for store_id, quota_id in due:
        async with transaction() as conn:
            try:
                await end_quota(conn, store_id=store_id, quota_id=quota_id, at=at)
            except QuotaOver:
                continue  # ended by hand meanwhile
