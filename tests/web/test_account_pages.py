"""Sessions, keys, addresses and roles as a person uses them."""

import re

import pytest
from tests.web.accounts import a_client, a_person, a_role, a_session, an_email, said, send
from tests.web.site import Client

from dougong.base.access import Role
from dougong.base.ids import new_id

PASSWORD = "four plain words here"
ADDRESS = {
    "recipient": "李娜",
    "phone": "13800000000",
    "province": "浙江省",
    "city": "杭州市",
    "line": "文三路 1 号",
    "country": "CN",
}


async def test_changing_the_password_signs_out_everywhere_else() -> None:
    email = an_email()
    person = await a_person(email=email, password=PASSWORD)
    here, there = await a_session(person), await a_session(person)
    async with a_client(here) as client:
        wrong = await send(
            client, "/me/security/password", current="not my password", password="new words here"
        )
        assert (wrong.status_code, 'id="error-current"' in wrong.text) == (422, True)
        done = await send(
            client, "/me/security/password", current=PASSWORD, password="new words are here"
        )
        assert done.status_code == 303
        assert (await client.get("/me/security")).status_code == 200
    for old in (here, there):
        async with a_client(old) as client:
            assert (await client.get("/me/security", follow_redirects=False)).status_code == 303
    async with a_client() as client:
        assert (await send(client, "/sign-in", email=email, password=PASSWORD)).status_code == 401


async def test_one_other_session_can_be_ended_but_not_a_strangers() -> None:
    person, stranger = await a_person(), await a_person()
    here = await a_session(person)
    there, strange = await a_session(person), await a_session(stranger)
    async with a_client(strange) as client:
        strangers = await client.get("/me/security")
    async with a_client(here) as client:
        page = await client.get("/me/security")
        names = re.findall(r"/me/security/sessions/([0-9a-f]{64})/end", page.text)
        assert len(names) == 1
        path = f"/me/security/sessions/{names[0]}/end"
        assert (await send(client, path)).status_code == 303
        assert (await send(client, path)).status_code == 404
        assert (await send(client, "/me/security/sessions/xyz/end")).status_code == 404
    assert strangers.status_code == 200
    async with a_client(there) as client:
        assert (await client.get("/me/security", follow_redirects=False)).status_code == 303


async def test_a_key_is_shown_once_and_speaks_for_its_scopes_only() -> None:
    token = await a_session(await a_person())
    async with a_client(token) as client:
        made = await send(client, "/me/keys", name="till", days="90", scopes="own:account:read")
        assert made.headers["cache-control"] == "no-store"
        key = re.search(r'value="(dgk_[^"]+)"', made.text)
        assert key is not None
        assert key[1] not in (await client.get("/me/keys")).text
        head = {"authorization": f"Bearer {key[1]}"}
        assert (await client.get("/api/v1/me", headers=head)).json()["scopes"] == [
            "own:account:read"
        ]
        refused = await client.post("/api/v1/me/addresses", headers=head, json=ADDRESS)
        assert refused.status_code == 404
        assert (await client.delete("/api/v1/sessions/current", headers=head)).status_code == 404
        page = (await client.get("/me/keys")).text
        revoke = re.search(r"/me/keys/[0-9a-f-]{36}/revoke", page)
        assert revoke is not None
        assert (await send(client, revoke[0])).status_code == 303
        assert (await client.get("/api/v1/me", headers=head)).status_code == 401


async def test_a_key_in_the_cookie_opens_no_page() -> None:
    async with a_client(await a_session(await a_person())) as client:
        made = await send(client, "/me/keys", name="till", days="90", scopes="own:account:read")
    key = re.search(r'value="(dgk_[^"]+)"', made.text)
    assert key is not None
    async with a_client(key[1]) as client:
        assert (await client.get("/me/security", follow_redirects=False)).status_code == 303


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"scopes": ""}, "scopes"), ({"scopes": "platform:rule:write"}, "scopes"),
     ({"name": " "}, "name"), ({"days": "4000"}, "days")],
)  # fmt: skip
async def test_a_bad_key_is_refused_at_its_field(fields: dict[str, str], field: str) -> None:
    good = {"name": "till", "days": "30", "scopes": "own:account:read"}
    async with a_client(await a_session(await a_person())) as client:
        answer = await send(client, "/me/keys", **(good | fields))
        assert f'id="error-{field}"' in answer.text
        assert "dgk_" not in answer.text


