"""The subjects and objects of the matrix: each owner has a counterpart that owns nothing here."""

from datetime import datetime, timedelta

import msgspec
from psycopg.sql import SQL, Identifier
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.content.factories import a_video
from tests.factories import a_person, a_store, an_org
from tests.partners.factories import OURS, THEIRS, Table, a_table, put, some_terms
from tests.reads.stories import a_final_order, a_market, money

from dougong.accounts import address_commands, commands, key_commands
from dougong.accounts.address_commands import AddressFields
from dougong.accounts.rules import token_hash
from dougong.base.access import Access, Permission, Role
from dougong.base.ids import OrgId, PersonId, StoreId, new_id
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.links.commands import add_link
from dougong.partners.dispute_commands import open_dispute
from dougong.webhooks import commands as webhooks
from dougong.webhooks import delivery_commands

TABLES = text("""
    SELECT c.relname FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
    WHERE s.nspname = 'public' AND c.relkind = 'r' AND c.relname NOT LIKE 'procrastinate%'
      AND c.relname NOT IN ('alembic_version', 'rate_windows') ORDER BY 1
""")

HOME = AddressFields("李娜", "13800000000", "CN", "浙江", "杭州", "", "文三路 1 号", "")
DIGEST = SQL("SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM {} t")


class World(msgspec.Struct):
    """Subject to token (session or key), path parameter to object."""

    tokens: dict[str, str]
    objects: dict[str, object]


async def a_world() -> World:
    """Committed: a store with an order, a creator with a video, and a person of every kind."""
    async with transaction() as conn:
        return await _build(conn)


async def _people(
    conn: AsyncConnection,
    *,
    shopper: PersonId,
    merchant_org: OrgId,
    creator_org: OrgId,
    partner_org: OrgId,
    brand_org: OrgId,
    at: datetime,
) -> dict[str, PersonId]:
    """A person of every kind, by the names that matrix.toml uses."""
    other_shop = await a_store(conn)
    operator_org = await an_org(conn, kind="operator")

    async def member(*grants: tuple[OrgId, Role]) -> PersonId:
        person = await a_person(conn)
        for org_id, role in grants:
            await commands.give_role(conn, person_id=person, org_id=org_id, role=role, at=at)
        return person

    everything = (
        (operator_org, Role.OPERATOR),
        (merchant_org, Role.MERCHANT),
        (creator_org, Role.CREATOR),
        (partner_org, Role.PARTNER),
        (brand_org, Role.ADVERTISER),
    )
    other_creator = await an_org(conn, kind="creator")
    return {
        "shopper": shopper,
        "other_shopper": await member(),
        "creator": await member((creator_org, Role.CREATOR)),
        "other_creator": await member((other_creator, Role.CREATOR)),
        "merchant": await member((merchant_org, Role.MERCHANT)),
        "other_merchant": await member((other_shop.org_id, Role.MERCHANT)),
        "advertiser": await member((brand_org, Role.ADVERTISER)),
        "partner": await member((partner_org, Role.PARTNER)),
        "other_partner": await member((await an_org(conn, kind="partner"), Role.PARTNER)),
        "operator": await member((operator_org, Role.OPERATOR)),
        "suspended": await member(*everything),
        "ended": await member(*everything),
    }


