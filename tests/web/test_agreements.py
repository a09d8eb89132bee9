"""A round over HTTP, from both sides of the table; refusals change nothing and say why."""

import asyncio
import io
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
from openpyxl import load_workbook
from sqlalchemy import column, func, select, table
from tests.factories import an_org
from tests.partners.factories import (
    OURS,
    Table,
    a_signed_round,
    a_table,
    put,
    some_terms,
)
from tests.web.site import Client

from dougong.accounts.commands import give_role, start_session
from dougong.accounts.key_commands import make_key
from dougong.base.access import Access, Grant, Role
from dougong.base.ids import OrgId, new_id
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.partners.rules import Component, ComponentKind, Side, Unit
from dougong.reads.partner_rounds import proposals_of, rules_of_round
from dougong.web.agreements.forms import shown_terms
from dougong.web.security import SESSION_COOKIE

KEYED = ("comments", "amounts", "disputes", "notes")  # their forms are written once
NAMES = {"first": "罗安", "second": "陈复核", "theirs": "钱琳", "other": "周副总"}


class Room(msgspec.Struct):
    table: Table
    tokens: dict[str, str]
    stranger: OrgId

    @property
    def ours(self) -> str:
        return f"/operator/rounds/{self.table.round_id}"

    @property
    def theirs(self) -> str:
        return f"/partner/{self.table.partner_id}/rounds/{self.table.round_id}"


@pytest.fixture
async def room(connections: None) -> Room:
    async with transaction() as conn:
        table, at = await a_table(conn), wall_now()
        platform = await an_org(conn, kind="operator")
        seats = {
            "first": (table.first, platform, Role.OPERATOR),
            "second": (table.second, platform, Role.OPERATOR),
            "theirs": (table.theirs, table.partner_id, Role.PARTNER),
            "other": (table.other, table.partner_id, Role.PARTNER),
        }
        tokens = {}
        for name, (person, org, role) in seats.items():
            await give_role(conn, person_id=person, org_id=org, role=role, at=at)
            tokens[name] = await start_session(conn, person_id=person, at=at, user_agent="")
        return Room(table, tokens, (await a_table(conn)).partner_id)


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    async with Client() as made:
        await made.get("/sign-in")
        yield made


class Seat:
    """One person's browser."""

    def __init__(self, client: Client, room: Room, who: str, locale: str = "en") -> None:
        self.client, self.token, self.locale = client, room.tokens[who], locale

    def _headers(self) -> dict[str, str]:
        csrf = self.client.cookies["csrftoken"]
        cookies = f"csrftoken={csrf}; {SESSION_COOKIE}={self.token}; dougong_locale={self.locale}"
        return {"x-csrftoken": csrf, "cookie": cookies}

    async def get(self, path: str) -> Any:
        return await self.client.get(path, headers=self._headers(), follow_redirects=False)

    async def post(self, path: str, **data: Any) -> Any:
        if path.rsplit("/", 1)[-1] in KEYED:
            data.setdefault("key", str(new_id()))
        return await self.client.post(
            path, headers=self._headers(), data=data, follow_redirects=False
        )


def an_offer(source: str, **changes: Any) -> dict[str, Any]:
    """What a browser sends of the form: every row, filled or not."""
    orders = Component(
        kind=ComponentKind.ECOMMERCE_TRAFFIC, unit=Unit.ORDERS, committed=5_000,
        committed_by=Side.PLATFORM, unit_value_minor=300, shortfall_bp=10_000,
    )  # fmt: skip
    terms = some_terms(source)
    terms = msgspec.structs.replace(terms, components=(*terms.components, orders))
    shown = shown_terms(terms, now=wall_now())
    form: dict[str, Any] = {
        name: [getattr(one, name) for one in shown.components]
        for name in ("committed", "unit", "committed_by", "unit_value", "shortfall",
                     "tier_method", "tiers")
    }  # fmt: skip
    for name in ("kind", "source", "surface", "route", "rate"):
        form[f"fee_{name}"] = [fee[name] for fee in shown.fees]
    plain = ("starts", "ends", "currency", "grants", "exclusivity", "notice_days", "clauses")
    form |= {name: getattr(shown, name) for name in plain}
    return form | {"message": "请看", "days": "7"} | changes


