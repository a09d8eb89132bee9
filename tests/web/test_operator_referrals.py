"""Orders at other platforms on the operator's desk and in the creator's earnings, over HTTP."""

import base64
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from tests.factories import a_person
from tests.referrals.world import ALink, a_row, a_source, an_outside_link, csv_bytes, settled
from tests.web.test_operator import Client, Desk, as_, client, desk

from dougong.accounts.commands import give_role, start_session
from dougong.base.access import Role
from dougong.base.ids import PLATFORM_BOOK, PersonId
from dougong.flows.report_arrived import import_report, read_kept_report
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.reads.creator_referrals import orders_elsewhere, totals_elsewhere
from dougong.referrals.rules import Rates, referral_shares
from dougong.web.security import SESSION_COOKIE

__all__ = ["client", "desk"]  # fixtures of the operator's tests


class Scene(msgspec.Struct):
    """A creator's link, its owner's session, and a settled order, a paid one and two bad rows."""

    link: ALink
    creator: str
    handle: str
    rows: list[dict[str, str]]
    ids: dict[str, UUID]


@pytest.fixture
async def scene() -> Scene:
    at = clock.wall_now()
    async with transaction() as conn:
        link = await an_outside_link(conn, source=await a_source(conn))
        person = PersonId(await a_person(conn, name="林一"))
        await give_role(conn, person_id=person, org_id=link.creator_id, role=Role.CREATOR, at=at)
        token = await start_session(conn, person_id=person, at=at, user_agent="test")
        handle = await conn.scalar(
            text("SELECT handle FROM organisations WHERE id = :id"), {"id": link.creator_id}
        )
    rows = [
        settled(a_row(link)),
        a_row(link, item_title="口红"),
        settled(a_row(link, sub_id="")),
        a_row(link, tk_status="88"),
    ]
    await import_report(
        source=link.source,
        mapping="taobao_alliance",
        file_name="八月.csv",
        data=csv_bytes(rows),
    )
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT order_ref, id FROM referral_orders WHERE source = :s"), {"s": link.source}
        )
        ids = {row.order_ref: row.id for row in found}
    return Scene(link, token, str(handle), rows, ids)


@pytest.mark.parametrize("locale", ["zh", "en"])
async def test_orders_are_found_and_filtered(
    client: Client, desk: Desk, scene: Scene, locale: str
) -> None:
    path = f"/operator/referrals?source={scene.link.source}"
    page = await as_(client, desk.one, locale).get(path)
    assert page.status_code == 200
    refs = [row["trade_id"] for row in scene.rows[:3]]
    assert all(ref in page.text for ref in refs)
    assert ("Earned by" in page.text) is (locale == "en")
    parked = await client.get(f"{path}&status=parked")
    assert refs[2] in parked.text and refs[0] not in parked.text
    named = await client.get(f"{path}&q=口红")
    assert refs[1] in named.text and refs[0] not in named.text
    file = await client.get(f"{path}&file=csv")
    assert file.headers["content-type"].startswith("text/csv")
    assert len(file.text.strip().splitlines()) == 4
    assert (await client.get(f"{path}&after=xx")).status_code == 400


@pytest.mark.parametrize("locale", ["zh", "en"])
async def test_an_order_shows_its_ruling_and_is_ruled_anew(
    client: Client, desk: Desk, scene: Scene, locale: str
) -> None:
    nobody = scene.ids[scene.rows[2]["trade_id"]]
    path = f"/operator/referrals/{nobody}"
    page = await as_(client, desk.one, locale).get(path)
    words = "No click, code or task of ours leads" if locale == "en" else "没有我们的点击"
    assert words in page.text
    of_ads = "An advertisement claims an order" if locale == "en" else "广告才能主张归属"
    assert of_ads in page.text
    form = {"claim": "creator", "handle": scene.handle, "reason": "Seen in the recording"}
    assert (await client.post(f"{path}/rulings", data=form | {"reason": ""})).status_code == 400
    assert (await client.post(f"{path}/rulings", data=form | {"handle": "x"})).status_code == 400
    done = await client.post(f"{path}/rulings", data=form, follow_redirects=False)
    assert done.status_code == 303
    again = await client.post(f"{path}/rulings", data=form, follow_redirects=False)
    assert again.status_code == 409
    page = await client.get(path)
    assert "Seen in the recording" in page.text
    why = await client.get(f"/explain/{PLATFORM_BOOK}/{nobody}")
    assert why.status_code == 200
    assert ("Every fen is explained." in why.text) is (locale == "en")


