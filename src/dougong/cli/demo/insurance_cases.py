"""Freight insurance of the demo: a version in force, and two stores that have taken it before the
cases of their orders, of which some goods come back."""

from datetime import datetime, timedelta

from dougong.aftersales.insurance_commands import approve_product, draft_product
from dougong.aftersales.insurance_rules import Band, Offer
from dougong.cli.demo.case_desks import owner_of
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece
from dougong.flows.insure_freight import insure
from dougong.infra.db import transaction
from dougong.infra.settings import settings

STORES = ("mist-tea", "pocket-lab")
OFFER = Offer(
    currency="CNY",
    name_zh="退货运费险",
    name_en="Return freight insurance",
    near_minor=800,
    far_minor=1_200,
    bands=(Band(0, 45), Band(500, 70), Band(1_500, 120), Band(3_000, 240)),
)


async def write_insurance(market: Market, *, now: datetime) -> None:
    async with transaction() as conn:
        if settings().currency != OFFER.currency or not await begin_piece(
            conn, "insurance", at=now
        ):
            return
        at = now - timedelta(days=30)
        first, second = market.people["operator"], market.people["second-operator"]
        version = await draft_product(conn, offer=OFFER, starts=at, by_id=first, at=at)
        await approve_product(conn, product_id=version, by_id=second, at=at)
        for code in STORES:
            store_id = market.stores[code]
            owner = await owner_of(conn, store_id)
            await insure(conn, store_id=store_id, person_id=owner, at=at)
