"""Third-party sources: who they are, which hosts are theirs, and on what terms."""

from datetime import datetime, timedelta

from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece
from dougong.infra.db import transaction
from dougong.links.source_commands import (
    SourceDraft,
    add_source,
    change_source,
    set_source_state,
)
from dougong.links.source_queries import source_at
from dougong.links.source_rules import SourceSettings, SourceState

# Days before today.
JOINED = 90
TERMS = SourceSettings(
    item_params=("id", "sku"),
    commission_bp=2_000,
    alliance_fee_bp=1_000,
    refund_bp=600,
    sub_id_parameter="sub",
)
SOURCES = (
    (
        "taobao",
        "淘宝",
        "Taobao",
        ("*.taobao.com", "taobao.com", "item.taobao.com", "s.click.taobao.com", "m.tb.cn"),
    ),
    ("tmall", "天猫", "Tmall", ("*.tmall.com", "*.tmall.hk", "detail.tmall.com")),
    ("jd", "京东", "JD.com", ("*.jd.com", "item.jd.com", "*.jd.hk", "3.cn")),
    ("alibaba_1688", "1688", "1688", ("*.1688.com", "detail.1688.com")),
)


async def write_sources(market: Market, *, now: datetime) -> None:
    """Open since they joined; 1688 is paused for a while, and asks before leaving."""
    async with transaction() as conn:
        if not await begin_piece(conn, "sources", at=now):
            return
        joined = now - timedelta(days=JOINED)
        for code, zh, en, hosts in SOURCES:
            is_last = code == "alibaba_1688"
            known = await source_at(conn, code=code, at=now)
            draft = SourceDraft(
                code=code,
                name_zh=zh,
                name_en=en,
                hosts=hosts,
                adapter="page",
                settings=TERMS,
                asks_before_leaving=is_last,
                partner_id=known.partner_id if known else None,
            )
            if known:  # it joined with its agreement
                await change_source(conn, draft=draft, at=now)
                continue
            await add_source(conn, draft=draft, at=joined)
            states = [(SourceState.OPEN, JOINED, f"{zh}接入", f"{en} joins")]
            if is_last:
                states.append((SourceState.PAUSED, 5, "对账未完成", "Accounts are not settled"))
            for state, days, reason_zh, reason_en in states:
                starts = now - timedelta(days=days)
                await set_source_state(
                    conn,
                    source=code,
                    state=state,
                    starts=starts,
                    reason_zh=reason_zh,
                    reason_en=reason_en,
                    at=starts,
                )
