"""Coin packs and gifts for live rooms, as the operator has put them on offer."""

from datetime import datetime

from dougong.base.money import Money
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece
from dougong.gifts.offer_commands import offer_gift, offer_pack
from dougong.infra.db import transaction

# Coins, fen.
PACKS = ((60, 600), (300, 3_000), (980, 9_800), (1_980, 19_800))
# Code, names, coins, animation, icon.
GIFTS = (
    ("rose", "玫瑰", "Rose", 1, "float", "flower"),
    ("heart", "比心", "Heart", 9, "burst", "heart"),
    ("star", "星星", "Star", 66, "rain", "star"),
    ("rocket", "火箭", "Rocket", 520, "fly", "rocket"),
)


async def write_gifts(market: Market, *, now: datetime) -> None:
    async with transaction() as conn:
        if not await begin_piece(conn, "gifts", at=now):
            return
        for coins, minor in PACKS:
            await offer_pack(conn, coins=coins, price=Money(minor, "CNY"), at=now)
        for code, zh, en, coins, animation, icon in GIFTS:
            await offer_gift(
                conn, code=code, name_zh=zh, name_en=en, coins=coins, animation=animation,
                icon=icon, at=now,
            )  # fmt: skip
