"""The operator's sources: added, changed, given states by date, and what is refused."""

from sqlalchemy import text
from tests.web.accounts import a_client, send
from tests.web.test_operator_categories import an_operator

from dougong.base.ids import new_id
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.links.source_queries import source_at

LIST = "/operator/sources"


def a_form(code: str, /, **changes: object) -> dict[str, object]:
    return {
        "code": code,
        "name_zh": "青山",
        "name_en": "Green Hill",
        "hosts": f"*.{code}.example\r\ngo.{code}.example",
        "adapter": "page",
        "currency": "CNY",
        "item_params": "id, sku",
        "commission": "20",
        "alliance_fee": "10",
        "refunds": "5.5",
        **changes,
    }


async def test_a_source_is_added_changed_and_paused() -> None:
    code = f"s{new_id().hex[-12:]}"
    async with a_client(await an_operator()) as client:
        assert (await client.get(f"{LIST}/new")).status_code == 200
        assert (await send(client, LIST, **a_form(code))).status_code == 303
        again = await send(client, LIST, **a_form(code))
        assert again.status_code == 409 and 'id="error-code"' in again.text
        changed = a_form(code, name_en="Greener Hill", asks_before_leaving="true")
        assert (await send(client, f"{LIST}/{code}", **changed)).status_code == 303
        reasons = {"reason_zh": "维护", "reason_en": "Maintenance"}
        state = {"state": "paused", "starts": "2099-01-01T00:00", **reasons}
        assert (await send(client, f"{LIST}/{code}/states", **state)).status_code == 303
        taken = await send(client, f"{LIST}/{code}/states", **state)
        assert taken.status_code == 409 and 'id="error-starts"' in taken.text
        past = await send(client, f"{LIST}/{code}/states", **state | {"starts": "2000-01-01T00:00"})
        assert past.status_code == 422
        page = (await client.get(f"{LIST}/{code}")).text
        for words in ("Greener Hill", "Maintenance", "2099-01-01 00:00", "5.5", "id, sku"):
            assert words in page
        assert code in (await client.get(LIST)).text
        assert (await client.get(f"{LIST}/nobody")).status_code == 404
    async with transaction() as conn:
        found = await source_at(conn, code=code, at=await clock.refresh(conn))
        assert found and found.asks_before_leaving
        assert (found.terms.commission_bp, found.terms.refund_bp) == (2_000, 550)
        acts = await conn.scalars(
            text("SELECT action FROM audit_log WHERE subject LIKE :code ORDER BY at, action"),
            {"code": f"{code} %"},
        )
        assert set(acts) == {"links.source_added", "links.source_changed", "links.source_state_set"}


async def test_what_does_not_fit_is_refused_at_its_field() -> None:
    code = f"s{new_id().hex[-12:]}"
    async with a_client(await an_operator()) as client:
        for wrong, field in [
            ({"code": "own"}, "code"),
            ({"name_zh": " "}, "name_zh"),
            ({"hosts": ""}, "hosts"),
            ({"hosts": "http://a.example/x"}, "hosts"),
            ({"currency": "yuan"}, "currency"),
            ({"commission": "120"}, "commission"),
            ({"alliance_fee": "x"}, "alliance_fee"),
            ({"feed_url": "ftp://x"}, "feed_url"),
            ({"adapter": "magic"}, "adapter"),
        ]:
            answer = await send(client, LIST, **a_form(code, **wrong))
            assert answer.status_code in (400, 422), wrong
            assert f'id="error-{field}"' in answer.text, wrong
        assert (await client.get(f"{LIST}/{code}")).status_code == 404
