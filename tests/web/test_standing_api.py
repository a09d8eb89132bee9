"""How a store stands, by API: score and deposit, a penalty decided, appealed against, answered."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from tests.flows.paying import chosen
from tests.web.accounts import a_person, a_role, a_session
from tests.web.api_people import ApiPeople
from tests.web.site import Client
from tests.web.test_merchant_orders import Shop, a_shop
from tests.web.test_standing import deposit_of, operators

from dougong.base.access import Role
from dougong.payments.adapters.sandbox import Outcome

pytestmark = pytest.mark.money


def a_key() -> str:
    return f"key-{uuid4().hex}"


class Api(ApiPeople):
    """Who acts: `olga` and `otto` for the platform, `merchant`, and `stranger` of another store."""

    def __init__(self, client: Client, shop: Shop, tokens: dict[str, str]) -> None:
        super().__init__(client, tokens)
        self.shop = shop
        self.store = f"/api/v1/stores/{shop.store_id}"
        self.penalties = f"/api/v1/penalties/{shop.store_id}"

    def late(self, **change: Any) -> dict[str, Any]:
        body = {"violation": "late_shipping", "orders": [self.shop.order.number]}
        return body | {"words": "三天未发货"} | change

    async def decided(self, key: str = "", **change: Any) -> Any:
        """By olga."""
        body = self.late(**change)
        return await self.post("olga", self.penalties, body, key=key or a_key(), status=201)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    shop, (olga, otto), stranger = await a_shop(), await operators(), await a_person()
    await a_role(stranger, Role.MERCHANT)
    tokens = {"olga": olga, "otto": otto, "merchant": shop.token}
    async with Client() as client:
        yield Api(client, shop, tokens | {"stranger": await a_session(stranger)})


async def test_a_score_comes_with_its_formula_and_a_deposit_by_category(api: Api) -> None:
    shown = await api.get("merchant", f"{api.store}/standing")
    assert shown == await api.get("otto", f"/api/v1/standing/{api.shop.store_id}")
    score = shown["score"]
    assert (score["days"], score["score_bp"], score["reckoning"]) == (30, None, "")
    assert [(part["metric"], part["weight_bp"], part["of"]) for part in score["parts"]] == [
        ("shipped_in_time", 4_000, 0), ("not_sent_back", 3_000, 0), ("answered_in_time", 2_000, 0),
        ("ruled_for", 1_000, 0),
    ]  # fmt: skip
    deposit = shown["deposit"]
    (category,) = deposit["categories"]
    assert (category["rule_of"], category["amount"]["minor"]) == ("*", 200_000)
    sums = [deposit[name]["minor"] for name in ("held", "due", "missing", "spare")]
    assert sums == [0, 200_000, 200_000, 0]
    assert (await api.get("merchant", f"{api.store}/standing/days?days=7"))["items"] == []


async def test_a_penalty_is_decided_once_and_shown_with_its_rule_and_orders(api: Api) -> None:
    key = a_key()
    made = await api.decided(key)
    assert await api.decided(key) == made
    other = await api.refused("olga", "POST", api.penalties, api.late(words="?"), key)
    assert other == (409, "idempotency_key_reused")
    assert await deposit_of(api.shop.store_id) == -995  # once
    penalty = made["penalty"]
    assert (penalty["state"], penalty["fine"]["minor"], penalty["measure"]) == (
        "decided", 995, "none",
    )  # fmt: skip
    rule = made["rule"]
    assert (rule["subject"], rule["tariff"]["share_bp"], rule["ends"]) == (
        "late_shipping", 500, None,
    )  # fmt: skip
    (order,) = made["orders"]
    assert (order["number"], order["state_then"], order["shipped_then"]) == (
        api.shop.order.number, "paid", None,
    )  # fmt: skip
    assert made["paid"]["minor"] == order["amount"]["minor"] == 19_901
    listed = await api.get("merchant", f"{api.store}/penalties")
    assert listed == {"items": [penalty], "after": None}
    mine = f"{api.store}/penalties/{penalty['penalty_id']}"
    assert await api.get("merchant", mine) == made


async def test_an_appeal_is_answered_by_somebody_else_and_the_fine_comes_back(api: Api) -> None:
    made, key = await api.decided(), a_key()
    penalty = made["penalty"]["penalty_id"]
    mine, desk = f"{api.store}/penalties/{penalty}", f"{api.penalties}/{penalty}"
    verdict = {"outcome": "reversed", "words": "核实停运"}
    assert await api.refused("otto", "POST", f"{desk}/answer", verdict) == (404, "not_found")
    said = {"words": "暴雨停运"}
    blank = await api.refused("merchant", "POST", f"{mine}/appeal", {"words": " "})
    assert blank == (400, "bad_input")
    appealed = await api.post("merchant", f"{mine}/appeal", said, key=key)
    assert (appealed["penalty"]["state"], appealed["may_appeal"]) == ("appealed", False)
    assert await api.post("merchant", f"{mine}/appeal", said, key=key) == appealed
    again = await api.refused("merchant", "POST", f"{mine}/appeal", said)
    assert again == (409, "appealed_already")
    where = f"/api/v1/penalties?only_appealed=true&store_id={api.shop.store_id}"
    waiting = (await api.get("otto", where))["items"]
    assert [one["penalty_id"] for one in waiting] == [penalty]
    own = await api.refused("olga", "POST", f"{desk}/answer", verdict)
    assert own == (409, "other_person_needed")
    done = await api.post("otto", f"{desk}/answer", verdict, key=key)
    assert await api.post("otto", f"{desk}/answer", verdict, key=key) == done
    assert (done["penalty"]["state"], done["appeal"]["answer"]) == ("reversed", "核实停运")
    assert await deposit_of(api.shop.store_id) == 0
    assert (await api.get("otto", where))["items"] == []


async def test_a_penalty_is_taken_back_without_an_appeal_once(api: Api) -> None:
    penalty, key = (await api.decided())["penalty"]["penalty_id"], a_key()
    path, why = f"{api.penalties}/{penalty}/reversal", {"words": "查错了店"}
    done = await api.post("olga", path, why, key=key)
    assert (done["reversed_why"], await deposit_of(api.shop.store_id)) == ("查错了店", 0)
    assert await api.post("olga", path, why, key=key) == done
    assert await api.refused("otto", "POST", path, why) == (409, "penalty_reversed")
    appeal = f"{api.store}/penalties/{penalty}/appeal"
    assert await api.refused("merchant", "POST", appeal, why) == (409, "penalty_reversed")


async def test_a_penalty_needs_a_rule_and_the_store_s_own_orders(api: Api) -> None:
    for change, refusal in (
        ({"violation": "no_such_rule"}, (409, "no_standing_rule")),
        ({"orders": ["no-such-order"]}, (400, "bad_input")),
    ):
        body = api.late(**change)
        assert await api.refused("olga", "POST", api.penalties, body, a_key()) == refusal
    assert (await api.get("merchant", f"{api.store}/penalties"))["items"] == []
    rules = (await api.get("olga", "/api/v1/penalty-rules"))["items"]
    assert "late_shipping" in {one["subject"] for one in rules}


async def test_penalties_come_by_pages(api: Api) -> None:
    made = [(await api.decided())["penalty"]["penalty_id"] for _ in range(3)]
    for who, path in (
        ("merchant", f"{api.store}/penalties?limit=2"),
        ("olga", f"/api/v1/penalties?limit=2&store_id={api.shop.store_id}"),
    ):
        first = await api.get(who, path)
        rest = await api.get(who, f"{path}&after={first['after']}")
        assert [one["penalty_id"] for one in (*first["items"], *rest["items"])] == made[::-1]
        assert rest["after"] is None


async def test_a_deposit_is_paid_and_what_is_too_much_given_back_once(api: Api) -> None:
    path, key, body = f"{api.store}/deposit-payments", a_key(), {"amount_minor": 250_000}
    started = await api.post("merchant", path, body, key=key, status=201)
    assert await api.post("merchant", path, body, key=key, status=201) == started
    await chosen(started["pay_url"].rsplit("/", 1)[1], Outcome.PAID)
    assert await api.refused("merchant", "POST", path, body, key) == (409, "nothing_to_pay")
    back, key = f"/api/v1/standing/{api.shop.store_id}/deposit-returns", a_key()
    done = await api.post("otto", back, key=key, status=201)
    assert (done["returned"]["minor"], done["deposit"]["held"]["minor"]) == (50_000, 200_000)
    assert await api.post("otto", back, key=key, status=201) == done
    assert await api.refused("otto", "POST", back, None, a_key()) == (400, "bad_input")
    assert await deposit_of(api.shop.store_id) == 200_000


async def test_stores_and_what_is_late_are_listed_for_the_platform(api: Api) -> None:
    await api.decided()
    code = (await api.get("merchant", f"{api.store}/penalties"))["items"][0]["store_code"]
    (row,) = (await api.get("olga", f"/api/v1/standing?q={code}"))["items"]
    assert (row["store_id"], row["penalties"], row["score_bp"]) == (
        str(api.shop.store_id), 1, None,
    )  # fmt: skip
    late = await api.get("olga", f"/api/v1/late-orders?store_id={api.shop.store_id}")
    assert late == {"items": []}  # its promise is not over


async def test_another_merchant_and_a_merchant_at_the_desk_find_nothing(api: Api) -> None:
    penalty = (await api.decided())["penalty"]["penalty_id"]
    mine, other = f"{api.store}/penalties/{penalty}", await a_shop()
    api.tokens["other"] = other.token
    for path in (f"{api.store}/standing", f"{api.store}/standing/days", f"{api.store}/penalties",
                 mine):  # fmt: skip
        assert await api.refused("stranger", "GET", path) == (404, "not_found")
    theirs = f"/api/v1/stores/{other.store_id}/penalties/{penalty}"
    assert await api.refused("other", "GET", theirs) == (404, "not_found")
    words = {"words": "?"}
    for path in (f"{mine}/appeal", f"{theirs}/appeal"):
        assert await api.refused("other", "POST", path, words) == (404, "not_found")
    for path in ("/api/v1/penalties", f"/api/v1/standing/{api.shop.store_id}"):
        assert await api.refused("merchant", "GET", path) == (404, "not_found")
    decide = await api.refused("merchant", "POST", api.penalties, api.late(), a_key())
    assert decide == (404, "not_found")
