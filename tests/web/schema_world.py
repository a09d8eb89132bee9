"""What the API is fuzzed against: real objects in every state, an example for each operation."""

import base64
import io
from typing import Any
from uuid import UUID

import msgspec
from PIL import Image
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.content.factories import a_video
from tests.factories import (
    ABuyer,
    ARequest,
    AStore,
    a_buyer,
    a_coupon,
    a_person,
    a_store,
    an_org,
    the_rules,
)
from tests.flows.test_order_life import a_placed_order, pay
from tests.partners.factories import a_signed_round, a_table
from tests.referrals.world import a_row, a_source, csv_bytes
from tests.tasks.market import DAY, a_task_market
from tests.web.schema_cases import of_cases
from tests.web.schema_fulfilment import of_fulfilment
from tests.web.schema_live import PRICE, a_live_room, of_room
from tests.web.schema_payouts import of_payouts
from tests.web.schema_standing import of_standing
from tests.web.schema_supply import of_supply
from tests.web.schema_tasks import of_tasks

from dougong.accounts import commands, key_commands
from dougong.accounts.rules import grantable
from dougong.base.access import Access, Grant, Role
from dougong.base.ids import OrgId, PersonId, new_id
from dougong.content import reaction_commands
from dougong.flows.place_orders import Placed
from dougong.flows.report_arrived import import_report
from dougong.flows.ship_order import ship_order
from dougong.infra import clock
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.links.commands import add_link
from dougong.webhooks import commands as webhooks
from dougong.webhooks import delivery_commands

PASSWORD = "correct horse battery"  # of nobody outside this test's database
NAMED = ("code", "carrier", "name")  # what a path names by something else than an id


class SchemaWorld(msgspec.Struct):
    """`keys`: API keys by holder. `examples`: operationId to parameters and `body`."""

    keys: dict[str, str]
    examples: dict[str, dict[str, Any]]


async def a_schema_world() -> SchemaWorld:
    """Committed: a store, a creator, a shopper with orders in every state, two API keys."""
    async with transaction() as conn:
        await the_rules(conn)
        merchant = await a_person(conn)
        store = await a_store(conn, prices=(PRICE, 500), on_hand=1_000_000, owner_id=merchant)
        buyer = await a_buyer(conn)
        table = await a_table(conn)
        await a_signed_round(conn, table)
        market = await a_task_market(conn)
        keys = {
            "shopper": await _key(conn, buyer.person_id),
            "merchant": await _merchants_key(conn, merchant, store, table.partner_id, market.brand),
            "operator": await _operators_key(conn),
        }
    orders = await _orders(store, buyer)
    parcels = await of_fulfilment(store, buyer)
    supply = await of_supply(store, buyer, merchant)
    report_id, referral_id = await _elsewhere()
    async with transaction() as conn:
        ids = await _ids(conn, store, buyer)
        ids |= {"report_id": report_id, "referral_id": referral_id}
        ids |= {"partner_id": table.partner_id, "round_id": table.round_id}
        ids |= await a_live_room(conn, store, ids)
        market.conn, market.creator = conn, ids["creator_id"]
        tasks = await of_tasks(market, at=wall_now() - 5 * DAY)
        ids |= tasks.pop("*") | supply.pop("*")
    cases = await of_cases(store, buyer, merchant, ids["picture"])
    payouts = await of_payouts(store, buyer, ids["creator_id"])
    standing = await of_standing(store)
    ids |= parcels.pop("*") | cases.pop("*") | payouts.pop("*") | standing.pop("*")
    examples = _examples(store, buyer, orders, ids)
    return SchemaWorld(keys, examples | tasks | supply | parcels | cases | payouts | standing)


async def _key(conn: AsyncConnection, person_id: PersonId, *grants: Grant) -> str:
    access = Access(person_id, "", "en", grants, {}, None)
    made = await key_commands.make_key(
        conn,
        access=access,
        name="fuzz",
        scopes=[str(one) for one in grantable(access)],
        at=wall_now(),
        expires_at=None,
    )
    return made.key


