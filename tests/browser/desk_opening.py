"""Run as a program: a partner behind Taobao with its rounds and its reconciled month, as the demo
market has them. Prints where it all is, as JSON."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.browser.pictures import with_pictures
from tests.content.factories import a_video

from dougong.accounts.commands import open_organisation, sign_up
from dougong.base.access import Role
from dougong.base.ids import PLATFORM_BOOK, PersonId
from dougong.cli.demo import story
from dougong.cli.demo.agreement_cases import write_agreements
from dougong.cli.demo.gift_cases import write_gifts
from dougong.cli.demo.market import Market, Shopper
from dougong.cli.demo.reconciliation_cases import write_partner_month, write_reconciliation
from dougong.cli.demo.source_cases import write_sources
from dougong.cli.demo.task_cases import STAR, write_tasks
from dougong.infra import clock
from dougong.infra.db import dispose, transaction
from dougong.links.commands import add_link

SHOPPERS = 16
FIND = {
    "signed": "SELECT id FROM partner_rounds WHERE state = 'signed' AND partner_id = :partner"
    " ORDER BY opened_at DESC",
    "negotiated": "SELECT id FROM partner_rounds WHERE state = 'negotiating'"
    " AND partner_id = :partner ORDER BY opened_at DESC",
    "run": "SELECT id FROM reconciliation_runs",
    "case": "SELECT case_id FROM reconciliation_notes WHERE side = 'partner'",
    "report": "SELECT id FROM referral_reports",
    "referral": "SELECT id FROM referral_orders WHERE booked_at IS NOT NULL",
    "link_rule": "SELECT id FROM link_rules",
    "fee_rule": "SELECT id FROM fee_rules",
    "account": "SELECT id FROM ledger_accounts WHERE store_id = :book AND purpose LIKE 'partner%'",
    "entry": "SELECT id FROM ledger_entries WHERE store_id = :book AND kind = 'referral_settled'",
    "brief": "SELECT id FROM task_briefs WHERE state = 'posted' AND way = 'open'",
    "task": "SELECT task_id FROM task_works WHERE state = 'disputed'",
    "payee": "SELECT creator_id FROM referral_rulings WHERE creator_id IS NOT NULL",
}


async def open_desks() -> dict[str, str]:
    async with transaction() as conn:
        now = await clock.refresh(conn)
        market = await _market(conn, at=now)
    partner = (write_agreements, write_sources, write_partner_month, write_reconciliation)
    for write in (*partner, write_gifts, write_tasks):
        await write(market, now=now)
    async with transaction() as conn:
        ids = {"book": PLATFORM_BOOK, "partner": market.orgs["partner"]}
        found = {name: await _one(conn, sql, ids) for name, sql in FIND.items()}
    of = {"partner": str(market.orgs["partner"]), "brand": str(market.orgs["advertiser"])}
    return found | of | {"book": str(PLATFORM_BOOK)}


async def _market(conn: AsyncConnection, *, at: datetime) -> Market:
    """The operators are there; the partner comes, and creators to be named in its report."""
    ids = await conn.scalars(
        text(
            "SELECT id FROM people WHERE email LIKE 'olga@%' OR email LIKE 'otto@%' ORDER BY email"
        )
    )
    market = Market([], {}, {}, {}, {}, [])
    for role, person_id in zip(("operator", "second-operator"), ids, strict=True):
        market.people[role] = PersonId(person_id)
    partner = await sign_up(
        conn,
        email="petra@example.org",
        password=None,
        name="钱琳",
        locale="zh",
        at=at,
        is_demo=True,
    )
    market.people["partner"] = partner
    market.orgs["partner"] = await open_organisation(
        conn, person_id=partner, kind=Role.PARTNER, name="淘宝", handle="partner-desk", at=at
    )
    author = await sign_up(
        conn, email="cleo@example.org", password=None, name="Cleo", locale="en", at=at
    )
    for creator in story.CREATORS:
        market.orgs[creator.handle] = await open_organisation(
            conn, person_id=author, kind=Role.CREATOR, name=creator.name.zh,
            handle=creator.handle, at=at,
        )  # fmt: skip
    market.people["creator"] = market.people["creators"] = author
    await _brand(conn, market, at=at)
    market.shoppers += [await _shopper(conn, n, at=at) for n in range(SHOPPERS)]
    return market


async def _shopper(conn: AsyncConnection, n: int, *, at: datetime) -> Shopper:
    """Somebody who buys coins."""
    person_id = await sign_up(
        conn, email=f"coins-{n}@example.org", password=None, name="小周", locale="zh", at=at
    )
    return Shopper(person_id, uuid4())


# A page that shows the video shows a real poster.
async def _brand(conn: AsyncConnection, market: Market, *, at: datetime) -> None:
    """A brand comes, and two creators have had a video with a product for a month."""
    person_id = await sign_up(
        conn, email="ada@example.org", password=None, name="高鸣", locale="zh", at=at, is_demo=True
    )
    market.people["advertiser"] = person_id
    market.orgs["advertiser"] = await open_organisation(
        conn, person_id=person_id, kind=Role.ADVERTISER, name="晨露研究所", handle="brand-desk",
        at=at,
    )  # fmt: skip
    asked = text("SELECT store_id, id FROM products WHERE state = 'active' LIMIT 1")
    product = (await conn.execute(asked)).one()
    for handle in (STAR, next(one.handle for one in story.CREATORS if one.handle != STAR)):
        since, creator_id = at - timedelta(days=30), market.orgs[handle]
        video_id = await a_video(conn, creator_id=creator_id, at=since)
        await with_pictures(conn, creators=[creator_id])
        await add_link(
            conn, video_id=video_id, creator_id=creator_id, store_id=product.store_id,
            product_id=product.id, position=0, at=since,
        )  # fmt: skip


async def _one(conn: AsyncConnection, sql: str, ids: dict[str, UUID]) -> str:
    asked = {name: value for name, value in ids.items() if f":{name}" in sql}
    return str((await conn.scalars(text(sql), asked)).first())


async def _main() -> None:
    print(msgspec.json.encode(await open_desks()).decode())
    await dispose()


if __name__ == "__main__":
    asyncio.run(_main())
