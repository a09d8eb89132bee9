"""A task from both sides over HTTP: posted, taken, delivered, disputed, ruled, rated."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.factories import the_rules
from tests.flows.paying import chosen
from tests.tasks.market import DAY, AMarket, a_task_market
from tests.web.accounts import a_person, a_session
from tests.web.site import Client

from dougong.accounts.commands import give_role
from dougong.base.access import Role
from dougong.flows import work_on_task
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.payments.adapters.sandbox import Outcome
from dougong.web.operator.common import local_text
from dougong.web.security import SESSION_COOKIE

PRICE = 100_001


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client() as made:
        await made.get("/healthz")
        yield made


class Desk:
    """A market with a signed-in person on each side."""

    def __init__(self, client: Client, market: AMarket, tokens: dict[str, str]) -> None:
        self.client, self.market, self.tokens = client, market, tokens
        self.brand, self.creator = f"/brand/{market.brand}", f"/creator/{market.creator}"

    def as_(self, who: str) -> None:
        self.client.cookies.set(SESSION_COOKIE, self.tokens[who])

    async def see(self, who: str, path: str, *, status: int = 200) -> str:
        self.as_(who)
        got = await self.client.get(path, follow_redirects=False)
        assert got.status_code == status, (path, got.status_code, got.text[:500])
        return str(got.text)

    async def send(self, who: str, path: str, *, status: int = 303, **form: str) -> str:
        """Where it leads, or the page that says why not."""
        self.as_(who)
        data = {"_csrf_token": self.client.cookies["csrftoken"], **form}
        got = await self.client.post(path, data=data, follow_redirects=False)
        assert got.status_code == status, (path, got.status_code, got.text[:500])
        return str(got.headers["location"] if status == 303 else got.text)


@pytest.fixture
async def desk(client: Client, connections: None) -> Desk:
    people = {who: await a_person() for who in ("brand", "creator", "operator")}
    async with transaction() as conn:
        await the_rules(conn)
        at = await clock.refresh(conn)
        market = await a_task_market(conn)
        from tests.factories import an_org

        operators = await an_org(conn, kind="operator")
        for who, org, role in (
            ("brand", market.brand, Role.ADVERTISER),
            ("creator", market.creator, Role.CREATOR),
            ("operator", operators, Role.OPERATOR),
        ):
            await give_role(conn, person_id=people[who], org_id=org, role=role, at=at)
    tokens = {who: await a_session(person) for who, person in people.items()}
    return Desk(client, market, tokens)


def a_form(desk: Desk, **change: str) -> dict[str, str]:
    now = clock.now()
    store, product = desk.market.own
    form = {
        "title_zh": "秋季面霜",
        "title_en": "Autumn cream",
        "product": f"/p/{store}/{product}",
        "price": "1000.01",
        "budget": "3000.03",
        "places": "2",
        "apply_until": local_text(now + DAY),
        "starts_at": local_text(now + DAY),
        "ends_at": local_text(now + 10 * DAY),
    }
    return form | change


async def a_brief(desk: Desk, **change: str) -> str:
    """Posted; answers its address on the brand's desk."""
    place = await desk.send("brand", f"{desk.brand}/briefs", **a_form(desk, **change))
    await desk.send("brand", f"{place}/post")
    return place


async def agreed(desk: Desk) -> str:
    """A task that the brand chose the creator for; answers its id."""
    place = await a_brief(desk)
    brief_id = place.rpartition("/")[2]
    page = await desk.see("creator", f"{desk.creator}/briefs/{brief_id}")
    assert "950.01" in page  # what is left after 5 %
    await desk.send("creator", f"{desk.creator}/briefs/{brief_id}/apply", note="试过")
    page = await desk.see("brand", place)
    application = page.split("/applications/")[1].split("/")[0]
    await desk.send("brand", f"{place}/applications/{application}/choose")
    async with transaction() as conn:
        found = await conn.scalar(
            text("SELECT task_id FROM task_works WHERE brief_id = :id"), {"id": UUID(brief_id)}
        )
    return str(found)


