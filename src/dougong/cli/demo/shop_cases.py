"""The first merchant's back office: feeds loaded, goods that ran out, keys, a new colleague."""

import csv
import io
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.accounts.key_commands import make_key, revoke_key
from dougong.accounts.member_commands import invite, join
from dougong.base.access import Access, Grant, Permission, Role
from dougong.base.ids import PersonId, SkuId
from dougong.catalog.feed_export import write_feed
from dougong.catalog.feed_types import FeedItem
from dougong.catalog.import_runs import begin_run, end_run
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece, has_piece
from dougong.flows.change_stock import change_stock
from dougong.flows.import_feed import FeedReport, import_feed
from dougong.infra.db import transaction
from dougong.reads.merchant_feed import feed_items
from dougong.reads.merchant_stock import units_by_code

STORE = "mist-tea"
GIFT_BOX = "MIST-TEA-15-ONE"
GIFT_BOX_MINOR = 29_800  # instead of 32 800
DAY = timedelta(days=1)
GOOD_FILE, BAD_FILE = "云岫茶社-双周价目.tsv", "供应商新茶报价.tsv"
# What the supplier's file has wrong: column and value, row by row.
WRONG = (
    ("price", "面议"),
    ("gtin", "2000000000001"),
    ("title", ""),
    ("quantity", "-3"),
    ("price", "128.00 USD"),
    ("shipping_weight", "半斤"),
)


class Key(NamedTuple):
    who: str
    name: str
    scopes: tuple[Permission, ...]
    made: int  # days ago
    revoked: int | None


KEYS = (
    Key("merchant", "旧收银台 / Old till", (Permission.STORE_READ,), 90, 61),
    Key("operator", "日报表（只读） / Daily report, read only",
        (Permission.PLATFORM_READ, Permission.LEDGER_READ), 55, None),
    Key("merchant", "ERP 库存与发货 / ERP: stock and shipping",
        (Permission.CATALOG_MANAGE, Permission.ORDER_READ_STORE, Permission.ORDER_SHIP), 50, None),
)  # fmt: skip


async def write_imports(market: Market, *, now: datetime) -> None:
    """A price list of its own without a fault, and a supplier's with six bad rows.

    The same feed again changes nothing, so a stop between the loading and the mark does no harm.
    """
    store_id = market.stores[STORE]
    async with transaction() as conn:
        if await has_piece(conn, "imports"):
            return
        items = await feed_items(conn, store_id=store_id)
    runs: list[tuple[str, datetime, FeedReport]] = []
    for file, data, days in ((GOOD_FILE, _good(items), 6), (BAD_FILE, _bad(items), 5)):
        at = now - days * DAY
        runs.append((file, at, await import_feed(data, store_id=store_id, at=at)))
    async with transaction() as conn:
        if await begin_piece(conn, "imports", at=now):
            for file, at, report in runs:
                await _run(conn, market, file, report, at=at)


async def _run(
    conn: AsyncConnection, market: Market, file: str, report: FeedReport, *, at: datetime
) -> None:
    store_id, person_id = market.stores[STORE], market.people["merchant"]
    run_id = await begin_run(
        conn, store_id=store_id, kind="feed", file_name=file, started_by=person_id, at=at
    )
    await audit(
        conn,
        at=at,
        person_id=person_id,
        action="catalog.feed_imported",
        owner_id=store_id,
        subject=str(run_id),
        facts={"file": file},
    )
    told, ended_at = msgspec.to_builtins(report), at + timedelta(seconds=4)
    await end_run(conn, store_id=store_id, run_id=run_id, state="done", report=told, at=ended_at)


def _good(items: list[FeedItem]) -> bytes:
    """The store's own export, with the gift box at a lower price beside its old one."""
    changed = [
        msgspec.structs.replace(item, list_price_minor=item.price_minor, price_minor=GIFT_BOX_MINOR)
        if item.code == GIFT_BOX and item.list_price_minor is None
        else item
        for item in items
    ]
    return _tsv(changed)


