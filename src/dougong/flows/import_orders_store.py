"""The store that a history goes into: found by its code, or opened for it."""

from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import add_person, open_organisation
from dougong.accounts.rules import NO_PASSWORD
from dougong.base.access import Role
from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import PLATFORM_BOOK, OrgId, PersonId, StoreId, derived_id
from dougong.catalog.commands import open_store
from dougong.orders.history_rules import CURRENCY
from dougong.policy.commands import install_default_rules
from dougong.policy.queries import rules_book
from dougong.policy.rules import ANY, LINK_KINDS
from dougong.reads.history import store_of_code


class OtherCurrency(Refusal):
    """The store does not sell in the currency of the list. Facts: `currency`."""

    code = "other_currency"
    status = 409


class HistoryStore(msgspec.Struct, frozen=True):
    """Where a history goes; `created`: it was opened for it."""

    store_id: StoreId
    merchant_id: OrgId
    merchant_class: str
    created: bool


async def find_or_open(
    conn: AsyncConnection, *, code: str, may_open: bool, at: datetime
) -> HistoryStore:
    """Raises NotFound for an unknown code that may not be opened, OtherCurrency, BadInput for
    a code that no store can have."""
    row = await store_of_code(conn, code=code)
    created = row is None
    if row is None:
        if not may_open:
            raise NotFound(field="store")
        await _open(conn, code=code, at=at)
        row = await store_of_code(conn, code=code)
    if row is None or row.currency != CURRENCY:
        raise OtherCurrency(field="store", currency=row.currency if row else "")
    return HistoryStore(StoreId(row.id), OrgId(row.org_id), row.merchant_class, created)


async def _open(conn: AsyncConnection, *, code: str, at: datetime) -> None:
    """A store of an organisation of its own, whose only person cannot sign in: an operator gives
    the role to whoever should see it."""
    keeper = await add_person(
        conn,
        email=f"{code}@history.invalid",
        password_hash=NO_PASSWORD,
        name=code,
        locale="zh",
        at=at,
    )
    org_id = await open_organisation(
        conn, person_id=keeper, kind=Role.MERCHANT, name=code, handle=code, at=at
    )
    await open_store(
        conn, org_id=org_id, code=code, name_zh=code, name_en=code, currency=CURRENCY, at=at
    )


async def ensure_rules(conn: AsyncConnection, *, at: datetime) -> int:
    """A platform without any approved rule for plain sales gets the default ones; answers how
    many. Rules for links, or for tasks only, say nothing of what is imported."""
    book = await rules_book(conn, fresh=True)
    if any(rule.kind not in LINK_KINDS and rule.route in (ANY, "direct") for rule in book.rules):
        return 0
    author, approver = (derived_id(PLATFORM_BOOK, name) for name in ("author", "approver"))
    return await install_default_rules(
        conn, at=at, author_id=PersonId(author), approver_id=PersonId(approver)
    )