async def _merchants_key(
    conn: AsyncConnection, person_id: PersonId, store: AStore, partner_id: OrgId, brand_id: OrgId
) -> str:
    """Of one person who also has a channel, and acts for a partner and a brand."""
    named = {"name": "Fuzz", "handle": f"f{new_id().hex}"}
    creator = await commands.open_organisation(
        conn, person_id=person_id, kind=Role.CREATOR, **named, at=wall_now()
    )
    for org_id, role in ((partner_id, Role.PARTNER), (brand_id, Role.ADVERTISER)):
        await commands.give_role(conn, person_id=person_id, org_id=org_id, role=role, at=wall_now())
    return await _key(
        conn,
        person_id,
        Grant(Role.MERCHANT, store.org_id),
        Grant(Role.CREATOR, creator),
        Grant(Role.PARTNER, partner_id),
        Grant(Role.ADVERTISER, brand_id),
    )


async def _operators_key(conn: AsyncConnection) -> str:
    org_id = await an_org(conn, kind="operator")
    person = await a_person(conn)
    await commands.give_role(
        conn, person_id=person, org_id=org_id, role=Role.OPERATOR, at=wall_now()
    )
    return await _key(conn, person, Grant(Role.OPERATOR, org_id))


async def _elsewhere() -> tuple[UUID, UUID]:
    """A report of a source called `fuzzed`, and the order at it that nobody has earned yet."""
    async with transaction() as conn:
        source = await a_source(conn, code="fuzzed")
    result = await import_report(
        source=source, mapping="taobao_alliance", file_name="f.csv", data=csv_bytes([a_row()])
    )
    async with transaction() as conn:
        referral_id = await conn.scalar(
            text("SELECT id FROM referral_orders WHERE source = 'fuzzed' LIMIT 1")
        )
    assert isinstance(referral_id, UUID)
    return result.report_id, referral_id


async def _orders(store: AStore, buyer: ABuyer) -> dict[str, Placed]:
    """One order for each thing that can be done to one only once."""
    made = {}
    for name in ("cancel", "to_pay", "ship", "refund", "receive"):
        made[name] = await a_placed_order(ARequest(store, buyer, PRICE))
    for name in ("ship", "refund", "receive"):
        await pay(made[name], buyer)
    async with transaction() as conn:
        await ship_order(
            conn,
            store_id=store.store_id,
            order_id=made["receive"].order_id,
            carrier="SF",
            tracking_no="SF0001",
            lines={1: 1},
            at=await clock.refresh(conn),
        )
    return made


async def _ids(conn: AsyncConnection, store: AStore, buyer: ABuyer) -> dict[str, Any]:
    at = wall_now()
    await a_coupon(conn, store, funder="merchant", funder_org_id=store.org_id)
    creator_id = OrgId(
        await conn.scalar(
            text("SELECT id FROM organisations WHERE name = 'Fuzz' ORDER BY id DESC LIMIT 1")
        )
    )
    video_id = await a_video(conn, creator_id=creator_id, at=at)
    endpoint_id = await webhooks.add_endpoint(
        conn, store_id=store.store_id, url="http://127.0.0.1:9/", kinds=["*"], at=at
    )
    delivery_id = await delivery_commands.send_test(
        conn, store_id=store.store_id, endpoint_id=endpoint_id, at=at
    )
    await conn.execute(
        text("UPDATE webhook_deliveries SET done_at = :at, attempts = 8 WHERE id = :id"),
        {"at": at, "id": delivery_id},
    )
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "#c33").save(picture, "PNG")
    email = await conn.scalar(
        text("SELECT email FROM people WHERE id = :id"), {"id": buyer.person_id}
    )
    return {
        "creator_id": creator_id,
        "video_id": video_id,
        "endpoint_id": endpoint_id,
        "delivery_id": delivery_id,
        "email": email,
        "picture": base64.b64encode(picture.getvalue()).decode(),
        "coupon_id": await conn.scalar(
            text("SELECT id FROM coupons WHERE store_id = :id"), {"id": store.store_id}
        ),
        "code": await conn.scalar(
            text("SELECT code FROM stores WHERE id = :id"), {"id": store.store_id}
        ),
        "link_id": await add_link(
            conn,
            video_id=video_id,
            creator_id=creator_id,
            store_id=store.store_id,
            product_id=store.products[0],
            position=0,
            at=at,
        ),
        "comment_id": await reaction_commands.add_comment(
            conn, video_id=video_id, person_id=buyer.person_id, body="Nice", at=at
        ),
    }


