"""What a creator is shown before it applies, and what is nobody's business; agencies' pages."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.factories import a_person
from tests.policy.factories import a_rule
from tests.tasks.market import DAY
from tests.web.task_api import PRICE, Api, a_key, an_api

from dougong.base.ids import PLATFORM_BOOK
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.policy.commands import install_rules
from dougong.policy.queries import forget_book
from dougong.tasks.agency_commands import answer_contract, offer_contract
from dougong.web.security import SESSION_COOKIE

pytestmark = pytest.mark.money
INVOICE = {"kind": "special", "title": "美妆有限公司", "tax_no": "91330100ABCD"}


@pytest.fixture
async def api(connections: None) -> AsyncIterator[Api]:
    async with an_api() as made:
        yield made


async def see(api: Api, who: str, path: str, *, status: int = 200) -> str:
    api.client.cookies.set(SESSION_COOKIE, api.tokens[who])
    api.client.cookies.set("dougong_locale", "en")
    clock.pin(api.ahead)
    got = await api.client.get(path, follow_redirects=False)
    api.client.cookies.clear()
    assert got.status_code == status, (path, got.status_code, got.text[:300])
    return str(got.text)


async def a_coming_fee(api: Api, *, in_hours: float, rate_bp: int) -> None:
    """Announced now, for this creator's tasks only."""
    now = api.now()
    rule = a_rule(
        announced_at=now - timedelta(hours=1), starts=now + timedelta(hours=in_hours),
        value=rate_bp, route="task", party=str(api.market.creator), party_class="creator",
        reason_zh="新费率", reason_en="The new rate",
    )  # fmt: skip
    async with transaction() as conn:
        author, approver = await a_person(conn), await a_person(conn)
        who: dict[str, Any] = {"author_id": author, "approver_id": approver, "at": now}
        await install_rules(conn, rules=[rule], **who)
    forget_book()


async def test_a_coming_fee_is_shown_in_yuan_before_applying(api: Api) -> None:
    brief_id = await api.posted(way="recruiting")
    await a_coming_fee(api, in_hours=12, rate_bp=2_000)
    told = (await api.get("creator", f"{api.creator}/briefs/{brief_id}"))["offer"]
    assert [(one["fee_bp"], one["net_minor"]) for one in (told["now"], *told["coming"])] == [
        (500, PRICE - 5_000), (2_000, PRICE - 20_000),
    ]  # fmt: skip
    base = f"/creator/{api.market.creator}"
    page = await see(api, "creator", f"{base}/briefs/{brief_id}")
    assert "on: 20%" in page.replace(" %", "%")
    assert "150.00 less for you than if it is agreed now" in page
    assert "800.01" in page
    assert "800.01 left" in await see(api, "creator", f"{base}/tasks")
    api.wait(DAY / 2 + timedelta(minutes=1))
    taken = await api.applied(brief_id)  # said yes to the fee of that instant
    frozen = await api.get("creator", f"{api.creator}/tasks/{taken['task_id']}")
    assert frozen["service_fee_bp"] == 2_000


async def test_invoice_data_is_told_to_the_two_sides_of_a_task_only(api: Api) -> None:
    brief_id = await api.posted(invoice=INVOICE)
    tax_no, base = INVOICE["tax_no"], f"/creator/{api.market.creator}"
    assert tax_no in await see(api, "brand", f"/brand/{api.market.brand}/briefs/{brief_id}")
    assert tax_no not in await see(api, "creator", f"{base}/briefs/{brief_id}")
    other = api.other_creator.rpartition("/")[2]
    assert tax_no not in await see(api, "other_creator", f"/creator/{other}/briefs/{brief_id}")
    application = (await api.applied(brief_id))["application_id"]
    assert tax_no not in await see(api, "creator", f"{base}/briefs/{brief_id}")
    place = f"{api.brand}/briefs/{brief_id}/applications/{application}/agree"
    task_id = (await api.post("brand", place))["task_id"]
    assert tax_no in await see(api, "creator", f"{base}/tasks/{task_id}")
    assert (await api.get("creator", f"{api.creator}/tasks/{task_id}"))["terms"][
        "invoice"
    ] == INVOICE
    seen = await api.get("other_creator", f"{api.other_creator}/briefs/{brief_id}")
    assert seen["terms"]["invoice"]["tax_no"] == ""


async def test_a_barred_word_counts_all_as_nothing_and_is_named(api: Api) -> None:
    task_id = await api.agreed(blacklist=["全网最低", "根治"])
    await api.shown(task_id, title_zh="全网最低价面霜")
    place = f"{api.creator}/tasks/{task_id}"
    await api.post("creator", f"{place}/deliveries", {}, key=a_key(), status=201)
    record = (await api.get("brand", f"{api.brand}/tasks/{task_id}"))["record"]
    assert (record["words"], record["share_bp"], record["is_enough"]) == (["全网最低"], 0, False)
    page = await see(api, "brand", f"/brand/{api.market.brand}/tasks/{task_id}")
    assert "These words were barred: 全网最低" in page


async def test_samples_are_sent_received_or_overdue(api: Api) -> None:
    terms = {"samples_by": (api.now() + 2 * DAY).isoformat()}
    sent, late = await api.agreed(**terms), await api.agreed(**terms)
    for who, task_id, state in (("brand", sent, "due"), ("brand", late, "due")):
        told = await api.get(who, f"{api.brand}/tasks/{task_id}")
        assert told["samples"]["state"] == state
    await api.post("creator", f"{api.creator}/tasks/{sent}/samples/received", {}, status=409)
    await api.post("brand", f"{api.brand}/tasks/{sent}/samples", {"note": "SF0001"})
    api.wait(2 * DAY + timedelta(minutes=1))
    states = [
        (await api.get("creator", f"{api.creator}/tasks/{one}"))["samples"]["state"]
        for one in (sent, late)
    ]
    assert states == ["sent", "overdue"]


async def test_an_agency_sees_its_creators_and_their_tasks(api: Api) -> None:
    agency = UUID(api.other_creator.rpartition("/")[2])
    async with transaction() as conn:
        who: dict[str, Any] = {
            "creator_id": api.market.creator, "person_id": api.market.person,
            "at": api.now() - DAY,
        }  # fmt: skip
        contract = await offer_contract(
            conn, agency_id=agency, share_bp=2_000, starts=who["at"], ends=None, **who
        )
        await answer_contract(conn, contract_id=contract, accept=True, **who)
    task_id = await api.agreed()
    base, mine = f"/creator/{agency}", f"/creator/{api.market.creator}"
    page = await see(api, "other_creator", f"{base}/agency")
    assert "190.00" in page  # 20 % of 950.01
    page = await see(api, "other_creator", f"{base}/agency/tasks")
    assert f"/explain/{PLATFORM_BOOK}/{task_id}" in page
    await see(api, "other_creator", f"/explain/{PLATFORM_BOOK}/{task_id}")
    await see(api, "creator", f"{base}/agency/tasks", status=404)
    told = await api.get("creator", f"{api.creator}/tasks/{task_id}")
    assert (told["agency"]["agency_id"], told["agency"]["share_bp"]) == (str(agency), 2_000)
    assert (await api.get("brand", f"{api.brand}/tasks/{task_id}"))["agency"] is None
    assert "is your agency" in await see(api, "creator", f"{mine}/agency")