async def test_from_the_first_offer_to_the_signature(client: Client, room: Room) -> None:
    first, second = Seat(client, room, "first"), Seat(client, room, "second")
    theirs = Seat(client, room, "theirs", "zh")
    source = room.table.source
    assert (await first.post(f"{room.ours}/offer", **an_offer(source))).status_code == 303
    page = await theirs.get(room.theirs)
    assert "轮到您了" in page.text
    assert "¥100万" in page.text
    countered = await theirs.post(f"{room.theirs}/offer", **an_offer(source, notice_days="60"))
    assert countered.status_code == 303
    page = await first.get(room.ours)
    assert page.text.count("is-moved") == 1
    assert re.search(r'is-moved[^>]*">60 days', page.text)
    assert (await first.post(f"{room.ours}/accept", number="2")).status_code == 303
    async with transaction() as conn:
        found = await proposals_of(conn, round_id=room.table.round_id)
    same = {"number": "2", "hash": found[1].hash.hex()}
    mover = await first.post(f"{room.ours}/sign", **same, name=NAMES["first"])
    assert (mover.status_code, "ask a second person" in mover.text) == (403, True)
    assert (await second.post(f"{room.ours}/sign", **same, name="?")).status_code == 422
    assert (await second.post(f"{room.ours}/sign", **same, name=NAMES["second"])).status_code == 303
    assert (
        await theirs.post(f"{room.theirs}/sign", **same, name=NAMES["theirs"])
    ).status_code == 303
    again = await theirs.post(f"{room.theirs}/sign", **same, name=NAMES["theirs"])
    assert again.status_code == 409
    page = await second.get(room.ours)
    assert "Rules that the signature has announced" in page.text
    async with transaction() as conn:
        assert len(await rules_of_round(conn, round_id=room.table.round_id)) == 3


BAD: list[tuple[dict[str, Any], str]] = [
    ({"ends": "2019-01-01T00:00"}, "ends"),
    ({"starts": "soon"}, "starts"),
    ({"committed": ["1", "a lot", "", ""]}, "ecommerce_traffic"),
    ({"tiers": ["5", "", "", ""]}, "advertising"),
    ({"tiers": ["5 1\n4 2", "", "", ""]}, "advertising"),
    ({"shortfall": ["101", "", "", ""]}, "advertising"),
    ({"grants": ["elsewhere:video"]}, "grants"),
    ({"fee_rate": ["200", "", "", ""]}, "fees"),
    ({"days": "400"}, "expires_at"),
    ({"notice_days": "-1"}, "notice_days"),
    ({"exclusivity": "some"}, "exclusivity"),
]


@pytest.mark.parametrize(("change", "field"), BAD, ids=[f"{f}-{n}" for n, (_, f) in enumerate(BAD)])
async def test_bad_terms_are_shown_again_and_nothing_is_offered(
    client: Client, room: Room, change: dict[str, Any], field: str
) -> None:
    first = Seat(client, room, "first")
    answer = await first.post(f"{room.ours}/offer", **an_offer(room.table.source, **change))
    assert answer.status_code == 422, field
    assert "invalid-feedback" in answer.text
    async with transaction() as conn:
        assert await proposals_of(conn, round_id=room.table.round_id) == []


async def test_reported_confirmed_and_signed_stand_apart(client: Client, room: Room) -> None:
    first, theirs = Seat(client, room, "first", "zh"), Seat(client, room, "theirs")
    form = {
        "amount": "20000000000", "unit": "spend", "component": "all", "said_on": "2020-08-21",
        "source": "新浪科技", "citation": "https://tech.example/1", "is_about": "true",
    }  # fmt: skip
    refused = await theirs.post(f"{room.theirs}/amounts", kind="reported", **form)
    assert refused.status_code == 422
    path = f"{room.ours}/amounts"
    assert (await first.post(path, kind="reported", **form, times="3")).status_code == 303
    page = await first.get(path)
    assert all(one in page.text for one in ("¥200亿", "×3", "新浪科技", "未经确认", "尚未签署"))
    confirmed = form | {"amount": "12", "source": "IR"}
    answer = await theirs.post(f"{room.theirs}/amounts", kind="confirmed", **confirmed)
    assert answer.status_code == 303
    listed = await theirs.get(f"/partner/{room.table.partner_id}/rounds")
    assert "CN¥20B" in listed.text or "¥20B" in listed.text
    assert (await first.post(path, kind="reported", **form | {"amount": "0"})).status_code == 422


async def signed(room: Room) -> None:
    async with transaction() as conn:
        await a_signed_round(conn, room.table)