async def delivered(desk: Desk, task_id: str, seconds: int) -> None:
    """As if it had been shown and delivered two days from now."""
    async with transaction() as conn:
        desk.market.conn = conn
        at = clock.now() + 2 * DAY
        await desk.market.shown_live(UUID(task_id), (at, timedelta(seconds=seconds)))
        await work_on_task.deliver(
            conn, task_id=UUID(task_id), creator_id=desk.market.creator, video_id=None, note="",
            person_id=desk.market.person, at=at + DAY,
        )  # fmt: skip


async def funds_of(desk: Desk) -> int:
    async with transaction() as conn:
        desk.market.conn = conn
        return (await desk.market.money()).get("advertiser_funds", 0)


async def test_a_task_from_both_sides(desk: Desk) -> None:
    task_id = await agreed(desk)
    ours, theirs = f"{desk.brand}/tasks/{task_id}", f"{desk.creator}/tasks/{task_id}"
    await delivered(desk, task_id, 29 * 60)
    for who, page in (("brand", ours), ("creator", theirs), ("operator", "/operator/tasks")):
        assert "Autumn cream" in await desk.see(who, page)
    await desk.send("brand", f"{ours}/part", share="96.66", reason="少一分钟")
    await desk.send("creator", f"{theirs}/dispute", reason="镜头切换")
    await desk.send("brand", f"{ours}/statement", reason="记录为准")
    ruling = f"/operator/tasks/{task_id}"
    assert "镜头切换" in await desk.see("operator", ruling)
    await desk.send("operator", f"{ruling}/ruling", share="98", reason="按记录")
    page = await desk.see("creator", theirs)
    assert "931.00" in page  # 980.00 less 5 %, to the fen
    await desk.send("brand", f"{ours}/rating", stars="5", words="守时")
    await desk.send("brand", f"{ours}/rating", status=422, stars="5", words="")
    await desk.send("creator", f"{theirs}/rating", stars="4", words="")
    explained = f"/explain/00000000-0000-7000-8000-000000000001/{task_id}"
    for who in ("brand", "creator", "operator"):
        assert "Autumn cream" in await desk.see(who, explained)


async def test_pages_of_every_side_answer(desk: Desk) -> None:
    place = await a_brief(desk, way="assigned", surface="video", budget="2000.02")
    for path in (f"{desk.brand}/tasks", f"{desk.brand}/tasks?file=csv", f"{desk.brand}/briefs/new",
                 f"{place}/edit", f"{desk.brand}/tasks?show=posted&q=cream"):  # fmt: skip
        await desk.see("brand", path)
    assert await desk.see("brand", "/brand", status=303) is not None
    async with transaction() as conn:
        handle = await conn.scalar(
            text("SELECT handle FROM organisations WHERE id = :id"), {"id": desk.market.creator}
        )
    await desk.send("brand", f"{place}/invitations", handle=str(handle), note="")
    await desk.send("brand", f"{place}/invitations", status=422, handle="nobody-there", note="")
    brief_id = place.rpartition("/")[2]
    for path in ("tasks", "tasks?show=mine", "tasks?file=csv", "agency", f"briefs/{brief_id}"):
        await desk.see("creator", f"{desk.creator}/{path}")
    await desk.send("creator", f"{desk.creator}/briefs/{brief_id}/withdraw")
    await desk.see("operator", "/operator/tasks?show=disputed")
    await desk.see("operator", "/operator/tasks?file=csv")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"price": "x"}, "Give an amount"),
        ({"price": "0"}, "outside what is possible"),
        ({"product": "/p/none"}, "not one of the known values"),
        ({"ends_at": ""}, "give a date"),
        ({"model": "tiered", "tiers": "a b", "most": "5"}, "One tier a line"),
    ],
)
async def test_a_brief_that_cannot_be_is_told_at_its_field(
    desk: Desk, change: dict[str, str], words: str
) -> None:
    desk.client.cookies.set("dougong_locale", "en")
    form: dict[str, Any] = a_form(desk, **change)
    page = await desk.send("brand", f"{desk.brand}/briefs", status=422, **form)
    assert words in page
    assert "秋季面霜" in page  # what was typed is still there


