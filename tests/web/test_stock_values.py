"""What stock is worth, corrected by two people: over the API, on the screens, in the books."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.web.accounts import a_session
from tests.web.store_api import StoreApi, a_store_api

from dougong.base.ids import SkuId, new_id
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.supply.stock_commands import receive_units
from dougong.supply.stock_rules import Received
from dougong.supply.warehouse_commands import default_warehouse
from dougong.web.security import SESSION_COOKIE

WHY = {"reason": "Bill was in dollars", "evidence": "Bill 77 of 3 March, page 2: 7.00 each"}


@pytest.fixture
async def api() -> AsyncIterator[StoreApi]:
    async with a_store_api() as made:
        yield made


async def received(api: StoreApi, units: int = 10, cost_minor: int = 500) -> None:
    async with transaction() as conn:
        of: dict[str, Any] = {"store_id": api.store.store_id, "at": await clock.refresh(conn)}
        await receive_units(
            conn, warehouse_id=await default_warehouse(conn, **of), about_kind="receipt",
            lines=[Received(SkuId(UUID(api.sku)), units, cost_minor, "", None)],
            about_id=new_id(), key=f"r-{new_id()}", by_id=api.people["owner"], **of,
        )  # fmt: skip


async def worth(api: StoreApi) -> tuple[int, int]:
    """Units of known cost of the first SKU, and what they are worth."""
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT quantity, cost_minor FROM stock_costs WHERE sku_id = :k"),
            {"k": UUID(api.sku)},
        )
        row = found.one()
        return row.quantity, row.cost_minor


async def booked(api: StoreApi) -> dict[str, int]:
    """Balances of the store's book by purpose."""
    async with transaction() as conn:
        found = await conn.execute(
            text("""
                SELECT a.purpose, sum(m.minor)::bigint AS minor FROM (
                  SELECT store_id, dst AS id, amount_minor AS minor FROM ledger_transfers
                  UNION ALL SELECT store_id, src, -amount_minor FROM ledger_transfers
                ) m JOIN ledger_accounts a ON a.store_id = m.store_id AND a.id = m.id
                WHERE m.store_id = :s GROUP BY a.purpose
            """),
            {"s": api.store.store_id},
        )
        return {row.purpose: row.minor for row in found}


async def proposed(api: StoreApi, **wish: int) -> Any:
    body = WHY | {"sku_id": api.sku} | wish
    return await api.post("stock-corrections", body, status=201)


async def test_one_proposes_another_approves_and_the_books_say_why(api: StoreApi) -> None:
    await received(api)
    made = await proposed(api, unit_cost_minor=700)
    one = f"stock-corrections/{made['id']}"
    assert (made["state"], made["units"], made["before"]["minor"]) == ("proposed", 10, 5_000)
    assert await worth(api) == (10, 5_000)
    assert await api.refused("POST", f"{one}/approve") == (403, "another_must_decide", None)
    done = await api.post(f"{one}/approve", who="second")
    assert (done["state"], done["after"]["minor"], done["decided_by"]) == (
        "approved",
        7_000,
        "second",
    )
    assert await worth(api) == (10, 7_000)
    assert await booked(api) == {"stock_value": -2_000, "stock_correction": 2_000}
    (change,) = (await api.get(f"stock/{api.sku}/value-changes"))["items"]
    assert (change["change_minor"], change["about_id"], change["reason"], change["by_name"],
            change["approved_by_name"]) == (
        2_000, made["id"], WHY["reason"], "owner", "second",
    )  # fmt: skip
    assert await api.refused("POST", f"{one}/approve", who="second") == (
        409, "correction_closed", None,
    )  # fmt: skip
    async with transaction() as conn:
        told = await conn.scalar(
            text("SELECT facts FROM events WHERE kind = 'supply.stock_value_corrected' "
                 "AND store_id = :s"),
            {"s": api.store.store_id},
        )  # fmt: skip
        audited = await conn.scalars(
            text("SELECT action FROM audit_log WHERE owner_id = :s AND subject = :c ORDER BY id"),
            {"s": api.store.store_id, "c": made["id"]},
        )
        assert list(audited) == [
            "supply.value_correction_proposed", "supply.value_correction_approved",
        ]  # fmt: skip
    assert told == {
        "sku_id": api.sku, "units": 10, "currency": "CNY", "before_minor": 5_000,
        "after_minor": 7_000,
    }  # fmt: skip


async def test_another_correction_is_the_only_way_back(api: StoreApi) -> None:
    await received(api)
    for minor in (3_001, 5_000):
        made = await proposed(api, value_minor=minor)
        await api.post(f"stock-corrections/{made['id']}/approve", who="second")
    assert await worth(api) == (10, 5_000)
    assert await booked(api) == {"stock_value": 0, "stock_correction": 0}
    changes = (await api.get(f"stock/{api.sku}/value-changes"))["items"]
    assert [one["change_minor"] for one in changes] == [1_999, -1_999]
    listed = await api.every("stock-corrections?state=approved")
    assert [one["after"]["minor"] for one in listed] == [5_000, 3_001]


