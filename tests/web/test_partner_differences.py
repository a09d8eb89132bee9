"""A partner sees its own differences and says its word on them; the operator reads it."""

from typing import Any

import pytest
from sqlalchemy import text
from tests.factories import a_person, an_org
from tests.settlement.outside import ASource, a_run, a_source, an_order, case_of
from tests.web.test_operator import Client, Desk, as_, client, desk

from dougong.accounts.commands import give_role, start_session
from dougong.base.access import Role
from dougong.base.ids import OrgId, PersonId
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.settlement.case_commands import add_note

__all__ = ["client", "desk"]  # fixtures of the operator's tests


async def a_partner() -> tuple[OrgId, str]:
    """A partner's organisation, and its person's session."""
    at = clock.wall_now()
    async with transaction() as conn:
        org_id, person = await an_org(conn, kind="partner"), PersonId(await a_person(conn))
        await give_role(conn, person_id=person, org_id=org_id, role=Role.PARTNER, at=at)
        return org_id, await start_session(conn, person_id=person, at=at, user_agent="test")


async def a_difference(partner_id: OrgId) -> tuple[ASource, Any]:
    async with transaction() as conn:
        source = await a_source(conn)
        await conn.execute(
            text("UPDATE sources SET partner_id = :partner WHERE code = :code"),
            {"partner": partner_id, "code": source.code},
        )
        person = await a_person(conn)
        await an_order(conn, source, "o1")
    await a_run(source, person_id=person)
    return source, await case_of(source, "o1")


@pytest.mark.parametrize(("locale", "words"), [("zh", "对方报告中没有"), ("en", "Not in their")])
async def test_it_says_its_word_and_the_desk_hears(
    client: Client, desk: Desk, locale: str, words: str
) -> None:
    partner_id, token = await a_partner()
    _, case = await a_difference(partner_id)
    async with transaction() as conn:
        await add_note(
            conn, case_id=case.id, note="ours alone", person_id=PersonId(await a_person(conn)),
            side="platform", at=clock.wall_now(),
        )  # fmt: skip
    home = f"/partner/{partner_id}/differences"
    listed = await as_(client, token, locale).get(home)
    assert (listed.status_code, f"{home}/{case.id}" in listed.text) == (200, True)
    shown = await client.get(f"{home}/{case.id}")
    assert words in shown.text
    assert "ours alone" not in shown.text
    empty = await client.post(f"{home}/{case.id}/notes", data={"note": " "})
    assert empty.status_code == 422
    sent = await client.post(
        f"{home}/{case.id}/notes", data={"note": "paid on 3 May"}, follow_redirects=False
    )
    assert sent.status_code == 303
    assert "paid on 3 May" in (await client.get(f"{home}/{case.id}")).text
    desk_page = await as_(client, desk.one, locale).get(f"/operator/reconciliation/cases/{case.id}")
    assert "paid on 3 May" in desk_page.text


async def test_another_partners_difference_looks_like_a_missing_one(
    client: Client, desk: Desk
) -> None:
    owner, _ = await a_partner()
    other, token = await a_partner()
    _, case = await a_difference(owner)
    as_(client, token)
    for path in (f"/partner/{owner}/differences", f"/partner/{other}/differences/{case.id}"):
        assert (await client.get(path)).status_code == 404
    said = await client.post(f"/partner/{other}/differences/{case.id}/notes", data={"note": "x"})
    assert said.status_code == 404
    assert "o1" not in (await client.get(f"/partner/{other}/differences")).text
