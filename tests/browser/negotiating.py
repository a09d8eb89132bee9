"""Run as a program: a partner with a source, its person, two operators; prints sessions."""

import asyncio

from sqlalchemy import text

from dougong.accounts.commands import give_role, open_organisation, sign_up, start_session
from dougong.base.access import Role
from dougong.base.ids import OrgId, PersonId
from dougong.infra import clock
from dougong.infra.clock import wall_now
from dougong.infra.db import dispose, transaction
from dougong.links.source_commands import SourceDraft, add_source

OPERATORS = text("SELECT id FROM organisations WHERE kind = 'operator' ORDER BY created_at LIMIT 1")


async def sit_down() -> None:
    async with transaction() as conn:
        at = await clock.refresh(conn)

        async def a_person(name: str, *, is_demo: bool) -> PersonId:
            return await sign_up(
                conn,
                email=f"{name[:3].lower()}@table.example",
                password=None,
                name=name,
                locale="en",
                at=at,
                is_demo=is_demo,
            )

        # A real operator would end the demo's "enter as"; a demo partner would be its partner.
        one, two = [await a_person(f"{name} Operator", is_demo=True) for name in ("One", "Two")]
        partner = await a_person("Pat Partner", is_demo=False)
        operators = OrgId(await conn.scalar(OPERATORS))
        for person in (one, two):
            await give_role(conn, person_id=person, org_id=operators, role=Role.OPERATOR, at=at)
        org_id = await open_organisation(
            conn, person_id=partner, kind=Role.PARTNER, name="南集市", name_en="South Market",
            handle="south-market", at=at,
        )  # fmt: skip
        draft = SourceDraft(
            code="southmarket", name_zh="南集市", name_en="South Market",
            hosts=["south-market.example"], adapter="page", partner_id=org_id,
        )  # fmt: skip
        await add_source(conn, draft=draft, at=at)
        for name, person in (("one", one), ("two", two), ("partner", partner)):
            token = await start_session(conn, person_id=person, at=wall_now(), user_agent="test")
            print(f"{name}={token}")
    await dispose()


if __name__ == "__main__":
    asyncio.run(sit_down())
