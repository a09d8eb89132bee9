"""Payouts by API: what a payee reads and enters, what two operators let go, what a bank says."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.settlement.payout_world import NUMBER, at_the_bank, owe
from tests.web.payout_api import DESK, RUNS, PayoutApi, a_key, a_payout_api
from tests.web.store_api import a_store_api

from dougong.infra.clock import wall_now
from dougong.infra.db import transaction

ACCOUNT = {"holder": "王小明", "bank": "招商银行", "number": "6222 0210 0111 6245 701"}


@pytest.fixture
async def api() -> AsyncIterator[PayoutApi]:
    async with a_payout_api() as made:
        yield made


async def sent(payout_id: str) -> None:
    async with transaction() as conn:
        await at_the_bank(conn, UUID(payout_id), at=wall_now())


async def acts(payout_id: str) -> list[str]:
    """What the audit log has of it."""
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT action FROM audit_log WHERE subject = :id ORDER BY id"), {"id": payout_id}
        )
        return [str(action).removeprefix("settlement.") for action in found.scalars()]


async def test_a_payee_enters_its_account_once_and_sees_what_is_missing(api: PayoutApi) -> None:
    path, key = f"{api.mine}/payout-accounts", a_key()
    before = await api.get("creator", f"{api.mine}/payout-outlook")
    assert (before["account"], before["not_paid_why"]) == (None, "none")  # none in CNY
    made = await api.post("creator", path, ACCOUNT, key=key, status=201)
    assert (made["number_tail"], made["verified_at"], made["is_change"]) == ("5701", None, False)
    assert await api.post("creator", path, ACCOUNT, key=key, status=201) == made
    other = ACCOUNT | {"number": NUMBER[:-1] + "2"}
    reused = await api.refused("creator", "POST", path, other, key)
    assert reused == (409, "idempotency_key_reused")
    assert await api.refused("creator", "POST", path, ACCOUNT, a_key()) == (400, "bad_input")
    outlook = await api.get("creator", f"{api.mine}/payout-outlook")
    assert (outlook["account"], outlook["not_paid_why"]) == (made, "unverified")


async def test_a_number_is_nowhere_in_what_is_kept_of_the_request(api: PayoutApi) -> None:
    await api.post("creator", f"{api.mine}/payout-accounts", ACCOUNT, key=a_key(), status=201)
    async with transaction() as conn:
        kept = await conn.scalar(
            text("SELECT answer FROM idempotency_keys WHERE owner_id = :id"),
            {"id": api.orgs["creator"]},
        )
    assert b"62220210" not in bytes(kept) and b"6222 0210" not in bytes(kept)


async def test_an_account_that_cannot_be_one_is_refused_at_its_field(api: PayoutApi) -> None:
    bad = ACCOUNT | {"number": "DE00 1234 5678 9012 3456 78"}
    got = await api.ask("creator", "POST", f"{api.mine}/payout-accounts", bad, a_key())
    assert (got.status_code, got.json()["field"]) == (400, "number")
    assert got.json()["facts"] == {"reason": "bad_account_number"}


async def test_a_payout_is_found_by_state_and_day_and_explained(api: PayoutApi) -> None:
    payout = await api.payout()
    rows = f"{api.mine}/payouts"
    for query, found in (
        ("", [payout]), ("?status=booked", [payout]), ("?status=sent", []),
        ("?since=2026-11-18&until=2026-11-18", [payout]), ("?since=2026-11-19", []),
        ("?until=2026-11-17", []),
    ):  # fmt: skip
        shown = await api.get("creator", rows + query)
        assert [one["id"] for one in shown["items"]] == found, query
        assert shown["after"] is None
    one = await api.get("creator", f"{rows}/{payout}")
    assert (one["payout"]["amount"]["minor"], one["payout"]["store_id"]) == (8_000, None)
    assert [move["to_state"] for move in one["course"]] == ["booked"]
    (line,) = one["parts"]["lines"]
    assert (line["kind"], line["amount"]["minor"]) == ("unallocated", 8_000)
    assert one["parts"]["carried"]["minor"] == one["parts"]["others_amount"]["minor"] == 0


async def test_what_was_taken_and_what_came_back_is_in_the_next_payout(api: PayoutApi) -> None:
    first = await api.payout()
    await sent(first)
    back = {"reason": "销户"}
    await api.post("one", f"{DESK}/{first}/returned", back)
    async with transaction() as conn:
        at = wall_now() - timedelta(days=1)
        await owe(conn, api.orgs["creator"], 500, currency=api.currency, at=at)
    again = (await api.post("two", f"{DESK}/{first}/retry"))["payout"]
    assert (again["retry_of"], again["amount"]["minor"]) == (first, 8_000)
    one = await api.get("creator", f"{api.mine}/payouts/{again['id']}")
    lines = {line["kind"]: line["amount"]["minor"] for line in one["parts"]["lines"]}
    assert lines == {"payout_returned": 8_000, "unallocated": 500}
    assert one["parts"]["carried"]["minor"] == -500  # it waits


async def test_payouts_come_by_pages(api: PayoutApi) -> None:
    payout = await api.payout()
    await sent(payout)
    await api.post("one", f"{DESK}/{payout}/returned", {"reason": "销户"})
    again = (await api.post("one", f"{DESK}/{payout}/retry"))["payout"]["id"]
    first = await api.get("creator", f"{api.mine}/payouts?limit=1")
    rest = await api.get("creator", f"{api.mine}/payouts?limit=1&after={first['after']}")
    assert [one["id"] for one in (*first["items"], *rest["items"])] == [again, payout]
    assert rest["after"] is None
    assert await api.refused("creator", "GET", f"{api.mine}/payouts?after=x") == (400, "bad_input")


async def test_another_payee_sees_and_enters_nothing(api: PayoutApi) -> None:
    payout = await api.payout()
    theirs = f"/api/v1/creators/{api.orgs['stranger']}"
    for path in (f"{api.mine}/payouts", f"{api.mine}/payout-outlook",
                 f"{api.mine}/payouts/{payout}"):  # fmt: skip
        assert await api.refused("stranger", "GET", path) == (404, "not_found")
    found = await api.refused("stranger", "GET", f"{theirs}/payouts/{payout}")
    assert found == (404, "payout_not_found")
    account = await api.refused("stranger", "POST", f"{api.mine}/payout-accounts", ACCOUNT, a_key())
    assert account == (404, "not_found")
    for path in (DESK, RUNS, f"{DESK}/{payout}"):
        assert await api.refused("creator", "GET", path) == (404, "not_found")
    assert await api.refused("creator", "POST", f"{DESK}/{payout}/hold", {"why": "?"}) == (
        404, "not_found",
    )  # fmt: skip


async def test_two_people_let_a_run_go(api: PayoutApi) -> None:
    run = await api.run()
    path, key = f"{RUNS}/{run}/approve", a_key()
    shown = await api.get("two", f"{RUNS}/{run}")
    assert (shown["run"]["state"], shown["run"]["total"]["minor"]) == ("waiting", 16_000)
    assert [(one["state"], one["payouts"]) for one in shown["states"]] == [("booked", 2)]
    assert await api.refused("one", "POST", path) == (409, "payout_second_person")
    done = await api.post("two", path, key=key)
    assert done["run"]["state"] == "approved"
    assert await api.post("two", path, key=key) == done
    assert await api.refused("two", "POST", path) == (409, "payout_run_wrong_state")
    rows = (await api.get("one", f"{DESK}?run_id={run}"))["items"]
    assert {row["payee_id"] for row in rows} == {str(org) for org in api.orgs.values()}
    assert run in {one["id"] for one in (await api.get("one", RUNS))["items"]}
    missing = await api.refused("one", "GET", f"{RUNS}/{api.orgs['creator']}")
    assert missing == (404, "payout_not_found")


async def test_a_day_is_started_once_and_not_ahead(api: PayoutApi) -> None:
    key, body = a_key(), {"day": "2026-11-18"}
    first = await api.post("one", RUNS, body, key=key, status=202)
    assert await api.post("one", RUNS, body, key=key, status=202) == first
    again = await api.post("two", RUNS, body, status=202)
    ids = [[one["id"] for one in answer["items"]] for answer in (first, again)]
    assert ids[0] == ids[1]
    assert await api.refused("one", "POST", RUNS, {"day": "2226-01-01"}) == (400, "bad_input")


async def test_a_payout_is_held_released_given_up_and_paid_again(api: PayoutApi) -> None:
    payout = await api.payout()
    path, key = f"{DESK}/{payout}", a_key()
    held = await api.post("one", f"{path}/hold", {"why": "核对户名"}, key=key)
    assert (held["payout"]["state"], held["payout"]["why"]) == ("held", "核对户名")
    assert await api.post("one", f"{path}/hold", {"why": "核对户名"}, key=key) == held
    hold = await api.refused("one", "POST", f"{path}/hold", {"why": "?"})
    assert hold == (409, "payout_wrong_state")
    assert await api.refused("one", "POST", f"{path}/retry") == (409, "payout_wrong_state")
    assert (await api.post("one", f"{path}/release"))["payout"]["state"] == "booked"
    await api.post("one", f"{path}/hold", {"why": "不付"})
    given = await api.post("two", f"{path}/give-up", {"why": "不付"})
    assert [move["to_state"] for move in given["course"]] == [
        "booked", "held", "booked", "held", "returned",
    ]  # fmt: skip
    again = await api.post("two", f"{path}/retry", key=key)
    assert (again["payout"]["retry_of"], again["payout"]["state"]) == (payout, "booked")
    assert await api.post("two", f"{path}/retry", key=key) == again
    assert (await api.get("one", path))["payout"]["retried_by"] == again["payout"]["id"]


async def test_a_bank_s_answer_is_noted_once_and_taken_back(api: PayoutApi) -> None:
    payout = await api.payout()
    path, paid, key = f"{DESK}/{payout}", {"bank_ref": f"B-{payout[-6:]}"}, a_key()
    early = await api.refused("one", "POST", f"{path}/confirmed", paid)
    assert early == (409, "payout_wrong_state")
    assert await api.refused("one", "POST", f"{path}/ask") == (409, "payout_wrong_state")
    await sent(payout)
    assert (await api.post("one", f"{path}/ask"))["payout"]["state"] == "sent"
    done = await api.post("one", f"{path}/confirmed", paid, key=key)
    assert (done["payout"]["state"], done["payout"]["bank_ref"]) == (
        "confirmed", paid["bank_ref"],
    )  # fmt: skip
    assert await api.post("one", f"{path}/confirmed", paid, key=key) == done
    await api.post("two", f"{path}/confirmed", paid)  # no news
    back = await api.post("two", f"{path}/returned", {"reason": "户名不符"})
    assert (back["payout"]["state"], back["payout"]["why"]) == ("returned", "户名不符")
    assert await acts(payout) == ["payout_answer_noted", "payout_answer_noted"]
    shown = await api.get("creator", f"{api.mine}/payouts?status=returned")
    assert [one["why"] for one in shown["items"]] == ["户名不符"]


async def test_a_store_s_merchant_reads_its_own_only() -> None:
    async with a_store_api() as api:
        outlook = await api.get("payout-outlook")
        (to_come,) = outlook["to_come"]
        assert (to_come["purpose"], to_come["owed"]["minor"]) == ("merchant_payable", 0)
        assert await api.get("payouts") == {"items": [], "after": None}
        account = await api.post("payout-accounts", ACCOUNT, status=201)
        assert (await api.get("payout-outlook"))["account"] == account
        for path in ("payouts", "payout-outlook"):
            assert await api.refused("GET", path, who="stranger") == (404, "not_found", None)
        entered = await api.refused("POST", "payout-accounts", ACCOUNT, who="stranger")
        assert entered == (404, "not_found", None)


async def test_a_buyer_reads_what_it_is_owed(api: PayoutApi) -> None:
    outlook = await api.get("creator", "/api/v1/me/payout-outlook")
    assert [one["purpose"] for one in outlook["to_come"]] == ["buyer_payable"]
    made = await api.post("creator", "/api/v1/me/payout-accounts", ACCOUNT, key=a_key(), status=201)
    mine = await api.get("creator", "/api/v1/me/payout-outlook")
    assert mine["account"] == made
    assert (await api.get("creator", "/api/v1/me/payouts"))["items"] == []
    # An organisation's payouts are not its people's.
    payout = await api.payout()
    found = await api.refused("creator", "GET", f"/api/v1/me/payouts/{payout}")
    assert found == (404, "payout_not_found")
