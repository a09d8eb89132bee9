"""People, sessions, keys and addresses in the database."""

import asyncio
import statistics
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts import address_commands, commands, key_commands, passwords, queries, rules
from dougong.accounts.address_commands import AddressFields
from dougong.base.access import Access, Permission, Role
from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import PersonId, new_id
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.reads.subjects import subjects_of

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOME = AddressFields(
    "李娜", "+86 138 0000 0000", "cn", "浙江省", "杭州市", "西湖区", "文三路 1 号", "310000"
)


async def a_person(conn: AsyncConnection) -> PersonId:
    return await commands.sign_up(
        conn, email=f"{new_id().hex}@example.org", password=None, name="Li", locale="zh", at=AT
    )


async def test_two_people_cannot_share_an_email(conn: AsyncConnection) -> None:
    email = f"{new_id().hex}@example.org"
    who = {"password": None, "name": "Li", "locale": "zh", "at": AT}
    await commands.sign_up(conn, email=email, **who)  # type: ignore[arg-type]
    with pytest.raises(rules.EmailTaken):
        await commands.sign_up(conn, email=email.upper(), **who)  # type: ignore[arg-type]


async def test_two_sign_ups_at_once_make_one_person() -> None:
    email = f"{new_id().hex}@example.org"

    async def one() -> object:
        async with transaction() as conn:
            return await commands.sign_up(
                conn, email=email, password=None, name="Li", locale="zh", at=AT
            )

    said = await asyncio.gather(*(one() for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(each, rules.EmailTaken) for each in said) == 5


async def test_an_unknown_email_takes_as_long_as_a_known_one() -> None:
    kept = await passwords.make_hash("four plain words here")

    async def seconds(hashed: str | None) -> float:
        taken = []
        for _ in range(5):
            started = time.perf_counter()
            assert not await passwords.fits(hashed, "something else")
            taken.append(time.perf_counter() - started)
        return statistics.median(taken)

    await seconds(None)
    known, unknown = await seconds(kept), await seconds(None)
    assert 0.3 < unknown / known < 3


async def test_a_session_token_is_not_in_the_database(conn: AsyncConnection) -> None:
    person = await a_person(conn)
    at = wall_now()
    token = await commands.start_session(conn, person_id=person, at=at, user_agent="x" * 900)
    found = await subjects_of(conn, [rules.token_hash(token)])
    assert found[rules.token_hash(token)].person_id == person
    dump = str((await conn.execute(text("SELECT * FROM sessions"))).all())
    assert token not in dump


async def test_a_session_is_over_after_thirty_days(conn: AsyncConnection) -> None:
    person = await a_person(conn)
    long_ago = wall_now() - timedelta(days=30, seconds=1)
    token = await commands.start_session(conn, person_id=person, at=long_ago, user_agent="")
    assert await subjects_of(conn, [rules.token_hash(token)]) == {}


async def test_sessions_end_alone_all_or_all_but_one(conn: AsyncConnection) -> None:
    person, at = await a_person(conn), wall_now()
    one, two, three = [
        await commands.start_session(conn, person_id=person, at=at, user_agent="") for _ in "abc"
    ]
    await commands.end_session(conn, token=one, at=at)
    assert await commands.end_sessions(conn, person_id=person, at=at, but_token=two) == 1
    alive = await subjects_of(conn, [rules.token_hash(token) for token in (one, two, three)])
    assert set(alive) == {rules.token_hash(two)}
    with pytest.raises(NotFound):
        await commands.end_named_session(
            conn, person_id=await a_person(conn), session=rules.token_hash(two), at=at
        )


async def test_a_suspended_person_is_nobody(conn: AsyncConnection) -> None:
    person, at = await a_person(conn), wall_now()
    token = rules.token_hash(
        await commands.start_session(conn, person_id=person, at=at, user_agent="")
    )
    await commands.set_suspended(conn, person_id=person, suspended=True, at=at, wall_at=at)
    assert await subjects_of(conn, [token]) == {}
    await commands.set_suspended(conn, person_id=person, suspended=False, at=at, wall_at=at)
    assert await subjects_of(conn, [token]) == {}


async def test_an_organisation_gives_its_role(conn: AsyncConnection) -> None:
    person, at = await a_person(conn), wall_now()
    org = await commands.open_organisation(
        conn, person_id=person, kind=Role.MERCHANT, name="Li", handle=f"h{new_id().hex}", at=AT
    )
    token = rules.token_hash(
        await commands.start_session(conn, person_id=person, at=at, user_agent="")
    )
    access = (await subjects_of(conn, [token]))[token]
    assert access.may(Permission.CATALOG_MANAGE, org)
    assert not access.may(Permission.CATALOG_MANAGE, new_id())
    assert not access.may(Permission.VIDEO_MANAGE, org)


async def test_the_audit_log_cannot_be_changed(conn: AsyncConnection) -> None:
    await commands.audit(conn, at=AT, person_id=None, action="test.done", subject="x")
    for statement in ("UPDATE audit_log SET action = 'y'", "DELETE FROM audit_log"):
        with pytest.raises(DBAPIError):
            async with conn.begin_nested():
                await conn.execute(text(statement))


async def an_access(conn: AsyncConnection) -> Access:
    return Access(await a_person(conn), "Li", "zh", (), {}, None)


async def test_a_key_works_until_it_is_revoked_or_expires(conn: AsyncConnection) -> None:
    access, at = await an_access(conn), wall_now()
    made = await key_commands.make_key(
        conn, access=access, name="till", scopes=["own:cart:use"], at=at, expires_at=None
    )
    short = await key_commands.make_key(
        conn, access=access, name="old", scopes=["own:cart:use"], at=at, expires_at=at
    )
    names = [rules.token_hash(made.key), rules.token_hash(short.key)]
    assert set(await subjects_of(conn, names)) == {names[0]}
    subject = (await subjects_of(conn, names))[names[0]]
    assert subject.may(Permission.CART_USE)
    assert not subject.may(Permission.ORDER_PLACE)
    with pytest.raises(NotFound):
        await key_commands.revoke_key(
            conn, person_id=await a_person(conn), key_id=made.key_id, at=at
        )
    await key_commands.revoke_key(conn, person_id=access.person_id, key_id=made.key_id, at=at)
    assert await subjects_of(conn, names) == {}


async def test_keys_are_counted(conn: AsyncConnection) -> None:
    access, at = await an_access(conn), wall_now()
    for _ in range(key_commands.MOST_KEYS):
        await key_commands.make_key(
            conn, access=access, name="k", scopes=["own:cart:use"], at=at, expires_at=None
        )
    with pytest.raises(rules.TooManyKept):
        await key_commands.make_key(
            conn, access=access, name="k", scopes=["own:cart:use"], at=at, expires_at=None
        )


async def test_exactly_one_address_is_the_default(conn: AsyncConnection) -> None:
    person = await a_person(conn)

    async def defaults() -> list[bool]:
        return [row.is_default for row in await queries.addresses_of(conn, person)]

    one = await address_commands.add_address(conn, person_id=person, fields=HOME, is_default=False)
    assert await defaults() == [True]
    two = await address_commands.add_address(conn, person_id=person, fields=HOME, is_default=True)
    assert (await queries.addresses_of(conn, person))[0].id == two
    assert await defaults() == [True, False]
    await address_commands.remove_address(conn, person_id=person, address_id=two, at=AT)
    assert [row.id for row in await queries.addresses_of(conn, person)] == [one]
    assert await defaults() == [True]
    await address_commands.remove_address(conn, person_id=person, address_id=one, at=AT)
    assert await defaults() == []


async def test_new_defaults_at_once_leave_one() -> None:
    async with transaction() as conn:
        person = await a_person(conn)

    async def one() -> None:
        async with transaction() as conn:
            await address_commands.add_address(conn, person_id=person, fields=HOME, is_default=True)

    await asyncio.gather(*(one() for _ in range(8)))
    async with transaction() as conn:
        rows = await queries.addresses_of(conn, person)
    assert (len(rows), sum(row.is_default for row in rows)) == (8, 1)


async def test_anothers_address_looks_missing(conn: AsyncConnection) -> None:
    mine, other = await a_person(conn), await a_person(conn)
    address = await address_commands.add_address(conn, person_id=mine, fields=HOME, is_default=True)
    with pytest.raises(NotFound):
        await queries.address(conn, other, address)
    with pytest.raises(NotFound):
        await address_commands.change_address(
            conn, person_id=other, address_id=address, fields=HOME, is_default=True
        )
    with pytest.raises(NotFound):
        await address_commands.make_default(conn, person_id=other, address_id=address)
    with pytest.raises(NotFound):
        await address_commands.remove_address(conn, person_id=other, address_id=address, at=AT)
    assert (await queries.address(conn, mine, address)).country == "CN"


@pytest.mark.parametrize(
    ("field", "value"),
    [("recipient", " "), ("line", ""), ("phone", "call me"), ("phone", "1"), ("country", "China"),
     ("line", "x" * 201), ("city", "a\u202eb")],
)  # fmt: skip
def test_a_bad_address_is_refused_at_its_field(field: str, value: str) -> None:
    with pytest.raises(BadInput) as refused:
        address_commands.checked(HOME._replace(**{field: value}))
    assert refused.value.field == field