async def test_a_report_is_taken_in_and_its_bad_rows_listed(
    client: Client, desk: Desk, scene: Scene
) -> None:
    page = await as_(client, desk.one).get("/operator/referrals/reports")
    assert "八月.csv" in page.text
    row = a_row(scene.link)
    files = {"file": ("九月.csv", csv_bytes([row, {**row, "tk_status": "??"}]))}
    form = {"source": scene.link.source, "mapping": "taobao_alliance"}
    sent = await client.post(
        "/operator/referrals/reports", data=form, files=files, follow_redirects=False
    )
    assert sent.status_code == 303
    where = sent.headers["location"]
    waiting = await client.get(where)
    assert 'hx-trigger="load delay:1s"' in waiting.text
    await read_kept_report(where.rsplit("/", 1)[1])
    over = await client.get(where, headers={"HX-Request": "true"})
    assert "hx-trigger" not in over.text
    assert "The mapping does not know this word." in over.text
    bad = await client.get(f"{where}?file=csv")
    assert "unknown_status" in bad.text and bad.text.splitlines()[1].startswith("3,")
    kept = await client.get(f"{where}?file=original")
    assert kept.content == files["file"][1]
    lists = await client.get(f"/operator/referrals/reports?q=九月&source={scene.link.source}")
    assert "九月.csv" in lists.text and "八月.csv" not in lists.text
    for wrong in (form | {"mapping": "nobodys"}, form | {"source": "nowhere"}):
        refused = await client.post("/operator/referrals/reports", data=wrong, files=files)
        assert refused.status_code == 404
    assert (await client.post("/operator/referrals/reports", data=form)).status_code == 400


