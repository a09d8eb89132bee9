"""Payouts on the pages: an account entered and verified, a run let go, a list, the answers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import a_person, an_org
from tests.settlement.payout_world import NUMBER, owe, pay_payee, some_terms

from dougong.accounts.commands import start_session
from dougong.base.ids import PLATFORM_BOOK
from dougong.flows.payout_files import take_answers
from dougong.flows.payout_runs import make_run
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.reads.payouts import PayoutFilter, PayoutRow, file_rows, payout_rows, run_rows
from dougong.settlement.payout_rules import Terms
from dougong.web.app import create_app
from dougong.web.security import SESSION_COOKIE

Client = AsyncTestClient[Litestar]
DESK = "/operator/payouts"
STRICT = Terms(
    weekday=None, minimum_minor=100, hold_days=0, change_wait_days=3, approve_above_minor=0
)
pytestmark = pytest.mark.usefixtures("own_database")


@dataclass
class Cast:
    one: str
    two: str
    creator: str
    creator_id: UUID


async def _member(conn: AsyncConnection, org_id: UUID, role: str) -> str:
    person = await a_person(conn, name=role)
    await conn.execute(
        text("INSERT INTO grants VALUES (:p, :o, :role, :at)"),
        {"p": person, "o": org_id, "role": role, "at": wall_now()},
    )
    return await start_session(conn, person_id=person, at=wall_now(), user_agent="test")


@pytest.fixture
async def cast(own_database: object) -> Cast:
    """Two operators, and a creator that is owed 80.00."""
    async with transaction() as conn:
        operator, creator = await an_org(conn, kind="operator"), await an_org(conn, kind="creator")
        await owe(conn, creator, 8_000, currency="CNY", at=wall_now() - timedelta(days=2))
        await some_terms(conn, at=wall_now() - timedelta(days=1), terms=STRICT)
        return Cast(
            one=await _member(conn, operator, "operator"),
            two=await _member(conn, operator, "operator"),
            creator=await _member(conn, creator, "creator"),
            creator_id=creator,
        )


@pytest.fixture
async def client(own_database: object) -> AsyncIterator[Client]:
    async with AsyncTestClient(create_app()) as made:
        await made.get("/healthz")
        yield made


def as_(client: Client, token: str, locale: str = "en") -> Client:
    client.cookies.set(SESSION_COOKIE, token)
    client.cookies.set("dougong_locale", locale)
    client.headers["x-csrftoken"] = client.cookies["csrftoken"]
    return client


async def _post(client: Client, path: str, expect: int = 303, **data: Any) -> Any:
    answer = await client.post(path, data=data, follow_redirects=False)
    assert answer.status_code == expect, answer.text[:800]
    return answer


async def _made(client: Client, cast: Cast) -> PayoutRow:
    """The creator's account is entered and verified, the day's run made and let go by two."""
    mine = f"/creator/{cast.creator_id}/payouts"
    page = (await as_(client, cast.creator).get(mine)).text
    assert "You are not paid yet." in page and "¥80.00" in page
    account = {"holder": "王小明", "bank": "招商银行", "number": NUMBER}
    await _post(as_(client, cast.creator), mine, **account)
    assert "Your account is being verified" in (await client.get(mine)).text
    async with transaction() as conn:
        account_id = await conn.scalar(
            text("SELECT id FROM payout_accounts WHERE payee_id = :p"), {"p": cast.creator_id}
        )
    await _post(as_(client, cast.one), f"{DESK}/accounts/{account_id}", verdict="verify")
    await _post(client, f"{DESK}/runs")
    async with transaction() as conn:
        runs = await run_rows(conn, most=10)
    for run in runs:
        await make_run(run.id)
    async with transaction() as conn:
        waiting = (await run_rows(conn, state="waiting", most=1))[0]  # the newest day's
    approve = f"{DESK}/runs/{waiting.id}/approve"
    await _post(as_(client, cast.one), approve, 409)
    await _post(as_(client, cast.two), approve)
    async with transaction() as conn:
        return (await payout_rows(conn, PayoutFilter(payee_id=cast.creator_id), most=2))[0]


async def test_from_an_account_to_a_confirmed_payout(client: Client, cast: Cast) -> None:
    """Held, released, given up, paid again, put on a list and confirmed by the bank's file."""
    first = await _made(client, cast)
    one = f"{DESK}/{first.id}"
    await _post(as_(client, cast.one), one + "/hold", 400, why=" ")
    await _post(client, one + "/hold", why="核对户名")
    await _post(client, one + "/release", why="")
    await _post(client, one + "/hold", why="不付")
    await _post(client, one + "/give-up", why="不付")
    page = (await client.get(one)).text
    assert "Pay it again now" in page and "核对户名" in page
    again = await _post(client, one + "/retry", why="")
    row_id = again.headers["location"].rsplit("/", 1)[1]
    assert row_id != str(first.id)
    await _every_page(client, cast, row_id)
    made = await _post(as_(client, cast.one), f"{DESK}/lists")
    taken = await client.post(made.headers["location"] + "/download", data={})
    lines = taken.content.decode("utf-8-sig").splitlines()
    assert lines[1] == f"{row_id},王小明,招商银行,{NUMBER},80.00,CNY,Dougong {first.day}"
    await _bank_answers(client, row_id)
    mine = f"/creator/{cast.creator_id}/payouts"
    page = (await as_(client, cast.creator).get(mine)).text
    assert "B77" in page and "From the platform" in page  # no store: the platform's own book


