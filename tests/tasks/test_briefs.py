"""Briefs and who takes them: places, money, and what a creator is shown before it says yes."""

from typing import Any

import pytest
from sqlalchemy import text
from tests.factories import an_org
from tests.tasks.market import DAY, T0, AMarket, paid_in

from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import OrgId, new_id
from dougong.flows.deadlines import act_on_one
from dougong.flows.price_task import prices_for
from dougong.flows.take_brief import choose, decline
from dougong.tasks.brief_commands import close_brief, invite
from dougong.tasks.brief_rules import (
    BadBrief,
    BriefClosed,
    FundsShort,
    Model,
    NotInvited,
    PlacesTaken,
    Tier,
    WaitForMoney,
    Way,
    check_terms,
)
from dougong.tasks.rules import SourceBarred

pytestmark = pytest.mark.money
PRICE = 100_001
TOO_LITTLE = """
    UPDATE task_works SET state = 'accepted', closed_at = agreed_at, basis_minor = 1, share_bp = 1,
      fee_minor = 1, agency_minor = 0, creator_minor = 0, back_minor = 0 WHERE task_id = :id
"""


async def test_money_that_runs_out_between_application_and_agreement(market: AMarket) -> None:
    brief = await market.a_brief(way=Way.OPEN, price_minor=6_000_000, places=2)
    first = await market.take(brief)
    second = await market.take(brief, creator=await an_org(market.conn, kind="creator"))
    assert first.task_id is second.task_id is None
    asked: dict[str, Any] = {"brand_id": market.brand, "person_id": market.person, "at": T0}
    task_id = await choose(market.conn, application_id=first.application_id, **asked)
    assert await choose(market.conn, application_id=first.application_id, **asked) == task_id
    with pytest.raises(FundsShort) as refused:
        async with market.conn.begin_nested():
            await choose(market.conn, application_id=second.application_id, **asked)
    assert refused.value.code == "funds_short"
    assert refused.value.facts["available_minor"] == 4_000_000
    assert refused.value.facts["needed_minor"] == 6_000_000
    left = await market.conn.execute(
        text("SELECT state FROM task_applications WHERE brief_id = :id ORDER BY made_at, id"),
        {"id": brief},
    )
    assert sorted(left.scalars()) == ["agreed", "applied"]  # it can be chosen once money is there
    await paid_in(market.conn, market.brand, 2_000_000)
    await choose(market.conn, application_id=second.application_id, **asked)
    assert (await market.money())["task_escrow"] == 12_000_000


async def test_a_creator_is_not_told_how_much_a_brand_has(market: AMarket) -> None:
    brief = await market.a_brief(price_minor=20_000_000)
    with pytest.raises(WaitForMoney) as refused:
        async with market.conn.begin_nested():
            await market.take(brief)
    assert refused.value.facts == {}


async def test_ways_to_a_task(market: AMarket) -> None:
    assigned = await market.a_brief(way=Way.ASSIGNED)
    with pytest.raises(NotInvited):
        await market.take(assigned)
    asked = {"brief_id": assigned, "brand_id": market.brand, "note": "", "at": T0}
    await invite(market.conn, creator_id=market.creator, **asked)
    taken = await market.take(assigned)
    assert taken.task_id is not None
    assert await market.take(assigned) == taken  # said twice, agreed once
    full = await market.a_brief(price_minor=10)
    await market.take(full)
    with pytest.raises(PlacesTaken):
        async with market.conn.begin_nested():
            await market.take(full, creator=await an_org(market.conn, kind="creator"))
    known = await market.a_brief(least_followers=1)
    with pytest.raises(NotInvited) as refused:
        await market.take(known)
    assert refused.value.facts == {"why": "followers", "least": 1, "has": 0}
    late = await market.a_brief()
    with pytest.raises(BriefClosed):
        await market.take(late, at=T0 + DAY)


async def test_an_application_is_declined_or_withdrawn_by_its_sides(market: AMarket) -> None:
    brief = await market.a_brief(way=Way.OPEN)
    taken = await market.take(brief)
    who: dict[str, Any] = {"person_id": market.person, "at": T0}
    with pytest.raises(NotFound):
        await decline(
            market.conn, application_id=taken.application_id, party_id=OrgId(new_id()), **who
        )
    await decline(market.conn, application_id=taken.application_id, party_id=market.creator, **who)
    again = await market.take(brief)
    assert again == taken
    await decline(market.conn, application_id=again.application_id, party_id=market.brand, **who)
    with pytest.raises(Refusal):
        await market.take(brief)


async def test_a_closed_brief_lets_who_waits_go(market: AMarket) -> None:
    brief = await market.a_brief(way=Way.OPEN)
    await market.take(brief)
    await act_on_one(market.conn, at=T0 + DAY)
    state = await market.conn.scalar(
        text("SELECT state FROM task_applications WHERE brief_id = :id"), {"id": brief}
    )
    assert state == "lapsed"
    with pytest.raises(BriefClosed):
        await close_brief(market.conn, brief_id=brief, brand_id=market.brand, at=T0 + 2 * DAY)


async def test_the_net_pay_before_applying_and_what_a_coming_rule_changes(
    market: AMarket,
) -> None:
    before = T0 - 2 * DAY
    terms = market.a_terms(at=before, source="taobao", price_minor=10_000)
    prices = await prices_for(market.conn, market.creator)
    offer = prices.offer(terms=terms, at=before, until=terms.ends_at)
    assert (offer.now.fee_bp, offer.now.fee_minor, offer.now.net_minor) == (500, 500, 9_500)
    assert [(one.fee_bp, one.net_minor) for one in offer.coming] == [(2_000, 8_000)]
    barred = market.a_terms(at=T0 + 60 * DAY, source="taobao")
    later = prices.offer(terms=barred, at=T0 + 60 * DAY, until=barred.ends_at)
    assert not later.now.allowed
    brief = await market.a_brief(at=T0 + 60 * DAY, source="taobao")
    with pytest.raises(SourceBarred):
        await market.take(brief, at=T0 + 60 * DAY)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"price_minor": 0}, "price"),
        ({"pinned_minutes": 0}, "pinned_minutes"),
        ({"public_days": 3}, "public_days"),
        ({"ends_at": T0}, "ends_at"),
        ({"samples_by": T0 + 30 * DAY}, "samples_by"),
        ({"cancel_during_bp": 999}, "cancel_during"),
        ({"model": Model.TIERED, "measure": "views", "most_minor": 5, "price_minor": 0,
          "tiers": (Tier(2, 5), Tier(1, 9))}, "tiers"),
        ({"model": Model.PER_THOUSAND_VIEWS, "price_minor": 0, "most_minor": 5}, "per_thousand"),
        ({"store_id": None, "product_id": None}, "product"),
    ],
)  # fmt: skip
async def test_terms_that_no_brief_can_have(
    market: AMarket, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadBrief) as refused:
        check_terms(market.a_terms(**change))
    assert refused.value.field == field
