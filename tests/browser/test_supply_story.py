"""From an empty warehouse to three cases, in a real Chromium, with a carrier of its own: at the
end stock, books and explanations are whole."""

import json
from collections.abc import AsyncIterator

import msgspec
import pytest
from playwright.async_api import expect
from tests.browser.market import an_open_market
from tests.browser.supply_dropship import COST as ITS_COST
from tests.browser.supply_dropship import PRICE as ITS_PRICE
from tests.browser.supply_opening import People
from tests.browser.supply_people import COST, FOUND, PRICE, Told
from tests.browser.supply_story import live
from tests.supply.sandbox_carrier import running_carrier

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(400)]

BACK = 1_000  # to Ann, by the last ruling
KEPT = PRICE - BACK  # of her order; four others are whole, Ben's came back whole
# What a supplier sent itself was bought without a creator.
# All rates are the first rules of a new platform.
FEE = 4 * 330 + 280 + 225  # 5 %
COMMISSION = 4 * 1_320 + 1_120  # 20 %, as the product offers it
CUT = 4 * 132 + 112  # 10 % of the commission
GATEWAY = 4 * 39 + 33 + 27  # 0.6 %, rounded down
BOOKS = """
    SELECT a.purpose, sum(m.amount)::bigint AS minor
    FROM (
      SELECT store_id, dst AS account, amount_minor AS amount FROM ledger_transfers
      UNION ALL SELECT store_id, src, -amount_minor FROM ledger_transfers
    ) m JOIN ledger_accounts a ON a.store_id = m.store_id AND a.id = m.account
    GROUP BY 1 HAVING sum(m.amount) <> 0
"""
REFUNDED = """
    SELECT p.email, sum(r.amount_minor)::bigint AS minor
    FROM refunds r JOIN orders o ON o.store_id = r.store_id AND o.id = r.order_id
    JOIN people p ON p.id = o.buyer_id WHERE r.state = 'done' GROUP BY 1
"""
WORTH = "SELECT quantity, cost_minor FROM stock_costs WHERE store_id = %s AND sku_id = %s"


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    with running_carrier() as carrier:
        # Nobody broadcasts into the room: it would end, and with it the offer.
        patient = {"DOUGONG_CARRIER_SANDBOX_URL": carrier.url, "DOUGONG_LIVE_RETURN_S": "3600"}
        async with an_open_market(**patient) as market:
            made = market.server.run("-m", "tests.browser.supply_opening")
            assert made.returncode == 0, made.stderr[-4000:]
            people = msgspec.json.decode(made.stdout.splitlines()[-1], type=People)
            yield Told(market, carrier, people)


async def test_from_an_empty_warehouse_to_whole_books(told: Told) -> None:
    await live(told)
    await the_stock_is_whole(told)
    await the_books_are_whole(told)
    await every_fen_is_explained(told)
    doctor = told.market.server.run("-m", "dougong", "doctor", "--json")
    found = json.loads(doctor.stdout)
    assert found.pop("examples") == {} and found.pop("seconds") > 0
    assert found["stock_drift_units"] == 0
    assert {name: count for name, count in found.items() if count != 0} == {}
    assert told.market.errors == []


async def the_stock_is_whole(told: Told) -> None:
    """Six and one came and one was found, six were sold, one came back as new and another went out
    for it; one came back broken."""
    stock = await told.stock()
    lies = {"on_hand": 1 + FOUND, "reserved": 0, "allocated": 0, "damaged": 1, "inspecting": 0}
    assert stock == lies
    (worth,) = await told.asked(WORTH, told.people.store, told.people.sku)
    assert worth == {
        "quantity": 2 + FOUND,
        "cost_minor": (2 + FOUND) * COST,
    }  # what is broken costs what it did


async def the_books_are_whole(told: Told) -> None:
    kept = 4 * PRICE + KEPT + ITS_PRICE
    books = {row["purpose"]: row["minor"] for row in await told.asked(BOOKS)}
    assert books == {
        "gateway_clearing": -kept,
        "platform_service_fee": FEE,
        "platform_commission_cut": CUT,
        "platform_payment_cost": GATEWAY,
        "creator_payable": COMMISSION - CUT,
        "merchant_payable": kept - FEE - COMMISSION - GATEWAY,
        "stock_value": -7 * COST - ITS_COST,
        "supplier_payable": 7 * COST,
        "supplier_paid": ITS_COST,
    }
    refunded = {row["email"].partition("@")[0]: row["minor"] for row in await told.asked(REFUNDED)}
    assert refunded == {"ann": BACK, "ben": PRICE}


async def every_fen_is_explained(told: Told) -> None:
    for who in ("ann", "ben", "cai"):
        async with told.page(who) as page:
            await page.goto(f"/explain/{told.people.store}/{told.orders[who]}")
            await expect(page.get_by_text("Every fen is explained.")).to_be_visible()
