"""A person becomes a creator, or opens a store: organisation, role and store in one go."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit, open_organisation
from dougong.base.access import Role
from dougong.base.ids import OrgId, PersonId, StoreId
from dougong.catalog import commands as catalog


async def become_creator(
    conn: AsyncConnection,
    *,
    person_id: PersonId,
    name: str,
    handle: str,
    at: datetime,
    request_id: str = "",
) -> OrgId:
    """Raises BadName, BadHandle or HandleTaken."""
    org_id = await open_organisation(
        conn, person_id=person_id, kind=Role.CREATOR, name=name, handle=handle, at=at
    )
    await audit(
        conn,
        at=at,
        person_id=person_id,
        action="accounts.organisation_opened",
        owner_id=org_id,
        subject=handle,
        facts={"kind": str(Role.CREATOR)},
        request_id=request_id,
    )
    return org_id


async def open_store(
    conn: AsyncConnection,
    *,
    person_id: PersonId,
    name_zh: str,
    name_en: str,
    code: str,
    currency: str,
    at: datetime,
    request_id: str = "",
) -> StoreId:
    """A merchant's organisation with its first store, both under `code`.

    Raises BadName, BadHandle, HandleTaken, BadInput or StoreCodeTaken (409).
    """
    org_id = await open_organisation(
        conn,
        person_id=person_id,
        kind=Role.MERCHANT,
        name=name_zh,
        name_en=name_en,
        handle=code,
        at=at,
    )
    store_id = await catalog.open_store(
        conn,
        org_id=org_id,
        code=code,
        name_zh=name_zh,
        name_en=name_en,
        currency=currency,
        at=at,
    )
    await audit(
        conn,
        at=at,
        person_id=person_id,
        action="catalog.store_opened",
        owner_id=store_id,
        subject=code,
        facts={"currency": currency},
        request_id=request_id,
    )
    return store_id