def _bad(items: list[FeedItem]) -> bytes:
    """A dozen rows of the first goods as they are, six of them with a mistake each."""
    rows = list(csv.DictReader(io.StringIO(_tsv(items[:12]).decode()), delimiter="\t"))
    for row, (column, value) in zip(rows[::2], WRONG, strict=True):
        row[column] = value
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _tsv(items: list[FeedItem]) -> bytes:
    made = write_feed(
        items, how="tsv", currency="CNY", link_of=lambda item: f"/p/{item.group}", title=STORE
    )
    return b"".join(made)


async def write_stock(market: Market, *, now: datetime) -> None:
    """One product is wholly sold out, another nearly: as many units as orders hold, and a few."""
    store_id = market.stores[STORE]
    async with transaction() as conn:
        if not await begin_piece(conn, "stock", at=now):
            return
        levels: dict[SkuId, int] = {}
        for product, free in ((f"{STORE}-09", 0), (f"{STORE}-12", 2)):
            skus = market.products[product][2]
            units = await units_by_code(conn, store_id=store_id, codes=list(skus))
            for code, sku_id in skus.items():
                levels[SkuId(sku_id)] = units[code].reserved + free
        at = now - timedelta(hours=2)
        await change_stock(conn, store_id=store_id, levels=levels, at=at)
        await audit(
            conn,
            at=at,
            person_id=market.people["merchant"],
            action="supply.stock_set",
            owner_id=store_id,
            subject=f"{STORE}-09, {STORE}-12",
        )


async def write_access(conn: AsyncConnection, market: Market, *, now: datetime) -> None:
    """Keys for programs, and a colleague who has joined."""
    for key in KEYS:
        await _key(conn, market, key, now=now)
    helper = market.shoppers[100].person_id
    await _invited(conn, market, "仓库小周 / Zhou, warehouse", helper, at=now - 46 * DAY)


async def write_invitation(market: Market, *, now: datetime) -> None:
    """One that nobody has used yet."""
    async with transaction() as conn:
        if await begin_piece(conn, "invitation", at=now):
            at = now - timedelta(hours=20)
            await _invited(conn, market, "客服小林 / Lin, support", None, at=at)


async def _key(conn: AsyncConnection, market: Market, key: Key, *, now: datetime) -> None:
    person_id, at = market.people[key.who], now - key.made * DAY
    org = STORE if key.who == "merchant" else key.who
    access = Access(
        person_id=person_id,
        name=key.who,
        locale="zh",
        grants=(Grant(Role(key.who), market.orgs[org]),),
        store_orgs={market.stores[STORE]: market.orgs[STORE]},
        scopes=None,
    )
    scopes = [str(scope) for scope in key.scopes]
    made = await make_key(conn, access=access, name=key.name, scopes=scopes, at=at, expires_at=None)
    await audit(
        conn,
        at=at,
        person_id=person_id,
        action="accounts.key_made",
        owner_id=person_id,
        subject=made.shown,
        facts={"name": key.name, "scopes": scopes},
    )
    if key.revoked is None:
        return
    at, subject = now - key.revoked * DAY, str(made.key_id)
    await revoke_key(conn, person_id=person_id, key_id=made.key_id, at=at)
    action = "accounts.key_revoked"
    await audit(
        conn, at=at, person_id=person_id, action=action, owner_id=person_id, subject=subject
    )


async def _invited(
    conn: AsyncConnection, market: Market, note: str, who: PersonId | None, *, at: datetime
) -> None:
    """`who` joins the next morning; None: nobody has used the invitation yet."""
    org_id, inviter = market.orgs[STORE], market.people["merchant"]
    made = await invite(conn, org_id=org_id, invited_by=inviter, note=note, at=at)
    await audit(
        conn,
        at=at,
        person_id=inviter,
        action="accounts.member_invited",
        owner_id=org_id,
        subject=note,
        facts={"invitation": str(made.invitation_id)},
    )
    if who is None:
        return
    at += timedelta(hours=14)
    await join(conn, token=made.token, person_id=who, at=at, business_at=at)
    await audit(
        conn,
        at=at,
        person_id=who,
        action="accounts.member_joined",
        owner_id=org_id,
        subject=note,
        facts={"role": str(Role.MERCHANT)},
    )
