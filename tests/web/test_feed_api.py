"""The feed and reactions over HTTP: API and fragments, limits, hostile texts, moderation."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from tests.content.factories import (
    a_member,
    a_person,
    a_product,
    a_session,
    a_video,
    an_organisation,
)
from tests.web.site import Client

from dougong.base.ids import new_id
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.links.commands import add_link
from dougong.reads import feed
from dougong.web.security import SESSION_COOKIE


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    feed.forget()
    async with Client() as made:
        await made.get("/healthz")
        yield made
    feed.forget()


async def a_published_video() -> dict[str, Any]:
    async with transaction() as conn:
        now = await clock.refresh(conn)
        creator_id = await an_organisation(conn)
        video_id = await a_video(conn, creator_id=creator_id, at=now - timedelta(minutes=1))
        store_id, product_id = await a_product(conn)
        link_id = await add_link(
            conn,
            video_id=video_id,
            creator_id=creator_id,
            store_id=store_id,
            product_id=product_id,
            position=0,
            at=now,
        )
        person_id = await a_person(conn)
        return {
            "video": video_id,
            "creator": creator_id,
            "link": link_id,
            "person": person_id,
            "token": await a_session(conn, person_id=person_id),
        }


def bearer(made: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {made['token']}"}


def cookie(client: Client, made: dict[str, Any]) -> None:
    client.cookies.set(SESSION_COOKIE, made["token"])
    client.headers["x-csrftoken"] = client.cookies["csrftoken"]


async def test_the_feed_is_public_and_paged(client: Client) -> None:
    made = await a_published_video()
    shown: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await client.get("/api/v1/feed", params={"cursor": cursor, "limit": 3})
        assert answer.status_code == 200, answer.text
        shown += [item["video_id"] for item in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
    assert str(made["video"]) in shown
    assert len(shown) == len(set(shown))


async def test_the_feed_of_an_anonymous_reader_opens_no_transaction(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_published_video()
    await client.get("/api/v1/feed")

    def refuse() -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(feed, "engine", refuse)
    assert (await client.get("/api/v1/feed")).status_code == 200


@pytest.mark.parametrize(
    "query", ["cursor=nonsense", "limit=0", "limit=31", "limit=x", "kind=best"]
)
async def test_a_bad_question_is_refused(client: Client, query: str) -> None:
    answer = await client.get(f"/api/v1/feed?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_input")


async def test_following_needs_a_person(client: Client) -> None:
    made = await a_published_video()
    refused = await client.get("/api/v1/feed?kind=following")
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in_needed")
    place = f"/api/v1/channels/{made['creator']}/follow"
    assert (await client.put(place, headers=bearer(made))).status_code == 204
    answer = await client.get("/api/v1/feed?kind=following", headers=bearer(made))
    (item,) = answer.json()["items"]
    assert (item["video_id"], item["following"]) == (str(made["video"]), True)
    assert (await client.delete(place, headers=bearer(made))).status_code == 204
    answer = await client.get("/api/v1/feed?kind=following", headers=bearer(made))
    assert answer.json()["items"] == []


async def test_liking_and_watching_over_the_api(client: Client) -> None:
    made = await a_published_video()
    place = f"/api/v1/videos/{made['video']}"
    assert (await client.put(f"{place}/like")).status_code == 401
    for _ in range(2):
        assert (await client.put(f"{place}/like", headers=bearer(made))).status_code == 204
    item = (await client.get(place, headers=bearer(made))).json()
    assert (item["likes"], item["liked_by_me"]) == (1, True)
    assert item["links"][0]["price"] == {"minor": 9900, "currency": "CNY"}
    seen = await client.post(
        f"{place}/seen", json={"watched_ms": 4_000, "person_id": "x"}, headers=bearer(made)
    )
    assert seen.status_code == 400
    seen = await client.post(f"{place}/seen", json={"watched_ms": 4_000}, headers=bearer(made))
    assert seen.status_code == 204
    assert (await client.delete(f"{place}/like", headers=bearer(made))).status_code == 204
    missing = await client.get(f"/api/v1/videos/{new_id()}")
    assert (missing.status_code, missing.json()["code"]) == (404, "video_gone")


async def test_hidden_videos_leave_the_feed(client: Client) -> None:
    made = await a_published_video()
    place = f"/api/v1/videos/{made['video']}/hide"
    assert (await client.post(place, headers=bearer(made))).status_code == 204
    answer = await client.get("/api/v1/feed?limit=30", headers=bearer(made))
    assert str(made["video"]) not in [item["video_id"] for item in answer.json()["items"]]


HOSTILE = [
    "<script>alert(1)</script>nice",
    "<img src=x onerror=alert(1)>nice",
    '"><svg onload=alert(1)>nice',
    "{{ 7 * 7 }} nice",
    "nice <!-- --> & <b>bold</b>",
]


@pytest.mark.parametrize("body", HOSTILE)
async def test_hostile_comments_are_only_text(client: Client, body: str) -> None:
    made = await a_published_video()
    cookie(client, made)
    place = f"/videos/{made['video']}/comments"
    answer = await client.post(place, data={"body": body}, headers={"HX-Request": "true"})
    assert answer.status_code == 200, answer.text
    said = answer.text[answer.text.index("comment-body") :]
    for bad in ("<script", "<img", "<svg onload", "onerror", "<b>"):
        assert bad not in said.partition("comments-form")[0]
    assert "49" not in said.partition("</p>")[0]
    listed = (await client.get(f"/api/v1/videos/{made['video']}/comments")).json()
    assert listed["total"] == 1 and "nice" in listed["items"][0]["body"]


async def test_an_empty_comment_is_refused_at_its_field(client: Client) -> None:
    made = await a_published_video()
    cookie(client, made)
    answer = await client.post(f"/videos/{made['video']}/comments", data={"body": "<p> </p>"})
    assert answer.status_code == 422 and "is-invalid" in answer.text


async def test_comments_are_limited(client: Client) -> None:
    made = await a_published_video()
    place = f"/api/v1/videos/{made['video']}/comments"
    codes = [
        (await client.post(place, json={"body": f"n {n}"}, headers=bearer(made))).status_code
        for n in range(22)
    ]
    # A new window may begin in between, once.
    assert codes[0] == 201 and codes[-1] == 429
    assert 10 <= codes.count(201) <= 20


async def test_a_comment_is_removed_by_its_writer_or_the_videos_creator(client: Client) -> None:
    made = await a_published_video()
    stranger = await a_published_video()
    place = f"/api/v1/videos/{made['video']}/comments"
    written = await client.post(place, json={"body": "hello"}, headers=bearer(made))
    comment = f"{place}/{written.json()['comment_id']}"
    assert (await client.delete(comment, headers=bearer(stranger))).status_code == 404
    assert (await client.delete(comment, headers=bearer(made))).status_code == 204
    again = await client.post(place, json={"body": "hello"}, headers=bearer(made))
    async with transaction() as conn:
        owner = await a_member(conn, org_id=made["creator"])
        token = await a_session(conn, person_id=owner)
    comment = f"{place}/{again.json()['comment_id']}"
    answer = await client.delete(comment, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 204


async def test_a_click_counts_once_for_its_id(client: Client) -> None:
    made = await a_published_video()
    click_id = str(new_id())
    for _ in range(3):
        answer = await client.post(
            f"/api/v1/links/{made['link']}/clicks", json={"click_id": click_id}
        )
        assert answer.status_code == 204, answer.text
    async with transaction() as conn:
        count = await conn.scalar(
            text("SELECT count(*) FROM clicks WHERE link_id = :l"), {"l": made["link"]}
        )
    assert count == 1
    missing = await client.post(f"/api/v1/links/{new_id()}/clicks", json={})
    assert (missing.status_code, missing.json()["code"]) == (404, "link_gone")


async def test_fragments_toggle(client: Client) -> None:
    made = await a_published_video()
    cookie(client, made)
    liked = await client.post(f"/videos/{made['video']}/like")
    assert 'aria-pressed="true"' in liked.text and "hx-delete" in liked.text
    unliked = await client.delete(f"/videos/{made['video']}/like")
    assert 'aria-pressed="false"' in unliked.text
    followed = await client.post(f"/channels/{made['creator']}/follow")
    assert 'aria-pressed="true"' in followed.text
    form = await client.get(f"/videos/{made['video']}/report")
    assert form.status_code == 200 and "fieldset" in form.text
    clicked = await client.post(f"/links/{made['link']}/clicks", data={})
    assert clicked.status_code == 204
    seen = await client.post(f"/videos/{made['video']}/seen", data={"watched_ms": "1200"})
    assert seen.status_code == 204


async def an_operator() -> dict[str, Any]:
    async with transaction() as conn:
        org_id = await an_organisation(conn, kind="operator")
        person_id = await a_member(conn, org_id=org_id, role="operator")
        return {"person": person_id, "token": await a_session(conn, person_id=person_id)}


async def decide(client: Client, video_id: UUID, **form: str) -> Any:
    return await client.post(f"/operator/reports/{video_id}", data=form, follow_redirects=False)


async def test_the_operator_decides_reports_with_a_reason(client: Client) -> None:
    made = await a_published_video()
    report = {"reason": "fake", "note": "<b>not</b> bamboo"}
    place = f"/api/v1/videos/{made['video']}/report"
    assert (await client.post(place, json=report, headers=bearer(made))).status_code == 204
    cookie(client, made)
    assert (await client.get("/operator/reports")).status_code == 404
    assert (
        await decide(client, made["video"], resolution="removed", reason="x")
    ).status_code == 404
    cookie(client, await an_operator())
    page = await client.get("/operator/reports")
    assert "not bamboo" in page.text
    refused = await decide(client, made["video"], resolution="removed", reason=" ")
    assert refused.status_code == 422
    done = await decide(client, made["video"], resolution="removed", reason="A counterfeit.")
    assert done.status_code == 303
    again = await decide(client, made["video"], resolution="kept", reason="no")
    assert again.status_code == 404
    gone = await client.get(f"/api/v1/videos/{made['video']}")
    assert gone.status_code == 404
    async with transaction() as conn:
        audited = await conn.scalar(
            text("SELECT facts ->> 'reason' FROM audit_log WHERE subject = :s"),
            {"s": str(made["video"])},
        )
    assert audited == "A counterfeit."


async def test_the_operator_restores_a_video_with_a_reason(client: Client) -> None:
    made, operator = await a_published_video(), await an_operator()
    cookie(client, made)
    await client.post(f"/videos/{made['video']}/report", data={"reason": "fake"})
    cookie(client, operator)
    gone = await decide(client, made["video"], resolution="removed", reason="a counterfeit")
    assert gone.status_code == 303
    assert (await client.get(f"/v/{made['video']}")).status_code == 404
    place = f"/operator/reports/{made['video']}/restore"
    assert f'action="{place}"' in (await client.get("/operator/reports")).text
    assert (await client.post(place, data={"reason": " "})).status_code == 422
    assert (await client.get(f"/v/{made['video']}")).status_code == 404
    back = await client.post(place, data={"reason": "genuine"}, follow_redirects=False)
    assert back.status_code == 303
    assert (await client.get(f"/v/{made['video']}")).status_code == 200
    again = await client.post(place, data={"reason": "genuine"}, follow_redirects=False)
    assert again.status_code == 409


async def test_the_operator_may_take_any_comment_away(client: Client) -> None:
    made, operator = await a_published_video(), await an_operator()
    place = f"/videos/{made['video']}/comments"
    cookie(client, made)
    await client.post(place, data={"body": "spam"})
    stranger = await a_published_video()
    cookie(client, stranger)
    assert "hx-delete" not in (await client.get(place)).text
    cookie(client, operator)
    found = re.search(rf'hx-delete="({place}/[0-9a-f-]+)"', (await client.get(place)).text)
    assert found
    assert (await client.delete(found[1])).status_code == 200
    assert "spam" not in (await client.get(place)).text


async def test_taps_are_limited_by_the_address_behind_the_proxy(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = msgspec.structs.replace(settings(), trusted_proxies=1)
    monkeypatch.setattr("dougong.web.account.common.settings", lambda: behind)
    monkeypatch.setattr("dougong.web.videos.MOST_CLICKS_A_MINUTE", 1)
    made = await a_published_video()

    async def tap(address: str) -> int:
        head = {"x-forwarded-for": address, "x-csrftoken": client.cookies["csrftoken"]}
        return (
            await client.post(f"/links/{made['link']}/clicks", data={}, headers=head)
        ).status_code

    one, two = new_id().hex, new_id().hex
    assert [await tap(one), await tap(two)] == [204, 204]
    assert 429 in [await tap(one), await tap(one)]  # a minute may have ended in between
