"""The operator finds people, puts them out and lets them in, and opens what nobody opens alone."""

from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from tests.web.accounts import a_client, a_person, a_role, a_session, an_email, send

from dougong.accounts.queries import operators_organisation
from dougong.base.access import Role
from dougong.base.ids import PersonId, new_id
from dougong.cli.operator_command import command
from dougong.flows.manage_people import make_operator
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction

PEOPLE = "/operator/people"


async def an_operator() -> tuple[PersonId, str]:
    person = await a_person(name="Op")
    await a_role(person, Role.OPERATOR)
    return person, await a_session(person)


async def audited(owner_id: object) -> list[tuple[str, dict[str, Any]]]:
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT action, facts FROM audit_log WHERE owner_id = :id ORDER BY id"),
            {"id": owner_id},
        )
        return [(row.action, row.facts) for row in found]


async def test_a_suspended_person_is_out_and_back_with_a_reason() -> None:
    _, token = await an_operator()
    email = an_email()
    person = await a_person(email=email, name="Zhao")
    session = await a_session(person)
    async with a_client(token) as client, a_client(session) as theirs:
        assert (await theirs.get("/me/security", follow_redirects=False)).status_code == 200
        page = (await client.get(f"{PEOPLE}?q={email[:20].upper()}")).text
        assert email in page
        nothing = await send(client, f"{PEOPLE}/{person}/suspend", reason=" ")
        assert nothing.status_code == 422
        done = await send(client, f"{PEOPLE}/{person}/suspend", reason="fraud")
        assert done.status_code == 303
        assert (await theirs.get("/me/security", follow_redirects=False)).status_code == 303
        back = f'action="{PEOPLE}/{person}/reinstate"'
        assert back in (await client.get(f"{PEOPLE}?suspended=true&q={email}")).text
        assert (await send(client, f"{PEOPLE}/{person}/suspend", reason="x")).status_code == 404
        await send(client, f"{PEOPLE}/{person}/reinstate", reason="a mistake")
        assert back not in (await client.get(f"{PEOPLE}?suspended=true&q={email}")).text
    assert await audited(person) == [
        ("accounts.person_suspended", {"reason": "fraud"}),
        ("accounts.person_reinstated", {"reason": "a mistake"}),
    ]


async def test_nobody_suspends_themselves() -> None:
    person, token = await an_operator()
    async with a_client(token) as client:
        answer = await send(client, f"{PEOPLE}/{person}/suspend", reason="tired")
        assert answer.status_code == 409
        assert "cannot suspend yourself" in answer.text
        assert (await client.get(PEOPLE)).status_code == 200


async def test_people_are_found_by_their_organisation_and_role() -> None:
    _, token = await an_operator()
    email = an_email()
    person = await a_person(email=email)
    org_id = await a_role(person, Role.CREATOR)
    async with transaction() as conn:
        handle = await conn.scalar(
            text("SELECT handle FROM organisations WHERE id = :id"), {"id": org_id}
        )
    async with a_client(token) as client:
        assert email in (await client.get(f"{PEOPLE}?q={handle}")).text
        assert email in (await client.get(f"{PEOPLE}?q={handle}&role=creator")).text
        assert email not in (await client.get(f"{PEOPLE}?q={handle}&role=merchant")).text


async def test_people_come_by_pages() -> None:
    _, token = await an_operator()
    name = new_id().hex
    for _ in range(31):
        await a_person(name=name)
    async with a_client(token) as client:
        first = (await client.get(f"{PEOPLE}?q={name}")).text
        assert first.count(f">{name}</a>") == 30
        assert 'rel="next"' in first
        assert (await client.get(f"{PEOPLE}?after=nonsense")).status_code == 400


async def test_an_advertiser_is_opened_for_a_person_who_has_signed_up() -> None:
    _, token = await an_operator()
    email, handle = an_email(), f"ad{new_id().hex[:20]}"
    person = await a_person(email=email)
    form = {"email": email, "kind": "advertiser", "name": "Brand", "handle": handle}
    async with a_client(token) as client:
        url = "/operator/organisations"
        for wrong, field in [
            ({"email": "nobody@example.org"}, "email"),
            ({"email": "x"}, "email"),
            ({"kind": "operator"}, "kind"),
            ({"handle": "!"}, "handle"),
            ({"name": ""}, "name"),
        ]:
            answer = await send(client, url, **(form | wrong))
            assert answer.status_code in (400, 422)
            assert f'id="error-{field}"' in answer.text, field
        assert (await send(client, url, **form)).status_code == 303
        assert (await send(client, url, **form)).status_code == 409
    async with a_client(await a_session(person)) as theirs:
        assert handle in (await theirs.get("/me/roles")).text


async def test_others_do_not_find_the_page() -> None:
    person = await a_person()
    await a_role(person, Role.MERCHANT)
    async with a_client(await a_session(person)) as client:
        assert (await client.get(PEOPLE)).status_code == 404
        assert (await send(client, f"{PEOPLE}/{person}/suspend", reason="x")).status_code == 404


async def test_a_person_is_made_an_operator_from_the_server() -> None:
    email = an_email()
    person = await a_person(email=email)
    async with a_client(await a_session(person)) as client:
        assert (await client.get("/operator/overview")).status_code == 404
        for _ in range(2):
            async with transaction() as conn:
                assert await make_operator(conn, email=email.upper(), at=wall_now()) == person
        assert (await client.get("/operator/overview")).status_code == 200
    async with transaction() as conn:
        assert await operators_organisation(conn)


@pytest.mark.parametrize(
    ("email", "said"), [("nobody@example.org", "nobody has signed up"), ("x", "no e-mail address")]
)
def test_the_command_refuses_who_is_not_there(email: str, said: str) -> None:
    done = CliRunner().invoke(command, [email])
    assert done.exit_code == 1
    assert said in done.output