async def test_a_bill_is_booked_once_and_the_statement_is_a_file(
    client: Client, room: Room
) -> None:
    await signed(room)
    first, theirs = Seat(client, room, "first"), Seat(client, room, "theirs", "zh")
    form = {"component": "advertising", "day": f"{wall_now():%Y-%m-%d}", "note": "B-7"}
    for key, amount, status in ((str(new_id()), "x", 422), (str(new_id()), "-5", 422)):
        answer = await first.post(
            f"{room.ours}/deliveries", how="bill", key=key, amount=amount, **form
        )
        assert answer.status_code == status
    by_hand = {"how": "manual", "amount": "900000", "key": str(new_id()), **form}
    for _ in range(2):
        assert (await first.post(f"{room.ours}/deliveries", **by_hand)).status_code == 303
    page = await theirs.get(f"{room.theirs}/progress")
    assert "¥90万" in page.text
    assert "90%" in page.text
    made = await theirs.get(f"{room.theirs}/statement?file=csv")
    assert made.text.startswith("\ufeff轮次,组成部分,应付事项")
    assert "45000.00" in made.text
    book = await theirs.get(f"{room.theirs}/statement?file=xlsx")
    rows = list(load_workbook(io.BytesIO(book.content)).active.values)
    assert [row[9] for row in rows] == ["金额", 45_000, 50_000]


async def test_a_dispute_is_closed_by_who_opened_it(client: Client, room: Room) -> None:
    first, theirs = Seat(client, room, "first"), Seat(client, room, "theirs")
    path = f"{room.theirs}/disputes"
    opened = await theirs.post(path, subject="八月订单", body="少了三成", component="all")
    assert opened.status_code == 303
    page = await first.get(f"{room.ours}/disputes")
    (dispute,) = set(re.findall(r"/disputes/([0-9a-f-]{36})/notes", page.text))
    assert "/close" not in page.text
    noted = await first.post(f"{room.ours}/disputes/{dispute}/notes", body="正在核对")
    assert noted.status_code == 303
    foreign = await first.post(f"{room.ours}/disputes/{dispute}/close", resolution="好了")
    assert foreign.status_code == 404
    assert (await theirs.post(f"{path}/{dispute}/close", resolution="已补")).status_code == 303
    assert "已补" in (await first.get(f"{room.ours}/disputes")).text


async def twice(seat: Seat, path: str, **form: str) -> tuple[int, int]:
    """A double click: the same form with the same key, at once."""
    form["key"] = str(new_id())
    both = await asyncio.gather(seat.post(path, **form), seat.post(path, **form))
    return both[0].status_code, both[1].status_code


async def counted(name: str, its_id: UUID) -> int:
    async with transaction() as conn:
        of = column("dispute_id" if name == "partner_dispute_notes" else "round_id")
        asked = select(func.count()).select_from(table(name)).where(of == its_id)
        return int(await conn.scalar(asked) or 0)


async def test_a_comment_sent_twice_is_written_once(client: Client, room: Room) -> None:
    theirs, round_id = Seat(client, room, "theirs"), room.table.round_id
    form = {"body": "九月再议"}
    assert await twice(theirs, f"{room.theirs}/comments", **form) == (303, 303)
    assert await counted("partner_comments", round_id) == 1
    assert (await theirs.post(f"{room.theirs}/comments", **form)).status_code == 303
    assert await counted("partner_comments", round_id) == 2  # said once more, on another form


@pytest.mark.parametrize(("who", "kind"), [("first", "reported"), ("theirs", "confirmed")])
async def test_an_amount_sent_twice_is_written_once(
    client: Client, room: Room, who: str, kind: str
) -> None:
    path = f"{room.ours if who == 'first' else room.theirs}/amounts"
    form = {"kind": kind, "amount": "12", "unit": "spend", "component": "all",
            "said_on": "2020-08-21", "source": "IR"}  # fmt: skip
    assert await twice(Seat(client, room, who), path, **form) == (303, 303)
    assert await counted("partner_amounts", room.table.round_id) == 1


async def test_a_dispute_and_its_note_sent_twice_are_written_once(
    client: Client, room: Room
) -> None:
    first, theirs = Seat(client, room, "first"), Seat(client, room, "theirs")
    form = {"subject": "八月订单", "body": "少了三成", "component": "all"}
    assert await twice(theirs, f"{room.theirs}/disputes", **form) == (303, 303)
    page = await first.get(f"{room.ours}/disputes")
    (dispute,) = set(re.findall(r"/disputes/([0-9a-f-]{36})/notes", page.text))
    path = f"{room.ours}/disputes/{dispute}/notes"
    assert await twice(first, path, body="正在核对") == (303, 303)
    assert await counted("partner_dispute_notes", UUID(dispute)) == 2  # its own words, and ours


