"""Run as a program, with the host of a shop: a creator with a video, and the shop as a source.

The rules let the source in, and bar it from live rooms, but by task, from the tenth day on.
"""

import asyncio
import sys
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import open_organisation, sign_up
from dougong.base.access import Role
from dougong.base.ids import OrgId, PersonId, RuleId, VideoId, new_id
from dougong.content.commands import create_ready_video, publish
from dougong.infra import clock
from dougong.infra.db import dispose, transaction
from dougong.links.source_commands import SourceDraft, add_source
from dougong.links.source_rules import SourceSettings
from dougong.policy.commands import install_default_rules, install_rules
from dougong.policy.rules import Rule

PASSWORD = "three words and a comma"
TERMS = SourceSettings(commission_bp=2_000, alliance_fee_bp=1_000, refund_bp=500)


async def open_platform(host: str) -> None:
    async with transaction() as conn:
        at = await clock.refresh(conn) - timedelta(days=30)
        people: list[PersonId] = []
        for name in ("olga", "otto", "cai"):
            people.append(
                await sign_up(
                    conn,
                    email=f"{name}@example.org",
                    password=PASSWORD,
                    name=name,
                    locale="en",
                    at=at,
                )
            )
        first, second, third = people
        await install_default_rules(conn, at=at, author_id=first, approver_id=second)
        creator, video = await a_channel(conn, third, at)
        draft = SourceDraft(
            code="greenhill",
            name_zh="青山",
            name_en="Green Hill",
            hosts=[host],
            adapter="page",
            settings=TERMS,
        )
        await add_source(conn, draft=draft, at=at)
        let_in = a_rule(True, starts=at, zh="合作来源", en="A partner's source")
        barred = a_rule(
            False,
            starts=at + timedelta(days=40),
            zh="直播间的外部商品只能走任务",
            en="Outside goods enter live rooms by task only",
            surface="live",
            route="direct",
        )
        await install_rules(
            conn, rules=[let_in, barred], at=at, author_id=first, approver_id=second
        )
        print(creator, video)
    await dispose()


async def a_channel(
    conn: AsyncConnection, person_id: PersonId, at: datetime
) -> tuple[OrgId, VideoId]:
    """A creator, and a video of it that is published."""
    creator = await open_organisation(
        conn, person_id=person_id, kind=Role.CREATOR, name="Cai", handle="cai", at=at
    )
    video = await create_ready_video(
        conn,
        creator_id=creator,
        caption_zh="竹编",
        caption_en="Weaving bamboo",
        media="videos/none",
        seconds=12.0,
        width=720,
        height=1280,
        at=at,
    )
    await publish(conn, video_id=video, creator_id=creator, at=at)
    return creator, video


def a_rule(allowed: bool, *, starts: datetime, zh: str, en: str, **columns: str) -> Rule:
    return Rule(
        id=RuleId(new_id()),
        kind="link",
        source="greenhill",
        announced_at=starts if allowed else starts - timedelta(days=20),
        starts=starts,
        ends=None,
        value=int(allowed),
        reason_zh=zh,
        reason_en=en,
        **columns,
    )


if __name__ == "__main__":
    asyncio.run(open_platform(sys.argv[1]))
