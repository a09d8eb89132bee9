"""A merchant's endpoints and log, in the console and over the API; another's look missing."""

import re

import pytest
from sqlalchemy import text
from tests.web.accounts import AT, a_client, a_person, a_role, a_session, send
from tests.webhooks.receiver import a_receiver

from dougong.base.access import Role
from dougong.base.ids import StoreId, new_id
from dougong.catalog.commands import open_store
from dougong.flows import deliver_webhooks
from dougong.infra.db import transaction
from dougong.webhooks import commands


async def a_store() -> tuple[StoreId, str]:
    """A store, and its merchant's session."""
    person = await a_person()
    org_id = await a_role(person, Role.MERCHANT)
    async with transaction() as conn:
        store_id = await open_store(
            conn,
            org_id=org_id,
            code=f"s{new_id().hex}",
            name_zh="店",
            name_en="Shop",
            currency="CNY",
            at=AT,
        )
    return store_id, await a_session(person)


async def test_an_endpoint_is_added_tried_rotated_and_removed() -> None:
    store_id, token = await a_store()
    base = f"/merchant/stores/{store_id}/webhooks"
    with a_receiver() as receiver:
        async with a_client(token) as client:
            assert (await client.get(base)).status_code == 200
            assert (await client.get(base + "/new")).status_code == 200
            added = await send(client, base, url=receiver.url, kinds=["order.paid", "order.final"])
            assert added.status_code == 303
            page = (await client.get(base)).text
            found = re.search(r'data-endpoint="([0-9a-f-]{36})"', page)
            assert found is not None
            one = f"{base}/{found[1]}"
            assert (await client.get(one)).status_code == 200
            assert (await send(client, one + "/test")).status_code == 303
            await deliver_webhooks.deliver_due()
            log = (await client.get(base + "/log")).text
            assert 'data-state="done"' in log
            replay = re.search(r"/merchant/[^\"]+/replay", log)
            assert replay is not None
            assert (await send(client, replay[0])).status_code == 303
            assert (await send(client, replay[0])).status_code == 409
            await deliver_webhooks.deliver_due()
            secret = re.search(r"whsec_[A-Za-z0-9+/=]+", page)
            assert secret is not None
            assert (await send(client, one + "/rotate")).status_code == 303
            both = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", (await client.get(base)).text))
            assert (secret[0] in both, len(both)) == (True, 2)
            for on in ("false", "true"):
                assert (await send(client, one + "/switch", on=on)).status_code == 303
            changed = await send(client, one, url=receiver.url, kinds="*")
            assert changed.status_code == 303
            assert (await send(client, one + "/remove")).status_code == 303
            assert (await client.get(one)).status_code == 404
    assert len(receiver.received) == 2


@pytest.mark.parametrize(
    ("url", "kinds", "field"),
    [
        ("http://10.0.0.1/", "*", "url"),
        ("http://169.254.169.254/latest", "*", "url"),
        ("ftp://example.com/", "*", "url"),
        ("not an address", "*", "url"),
        ("http://127.0.0.1:9/", "order.eaten", "kinds"),
        ("http://127.0.0.1:9/", "", "kinds"),
    ],
)
async def test_a_bad_endpoint_is_refused_at_its_field(url: str, kinds: str, field: str) -> None:
    store_id, token = await a_store()
    async with a_client(token) as client:
        answer = await send(client, f"/merchant/stores/{store_id}/webhooks", url=url, kinds=kinds)
    assert (answer.status_code, f'id="error-{field}"' in answer.text) == (422, True)


async def test_anothers_endpoints_look_missing() -> None:
    store_id, token = await a_store()
    other_store, other = await a_store()
    async with a_client(token) as client:
        head = {"authorization": f"Bearer {token}"}
        body = {"url": "http://127.0.0.1:9/", "kinds": ["*"]}
        base = f"/api/v1/stores/{store_id}/webhooks"
        made = await client.post(base, headers=head, json=body)
        assert made.status_code == 201
        one = f"/{made.json()['id']}"
    async with a_client(other) as client:
        head = {"authorization": f"Bearer {other}"}
        for path in (base, base + one, f"/api/v1/stores/{other_store}/webhooks{one}"):
            answer = await client.request("GET" if path == base else "DELETE", path, headers=head)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        test = await client.post(f"/api/v1/stores/{other_store}/webhooks{one}/test", headers=head)
        assert test.status_code == 404
        page = await client.get(f"/merchant/stores/{store_id}/webhooks")
        assert page.status_code == 404


async def test_the_api_lists_and_replays_deliveries() -> None:
    store_id, token = await a_store()
    head = {"authorization": f"Bearer {token}"}
    base = f"/api/v1/stores/{store_id}"
    with a_receiver() as receiver:
        async with a_client() as client:
            body = {"url": receiver.url, "kinds": ["order.paid"]}
            made = (await client.post(f"{base}/webhooks", headers=head, json=body)).json()
            one = f"{base}/webhooks/{made['id']}"
            changed = await client.put(one, headers=head, json=body | {"kinds": ["*"]})
            assert changed.json()["kinds"] == ["*"]
            test = await client.post(one + "/test", headers=head)
            await deliver_webhooks.deliver_due()
            log = (await client.get(f"{base}/webhook-deliveries", headers=head)).json()
            assert [row["state"] for row in log["items"]] == ["done"]
            again = await client.post(
                f"{base}/webhook-deliveries/{test.json()['delivery_id']}/replay", headers=head
            )
            assert again.status_code == 202
            assert (await client.delete(one, headers=head)).status_code == 204
            assert (await client.get(f"{base}/webhooks", headers=head)).json() == {"items": []}


async def test_the_first_page_says_that_an_endpoint_was_given_up() -> None:
    store_id, token = await a_store()
    async with a_client(token) as client:
        today = f"/merchant/stores/{store_id}/today"
        async with transaction() as conn:
            await commands.add_endpoint(
                conn, store_id=store_id, url="http://127.0.0.1:9/gone", kinds=["*"], at=AT
            )
        assert "127.0.0.1:9/gone" not in (await client.get(today)).text
        async with transaction() as conn:
            await conn.execute(
                text("""
                    UPDATE webhook_endpoints SET disabled_at = now(), disabled_why = 'failing'
                    WHERE store_id = :id
                """),
                {"id": store_id},
            )
        assert "127.0.0.1:9/gone" in (await client.get(today)).text