def _examples(
    store: AStore, buyer: ABuyer, orders: dict[str, Placed], ids: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """operationId to values; "*" holds what every parameter of a name gets otherwise."""
    common: dict[str, Any] = {
        "store_id": store.store_id,
        "store": store.store_id,
        "book_id": store.store_id,
        "order_id": orders["receive"].order_id,
        "checkout_id": orders["to_pay"].checkout_id,
        "org_id": store.org_id,
        "partner_id": ids["partner_id"],
        "round_id": ids["round_id"],
        "channel_id": ids["creator_id"],
        "product_id": store.products[0],
        "sku_id": store.skus[0],
        "address_id": buyer.address_id,
        "since": "2020-01-01T00:00:00Z",
        "until": "2030-01-01T00:00:00Z",
        "currency": "CNY",
        "line_no": 1,
        "category": "beauty",
    } | {name: ids[name] for name in ids if name.endswith("_id") or name in NAMED}
    return {
        "*": common,
        **_of_shopper(store, buyer, orders, ids),
        **_of_merchant(store, orders, ids),
        **_of_operator(),
        **of_room(store, ids),
    }


def _of_shopper(
    store: AStore, buyer: ABuyer, orders: dict[str, Placed], ids: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    line = {"sku_id": str(store.skus[0]), "quantity": 1}
    part = {"store_id": str(store.store_id), "lines": [line]}
    address = {
        "recipient": "Li",
        "phone": "13800000000",
        "province": "ZJ",
        "city": "HZ",
        "line": "1",
    }
    return {
        "orders_cancel_my_order": {"order_id": orders["cancel"].order_id},
        "shopping_quote_orders": {"body": {"parts": [part]}},
        "shopping_place_orders": {
            "body": {
                "address_id": str(buyer.address_id),
                "parts": [part | {"expected_total_minor": PRICE}],
            }
        },
        "account_sign_in": {"body": {"email": ids["email"], "password": PASSWORD}},
        "account_sign_up": {
            "body": {"email": f"{new_id().hex}@example.org", "password": PASSWORD, "name": "Li"}
        },
        "account_add_address": {"body": address},
        "account_change_address": {"body": address},
        "cart_set_in_cart": {"body": {"quantity": 2}},
        "videos_comment": {"body": {"body": "Nice"}},
        "videos_report": {"body": {"reason": "spam"}},
        "videos_seen": {"body": {"watched_ms": 1_000}},
        "videos_click": {"body": {}},
    }


def _of_merchant(
    store: AStore, orders: dict[str, Placed], ids: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    return {
        "merchant_orders_ship": {
            "order_id": orders["ship"].order_id,
            "body": {
                "carrier": "SF",
                "tracking_no": "SF0002",
                "lines": [{"line_no": 1, "quantity": 1}],
            },
        },
        "merchant_orders_refund": {
            "order_id": orders["refund"].order_id,
            "body": {"lines": [{"line_no": 1, "amount_minor": 100}]},
        },
        "merchant_catalogue_enter_product": {
            "body": {
                "code": "F-1",
                "title_zh": "茶",
                "category": "beauty",
                "skus": [{"code": "F-1-a", "price_minor": 100, "quantity": 3}],
            }
        },
        "merchant_catalogue_update_product": {"body": {"brand": "Hill"}},
        "merchant_catalogue_set_stock": {
            "body": {"levels": [{"sku_id": str(store.skus[1]), "on_hand": 900_000}]}
        },
        "merchant_catalogue_import_feed": {"body": {"content": "id,title,price\nA,Cup,9\n"}},
        "merchant_catalogue_add_image": {"body": {"content": ids["picture"]}},
        "merchant_catalogue_order_images": {"body": {"files": []}},
        "merchant_stores_change_settings": {"body": {"tagline_en": "Good things"}},
        "coupons_issue": {
            "body": {
                "code": "FUZZ-1",
                "name_zh": "减",
                "usable_from": "2026-01-01T00:00:00Z",
                "usable_until": "2036-01-01T00:00:00Z",
                "quota": 5,
                "amount_off_minor": 100,
            }
        },
        "webhooks_add_endpoint": {"body": {"url": "http://127.0.0.1:9/", "kinds": ["*"]}},
        "webhooks_change_endpoint": {"body": {"url": "http://127.0.0.1:9/", "kinds": ["*"]}},
    }


def _of_operator() -> dict[str, dict[str, Any]]:
    content = base64.b64encode(csv_bytes([a_row()])).decode()
    return {
        "other_platforms_take_report": {
            "body": {
                "source": "fuzzed",
                "mapping": "taobao_alliance",
                "file_name": "f.csv",
                "content": content,
            }
        },
        "other_platforms_rule_again": {"body": {"reason": "Nobody of ours brought it"}},
    }


def plain(value: Any) -> Any:
    """As JSON has it."""
    return str(value) if isinstance(value, UUID) else value
