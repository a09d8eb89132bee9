"""Goods that are too close to their expiry leave the sale, and listeners hear of it."""

from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, StoreId
from dougong.infra import clock, pause
from dougong.infra.db import transaction
from dougong.infra.events import record
from dougong.infra.jobs import task
from dougong.supply.expiry_commands import (
    Withdrawn,
    expired_skus,
    withdraw_batch,
    withdraw_expired,
)

AT_ONCE = 1_000


@task("supply.expire_batches", every="*/10 * * * * 50")
async def expire_batches() -> None:
    """What has had its last day of sale. The first run of a day acts, after a stop too; the others
    find what orders have given back since. Store by store, each in a transaction of its own."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        due = await expired_skus(conn, at=at, most=AT_ONCE)
    for store_id, some in groupby(due, key=lambda one: one[0]):
        async with transaction() as conn:
            skus = [sku_id for _, sku_id in some]
            for one in await withdraw_expired(conn, store_id=store_id, sku_ids=skus, at=at):
                await _tell(conn, store_id, one, at)
        await pause.point("expiry: one store is done")


async def take_off_sale(
    conn: AsyncConnection, *, store_id: StoreId, batch_id: UUID, by_id: PersonId, at: datetime
) -> Withdrawn:
    """A merchant does so before the day. Raises NotFound, NotEnoughThere (409)."""
    done = await withdraw_batch(conn, store_id=store_id, batch_id=batch_id, by_id=by_id, at=at)
    await _tell(conn, store_id, done, at)
    return done


async def _tell(conn: AsyncConnection, store_id: StoreId, one: Withdrawn, at: datetime) -> None:
    facts = {"sku_id": str(one.sku_id), "units": one.units}
    await record(
        conn, "supply.batch_withdrawn", store_id=store_id, subject_id=one.batch_id, at=at,
        facts=facts,
    )  # fmt: skip
