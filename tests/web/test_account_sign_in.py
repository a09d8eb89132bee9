"""Signing up, in and out in the browser and over the API."""

from types import SimpleNamespace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.web.accounts import a_client, a_person, a_role, a_session, an_email, said, send
from tests.web.site import Client

from dougong.accounts import commands
from dougong.accounts.rules import token_hash
from dougong.base.access import Role
from dougong.base.ids import new_id
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.web.account import enter
from dougong.web.account.common import safe_next
from dougong.web.security import SESSION_COOKIE

PASSWORD = "four plain words here"


async def test_sign_up_signs_in_and_the_cookie_is_kept_from_scripts() -> None:
    email = an_email()
    async with a_client() as client:
        answer = await send(
            client, "/sign-up", name="Li Na", email=email.upper(), password=PASSWORD, next="/cart"
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "/cart")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        token = client.cookies[SESSION_COOKIE]
        assert (await client.get("/me/security")).status_code == 200
    async with transaction() as conn:
        row = (
            await conn.execute(
                text("""
                    SELECT p.email, p.password_hash, s.token_hash, s.expires_at - s.created_at
                    FROM people p JOIN sessions s ON s.person_id = p.id WHERE p.email = :email
                """),
                {"email": email},
            )
        ).one()
    assert row[1].startswith("$argon2id$")
    assert (bytes(row[2]), row[3].days) == (token_hash(token), 30)


async def test_cookie_is_secure_on_an_https_site(monkeypatch: pytest.MonkeyPatch) -> None:
    from msgspec.structs import replace

    from dougong.web.account import common

    https = replace(settings(), public_url="https://shop.example")
    monkeypatch.setattr(common, "settings", lambda: https)
    email = an_email()
    async with a_client() as client:
        answer = await send(client, "/sign-up", name="Li", email=email, password=PASSWORD)
    assert "Secure" in answer.headers["set-cookie"]


async def test_the_forms_cookie_is_secure_on_an_https_site(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from msgspec.structs import replace

    from dougong.web import app

    https = replace(settings(), public_url="https://shop.example")
    monkeypatch.setattr(app, "settings", lambda: https)
    async with Client(app.create_app()) as client:
        cookie = (await client.get("/sign-in")).headers["set-cookie"]
    assert cookie.startswith("csrftoken=")
    assert "secure" in cookie.lower()


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("email", "nobody", "This is not an e-mail address."),
        ("name", "  ", "Please give a name of up to 80 characters."),
        ("password", "short", "Please use at least 10 characters."),
        ("password", "qwertyuiop", "This password is among the first to be guessed."),
    ],
)
async def test_sign_up_says_at_the_field_what_is_wrong(field: str, value: str, says: str) -> None:
    fields = {"name": "Li", "email": an_email(), "password": PASSWORD, field: value}
    async with a_client() as client:
        client.cookies.set("dougong_locale", "en")
        answer = await send(client, "/sign-up", **fields)
    assert answer.status_code == 422
    assert f'id="error-{field}">{says}' in answer.text
    assert PASSWORD not in answer.text


async def test_an_email_signs_up_once() -> None:
    email = an_email()
    await a_person(email=email)
    async with a_client() as client:
        answer = await send(client, "/sign-up", name="Li", email=email, password=PASSWORD)
    assert (answer.status_code, SESSION_COOKIE in client.cookies) == (409, False)


async def test_sign_in_with_the_password_only() -> None:
    email = an_email()
    await a_person(email=email, password=PASSWORD)
    async with a_client() as client:
        wrong = await send(client, "/sign-in", email=email, password="not the password")
        right = await send(client, "/sign-in", email=f" {email.upper()} ", password=PASSWORD)
    assert (wrong.status_code, right.status_code) == (401, 303)


async def test_unknown_email_and_wrong_password_get_one_answer() -> None:
    email = an_email()
    await a_person(email=email, password=PASSWORD)
    async with a_client() as client:
        known = await client.post(
            "/api/v1/sessions", json={"email": email, "password": "wrong-password"}
        )
        unknown = await client.post(
            "/api/v1/sessions", json={"email": an_email(), "password": "wrong-password"}
        )
    assert said(known) == said(unknown)
    assert known.json()["code"] == "wrong_sign_in"


async def test_nobody_signs_in_as_a_person_without_password() -> None:
    email = an_email()
    await a_person(email=email)
    async with a_client() as client:
        for password in ("!", "", "nobody knows this"):
            answer = await send(client, "/sign-in", email=email, password=password)
            assert answer.status_code == 401


async def test_tries_at_one_email_are_limited_and_the_wait_is_told() -> None:
    email = an_email()
    await a_person(email=email, password=PASSWORD)
    async with a_client() as client:
        body = {"email": email, "password": "wrong-password"}
        said = [await client.post("/api/v1/sessions", json=body) for _ in range(10)]
        limited = await client.post("/api/v1/sessions", json={**body, "password": PASSWORD})
    assert {one.status_code for one in said} == {401}
    assert (limited.status_code, limited.json()["code"]) == (429, "too_many_requests")
    assert 0 < int(limited.headers["retry-after"]) <= 901


