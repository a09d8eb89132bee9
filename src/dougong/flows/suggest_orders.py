"""What to order: demand by day, its forecast, lead time and service level; reckoned by a job."""

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.base.time import start_of_day
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.jobs import defer, task
from dougong.infra.settings import settings
from dougong.reads.reorder import demand_by_day, skus_to_order, stores_that_buy
from dougong.supply.forecast_rules import forecast, suggest
from dougong.supply.reorder_commands import Reckoned, replace_suggestions
from dougong.supply.supplier_commands import terms_at

DEMAND_DAYS = 120
REVIEW_DAYS = 7  # an order is placed about once a week


async def ask_suggestions(conn: AsyncConnection, *, store_id: StoreId) -> None:
    """Reckon anew soon; asking twice is once."""
    name = f"suggest:{store_id}"
    await defer(
        conn, "supply.suggest_orders", queueing_lock=name, lock=name, store_id=str(store_id)
    )


@task("supply.suggest_orders", retries=3)
async def run_suggestions(store_id: str) -> None:
    async with transaction(slow=True) as conn:
        at = await clock.refresh(conn)
        await reckon(conn, store_id=StoreId(UUID(store_id)), at=at)


@task("supply.suggest_everywhere", every="30 19 * * * 0")
async def suggest_everywhere() -> None:
    """Once a night (half past three in Shanghai), for every store that has a supplier."""
    async with transaction() as conn:
        for store_id in await stores_that_buy(conn):
            await ask_suggestions(conn, store_id=store_id)


def window(at: datetime) -> tuple[date, date]:
    """The local days whose demand counts: up to yesterday, half-open."""
    today = at.astimezone(ZoneInfo(settings().timezone)).date()
    return today - timedelta(days=DEMAND_DAYS), today


def by_day(units: dict[date, int], first: date, until: date) -> list[int]:
    """Units of each day from the first one with demand on, days without among them."""
    begun = min(units, default=until)
    days = range((until - max(first, begun)).days)
    return [units.get(max(first, begun) + timedelta(days=n), 0) for n in days]


async def reckon(conn: AsyncConnection, *, store_id: StoreId, at: datetime) -> list[Reckoned]:
    """Suggest for every SKU that an open supplier sells, and keep it."""
    first, until = window(at)
    zone = ZoneInfo(settings().timezone)
    demand = await demand_by_day(
        conn,
        store_id=store_id,
        zone=settings().timezone,
        since=start_of_day(first, zone),
        until=start_of_day(until, zone),
    )
    terms = await terms_at(conn, store_id=store_id, at=at)
    rows = []
    for sku in await skus_to_order(conn, store_id=store_id):
        days = by_day(demand.get(sku.sku_id, {}), first, until)
        made = forecast(days)
        found = suggest(
            made,
            lead_days=sku.lead_days,
            review_days=REVIEW_DAYS,
            service_bp=terms.service_level_bp,
            available=sku.free,
            on_order=sku.on_order,
            pack_size=sku.pack_size,
            min_quantity=sku.min_quantity,
        )
        figures = {
            "method": made.method,
            "daily": round(made.daily, 4),
            "error": round(made.error, 4),
            "lead_days": sku.lead_days,
            "review_days": REVIEW_DAYS,
            "service_bp": terms.service_level_bp,
            "demand": found.demand,
            "safety": found.safety,
            "up_to": found.up_to,
            "pack_size": sku.pack_size,
            "days": days[-60:],
        }
        rows.append(
            Reckoned(sku.sku_id, sku.supplier_id, found.quantity, sku.free, sku.on_order, figures)
        )
    await replace_suggestions(conn, store_id=store_id, rows=rows, at=at)
    return rows
