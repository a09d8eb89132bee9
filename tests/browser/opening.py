"""Run as a program: an empty platform gets its two operators, its first rules and categories."""

import asyncio
from datetime import timedelta

from dougong.accounts.commands import give_role, open_organisation, sign_up
from dougong.base.access import Role
from dougong.infra import clock
from dougong.infra.db import dispose, transaction
from dougong.policy.commands import install_default_rules


async def open_platform() -> None:
    async with transaction() as conn:
        at = await clock.refresh(conn) - timedelta(days=30)
        first, second = [
            await sign_up(
                conn,
                email=f"{name}@example.org",
                password=None,
                name=name,
                locale="en",
                at=at,
                is_demo=True,
            )
            for name in ("olga", "otto")
        ]
        org_id = await open_organisation(
            conn, person_id=first, kind=Role.OPERATOR, name="Market", handle="market", at=at
        )
        await give_role(conn, person_id=second, org_id=org_id, role=Role.OPERATOR, at=at)
        await install_default_rules(conn, at=at, author_id=first, approver_id=second)
    await dispose()


if __name__ == "__main__":
    asyncio.run(open_platform())
