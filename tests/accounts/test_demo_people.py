"""Who can be entered as in a demo market: one of each role, and two operators."""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import give_role, open_organisation, sign_up
from dougong.accounts.queries import demo_people
from dougong.base.access import Role
from dougong.base.ids import PersonId, new_id

AT = datetime(2026, 3, 1, tzinfo=UTC)


async def a_demo_person(conn: AsyncConnection, name: str, *, is_demo: bool = True) -> PersonId:
    email = f"{new_id().hex}@example.org"
    return await sign_up(
        conn, email=email, password=None, name=name, locale="en", at=AT, is_demo=is_demo
    )


async def test_one_of_each_role_and_a_second_operator(conn: AsyncConnection) -> None:
    await conn.execute(text("DELETE FROM grants WHERE role = 'operator'"))
    await conn.execute(text("UPDATE people SET is_demo = false WHERE is_demo"))
    names = ("Olga", "Otto", "Third", "Mia", "Max")
    people = {name: await a_demo_person(conn, name) for name in names}
    org_id = await open_organisation(
        conn, person_id=people["Olga"], kind=Role.OPERATOR, name="Market", handle="ops-1", at=AT
    )
    for name in ("Otto", "Third"):
        await give_role(conn, person_id=people[name], org_id=org_id, role=Role.OPERATOR, at=AT)
    for name, handle in (("Mia", "mia-1"), ("Mia", "mia-2"), ("Max", "max-1")):
        person_id = people[name]
        await open_organisation(
            conn, person_id=person_id, kind=Role.MERCHANT, name=name, handle=handle, at=AT
        )
    found = [(row.role, row.nth, row.name) for row in await demo_people(conn)]
    assert found == [("merchant", 1, "Mia"), ("operator", 1, "Olga"), ("operator", 2, "Otto")]

    real = await a_demo_person(conn, "Real", is_demo=False)
    await give_role(conn, person_id=real, org_id=org_id, role=Role.OPERATOR, at=AT)
    assert list(await demo_people(conn)) == []
