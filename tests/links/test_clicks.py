"""Clicks as they are kept: each once, and only the first of a visitor counts."""

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.content.factories import a_person
from tests.links.factories import AT, ALink, an_outside_link

from dougong.base.ids import LinkId, new_id
from dougong.infra.db import transaction
from dougong.links.click_commands import keep_click, record_click
from dougong.links.rules import REPEAT_WITHIN, LinkGone, Validity, Visit

TAP = Visit("POST", "Mozilla/5.0 (iPhone) Safari/604.1")
HOSTS = ["shop.example"]


async def a_link(conn: AsyncConnection) -> ALink:
    return await an_outside_link(conn, url="https://shop.example/1", hosts=HOSTS)


async def tap(
    conn: AsyncConnection,
    link_id: LinkId,
    *,
    visitor: str,
    click_id: UUID | None = None,
    person_id: UUID | None = None,
    acts_for: Collection[UUID] = (),
    share_code: str = "",
    at: datetime = AT,
) -> None:
    await record_click(
        conn,
        link_id=link_id,
        click_id=click_id or new_id(),
        person_id=person_id,
        acts_for=acts_for,
        visit=TAP,
        visitor=visitor,
        share_code=share_code,
        at=at,
    )


async def kept(conn: AsyncConnection, link_id: LinkId) -> list[str]:
    rows = await conn.execute(
        text("SELECT validity FROM clicks WHERE link_id = :id ORDER BY at, id"), {"id": link_id}
    )
    return list(rows.scalars())


async def test_the_same_click_id_is_kept_once(conn: AsyncConnection) -> None:
    link, click_id = await a_link(conn), new_id()
    person_id = await a_person(conn)
    for _ in range(3):
        await tap(conn, link.link_id, visitor="a", click_id=click_id, person_id=person_id)
    assert await kept(conn, link.link_id) == ["valid"]


async def test_a_repeat_is_kept_and_not_counted_until_the_window_is_over(
    conn: AsyncConnection,
) -> None:
    link = await a_link(conn)
    for at in (AT, AT + timedelta(seconds=2), AT + REPEAT_WITHIN - timedelta(microseconds=1)):
        await tap(conn, link.link_id, visitor="a", at=at)
    await tap(conn, link.link_id, visitor="a", at=AT + REPEAT_WITHIN)
    await tap(conn, link.link_id, visitor="b", at=AT + REPEAT_WITHIN + timedelta(seconds=1))
    assert await kept(conn, link.link_id) == ["valid", "repeat", "repeat", "valid", "valid"]


async def test_another_link_is_another_click(conn: AsyncConnection) -> None:
    one, other = await a_link(conn), await a_link(conn)
    for link in (one, other):
        await tap(conn, link.link_id, visitor="a")
    assert await kept(conn, one.link_id) + await kept(conn, other.link_id) == ["valid", "valid"]


async def test_a_creators_own_members_count_nothing(conn: AsyncConnection) -> None:
    link = await a_link(conn)
    await tap(conn, link.link_id, visitor="a", acts_for={new_id(), link.creator_id})
    await tap(conn, link.link_id, visitor="a", at=AT + timedelta(seconds=1))
    assert await kept(conn, link.link_id) == ["self", "valid"]


async def test_a_tap_on_a_link_that_is_hidden_is_kept_as_such(conn: AsyncConnection) -> None:
    link = await a_link(conn)
    await conn.execute(
        text("UPDATE product_links SET hidden_at = :at WHERE id = :id"),
        {"at": AT, "id": link.link_id},
    )
    await tap(conn, link.link_id, visitor="a")
    assert await kept(conn, link.link_id) == ["hidden"]


async def test_a_removed_or_unknown_link_takes_no_tap(conn: AsyncConnection) -> None:
    link = await a_link(conn)
    await conn.execute(
        text("UPDATE product_links SET removed_at = :at WHERE id = :id"),
        {"at": AT, "id": link.link_id},
    )
    for link_id in (link.link_id, LinkId(new_id())):
        with pytest.raises(LinkGone):
            await tap(conn, link_id, visitor="a")


async def test_sixteen_taps_at_once_are_one_valid_click(connections: Any) -> None:
    async with transaction() as conn:
        link = await a_link(conn)

    async def one() -> None:
        async with transaction() as conn:
            await tap(conn, link.link_id, visitor="a")

    await asyncio.gather(*(one() for _ in range(16)))
    async with transaction() as conn:
        found = await kept(conn, link.link_id)
    assert sorted(found) == ["repeat"] * 15 + ["valid"]


async def test_a_share_code_is_kept_only_with_its_own_video(conn: AsyncConnection) -> None:
    link, other = await a_link(conn), await a_link(conn)
    for code, video in (("OURSHARE22", link.video_id), ("OTHERSHARE", other.video_id)):
        await conn.execute(
            text("INSERT INTO share_codes VALUES (:code, :video, NULL, 'copy', NULL, :at)"),
            {"code": code, "video": video, "at": AT},
        )
    for number, code in enumerate(("OURSHARE22", "OTHERSHARE", "NOSUCHCODE", "")):
        await keep_click(
            conn,
            link_id=link.link_id,
            click_id=new_id(),
            person_id=None,
            validity=Validity.VALID,
            visitor=str(number),
            source=link.source,
            sub_id=None,
            share_code=code,
            at=AT + timedelta(seconds=number),
        )
    rows = await conn.execute(
        text("SELECT share_code FROM clicks WHERE link_id = :id ORDER BY at"),
        {"id": link.link_id},
    )
    assert list(rows.scalars()) == ["OURSHARE22", None, None, None]
