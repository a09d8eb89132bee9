"""Freight insurance in random lives of orders: what each order has to be insured for, and what its
premium and its claim then come to, worked out beside the code that is tested."""

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.aftersales.world import World
from tests.factories import a_person

from dougong.aftersales.insurance_commands import (
    approve_product,
    draft_product,
    leave_insurance,
    note_returns,
)
from dougong.aftersales.insurance_rules import Band, Offer
from dougong.flows.insure_freight import insure
from dougong.reads.insurance_facts import returns_of

NAMES = {"currency": "CNY", "name_zh": "退货运费险", "name_en": "Return freight insurance"}
OFFERS = (
    Offer(**NAMES, near_minor=901, far_minor=1_203,
          bands=(Band(0, 61), Band(500, 97), Band(5_000, 181))),
    Offer(**NAMES, near_minor=401, far_minor=503, bands=(Band(0, 29), Band(10_000, 333))),
)  # fmt: skip


async def offer(conn: AsyncConnection, world: World, what: Offer) -> None:
    """In force from now on, made by one person and approved by another."""
    made = await draft_product(
        conn, offer=what, starts=world.now, by_id=await a_person(conn), at=world.now
    )
    await approve_product(conn, product_id=made, by_id=world.merchant, at=world.now)


def same(what: str, found: object, wanted: object) -> None:
    assert found == wanted, (what, found, wanted)


class Cover:
    """What the store insures its orders for; `orders` holds what each was insured for."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.offer, self.near, self.share_bp = OFFERS[0], False, -1  # -1: it does not insure
        self.orders: dict[UUID, tuple[int, int]] = {}  # premium and cover

    async def begin(self) -> None:
        """Most stores insure; half of those take goods back in the province of their buyer."""
        if self.chance.random() < 0.2:
            return
        if self.chance.random() < 0.5:
            self.near = True
            where = {"s": self.world.store.store_id, "id": uuid4(), "at": self.world.now}
            await self.world.conn.execute(RETURNS_TO_SHANGHAI, where)
        await self.take()

    async def change(self) -> None:
        """The store begins or leaves, its returns are counted anew, or another version begins."""
        acts = [self.count, self.leave] if self.share_bp >= 0 else [self.take]
        await self.chance.choice([*acts, self.renew])()

    async def take(self) -> None:
        conn, store, now = self.world.conn, self.world.store.store_id, self.world.now
        share = await self._share()
        if await insure(conn, store_id=store, person_id=self.world.merchant, at=now):
            self.share_bp = share

    async def leave(self) -> None:
        store, now = self.world.store.store_id, self.world.now
        assert await leave_insurance(self.world.conn, store_id=store, at=now)
        self.share_bp = -1

    async def count(self) -> None:
        conn, store, now = self.world.conn, self.world.store.store_id, self.world.now
        counted, came_back = await returns_of(conn, store_id=store, at=now)
        await note_returns(conn, store_id=store, counted=counted, came_back=came_back, at=now)
        self.share_bp = await self._share()

    async def renew(self) -> None:
        """Refused where a version began at this instant."""
        what = self.chance.choice(OFFERS)
        await offer(self.world.conn, self.world, what)
        self.offer = what

    async def _share(self) -> int:
        store, now = self.world.store.store_id, self.world.now
        counted, came_back = await returns_of(self.world.conn, store_id=store, at=now)
        return came_back * 10_000 // max(counted, 1)

    def ordered(self, order_id: UUID) -> None:
        """An order was placed and paid at this instant."""
        if self.share_bp < 0:
            return
        premium = [b.premium_minor for b in self.offer.bands if b.over_bp <= self.share_bp][-1]
        cover = self.offer.near_minor if self.near else self.offer.far_minor
        self.orders[order_id] = (premium, cover)

    async def check(
        self,
        *,
        sent: Collection[UUID],
        came_back: Collection[UUID],
        held: Mapping[tuple[UUID, str], int],
    ) -> Counter[str]:
        """`sent`: orders of which a parcel has left; `came_back`: those whose goods came back for a
        refund or an exchange before they were final. Answers how many of each there were."""
        orders = self.orders
        found: Sequence[Any] = (
            await self.world.conn.execute(POLICIES, {"s": self.world.store.store_id})
        ).all()
        same("policies", {r.order_id: (r.premium_minor, r.cover_minor) for r in found}, orders)
        charged = {row.order_id for row in found if row.charged}
        same("premiums", charged, orders.keys() & set(sent))
        claims = {row.order_id: row.claimed for row in found if row.claimed is not None}
        same("claims", claims, {one: orders[one][1] for one in orders.keys() & set(came_back)})
        pool = sum(minor for (_, purpose), minor in held.items() if purpose == "insurance_pool")
        same("pool", pool, sum(orders[one][0] for one in charged) - sum(claims.values()))
        buyer = self.world.buyer.person_id
        asked = {"s": self.world.store.store_id, "payee": buyer}
        paid = int(await self.world.conn.scalar(PAID_OUT, asked) or 0)
        same("buyer", held.get((buyer, "buyer_payable"), 0) + paid, sum(claims.values()))
        return Counter(
            {"policy": len(found), "premium": len(charged), "insurance claim": len(claims),
             "claim paid out": int(paid > 0)}
        )  # fmt: skip


POLICIES = text("""
    SELECT p.order_id, p.premium_minor, p.cover_minor, p.charged_at IS NOT NULL AS charged,
      c.amount_minor AS claimed
    FROM insurance_policies p
    LEFT JOIN insurance_claims c ON c.store_id = p.store_id AND c.order_id = p.order_id
    WHERE p.store_id = :s
""")
PAID_OUT = text("""
    SELECT sum(amount_minor) FROM payouts
    WHERE store_id = :s AND payee_id = :payee AND state <> 'returned'
""")
RETURNS_TO_SHANGHAI = text("""
    INSERT INTO return_addresses (store_id, id, recipient, phone, province, line, is_default,
      made_at)
    VALUES (:s, :id, '退货组', '021-1', '上海', '1', true, :at)
""")