async def _bank_answers(client: Client, row_id: str) -> None:
    answers = f"payout_id,state,bank_ref,reason\n{row_id},confirmed,B77,\nnobody,confirmed,B1,\n"
    sent = await client.post(
        f"{DESK}/answers", files={"file": ("answers.csv", answers.encode())},
        follow_redirects=False,
    )  # fmt: skip
    assert sent.status_code == 303, sent.text[:500]
    file_id = UUID(sent.headers["location"].rsplit("/", 1)[1])
    await take_answers(file_id)
    async with transaction() as conn:
        (file,) = await file_rows(conn, file_id=file_id, most=1)
    assert (file.rows_total, file.rows_taken, file.rows_refused) == (2, 1, 1)
    assert "This is no payout" in (await client.get(sent.headers["location"])).text


async def _every_page(client: Client, cast: Cast, row_id: str) -> None:
    """In both languages, also as files."""
    pages = ["", "/runs", "/accounts", "/accounts?only=all", "/terms", f"/{row_id}", "?q=nobody"]
    mine = f"/creator/{cast.creator_id}/payouts"
    for locale in ("zh", "en"):
        for path in [DESK + tail for tail in pages] + ["/me/payouts"]:
            answer = await as_(client, cast.one, locale).get(path)
            assert answer.status_code == 200, (path, answer.text[:500])
        assert (await as_(client, cast.creator, locale).get(mine)).status_code == 200
    assert row_id in (await as_(client, cast.one).get(DESK + "?file=csv")).text
    assert "confirmed" not in (await as_(client, cast.creator).get(mine + "?file=csv")).text
    assert (await client.get(DESK)).status_code == 404


async def test_one_is_told_in_the_singular_and_a_code_in_words(client: Client, cast: Cast) -> None:
    at = wall_now()
    async with transaction() as conn:
        (payout_id,) = await pay_payee(
            conn,
            store_id=PLATFORM_BOOK,
            payee_id=cast.creator_id,
            at=at,
            day=at.date() - timedelta(days=40),  # the runs of today are another test's
        )
    await _post(as_(client, cast.one), f"{DESK}/{payout_id}/hold", why="account_closed")
    for locale, one, why in (
        ("en", ">1 payout<", "There is no such account, or it was closed"),
        ("zh", ">1 笔<", "账号不存在或已销户"),
    ):
        page = (await as_(client, cast.one, locale).get(DESK)).text
        assert one in page and why in page, page[-3000:]


async def test_terms_are_set_and_refused_on_the_page(client: Client, cast: Cast) -> None:
    form = {"purpose": "agency_payable", "weekday": "5", "minimum": "10.00", "hold_days": "2",
            "change_wait_days": "3", "approve_above": "500.00", "reason": "周结"}  # fmt: skip
    bad = await as_(client, cast.one).post(DESK + "/terms", data=form | {"minimum": "x"})
    assert bad.status_code == 400 and "Please give an amount" in bad.text
    await _post(client, DESK + "/terms", **form)
    assert "Friday" in (await client.get(DESK + "/terms")).text


async def test_a_bad_account_number_is_told_at_its_field(client: Client, cast: Cast) -> None:
    mine = f"/creator/{cast.creator_id}/payouts"
    bad = {"holder": "a", "bank": "b", "number": "12"}
    answer = await as_(client, cast.creator).post(mine, data=bad)
    assert answer.status_code == 400 and "Give 8 to 34 digits" in answer.text
