"""Payouts over the API: creators that are owed money in a currency of their own, two operators."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from uuid import UUID, uuid4

from tests.factories import an_org
from tests.settlement.payout_world import TERMS, a_currency, an_account, owe, some_terms
from tests.web.accounts import a_person, a_session
from tests.web.api_people import ApiPeople
from tests.web.site import Client

from dougong.accounts.commands import give_role
from dougong.base.access import Role
from dougong.flows.payout_runs import make_run
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.settlement.payout_rules import Terms

DAY = timedelta(days=1)
TODAY = date(2026, 11, 18)
DESK, RUNS = "/api/v1/payouts", "/api/v1/payout-runs"
STRICT = Terms(
    weekday=None, minimum_minor=1, hold_days=0, change_wait_days=3, approve_above_minor=0
)


class PayoutApi(ApiPeople):
    """Who acts: `one` and `two` are operators, `creator` is a payee, `stranger` another."""

    def __init__(self, client: Client, currency: str, orgs: dict[str, UUID]) -> None:
        super().__init__(client, {})
        self.currency, self.orgs = currency, orgs
        self.mine = f"/api/v1/creators/{orgs['creator']}"

    async def run(self) -> str:
        """The id of the day's run, started by `one` and made."""
        begun = await self.post("one", RUNS, {"day": TODAY.isoformat()}, status=202)
        (ours,) = [
            one
            for one in begun["items"]
            if (one["purpose"], one["total"]["currency"]) == ("creator_payable", self.currency)
        ]
        await make_run(UUID(ours["id"]))
        return str(ours["id"])

    async def payout(self) -> str:
        """The id of the creator's payout, let go by both."""
        run = await self.run()
        await self.post("two", f"{RUNS}/{run}/approve")
        (row,) = (await self.get("creator", f"{self.mine}/payouts"))["items"]
        return str(row["id"])


@asynccontextmanager
async def a_payout_api(*, owed: int = 8_000, terms: Terms = STRICT) -> AsyncIterator[PayoutApi]:
    """Both creators are owed that much; their accounts are verified."""
    people = {name: await a_person() for name in ("one", "two", "creator", "stranger")}
    currency, now = a_currency(), wall_now()
    async with transaction() as conn:
        operator = await an_org(conn, kind="operator")
        orgs = {name: await an_org(conn, kind="creator") for name in ("creator", "stranger")}
        await some_terms(conn, at=now - DAY, currency=currency, terms=terms)
        for name, person in people.items():
            org, role = orgs.get(name, operator), Role.CREATOR if name in orgs else Role.OPERATOR
            await give_role(conn, person_id=person, org_id=org, role=role, at=now)
        for org in orgs.values():
            await owe(conn, org, owed, currency=currency, at=now - 30 * DAY)
            await an_account(conn, org, at=now - DAY, currency=currency)
    async with Client() as client:
        made = PayoutApi(client, currency, dict(orgs))
        made.tokens = {name: await a_session(person) for name, person in people.items()}
        yield made


def a_key() -> str:
    return f"key-{uuid4().hex}"


__all__ = ["DESK", "RUNS", "TERMS", "PayoutApi", "a_key", "a_payout_api"]