async def _build(conn: AsyncConnection) -> World:
    at = wall_now()
    market = await a_market(conn)
    story = await a_final_order(conn, market, money(), money())
    shopper, table = PersonId(market.buyer_id), await a_table(conn)
    merchant_org, creator_org = OrgId(market.merchant_id), OrgId(market.creator_id)
    brand_org = await an_org(conn, kind="advertiser")

    async def session(person_id: PersonId) -> str:
        return await commands.start_session(conn, person_id=person_id, at=at, user_agent="")

    people = await _people(
        conn,
        shopper=shopper,
        merchant_org=merchant_org,
        creator_org=creator_org,
        partner_org=table.partner_id,
        brand_org=brand_org,
        at=at,
    )
    tokens = {name: await session(person) for name, person in people.items()}
    await conn.execute(
        text("UPDATE orders SET address = CAST(:address AS jsonb) WHERE id = :id"),
        {"id": story.order_id, "address": msgspec.json.encode(HOME._asdict()).decode()},
    )
    await conn.execute(
        text("UPDATE people SET state = 'suspended' WHERE id = :id"), {"id": people["suspended"]}
    )
    await commands.end_session(conn, token=tokens["ended"], at=at)
    key = await key_commands.make_key(
        conn,
        access=Access(shopper, "", "zh", (), {}, None),
        name="narrow",
        scopes=[Permission.SELF_READ],
        at=at,
        expires_at=None,
    )
    objects: dict[str, object] = {
        **dict.fromkeys(("store_id", "store", "book_id"), market.store_id),
        **dict.fromkeys(("creator_id", "channel_id"), creator_org),
        "order_id": story.order_id,
        "brand_id": brand_org,
        "org_id": merchant_org,
        "key_id": key.key_id,
        "session": token_hash(await session(shopper)).hex(),
    }
    objects |= await _on_table(conn, table)
    objects |= await _their_things(conn, shopper, market.store_id, creator_org)
    tokens |= {"narrow": key.key, "anonymous": ""}
    return World(tokens, objects)


async def _on_table(conn: AsyncConnection, table: Table) -> dict[str, object]:
    """A round with an offer, and a dispute of the partner's."""
    await put(conn, table, OURS, some_terms(table.source))
    dispute_id = await open_dispute(
        conn,
        round_id=table.round_id,
        partner_id=table.partner_id,
        component="all",
        subject="?",
        body="?",
        side=THEIRS,
        person_id=table.theirs,
        at=wall_now(),
    )
    ours = {"partner_id": table.partner_id, "round_id": table.round_id}
    return {**ours, "dispute_id": dispute_id}


async def _their_things(
    conn: AsyncConnection, shopper: PersonId, store_id: StoreId, creator_id: OrgId
) -> dict[str, object]:
    at = wall_now()
    product = (
        await conn.execute(
            text("SELECT product_id, id FROM skus WHERE store_id = :store LIMIT 1"),
            {"store": store_id},
        )
    ).one()
    video_id = await a_video(conn, creator_id=creator_id, at=at - timedelta(minutes=1))
    link_id = await add_link(
        conn,
        video_id=video_id,
        creator_id=creator_id,
        store_id=store_id,
        product_id=product.product_id,
        position=0,
        at=at,
    )
    endpoint_id = await webhooks.add_endpoint(
        conn, store_id=store_id, url="http://127.0.0.1:9/", kinds=["*"], at=at
    )
    return {
        "address_id": await address_commands.add_address(
            conn, person_id=shopper, fields=HOME, is_default=True
        ),
        "product_id": product.product_id,
        "sku_id": product.id,
        "video_id": video_id,
        "link_id": link_id,
        "channel": "copy",
        "link_code": await conn.scalar(
            text("SELECT code FROM product_links WHERE id = :id"), {"id": link_id}
        ),
        "endpoint_id": endpoint_id,
        "delivery_id": await delivery_commands.send_test(
            conn, store_id=store_id, endpoint_id=endpoint_id, at=at
        ),
    }


async def digests() -> dict[str, tuple[int, str]]:
    """Each table's rows, counted and summed up: any change of any row changes it."""
    found = {}
    async with transaction() as conn:
        names = list((await conn.execute(TABLES)).scalars())
        raw = await conn.get_raw_connection()
        driver = raw.driver_connection
        assert driver is not None
        for name in names:
            cursor = await driver.execute(DIGEST.format(Identifier(name)))
            found[str(name)] = await cursor.fetchone()
    return found


def fresh(parameter: str) -> object:
    """An object that is nobody's, for a parameter."""
    plain: dict[str, object] = {
        "job_id": 987_654_321,
        "session": "00" * 32,
        "file_path": "none.txt",
        "handle": f"h{new_id().hex}",
        "code": "sandbox",
        "link_code": new_id().hex[:12],
        "channel": "pigeon",
        "how": "tsv",
        "screen": "rules",
    }
    return plain.get(parameter, new_id())
