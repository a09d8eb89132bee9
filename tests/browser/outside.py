"""Run as a program beside the server: a video with links to a shop at HOST, and a list of hostile
stored addresses behind further links. Prints what was made as JSON."""

import asyncio
import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from sqlalchemy import text  # noqa: E402
from sqlalchemy.ext.asyncio import AsyncConnection  # noqa: E402
from tests.browser.pictures import with_pictures  # noqa: E402
from tests.content.factories import a_video, an_organisation  # noqa: E402
from tests.factories import a_link_rule, approved  # noqa: E402
from tests.links.factories import a_source, an_outside_link, an_outside_product  # noqa: E402

from dougong.infra import clock  # noqa: E402
from dougong.infra.db import dispose, transaction  # noqa: E402

CORPUS = ROOT / "tests/links/corpora/hand_off.jsonl"


async def make(host: str) -> None:
    urls = [json.loads(line)["url"] for line in CORPUS.read_text().splitlines()]
    async with transaction() as conn:
        at = await clock.refresh(conn)
        creator = await an_organisation(conn)
        video = await a_video(conn, creator_id=creator, at=at - timedelta(minutes=1))
        plain = await an_outside_link(
            conn, url=f"http://{host}/plain", hosts=[host], creator_id=creator
        )
        port = host.split(":")[1]  # the same shop by another name, of another source that asks
        asking = await a_source(conn, hosts=[f"localhost:{port}"], asks=True)
        product = await an_outside_product(conn, source=asking, url=f"http://localhost:{port}/asks")
        question = await an_outside_link(
            conn, url="", hosts=[], source=asking, product_id=product, creator_id=creator
        )
        prized = await an_outside_product(conn, source=plain.source, url=f"http://{host}/prized")
        prize = await an_outside_link(
            conn, url="", hosts=[], source=plain.source, product_id=prized, creator_id=creator
        )
        listed = await a_source(conn, hosts=["shop.example", "*.mall.example"])
        for source in (plain.source, asking, listed):  # else the next sweep hides its links
            await approved(conn, a_link_rule(source, allowed=True, starts=at - timedelta(days=1)))
        hostile = []
        for url in (one for one in urls if "\0" not in one):
            bad = await an_outside_product(conn, source=listed, url=url)
            link = await an_outside_link(
                conn, url="", hosts=[], source=listed, product_id=bad, creator_id=creator
            )
            hostile.append(link.code)
        await with_pictures(conn, creators=[creator])
        await wechat_is_blocked(conn, at=at - timedelta(hours=1))
    print(
        json.dumps(
            {
                "video": str(video),
                "plain": plain.code,
                "plain_link": str(plain.link_id),
                "prize": prize.code,
                "prize_link": str(prize.link_id),
                "asks": question.code,
                "hostile": hostile,
            }
        )
    )
    await dispose()


async def wechat_is_blocked(conn: AsyncConnection, *, at: datetime) -> None:
    """Open our links in WeChat to nobody, from `at` on."""
    await conn.execute(
        text("""
            INSERT INTO share_channel_states VALUES (gen_random_uuid(), 'wechat', 'blocked',
              tstzrange(:at, NULL), '微信打不开我们的链接', 'WeChat does not open our links')
        """),
        {"at": at},
    )


if __name__ == "__main__":
    asyncio.run(make(sys.argv[1]))