async def test_an_agency_offers_and_the_creator_answers(desk: Desk) -> None:
    async with transaction() as conn:
        from tests.factories import an_org

        agency = await an_org(conn, kind="creator")
        at = await clock.refresh(conn)
        person = await conn.scalar(
            text("SELECT person_id FROM grants WHERE org_id = :id"), {"id": desk.market.creator}
        )
        await give_role(conn, person_id=person, org_id=agency, role=Role.CREATOR, at=at)
        handle = await conn.scalar(
            text("SELECT handle FROM organisations WHERE id = :id"), {"id": desk.market.creator}
        )
    form = {"handle": str(handle), "share": "20", "starts": "", "ends": ""}
    await desk.send("creator", f"/creator/{agency}/agency", **form)
    page = await desk.see("creator", f"{desk.creator}/agency")
    contract = page.split(f"{desk.creator}/agency/")[1].split("/")[0]
    await desk.send("creator", f"{desk.creator}/agency/{contract}/accept")
    await desk.send("creator", f"{desk.creator}/agency/{contract}/accept", status=422)
    await desk.send("creator", f"/creator/{agency}/agency/{contract}/end")


async def test_no_side_reaches_anothers_task(desk: Desk) -> None:
    task_id = await agreed(desk)
    await desk.see("creator", f"{desk.brand}/tasks/{task_id}", status=404)
    await desk.see("brand", f"{desk.creator}/tasks/{task_id}", status=404)
    await desk.see("brand", f"/operator/tasks/{task_id}", status=404)


async def test_a_brand_pays_in_funds_and_sees_them(desk: Desk) -> None:
    desk.client.cookies.set("dougong_locale", "en")
    place = f"{desk.brand}/funds"
    key = (await desk.see("brand", place)).split('name="key" value="')[1].split('"')[0]
    pay_url = await desk.send("brand", place, amount="1,234.56", key=key)
    assert await desk.send("brand", place, amount="1234.56", key=key) == pay_url
    assert "Not paid" in await desk.see("brand", place)
    before = await funds_of(desk)
    await chosen(UUID(pay_url.rsplit("/", 1)[1]), Outcome.PAID)
    assert await funds_of(desk) == before + 123_456
    page = await desk.see("brand", place)
    assert "1,234.56" in page
    assert "Not paid" not in page
    await desk.see("creator", place, status=404)


@pytest.mark.parametrize(
    ("amount", "words"), [("x", "Give an amount"), ("0", "outside"), ("-5", "outside")]
)
async def test_an_amount_that_cannot_be_paid_in_is_told_at_its_field(
    desk: Desk, amount: str, words: str
) -> None:
    desk.client.cookies.set("dougong_locale", "en")
    place = f"{desk.brand}/funds"
    page = await desk.send("brand", place, status=422, amount=amount, key="key-of-this-test")
    assert words in page


async def test_a_key_of_another_amount_is_refused(desk: Desk) -> None:
    place, key = f"{desk.brand}/funds", f"key-{desk.market.brand}"
    await desk.send("brand", place, amount="5", key=key)
    await desk.send("brand", place, status=409, amount="6", key=key)


async def test_what_cancelling_costs_is_said_before_the_click(desk: Desk) -> None:
    task_id = await agreed(desk)
    ours, theirs = f"{desk.brand}/tasks/{task_id}", f"{desk.creator}/tasks/{task_id}"
    assert "all goes back to you" in await desk.see("brand", ours)
    assert "You get nothing for it" in await desk.see("creator", theirs)
    clock.pin(2 * DAY)
    try:
        assert "Cancel and pay" in (page := await desk.see("brand", ours))
        assert "500.00" in page
        clock.pin(2 * DAY)
        told = await desk.send(
            "brand", f"{ours}/cancel", status=422, reason="计划有变", stage="before"
        )
        assert "look again at what cancelling costs" in told
        clock.pin(2 * DAY)
        await desk.send("brand", f"{ours}/cancel", reason="计划有变", stage="begun")
    finally:
        clock.pin(timedelta(0))
    assert await funds_of(desk) == 10_000_000 - 50_000