async def test_signing_in_again_ends_the_session_left_behind() -> None:
    email = an_email()
    person = await a_person(email=email, password=PASSWORD)
    old = await a_session(person)
    async with a_client(old) as client:
        await send(client, "/sign-in", email=email, password=PASSWORD)
    async with a_client(old) as client:
        assert (await client.get("/me/security", follow_redirects=False)).status_code == 303


async def test_sign_out_ends_the_session_for_good() -> None:
    token = await a_session(await a_person())
    async with a_client(token) as client:
        assert (await send(client, "/sign-out")).status_code == 303
    async with a_client(token) as client:
        answer = await client.get("/me/security", follow_redirects=False)
    assert answer.headers["location"] == "/sign-in?next=/me/security"


async def test_a_form_without_csrf_token_is_refused() -> None:
    async with a_client() as client:
        answer = await client.post("/sign-in", data={"email": "a@b.cn", "password": "x"})
    assert answer.status_code == 403


async def test_an_unknown_field_is_refused() -> None:
    async with a_client() as client:
        answer = await send(client, "/sign-in", email="a@b.cn", password="x", is_admin="1")
    assert answer.status_code == 400


async def test_a_suspended_person_is_out_at_once_and_stays_out() -> None:
    email = an_email()
    person = await a_person(email=email, password=PASSWORD)
    token = await a_session(person)
    async with a_client(token) as client:
        assert (await client.get("/me/security")).status_code == 200
        async with transaction() as conn:
            await commands.set_suspended(
                conn, person_id=person, suspended=True, at=wall_now(), wall_at=wall_now()
            )
        assert (await client.get("/me/security", follow_redirects=False)).status_code == 303
        wrong = await send(client, "/sign-in", email=email, password="not the password")
        right = await send(client, "/sign-in", email=email, password=PASSWORD)
    assert (wrong.status_code, right.status_code) == (401, 403)


async def test_api_session_is_a_bearer_token_until_it_ends() -> None:
    email = an_email()
    person = await a_person(email=email, password=PASSWORD)
    async with a_client() as client:
        body = {"email": email, "password": PASSWORD}
        made = await client.post("/api/v1/sessions", json=body)
        assert made.status_code == 201
        head = {"authorization": f"Bearer {made.json()['token']}"}
        me = await client.get("/api/v1/me", headers=head)
        assert me.json() == {
            "person_id": str(person),
            "email": email,
            "name": "Li",
            "locale": "en",
            "roles": [],
            "scopes": None,
        }
        ended = await client.delete("/api/v1/sessions/current", headers=head)
        assert ended.status_code == 204
        assert (await client.get("/api/v1/me", headers=head)).status_code == 401


async def test_a_cookie_does_not_speak_for_the_api() -> None:
    async with a_client(await a_session(await a_person())) as client:
        assert (await client.get("/api/v1/me")).status_code == 401


@pytest.mark.parametrize("path", ["/", "/cart", "/orders?state=paid", "/me/addresses#new", "/a/b"])
def test_next_keeps_a_path_of_this_site(path: str) -> None:
    assert safe_next(path) == path


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
     "/\n/evil.example", "https://evil.example", "http:evil.example", "javascript:alert(1)", "",
     "evil.example", "/a\\b", "/..//evil.example", "/.//evil.example", "/%5c/..//evil.example",
     " /cart", "/" + "a" * 600, "/a\r\nSet-Cookie: x=1", "/\u202e", "@evil.example"],
)  # fmt: skip
def test_next_goes_nowhere_else(path: str) -> None:
    assert safe_next(path) == "/"


async def test_there_is_no_way_to_enter_outside_demo_mode() -> None:
    person = await a_person(demo=True)
    async with a_client() as client:
        assert (await client.get("/enter")).status_code == 404
        assert (await send(client, "/enter", person_id=str(person))).status_code == 404


async def test_demo_enters_as_one_person_of_each_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enter, "require_demo", lambda: None)
    merchant, real = await a_person(demo=True, name="Demo merchant"), await a_person()
    await a_role(merchant, Role.MERCHANT)
    async with a_client() as client:
        page = await client.get("/enter")
        assert page.text.count('data-role="merchant"') <= 1
        refused = await send(client, "/enter", person_id=str(real))
        assert (refused.status_code, SESSION_COOKIE in client.cookies) == (404, False)


async def test_enter_says_which_operator_is_which(monkeypatch: pytest.MonkeyPatch) -> None:
    async def two(_: AsyncConnection) -> list[SimpleNamespace]:
        known = {"role": "operator", "org_name": "运营组", "org_name_en": "Operations"}
        return [
            SimpleNamespace(**known, id=new_id(), name=name, nth=nth)
            for nth, name in ((2, "Otto"), (1, "Olga"))
        ]

    monkeypatch.setattr(enter, "require_demo", lambda: None)
    monkeypatch.setattr(enter.queries, "demo_people", two)
    async with a_client() as client:
        page = (await client.get("/enter", headers={"cookie": "dougong_locale=en"})).text
    assert page.count('data-role="operator"') == page.count('data-second="operator"') == 1
    assert page.index("Olga") < page.index("Second operator") < page.index("Otto")