async def test_a_unit_cost_is_of_what_is_there_a_value_of_what_was(api: StoreApi) -> None:
    await received(api)
    one = await proposed(api, unit_cost_minor=700)
    await received(api)
    await api.post(f"stock-corrections/{one['id']}/approve", who="second")
    assert await worth(api) == (20, 14_000)
    two = await proposed(api, value_minor=1_000)
    await received(api, 1)
    approve = f"stock-corrections/{two['id']}/approve"
    assert await api.refused("POST", approve, who="second") == (409, "correction_stale", None)
    assert await worth(api) == (21, 14_500)
    assert (await api.get(f"stock-corrections/{two['id']}"))["state"] == "proposed"


async def test_what_is_refused_or_taken_back_books_nothing(api: StoreApi) -> None:
    await received(api)
    made = await proposed(api, unit_cost_minor=700)
    there = WHY | {"sku_id": api.sku, "value_minor": 1}
    assert await api.refused("POST", "stock-corrections", there) == (
        409, "correction_there", "sku_id",
    )  # fmt: skip
    refuse = f"stock-corrections/{made['id']}/refuse"
    assert (await api.refused("POST", refuse, {}, who="second"))[:2] == (400, "bad_input")
    no = await api.post(refuse, {"why": "Wrong bill"}, who="second")
    assert (no["state"], no["decided_why"], no["after"]) == ("refused", "Wrong bill", None)
    again = await proposed(api, unit_cost_minor=700)
    back = await api.post(f"stock-corrections/{again['id']}/refuse", {})
    assert (back["state"], back["decided_by"]) == ("withdrawn", "owner")
    assert (await worth(api), await booked(api)) == ((10, 5_000), {})


async def test_what_makes_no_sense_is_refused(api: StoreApi) -> None:
    body = WHY | {"sku_id": api.sku}
    post = ("POST", "stock-corrections")
    assert (await api.refused(*post, body | {"value_minor": 1}))[:2] == (409, "nothing_valued")
    await received(api)
    assert (await api.refused(*post, body | {"value_minor": 5_000}))[:2] == (409, "value_unchanged")
    for wrong in ({}, {"value_minor": 1, "unit_cost_minor": 1}, {"value_minor": -1},
                  {"value_minor": 1, "evidence": "  "}):  # fmt: skip
        assert (await api.refused(*post, body | wrong))[0] == 400
    theirs = body | {"sku_id": str(api.theirs.skus[0]), "value_minor": 1}
    assert (await api.refused(*post, theirs))[0] == 404
    assert (await api.refused("GET", f"stock/{api.theirs.skus[0]}/value-changes"))[0] == 404


async def test_the_screens_propose_decide_and_export(api: StoreApi) -> None:
    await received(api)
    base = f"/merchant/stores/{api.store.store_id}"
    page = f"{base}/stock/{api.sku}"

    async def as_(name: str) -> None:
        api.client.cookies.set(SESSION_COOKIE, await a_session(api.people[name]))
        await api.client.get("/sign-in")
        api.client.headers["x-csrftoken"] = api.client.cookies["csrftoken"]

    await as_("owner")
    bad = await api.client.post(f"{page}/values", data=WHY | {"unit_cost": "", "value": ""})
    assert bad.status_code == 400 and "Give either the cost" in bad.text
    told = await api.client.post(f"{page}/values", data=WHY | {"unit_cost": "7.00"})
    assert "A correction waits for a colleague: Bill was in dollars" in told.text
    own = (await api.client.get(f"{base}/stock-values?state=proposed")).text
    assert "Take back" in own and "Approve and book" not in own
    (made,) = (await api.get("stock-corrections"))["items"]
    step = f"{base}/stock-values/{made['id']}"
    assert (await api.client.post(f"{step}/approve", data={})).status_code == 403
    await as_("second")
    assert "Approve and book" in (await api.client.get(f"{base}/stock-values")).text
    assert (await api.client.post(f"{step}/other", data={})).status_code == 404
    done = await api.client.post(f"{step}/approve", data={})
    assert done.status_code == 200 and "Approve and book" not in done.text
    assert WHY["evidence"] in (await api.client.get(page)).text
    rows = {}
    for name in (f"{base}/stock-values.csv?state=approved", f"{page}/values.csv"):
        found = await api.client.get(name)
        (rows[name],) = csv.DictReader(io.StringIO(found.text.lstrip("\ufeff")))
    whole, of_sku = rows.values()
    assert (whole["before_minor"], whole["after_minor"], whole["evidence"]) == (
        "5000", "7000", WHY["evidence"],
    )  # fmt: skip
    assert (of_sku["value_minor"], of_sku["about_kind"]) == ("2000", "correction")
