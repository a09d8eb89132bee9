"""The payee's page over HTTP: every payee its own tree, to the fen, and nobody else's."""

import csv
import io
import re

import pytest
from tests.reads.stories import a_final_order, a_market, money
from tests.web.test_operator import Client, Desk, as_, client, desk

from dougong.base.ids import new_id
from dougong.infra.db import transaction
from dougong.ledger.queries import balances
from dougong.ledger.rules import PLATFORM
from dougong.web import explain_payee

__all__ = ["client", "desk"]  # fixtures of the operator's tests

DAYS = {"since": "2026-02-20", "until": "2026-03-20"}
AMOUNT = re.compile(r'class="explained-total num">([^<]+)<')


def ways(desk: Desk) -> dict[str, str]:
    """Each payee's page by who looks."""
    return {
        "merchant": f"/merchant/stores/{desk.market.store_id}/money/explained",
        "creator": f"/creator/{desk.market.creator_id}/earnings/explained",
        "one": f"/operator/explained/{PLATFORM}",
    }


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("who", ["merchant", "creator", "one"])
async def test_a_payee_sees_its_tree(client: Client, desk: Desk, who: str, locale: str) -> None:
    page = await as_(client, getattr(desk, who), locale).get(ways(desk)[who], params=DAYS)
    assert page.status_code == 200, page.text[:500]
    assert ("Every fen is explained." in page.text) is (locale == "en")
    assert "is-good" in page.text
    store_id, order_id = desk.market.store_id, desk.story.order_id
    if who != "one":  # of the platform's many orders it may be on another page
        assert f'href="/explain/{store_id}/{order_id}?line=2"' in page.text
    assert 'id="explained"' in page.text  # the picture


async def test_what_it_says_is_what_the_books_say(client: Client, desk: Desk) -> None:
    async with transaction() as conn:
        held = await balances(conn, store_id=desk.market.store_id)
    owed = {one.purpose: one.balance_minor for one in held if one.owner_id != PLATFORM}
    for who, purpose in (("merchant", "merchant_payable"), ("creator", "creator_payable")):
        page = await as_(client, getattr(desk, who)).get(ways(desk)[who], params=DAYS)
        (said,) = AMOUNT.findall(page.text)
        assert said == f"CN¥{owed[purpose] / 100:,.2f}"
    empty = await as_(client, desk.merchant).get(
        ways(desk)["merchant"], params={"since": "2024-01-01", "until": "2024-02-01"}
    )
    assert "Nothing was booked in these days" in empty.text


@pytest.mark.parametrize("who", ["merchant", "creator", "one"])
async def test_the_file_sums_to_the_page(client: Client, desk: Desk, who: str) -> None:
    asked = as_(client, getattr(desk, who))
    answer = await asked.get(ways(desk)[who], params=DAYS | {"file": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert answer.headers["content-type"].startswith("text/csv")
    mine = [r for r in rows if r["order_id"] == str(desk.story.order_id)]
    want = {"merchant": 20_000 - 1_000 - 2_000 - 114, "creator": 1_800, "one": 1_000 + 200 + 114}
    coupon = 1_000 if who == "one" else 0
    assert sum(int(row["amount_minor"]) for row in mine) == want[who] - coupon
    assert {row["kind"] for row in mine} == ({"capture", "final"} if coupon else {"final"})


async def test_many_orders_come_by_pages(
    client: Client, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with transaction() as conn:
        market = await a_market(conn)
        stories = [await a_final_order(conn, market, money(gross_minor=n)) for n in (5_000, 7_000)]
    monkeypatch.setattr(explain_payee, "PAGE_ORDERS", 1)
    way = f"/operator/explained/{market.creator_id}"
    seen = set()
    for number, other in ((1, 2), (2, 1)):
        page = await as_(client, desk.one).get(way, params=DAYS | {"number": str(number)})
        assert AMOUNT.findall(page.text) == ["CN¥10.80"]
        assert "is-good" in page.text
        assert f"number={other}#orders" in page.text or other == 1
        assert "Orders on other pages" in page.text
        seen |= {s.order_id for s in stories if f"/{s.order_id}?line=1" in page.text}
    assert len(seen) == 2
    beyond = await as_(client, desk.one).get(way, params=DAYS | {"number": "9999"})
    assert "is-good" in beyond.text


@pytest.mark.parametrize("who", ["stranger", "shopper", "buyer"])
async def test_nobody_sees_another_payees_tree(client: Client, desk: Desk, who: str) -> None:
    for path in ways(desk).values():
        answer = await as_(client, getattr(desk, who)).get(path, params=DAYS)
        assert answer.status_code == 404
    gone = await as_(client, desk.one).get(f"/operator/explained/{new_id()}")
    assert gone.status_code == 404


@pytest.mark.parametrize(
    "bad",
    [
        {"since": "2026-03-20", "until": "2026-03-19"},
        {"since": "yesterday"},
        {"until": "9999-12-31"},
        {"since": "0001-01-01"},
        {"number": "0"},
        {"currency": "QQQ"},
    ],
)
async def test_what_makes_no_window_is_refused(
    client: Client, desk: Desk, bad: dict[str, str]
) -> None:
    answer = await as_(client, desk.merchant).get(ways(desk)["merchant"], params=bad)
    assert answer.status_code == 400


async def test_the_consoles_lead_to_it(client: Client, desk: Desk) -> None:
    starts = {
        "merchant": f"/merchant/stores/{desk.market.store_id}/money",
        "creator": f"/creator/{desk.market.creator_id}/earnings",
        "one": "/operator/ledger",
    }
    for who, path in starts.items():
        page = await as_(client, getattr(desk, who)).get(path)
        assert f'href="{ways(desk)[who]}"' in page.text
    async with transaction() as conn:
        held = await balances(conn, store_id=desk.market.store_id)
    for account in held:
        path = f"/operator/ledger/{desk.market.store_id}/{account.account_id}"
        page = await as_(client, desk.one).get(path)
        earns = account.purpose not in ("escrow", "gateway_clearing")
        assert (f'href="/operator/explained/{account.owner_id}"' in page.text) is earns


async def test_the_page_of_an_order_opens_on_one_line(client: Client, desk: Desk) -> None:
    path = f"/explain/{desk.market.store_id}/{desk.story.order_id}"
    whole = await as_(client, desk.merchant).get(path)
    assert 'href="?line=1"' in whole.text
    line = await as_(client, desk.merchant).get(path, params={"line": "2"})
    assert f'href="{path}"' in line.text  # back to the whole order
    assert AMOUNT.findall(line.text) == ["CN¥100.00"]
    assert "Every fen is explained." in line.text
    assert (await client.get(path, params={"line": "9"})).status_code == 404
    buyer = await as_(client, desk.buyer).get(path, params={"line": "1"})
    assert "Platform service fee" not in buyer.text
