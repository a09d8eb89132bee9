"""What the operator does to accounts: suspends, reinstates, opens what nobody opens alone."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit, give_role, open_organisation, set_suspended
from dougong.accounts.queries import operators_organisation, person, sign_in_row
from dougong.accounts.rules import SELF_SERVICE, NoSuchPerson, NotOneself, email_of, name_of
from dougong.base.access import Role
from dougong.base.errors import BadInput
from dougong.base.ids import OrgId, PersonId

# Opened by the operator for a person; the operator's own organisation grows by invitation.
OPENED_FOR_OTHERS = tuple(
    role for role in Role if role not in {*SELF_SERVICE, Role.SHOPPER, Role.OPERATOR}
)
OPERATORS_HANDLE = "operators"
REASON_AT_MOST = 300


async def suspend(
    conn: AsyncConnection,
    *,
    person_id: PersonId,
    suspended: bool,
    reason: str,
    by: PersonId,
    at: datetime,
    wall_at: datetime,
    request_id: str = "",
) -> None:
    """Put a person out of every session and key at once, or let them in again.

    Raises BadName at `reason`, NotOneself, or NotFound when it is so already.
    """
    why = name_of(reason, most=REASON_AT_MOST, field="reason")
    if person_id == by:
        raise NotOneself
    await set_suspended(conn, person_id=person_id, suspended=suspended, at=at, wall_at=wall_at)
    await audit(
        conn,
        at=at,
        person_id=by,
        action="accounts.person_suspended" if suspended else "accounts.person_reinstated",
        owner_id=person_id,
        subject=(await person(conn, person_id)).email,
        facts={"reason": why},
        request_id=request_id,
    )


async def open_for(
    conn: AsyncConnection,
    *,
    email: str,
    kind: Role,
    name: str,
    handle: str,
    by: PersonId,
    at: datetime,
    request_id: str = "",
) -> OrgId:
    """An advertiser's or partner's organisation for somebody who has signed up.

    Raises BadEmail, NoSuchPerson, BadName, BadHandle, HandleTaken, or BadInput for other kinds.
    """
    if kind not in OPENED_FOR_OTHERS:
        raise BadInput(field="kind", reason="unknown_value")
    found = await sign_in_row(conn, email_of(email))
    if found is None:
        raise NoSuchPerson(field="email")
    org_id = await open_organisation(
        conn, person_id=PersonId(found.id), kind=kind, name=name, handle=handle, at=at
    )
    await audit(
        conn,
        at=at,
        person_id=by,
        action="accounts.organisation_opened",
        owner_id=org_id,
        subject=handle,
        facts={"kind": str(kind), "for": email_of(email)},
        request_id=request_id,
    )
    return org_id


async def make_operator(conn: AsyncConnection, *, email: str, at: datetime) -> PersonId:
    """Give a person who has signed up the operator's role, by whoever holds the server.

    The first time this makes the operators' organisation; doing it twice is doing it once. Raises
    BadEmail or NoSuchPerson.
    """
    found = await sign_in_row(conn, email_of(email))
    if found is None:
        raise NoSuchPerson(field="email")
    person_id = PersonId(found.id)
    org_id = await operators_organisation(conn)
    if org_id is None:
        org_id = await open_organisation(
            conn,
            person_id=person_id,
            kind=Role.OPERATOR,
            name="运营",
            name_en="Operators",
            handle=OPERATORS_HANDLE,
            at=at,
        )
    await give_role(conn, person_id=person_id, org_id=org_id, role=Role.OPERATOR, at=at)
    await audit(
        conn,
        at=at,
        person_id=None,
        action="accounts.operator_made",
        owner_id=person_id,
        subject=email_of(email),
        facts={"by": "command line"},
    )
    return person_id