async def test_addresses_come_and_go() -> None:
    async with a_client(await a_session(await a_person())) as client:
        assert "/me/addresses/new" in (await client.get("/me/addresses")).text
        assert (await client.get("/me/addresses/new?next=/checkout")).status_code == 200
        added = await send(client, "/me/addresses", **ADDRESS, next="/checkout")
        assert added.status_code == 303
        bad = await send(client, "/me/addresses", **(ADDRESS | {"phone": "none"}))
        assert 'id="error-phone"' in bad.text
        page = (await client.get("/me/addresses")).text
        address = re.search(r'href="(/me/addresses/[0-9a-f-]{36})"', page)
        assert address is not None
        # Who adds an address on the way through the checkout wants this order sent there.
        chosen = address[1].rpartition("/")[2]
        assert added.headers["location"] == f"/checkout?address={chosen}"
        assert "文三路 1 号" in (await client.get(address[1])).text
        changed = await send(client, address[1], **(ADDRESS | {"line": "文三路 2 号"}))
        assert changed.status_code == 303
        assert "文三路 2 号" in (await client.get("/me/addresses")).text
        assert (await send(client, address[1] + "/default")).status_code == 303
        assert (await send(client, address[1] + "/remove")).status_code == 303
        assert (await client.get(address[1])).status_code == 404


async def test_addresses_over_the_api_are_the_persons_own() -> None:
    mine, other = await a_session(await a_person()), await a_session(await a_person())
    async with Client() as client:
        head = {"authorization": f"Bearer {mine}"}
        made = await client.post("/api/v1/me/addresses", headers=head, json=ADDRESS)
        assert (made.status_code, made.json()["is_default"]) == (201, True)
        path = f"/api/v1/me/addresses/{made.json()['id']}"
        assert (await client.get(path, headers=head)).json() == made.json()
        strange = {"authorization": f"Bearer {other}"}
        missing = await client.get(f"/api/v1/me/addresses/{new_id()}", headers=strange)
        foreign = await client.get(path, headers=strange)
        assert said(foreign) == said(missing)
        assert foreign.status_code == 404
        assert (await client.delete(path, headers=strange)).status_code == 404
        extra = await client.put(path, headers=head, json=ADDRESS | {"person_id": str(new_id())})
        assert extra.status_code == 400
        assert (await client.delete(path, headers=head)).status_code == 204
        listed = await client.get("/api/v1/me/addresses", headers=head)
        assert listed.json() == {"items": []}


async def test_anybody_becomes_a_creator_and_opens_a_store() -> None:
    handle = f"li-{new_id().hex[:20]}"
    async with a_client(await a_session(await a_person())) as client:
        became = await send(client, "/me/roles/creator", name="Li films", handle=handle)
        assert re.fullmatch(r"/creator/[0-9a-f-]{36}/videos", became.headers["location"])
        taken = await send(client, "/me/roles/store", name_zh="李娜的店", code=handle)
        assert (taken.status_code, 'id="error-code"' in taken.text) == (409, True)
        opened = await send(
            client, "/me/roles/store", name_zh="李娜的店", name_en="Li's", code=handle + "-s"
        )
        where = opened.headers["location"]
        assert re.fullmatch(r"/merchant/stores/[0-9a-f-]{36}/products", where)
        page = (await client.get("/me/roles")).text
        assert f"@{handle}-s" in page


async def test_no_form_opens_another_kind_of_organisation() -> None:
    async with a_client(await a_session(await a_person())) as client:
        answer = await send(
            client, "/me/roles/creator", name="x", handle=f"o{new_id().hex}", kind="operator"
        )
        assert answer.status_code == 400


async def test_the_operator_reads_searches_and_exports_the_audit_log() -> None:
    operator = await a_person(name="Op")
    await a_role(operator, Role.OPERATOR)
    email = an_email()
    await a_person(email=email, password=PASSWORD, name="=HYPERLINK(1)")
    async with a_client() as client:
        await send(client, "/sign-in", email=email, password=PASSWORD)
    async with a_client(await a_session(operator)) as client:
        page = await client.get(f"/operator/audit?words={email}&since=&until=&action=")
        assert page.status_code == 200
        assert "accounts.signed_in" in page.text
        other = await client.get(f"/operator/audit?words={email}&action=catalog.")
        assert "accounts.signed_in" not in other.text.split("<tbody>")[-1].split("</form>")[0]
        assert (await client.get("/operator/audit?since=yesterday")).status_code == 400
        export = await client.get(f"/operator/audit.csv?words={email}")
        assert "'=HYPERLINK(1)" in export.text
        assert ",=HYPERLINK" not in export.text
        assert "accounts.audit_exported" in (await client.get("/operator/audit")).text


async def test_the_audit_log_is_the_operators() -> None:
    async with a_client(await a_session(await a_person())) as client:
        assert (await client.get("/operator/audit")).status_code == 404
        assert (await client.get("/operator/audit.csv")).status_code == 404
