"""Agencies: a contract with dates, its share before and after, and what an agency sees of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from tests.factories import an_org
from tests.tasks.market import DAY, MINUTE, T0, AMarket

from dougong.flows import work_on_task as work
from dougong.flows.price_task import prices_for
from dougong.reads import agency as seen
from dougong.reads.explain_payee import explain_payee
from dougong.reads.explain_task import explain_task
from dougong.tasks.agency_commands import (
    BadContract,
    ContractClosed,
    answer_contract,
    contract_at,
    end_contract,
    offer_contract,
)
from dougong.tasks.work_rules import work_shares

pytestmark = pytest.mark.money
PRICE, SHARE_BP = 100_001, 1_777
AGENCY_PART = (PRICE - 5_000) * SHARE_BP // 10_000


async def a_contract(
    market: AMarket, *, starts: datetime = T0 - 9 * DAY, ends: datetime | None = None
) -> tuple[UUID, UUID]:
    """Accepted; answers the agency and the contract."""
    agency_id, at = await an_org(market.conn, kind="creator"), T0 - 9 * DAY
    who: dict[str, Any] = {"creator_id": market.creator, "person_id": market.person, "at": at}
    made = await offer_contract(
        market.conn, agency_id=agency_id, share_bp=SHARE_BP, starts=starts, ends=ends, **who
    )
    await answer_contract(market.conn, contract_id=made, accept=True, **who)
    return agency_id, made


async def net_pay(market: AMarket) -> list[tuple[datetime, int, int]]:
    """From when on, the agency's share, and what is left."""
    prices = await prices_for(market.conn, market.creator)
    offer = prices.offer(terms=market.a_terms(), at=T0, until=T0 + 9 * DAY)
    return [(one.at, one.agency_bp, one.net_minor) for one in (offer.now, *offer.coming)]


async def test_an_estimate_says_when_the_agencys_share_begins_and_ends(market: AMarket) -> None:
    await a_contract(market, starts=T0 + DAY, ends=T0 + 3 * DAY)
    whole = PRICE - 5_000
    assert await net_pay(market) == [
        (T0, 0, whole),
        (T0 + DAY, SHARE_BP, whole - AGENCY_PART),
        (T0 + 3 * DAY, 0, whole),
    ]


async def test_a_contract_ends_on_the_day_that_one_side_gives(market: AMarket) -> None:
    agency_id, contract_id = await a_contract(market)
    last, asked = T0 + 2 * DAY, {"contract_id": contract_id, "party_id": agency_id, "at": T0}
    with pytest.raises(BadContract):
        await end_contract(market.conn, last=T0, **asked)
    await end_contract(market.conn, last=last, **asked)
    with pytest.raises(BadContract):
        await end_contract(market.conn, last=last + DAY, **asked)
    for at, share_bp in ((last - MINUTE, SHARE_BP), (last, None)):
        found = await contract_at(market.conn, creator_id=market.creator, at=at)
        assert (found.share_bp if found else None) == share_bp
    before = await market.a_task(at=last - MINUTE)
    after = await market.a_task(at=last)
    assert [(await market.row(one)).agency_bp for one in (before, after)] == [SHARE_BP, 0]
    with pytest.raises(ContractClosed):
        await end_contract(market.conn, **asked | {"at": last + DAY})


async def test_a_contract_that_has_not_begun_is_taken_back(market: AMarket) -> None:
    _, contract_id = await a_contract(market, starts=T0 + DAY)
    taken: dict[str, Any] = {"contract_id": contract_id, "party_id": market.creator, "at": T0}
    await end_contract(market.conn, **taken)
    assert await contract_at(market.conn, creator_id=market.creator, at=T0 + 2 * DAY) is None
    with pytest.raises(ContractClosed):
        await end_contract(market.conn, **taken)


async def test_an_agency_sees_its_creators_their_tasks_and_its_money(market: AMarket) -> None:
    agency_id, _ = await a_contract(market)
    running, done = [await market.a_task(at=T0) for _ in range(2)]
    await market.shown_live(done, (T0 + 2 * DAY, 30 * MINUTE))
    who: dict[str, Any] = {"task_id": done, "person_id": market.person}
    creator = {"creator_id": market.creator, "video_id": None, "note": ""}
    await work.deliver(market.conn, at=T0 + 3 * DAY, **creator, **who)
    await work.accept(market.conn, brand_id=market.brand, at=T0 + 4 * DAY, **who)

    (row,) = await seen.creators(market.conn, agency_id=agency_id)
    whole = work_shares(
        funded_minor=PRICE, basis_minor=PRICE, share_bp=10_000, fee_bp=500, agency_bp=SHARE_BP
    )
    assert (row.creator_id, row.running, row.ended) == (market.creator, 1, 1)
    assert (row.expected_minor, row.earned_minor) == (whole.agency, whole.agency)
    assert whole.agency == AGENCY_PART
    tasks = await seen.tasks(market.conn, agency_id=agency_id, most=9)
    parts = {one.task_id: (one.expected_minor, one.agency_minor) for one in tasks}
    assert parts == {running: (AGENCY_PART, None), done: (AGENCY_PART, AGENCY_PART)}
    assert await seen.tasks(market.conn, agency_id=market.creator, most=9) == []

    told = await explain_payee(
        market.conn, owner_id=agency_id, currency="CNY", since=T0, until=T0 + 9 * DAY
    )
    assert (told.amount_minor, told.residual_minor) == (AGENCY_PART, 0)
    tree = await explain_task(market.conn, task_id=done)
    (net,) = [one for one in tree.children[0].children if one.label == "task_net"]
    assert [(one.label, one.amount_minor) for one in net.children] == [
        ("agency", AGENCY_PART), ("task_pay", PRICE - 5_000 - AGENCY_PART),
    ]  # fmt: skip
