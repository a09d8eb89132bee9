"""How a store stands, over HTTP: decided by one operator, appealed by the merchant, answered by
another; the deposit paid at the gateway; rules drafted and approved."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from tests.books import balances
from tests.flows.paying import chosen
from tests.web.accounts import Client, a_client, a_person, a_role, a_session, send
from tests.web.test_merchant_orders import a_shop

from dougong.base.access import Role
from dougong.base.ids import PLATFORM_BOOK
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.ledger.rules import Purpose
from dougong.payments.adapters.sandbox import Outcome
from dougong.standing.commands import install_default_rules

pytestmark = pytest.mark.money


async def operators() -> list[str]:
    """Two sessions of the platform's people, with the default rules about merchants in force."""
    people = [await a_person() for _ in range(2)]
    for person in people:
        await a_role(person, Role.OPERATOR)
    async with transaction() as conn:
        await install_default_rules(conn, author_id=people[0], approver_id=people[1])
    return [await a_session(person) for person in people]


async def deposit_of(store_id: Any) -> int:
    async with transaction() as conn:
        books = await balances(conn, PLATFORM_BOOK)
    return books.get((store_id, Purpose.DEPOSIT), 0)


async def decide(operator: Client, store_id: Any, number: str, violation: str) -> str:
    """The address of the penalty's page."""
    answer = await send(
        operator, f"/operator/standing/{store_id}/penalties", violation=violation, orders=number,
        words="三天未发货", key=f"key-{uuid4()}",
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def test_a_penalty_is_seen_appealed_against_and_taken_back() -> None:
    shop = await a_shop()
    first, second = await operators()
    async with a_client(first) as olga, a_client(second) as otto, a_client(shop.token) as merchant:
        path = await decide(olga, shop.store_id, shop.order.number, "late_shipping")
        penalty = path.rsplit("/", 1)[1]
        assert await deposit_of(shop.store_id) == -995  # 5 % of 199.01 yuan, rounded down
        page = await merchant.get(f"{shop.base}/standing")
        assert penalty in page.text and "¥9.95" in page.text
        theirs = f"{shop.base}/standing/{penalty}"
        assert shop.order.number in (await merchant.get(theirs)).text
        assert (await send(merchant, theirs + "/appeal", words="")).status_code == 400
        assert (await send(merchant, theirs + "/appeal", words="暴雨停运")).status_code == 303
        again = await send(merchant, theirs + "/appeal", words="再说一次")
        assert again.status_code == 409
        waiting = await otto.get("/operator/standing/penalties?show=appeals")
        assert penalty in waiting.text
        own = await send(olga, path + "/answer", outcome="reversed", words="核实")
        assert own.status_code == 409
        assert await deposit_of(shop.store_id) == -995
        done = await send(otto, path + "/answer", outcome="reversed", words="核实停运")
        assert done.status_code == 303
        assert await deposit_of(shop.store_id) == 0
        assert "核实停运" in (await merchant.get(theirs)).text


async def test_a_deposit_is_paid_at_the_gateway() -> None:
    shop = await a_shop()
    await operators()
    async with a_client(shop.token) as merchant:
        path = f"{shop.base}/standing/deposit"
        bad = await send(merchant, path, amount="0", key=f"key-{uuid4()}")
        assert bad.status_code == 400
        answer = await send(merchant, path, amount="2000.00", key=f"key-{uuid4()}")
        assert answer.status_code == 303
        charge = answer.headers["location"].rsplit("/", 1)[1]
        await chosen(charge, Outcome.PAID)
        assert await deposit_of(shop.store_id) == 200_000
        assert "¥2,000.00" in (await merchant.get(f"{shop.base}/standing")).text


async def test_another_store_s_penalty_is_not_found() -> None:
    shop, other = await a_shop(), await a_shop()
    first, _ = await operators()
    async with a_client(first) as olga, a_client(other.token) as merchant:
        path = await decide(olga, shop.store_id, shop.order.number, "late_shipping")
        penalty = path.rsplit("/", 1)[1]
        assert (await merchant.get(f"{other.base}/standing/{penalty}")).status_code == 404
        assert (await merchant.get(f"{shop.base}/standing/{penalty}")).status_code == 404


async def test_bad_input_to_a_penalty_stands_at_its_field_and_changes_nothing() -> None:
    shop = await a_shop()
    first, _ = await operators()
    async with a_client(first) as olga:
        answer = await send(
            olga, f"/operator/standing/{shop.store_id}/penalties", violation="late_shipping",
            orders="no-such-order", words="x", key=f"key-{uuid4()}",
        )  # fmt: skip
        assert answer.status_code == 400
        assert "This store has no such order." in answer.text
    async with transaction() as conn:
        found = await conn.scalar(
            text("SELECT count(*) FROM penalties WHERE store_id = :s"), {"s": shop.store_id}
        )
    assert found == 0


async def test_a_rule_is_drafted_by_one_and_approved_by_another() -> None:
    first, second = await operators()
    rules = "/operator/standing/rules"
    starts = (clock.wall_now() + timedelta(days=400)).strftime("%Y-%m-%dT%H:%M")
    async with a_client(first) as olga, a_client(second) as otto:
        code = f"v{uuid4().hex[:10]}"
        form = {"violation": code, "share": "10", "most": "500", "starts": starts,
                "reason_zh": "新", "reason_en": "new"}  # fmt: skip
        bad = await send(olga, rules + "/tariffs", **form | {"most": "-1"})
        assert bad.status_code == 400
        assert (await send(olga, rules + "/tariffs", **form)).status_code == 303
        page = (await otto.get(rules)).text
        approval = page[page.index(code) :].split("/approval")[0].rsplit('"', 1)[1] + "/approval"
        assert (await send(olga, approval)).status_code == 409
        assert (await send(otto, approval)).status_code == 303
        assert (await send(otto, approval)).status_code == 409


PAGES = ("", "/late", "/penalties", "/rules", "/rules?new=penalty", "/rules?new=score", "?file=csv")


@pytest.mark.parametrize("path", [*PAGES, "/penalties?file=csv"])
async def test_every_page_of_the_desk_opens(path: str) -> None:
    await a_shop()
    first, _ = await operators()
    async with a_client(first) as olga:
        assert (await olga.get("/operator/standing" + path)).status_code == 200
