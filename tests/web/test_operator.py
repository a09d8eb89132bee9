"""The operator's console over HTTP: every page in both languages, two people for a rule."""

import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.factories import a_person, an_org
from tests.ledger.test_seals import TAMPERINGS, owner
from tests.reads.stories import Market, Story, a_final_order, a_market, money
from tests.web.site import Client

import dougong
from dougong.accounts.commands import audit, start_session
from dougong.base.ids import PLATFORM_BOOK, PersonId, StoreId, new_id
from dougong.base.time import local_day, start_of_day
from dougong.flows.seal_books import seal_and_count
from dougong.infra import clock, jobs
from dougong.infra.db import transaction
from dougong.ledger.commands import book
from dougong.ledger.queries import balances
from dougong.ledger.rules import Entry, Purpose, moved, platform
from dougong.reads.operator_entries import entry_shown
from dougong.reads.operator_overview import Overview, overview
from dougong.web.operator import words
from dougong.web.security import SESSION_COOKIE

__all__ = ["owner"]  # a fixture of the seals' tests


class Desk(msgspec.Struct):
    """Two operators, a shopper, and a market with one final order."""

    one: str
    two: str
    shopper: str
    merchant: str
    creator: str
    buyer: str
    stranger: str
    market: Market
    story: Story


@pytest.fixture(scope="module")
async def desk() -> Desk:
    async with transaction() as conn:
        at = clock.wall_now()
        market = await a_market(conn)
        story = await a_final_order(conn, market, money(platform_discount_minor=1_000), money())

        async def token(person_id: UUID) -> str:
            return await start_session(
                conn, person_id=PersonId(person_id), at=at, user_agent="test"
            )

        async def member(org_id: UUID, role: str) -> str:
            person = await a_person(conn, name=role)
            await conn.execute(
                text("INSERT INTO grants VALUES (:p, :o, :role, :at)"),
                {"p": person, "o": org_id, "role": role, "at": at},
            )
            return await token(person)

        operator_org = await an_org(conn, kind="operator")
        return Desk(
            one=await member(operator_org, "operator"),
            two=await member(operator_org, "operator"),
            shopper=await token(await a_person(conn)),
            merchant=await member(market.merchant_id, "merchant"),
            creator=await member(market.creator_id, "creator"),
            buyer=await token(market.buyer_id),
            stranger=await member(await an_org(conn, kind="merchant"), "merchant"),
            market=market,
            story=story,
        )


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    async with Client() as made:
        await made.get("/healthz")
        yield made


def as_(client: Client, token: str, locale: str = "en") -> Client:
    client.cookies.set(SESSION_COOKIE, token)
    client.cookies.set("dougong_locale", locale)
    client.headers["x-csrftoken"] = client.cookies["csrftoken"]
    return client


PAGES = [
    "/operator/overview",
    "/operator/overview?since=2026-02-20&until=2026-03-05",
    "/operator/rules",
    "/operator/rules?show=all&at=2020-08-20T00:00&q=fee",
    "/operator/terms",
    "/operator/rules/draft",
    "/operator/terms/draft",
    "/operator/ledger",
    "/operator/ledger?purpose=escrow&q=test",
    "/operator/unallocated",
    "/operator/unallocated?show=done",
    "/operator/orders",
    "/operator/orders?status=final",
    "/operator/jobs",
    "/operator/jobs?status=failed",
    "/operator/clock",
]


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_there_in_both_languages(
    client: Client, desk: Desk, path: str, locale: str
) -> None:
    answer = await as_(client, desk.one, locale).get(path)
    assert answer.status_code == 200, answer.text[:500]
    assert ('lang="zh-CN"' in answer.text) is (locale == "zh")


