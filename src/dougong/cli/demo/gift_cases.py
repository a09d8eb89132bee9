"""Coin packs and gifts for live rooms, coins that people have bought, other apps' takings."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from dougong.base.money import Money
from dougong.base.time import local_day
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece
from dougong.cli.demo.paying import pay_in_at_once
from dougong.gifts.app_revenue_rules import AppRow
from dougong.gifts.commands import say_born_on
from dougong.gifts.offer_commands import keep_app_rows, offer_gift, offer_pack
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.payments.rules import PayInPurpose

OPENED_DAYS = 60
# Coins, fen.
PACKS = ((60, 600), (300, 3_000), (980, 9_800), (1_980, 19_800))
# Code, names, coins, animation, icon.
GIFTS = (
    ("rose", "玫瑰", "Rose", 1, "float", "flower"),
    ("heart", "比心", "Heart", 9, "burst", "heart"),
    ("star", "星星", "Star", 66, "rain", "star"),
    ("rocket", "火箭", "Rocket", 520, "fly", "rocket"),
)


# Which shopper buys which pack, how many days ago; the last ones are given in the rooms.
BOUGHT = (
    (8, 2, 58), (9, 1, 55), (10, 3, 51), (11, 0, 47), (8, 1, 44), (12, 2, 39), (13, 2, 36),
    (9, 3, 33), (10, 1, 29), (14, 0, 26), (11, 2, 22), (12, 3, 18), (13, 1, 15), (0, 1, 12),
    (1, 1, 11), (3, 1, 10), (2, 1, 6), (4, 2, 4), (5, 1, 3), (0, 0, 2), (15, 3, 2), (8, 2, 1),
)  # fmt: skip
# What somebody outside counted of other apps by the month, in hundreds of yuan; names of fiction.
APPS = (
    ("云上短视频", 9_180_000), ("星河直播", 4_410_000), ("Pebble Video", 1_260_000),
    ("山海听书", 388_000), ("Lantern Live", 96_000), ("四季相册", 21_500), ("棋友会", 5_400),
    ("Quill Notes", 780), ("小鱼日记", 62), ("Moss Radio", 4), ("拾光记账", 1),
)  # fmt: skip
COUNTED_BY = "demo"


async def write_gifts(market: Market, *, now: datetime) -> None:
    """On offer for as long as the market is open; coins bought since, month by month."""
    async with transaction(slow=True) as conn:
        if not await begin_piece(conn, "gifts", at=now):
            return
        opened = now - timedelta(days=OPENED_DAYS)
        packs = [
            await offer_pack(conn, coins=coins, price=Money(minor, settings().currency), at=opened)
            for coins, minor in PACKS
        ]
        for code, zh, en, coins, animation, icon in GIFTS:
            await offer_gift(
                conn, code=code, name_zh=zh, name_en=en, coins=coins, animation=animation,
                icon=icon, at=opened,
            )  # fmt: skip
        for nth, (shopper, pack, days) in enumerate(BOUGHT):
            person_id, at = market.shoppers[shopper].person_id, now - timedelta(days=days, hours=3)
            await say_born_on(conn, person_id=person_id, born_on=date(1984 + shopper, 5, 4), at=at)
            price = Money(PACKS[pack][1], settings().currency)
            await pay_in_at_once(
                conn, purpose=PayInPurpose.COINS, owner_id=person_id, subject_id=packs[pack],
                payer_id=person_id, amount=price, key=f"demo-coins-{nth}",
                return_url="/coins", at=at,
            )  # fmt: skip
        await keep_app_rows(conn, rows=_other_apps(now), at=now)


def _other_apps(now: datetime) -> list[AppRow]:
    """Of the months that are over, and of this one so far."""
    month = local_day(now, ZoneInfo(settings().timezone)).replace(day=1)
    rows = []
    for back in range(3):
        for name, hundreds in APPS:
            minor = hundreds * 10_000 * (100 - 4 * back) // 100
            rows.append(
                AppRow(
                    month=month,
                    market=settings().home_market,
                    app=name,
                    currency=settings().currency,
                    revenue_minor=minor,
                    source=COUNTED_BY,
                )
            )
        month = (month - timedelta(days=1)).replace(day=1)
    return rows