async def test_the_key_of_a_form_is_not_used_for_other_words(client: Client, room: Room) -> None:
    theirs, path = Seat(client, room, "theirs"), f"{room.theirs}/comments"
    key = str(new_id())
    assert (await theirs.post(path, body="九月再议", key=key)).status_code == 303
    other = await theirs.post(path, body="十月再议", key=key)
    assert other.status_code == 409
    assert "already used for something else" in other.text
    assert await counted("partner_comments", room.table.round_id) == 1


async def test_every_form_that_writes_words_has_a_key(client: Client, room: Room) -> None:
    theirs = Seat(client, room, "theirs")
    opened = await theirs.post(
        f"{room.theirs}/disputes", subject="八月订单", body="少了三成", component="all"
    )
    assert opened.status_code == 303
    for tail, forms in (("", 1), ("/amounts", 1), ("/disputes", 2)):
        page = await theirs.get(room.theirs + tail)
        keys = re.findall(r'name="key" value="([0-9a-f-]{36})"', page.text)
        assert len(keys) == forms, tail


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("tail", ["", "/offer", "/progress", "/amounts", "/statement", "/disputes"])
async def test_every_page_of_both_sides(client: Client, room: Room, locale: str, tail: str) -> None:
    async with transaction() as conn:
        await put(conn, room.table, OURS, some_terms(room.table.source))
    for who, base in (("first", room.ours), ("theirs", room.theirs)):
        assert (await Seat(client, room, who, locale).get(base + tail)).status_code == 200


async def test_the_lists_and_the_way_in(client: Client, room: Room) -> None:
    first, theirs = Seat(client, room, "first"), Seat(client, room, "theirs")
    home = await theirs.get("/partner")
    assert home.headers["location"] == f"/partner/{room.table.partner_id}/rounds"
    assert (await theirs.get(home.headers["location"])).status_code == 200
    assert (await theirs.get(f"/partner/{room.table.partner_id}/traffic")).status_code == 200
    assert (await first.get("/operator/rounds")).status_code == 200
    form = {"partner": str(room.table.partner_id), "name_zh": "2021", "name_en": "2021"}
    made = await first.post("/operator/rounds", **form, previous=str(room.table.round_id))
    assert made.status_code == 303
    assert (await first.get(made.headers["location"])).status_code == 200
    refused = await first.post("/operator/rounds", **form | {"name_zh": " "}, previous="")
    assert refused.status_code == 422


async def test_a_foreign_round_looks_like_none(client: Client, room: Room) -> None:
    theirs = Seat(client, room, "theirs")
    foreign = f"/partner/{room.stranger}/rounds"
    assert (await theirs.get(foreign)).status_code == 404
    async with transaction() as conn:
        other = (await a_table(conn)).round_id
    mine = f"/partner/{room.table.partner_id}/rounds"
    seen = [await theirs.get(f"{mine}/{one}") for one in (other, new_id())]
    assert [one.status_code for one in seen] == [404, 404]
    assert (await theirs.post(f"{mine}/{other}/accept", number="1")).status_code == 404


async def test_the_api_tells_of_a_round_and_keeps_amounts_apart(client: Client, room: Room) -> None:
    await signed(room)
    async with transaction() as conn:
        key = await make_key(
            conn,
            access=Access(
                room.table.theirs, "", "zh", (Grant(Role.PARTNER, room.table.partner_id),), {}, None
            ),
            name="api",
            scopes=["org:agreement:read"],
            at=wall_now(),
            expires_at=None,
        )
    base = f"/api/v1/partners/{room.table.partner_id}/rounds"
    bearer = {"authorization": f"Bearer {key.key}"}
    listed = (await client.get(base, headers=bearer)).json()["items"]
    assert [(one["id"], one["state"]) for one in listed] == [(str(room.table.round_id), "signed")]
    read = (await client.get(f"{base}/{room.table.round_id}", headers=bearer)).json()
    assert read["signed"]["terms"]["components"][0]["committed"] == 100_000_000
    assert (read["on_table"], read["amounts"]) == (None, [])
    assert read["progress"][0]["delivered"] == 0
    foreign = await client.get(f"/api/v1/partners/{room.stranger}/rounds", headers=bearer)
    assert foreign.status_code == 404