async def test_bad_rows_are_looked_at_again_or_set_aside(
    client: Client, desk: Desk, scene: Scene
) -> None:
    path = f"/operator/referrals/rows?source={scene.link.source}"
    page = await as_(client, desk.one).get(path)
    ref = scene.rows[3]["trade_id"]
    assert ref in page.text and "八月.csv" in page.text
    async with transaction() as conn:
        row_id = await conn.scalar(
            text("SELECT id FROM report_rows WHERE order_ref = :r"), {"r": ref}
        )
    again = await client.post(f"/operator/referrals/rows/{row_id}/again", follow_redirects=False)
    assert again.status_code == 303
    assert ref in (await client.get(path)).text
    form = {"note": "Asked the alliance"}
    aside = [
        await client.post(
            f"/operator/referrals/rows/{row_id}/aside", data=form, follow_redirects=False
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in aside] == [303, 404]
    assert ref not in (await client.get(path)).text
    other = await client.get(f"{path}&reason=nobody_clicked&file=csv")
    assert len(other.text.strip().splitlines()) == 2


async def test_precedence_needs_a_second_person(client: Client, desk: Desk, scene: Scene) -> None:
    page = await as_(client, desk.one).get("/operator/referrals/precedence")
    assert "The last valid click" in page.text
    path = "/operator/referrals/precedence"
    starts = (clock.now() + timedelta(days=400)).strftime("%Y-%m-%dT%H:%M")
    form = {"source": scene.link.source, "claim": "share_code", "rank": "5", "window_days": "3",
            "starts": starts, "reason_zh": "口令优先", "reason_en": "Codes go first"}  # fmt: skip
    late = await client.post(path, data=form | {"starts": "2020-01-01T00:00"})
    assert late.status_code == 422
    assert (await client.post(path, data=form, follow_redirects=False)).status_code == 303
    async with transaction() as conn:
        rule_id = await conn.scalar(
            text("SELECT id FROM claim_rules WHERE source = :s"), {"s": scene.link.source}
        )
    approve = f"{path}/{rule_id}/approval"
    assert (await client.post(approve)).status_code == 403
    other = as_(client, desk.two)
    assert (await other.post(approve, follow_redirects=False)).status_code == 303
    assert (await other.post(approve)).status_code == 404
    await other.post(path, data=form | {"claim": "click"}, follow_redirects=False)
    async with transaction() as conn:
        tie = await conn.scalar(
            text("SELECT id FROM claim_rules WHERE source = :s AND approver_id IS NULL"),
            {"s": scene.link.source},
        )
    taken = await as_(client, desk.one).post(f"{path}/{tie}/approval")
    assert taken.status_code == 409


@pytest.mark.parametrize("who", ["merchant", "shopper", "buyer", "creator"])
async def test_only_operators_see_the_desk(
    client: Client, desk: Desk, scene: Scene, who: str
) -> None:
    order_id = scene.ids[scene.rows[0]["trade_id"]]
    asked = as_(client, getattr(desk, who))
    paths = ("", "/reports", "/rows", "/precedence", f"/{order_id}")
    for path in paths:
        assert (await asked.get(f"/operator/referrals{path}")).status_code == 404
    assert (await asked.get(f"/explain/{PLATFORM_BOOK}/{order_id}")).status_code == 404


@pytest.mark.parametrize("locale", ["zh", "en"])
async def test_a_creator_sees_estimated_beside_settled(
    client: Client, scene: Scene, locale: str
) -> None:
    base = f"/creator/{scene.link.creator_id}/earnings"
    page = await as_(client, scene.creator, locale).get(base)
    assert f"{base}/elsewhere" in page.text
    listed = await client.get(f"{base}/elsewhere")
    assert listed.status_code == 200
    assert scene.rows[0]["trade_id"] in listed.text and "33.83" in listed.text
    assert scene.rows[2]["trade_id"] not in listed.text  # nobody's yet
    assert ("Not settled yet" in listed.text) is (locale == "en")
    only = await client.get(f"{base}/elsewhere?q=口红")
    assert scene.rows[0]["trade_id"] not in only.text
    file = await client.get(f"{base}/elsewhere?file=csv")
    assert len(file.text.strip().splitlines()) == 3
    order_id = scene.ids[scene.rows[0]["trade_id"]]
    why = await client.get(f"/explain/{PLATFORM_BOOK}/{order_id}")
    assert why.status_code == 200
    explained = await client.get(f"{base}/explained?since=2020-01-01&until=2100-01-01")
    assert scene.rows[0]["trade_id"] in explained.text


async def test_shares_in_sql_are_those_of_the_rules(scene: Scene) -> None:
    async with transaction() as conn:
        await conn.execute(
            text("""
                INSERT INTO referral_rulings (id, order_id, number, claim_id, creator_id, judged_at,
                  service_fee_bp, commission_cut_bp, made_at, made_by, reason)
                SELECT gen_random_uuid(), order_id, 2, claim_id, creator_id, judged_at, 1733, 1111,
                  made_at, gen_random_uuid(), 'other rates'
                FROM referral_rulings WHERE creator_id = :c
            """),
            {"c": scene.link.creator_id},
        )
        await conn.execute(
            text("""
                UPDATE referral_orders o SET ruling_id = r.id FROM referral_rulings r
                WHERE r.order_id = o.id AND r.number = 2 AND r.creator_id = :c
            """),
            {"c": scene.link.creator_id},
        )
        rows = await orders_elsewhere(conn, creator_id=scene.link.creator_id)
        want = referral_shares(3_383, Rates(1_733, 1_111)).referral
        assert [row.estimated_minor for row in rows] == [want, want]
        assert [row.settled_minor for row in rows if row.is_booked] == [want]
        (total,) = await totals_elsewhere(conn, creator_id=scene.link.creator_id)
        assert (total.orders, total.estimated_minor, total.open_minor) == (2, 2 * want, want)
        assert total.settled_minor == 3_383  # as it was booked, by the ruling of then
        await conn.rollback()


async def test_the_api_says_the_same(client: Client, desk: Desk, scene: Scene) -> None:
    def call(token: str) -> dict[str, Any]:
        return {"headers": {"authorization": f"Bearer {token}"}}

    content = base64.b64encode(csv_bytes([a_row(scene.link)])).decode()
    body = {"source": scene.link.source, "mapping": "taobao_alliance", "file_name": "x.csv",
            "content": content}  # fmt: skip
    client.cookies.delete(SESSION_COOKIE)
    made = await client.post("/api/v1/referral-reports", json=body, **call(desk.one))
    assert made.status_code == 202
    await read_kept_report(made.json()["id"])
    shown = await client.get(f"/api/v1/referral-reports/{made.json()['id']}", **call(desk.one))
    assert (shown.json()["state"], shown.json()["applied"]) == ("done", 1)
    listed = await client.get(
        f"/api/v1/referrals?source={scene.link.source}&status=settled", **call(desk.one)
    )
    assert len(listed.json()["items"]) == 2
    order_id = scene.ids[scene.rows[0]["trade_id"]]
    rulings = await client.get(f"/api/v1/referrals/{order_id}/rulings", **call(desk.one))
    assert rulings.json()["items"][0]["creator_id"] == str(scene.link.creator_id)
    anew = await client.post(
        f"/api/v1/referrals/{order_id}/rulings", json={"reason": "Nobody of ours"}, **call(desk.one)
    )
    assert (anew.status_code, anew.json()["items"][0]["number"]) == (201, 2)
    own = await client.get(
        f"/api/v1/creators/{scene.link.creator_id}/referrals", **call(scene.creator)
    )
    assert [one["settled"] for one in own.json()["items"]] == [None, None]
    why = await client.get(
        f"/api/v1/stores/{PLATFORM_BOOK}/orders/{order_id}/explanation", **call(desk.one)
    )
    assert why.json()["residual"]["minor"] == 0
    bad = await client.post(
        "/api/v1/referral-reports", json=body | {"content": "*"}, **call(desk.one)
    )
    assert bad.status_code == 400