@pytest.mark.parametrize("path", PAGES)
async def test_only_the_operator_sees_them(client: Client, desk: Desk, path: str) -> None:
    answer = await as_(client, desk.shopper).get(path)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/operator/overview", "/operator/ledger", "/operator/orders", "/operator/unallocated"],
)
async def test_tables_come_as_csv_files(client: Client, desk: Desk, path: str) -> None:
    answer = await as_(client, desk.one).get(path, params={"file": "csv"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")


async def test_unallocated_money_goes_back_once(client: Client, desk: Desk) -> None:
    unallocated_id = new_id()
    at = clock.wall_now()
    async with transaction() as conn:
        await conn.execute(
            text("""
                INSERT INTO unallocated_money
                  (id, gateway, gateway_ref, currency, amount_minor, reason, arrived_at)
                VALUES (:id, 'sandbox', :ref, 'CNY', 777, 'unknown_payment', :at)
            """),
            {"id": unallocated_id, "ref": unallocated_id.hex, "at": at},
        )
        moves = moved(
            platform(Purpose.GATEWAY_CLEARING), platform(Purpose.UNALLOCATED), 777, "unallocated"
        )
        entry = Entry(
            kind="unallocated",
            key=f"unallocated:{unallocated_id}",
            counts_at=at,
            transfers=tuple(moves),
        )
        await book(conn, store_id=PLATFORM_BOOK, currency="CNY", entries=[entry], written_at=at)
    desk_client = as_(client, desk.one)
    assert unallocated_id.hex in (await desk_client.get("/operator/unallocated")).text
    path = f"/operator/unallocated/{unallocated_id}"
    form = {"resolution": "sent_back", "note": "asked by phone"}
    first = await desk_client.post(path, data=form, follow_redirects=False)
    again = await desk_client.post(path, data=form, follow_redirects=False)
    assert (first.status_code, again.status_code) == (303, 404)
    async with transaction() as conn:
        booked = await conn.scalar(
            text("SELECT count(*) FROM ledger_entries WHERE key = :key"),
            {"key": f"unallocated_back:{unallocated_id}"},
        )
        waiting = await conn.scalar(
            text("""
                SELECT count(*) FROM procrastinate_jobs
                WHERE task_name = 'payments.send_back' AND args ->> 'unallocated_id' = :id
            """),
            {"id": str(unallocated_id)},
        )
    assert (booked, waiting) == (1, 1)


async def test_a_failed_job_starts_again(client: Client, desk: Desk) -> None:
    async with transaction() as conn:
        job_id = await conn.scalar(
            text("""
                INSERT INTO procrastinate_jobs (queue_name, task_name, status)
                VALUES ('default', 'ledger.seal', 'failed') RETURNING id
            """)
        )
    path = f"/operator/jobs/{job_id}/retry"
    first = await as_(client, desk.one).post(path, data={}, follow_redirects=False)
    again = await as_(client, desk.one).post(path, data={}, follow_redirects=False)
    assert (first.status_code, again.status_code) == (303, 409)


async def test_a_statement_runs_back_and_leads_to_the_order(client: Client, desk: Desk) -> None:
    listed = await as_(client, desk.one).get("/operator/ledger", params={"purpose": "escrow"})
    assert listed.status_code == 200
    async with transaction() as conn:
        account = await conn.scalar(
            text("SELECT id FROM ledger_accounts WHERE store_id = :s AND purpose = 'escrow'"),
            {"s": desk.market.store_id},
        )
    path = f"/operator/ledger/{desk.market.store_id}/{account}"
    answer = await as_(client, desk.one).get(path)
    assert f"/explain/{desk.market.store_id}/{desk.story.order_id}" in answer.text
    csv = await as_(client, desk.one).get(path, params={"file": "csv"})
    assert csv.text.count("capture:") == 3
    missing = await as_(client, desk.one).get(f"/operator/ledger/{new_id()}/{account}")
    assert missing.status_code == 404


async def test_an_account_leads_to_its_entries_and_each_to_its_seal(
    client: Client, desk: Desk
) -> None:
    as_(client, desk.one)
    book_id = StoreId(desk.market.store_id)
    async with transaction() as conn:
        await seal_and_count(conn, store_id=book_id, at=clock.wall_now())
        held = await balances(conn, store_id=book_id)
    escrow = next(b for b in held if b.purpose == "escrow")
    statement = await client.get(f"/operator/ledger/{book_id}/{escrow.account_id}")
    entries = re.findall(rf"/operator/ledger/{book_id}/entries/([0-9a-f-]+)", statement.text)
    assert entries
    page = await client.get(f"/operator/ledger/{book_id}/entries/{entries[0]}")
    assert page.status_code == 200
    assert "Computed again just now from the books: the hash is the same." in page.text
    missing = await client.get(f"/operator/ledger/{book_id}/entries/{new_id()}")
    assert missing.status_code == 404


async def test_a_seal_over_changed_books_is_shown_as_broken(desk: Desk, owner: AsyncEngine) -> None:
    book_id = StoreId(desk.market.store_id)
    async with owner.connect() as conn:
        await seal_and_count(conn, store_id=book_id, at=clock.wall_now())
        asked = {"b": book_id}
        entry_id = await conn.scalar(
            text("SELECT entry_id FROM ledger_sealed_entries WHERE store_id = :b LIMIT 1"), asked
        )
        shown = await entry_shown(conn, store_id=book_id, entry_id=entry_id)
        assert shown.seal
        assert shown.seal.holds
        await conn.execute(text("SET LOCAL session_replication_role = replica"))  # no triggers
        await conn.execute(text(TAMPERINGS["an amount"]), {"s": book_id, "e": entry_id})
        shown = await entry_shown(conn, store_id=book_id, entry_id=entry_id)
        assert shown.seal
        assert shown.seal.holds is False
        await conn.rollback()


SOURCES = Path(dougong.__file__).parent


def test_every_verb_of_the_audit_log_and_every_job_has_words() -> None:
    code = [
        file.read_text()
        for area in ("web", "flows", "cli")
        for file in (SOURCES / area).rglob("*.py")
    ]
    named = re.compile(r'action(?: = |=)"([a-z_]+\.[a-z_]+)"|_audit\([^)]*?"([a-z_.]+)"')
    actions = {one or two for text in code for one, two in named.findall(text)}
    assert len(actions) > 25
    assert actions - set(words.ACTIONS) == set()
    ours = {name for name in jobs.TASKS if not name.startswith("tests.")}
    assert ours - set(words.TASKS) == set()


@pytest.mark.parametrize("locale", ["zh", "en"])
async def test_the_audit_log_speaks_in_words(client: Client, desk: Desk, locale: str) -> None:
    async with transaction() as conn:
        at = clock.wall_now()
        await audit(conn, at=at, person_id=None, action="payments.resolve_unallocated",
                    subject="x-1", facts={"amount_minor": 1_250, "currency": "CNY"})  # fmt: skip
    page = (await as_(client, desk.one, locale).get("/operator/audit?words=x-1")).text
    said = {"en": "Decided about unallocated money", "zh": "处理了未匹配款项"}[locale]
    assert said in page
    assert "12.50" in page


async def test_the_audit_log_names_the_order_and_leads_to_it(client: Client, desk: Desk) -> None:
    store_id, order_id = desk.market.store_id, desk.story.order_id
    async with transaction() as conn:
        at = clock.wall_now()
        await audit(conn, at=at, person_id=None, action="orders.refunded", owner_id=store_id,
                    subject=str(order_id))  # fmt: skip
        number = await conn.scalar(
            text("SELECT number FROM orders WHERE id = :id"), {"id": order_id}
        )
    page = (await as_(client, desk.one).get("/operator/audit", params={"words": number})).text
    assert f'<a href="/explain/{store_id}/{order_id}">{number}</a>' in page


async def test_orders_are_found_by_store_buyer_and_days(client: Client, desk: Desk) -> None:
    as_(client, desk.one)
    async with transaction() as conn:
        order = (
            await conn.execute(
                text("SELECT o.number, s.code FROM orders o JOIN stores s ON s.id = o.store_id"
                     " WHERE o.id = :id"),
                {"id": desk.story.order_id},
            )
        ).one()  # fmt: skip
    for query, is_there in (
        (f"q={order.number}&store={order.code}&since=2001-01-01&until=2099-01-01", True),
        (f"q={order.number}&until=2001-01-01", False),
        (f"q={order.number}&store=none", False),
    ):
        page = await client.get(f"/operator/orders?{query}")
        assert (f"/explain/{desk.market.store_id}/{desk.story.order_id}" in page.text) is is_there
    assert (await client.get("/operator/orders?since=tomorrow")).status_code == 400


async def test_the_overview_compares_with_the_window_before(desk: Desk) -> None:
    async with transaction() as conn:
        at = await conn.scalar(
            text("SELECT placed_at FROM orders WHERE id = :id"), {"id": desk.story.order_id}
        )
        zone = ZoneInfo("Asia/Shanghai")
        day = local_day(at, zone)

        async def window(first: date, last: date) -> Overview:
            return await overview(
                conn,
                since=start_of_day(first, zone),
                until=start_of_day(last + timedelta(days=1), zone),
                first_day=first,
                last_day=last,
                zone=str(zone),
                currency="CNY",
            )

        then = await window(day, day)
        after = await window(day + timedelta(days=1), day + timedelta(days=1))
    assert then.gmv_minor > 0
    assert then.turnover == [then.gmv_minor]
    assert after.before.gmv_minor == then.gmv_minor
    assert after.before.revenue_minor == then.revenue_minor()
    assert after.before.refunded_minor == then.refunded_minor
