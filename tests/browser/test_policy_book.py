"""A link rule from its draft to the sweep: two operators, and what it changes before it is so."""

import asyncio
import re
from datetime import datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from playwright.async_api import Page, expect
from tests.browser.market import Market

from dougong.infra.clock import wall_now
from dougong.infra.embedded_postgres import APP

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(240)]

WORDS = {
    "en": {
        "draft": "Draft a rule", "save": "Save the draft", "impact": "What it changes",
        "hidden": "Links hidden", "approve": "Approve", "second": "Somebody else has to approve",
        "all": "All", "upcoming": "Upcoming", "day": "30 days",
    },
    "zh": {
        "draft": "起草规则", "save": "保存草稿", "impact": "查看影响", "hidden": "将隐藏的链接",
        "approve": "批准", "second": "须由其他人批准", "all": "全部", "upcoming": "未开始",
        "day": "30 天",
    },
}  # fmt: skip


AHEAD = {
    "en": re.compile("business clock is [3-9]. days"),
    "zh": re.compile("业务时钟快 [3-9]. 天"),
}


async def operator(market: Market, nth: int, locale: str) -> Page:
    page = await market.page_of(f"operator {nth}", locale=locale, phone=False)
    await page.goto("/enter")
    which = "data-second" if nth else "data-role"
    await page.locator(f"button[{which}=operator]").click()
    await page.wait_for_url("**/operator/overview")
    return page


@pytest.mark.parametrize("locale", ["en", "zh"])
async def test_a_link_rule_is_drafted_previewed_approved_and_swept(
    market: Market, locale: str
) -> None:
    words, code = WORDS[locale], f"shop{uuid4().hex[:6]}"
    made = market.server.run("-m", "tests.browser.a_source", code)
    assert made.returncode == 0, made.stderr[-2_000:]
    one = await operator(market, 0, locale)
    await one.goto("/operator/link-rules")
    await one.get_by_role("link", name=words["draft"]).first.click()
    await one.locator("#field-value").select_option("0")
    await one.locator("#field-source").select_option(code)
    await one.locator("#field-surface").select_option("video")
    starts = business_now(market) + timedelta(days=20)
    await one.locator("#field-starts").fill(starts.strftime("%Y-%m-%dT%H:%M"))
    await one.locator("#field-reason_zh").fill(f"不再支持 {code}")
    await one.locator("#field-reason_en").fill(f"No more links to {code}")
    await one.get_by_role("button", name=words["save"]).click()
    row = one.locator("tr", has_text=code)
    await expect(row.get_by_text(words["second"])).to_be_visible()
    await row.get_by_role("link", name=words["impact"]).click()
    await expect(one.get_by_text(words["second"])).to_be_visible()

    two = await operator(market, 1, locale)
    await two.goto(one.url)
    stat = two.locator(".card", has_text=words["hidden"]).first
    await expect(stat).to_contain_text("2")
    await expect(two.get_by_role("table").first).to_contain_text("creator")
    await two.get_by_role("button", name=words["approve"]).click()
    await two.locator("#ask button[value=yes]").click()
    await two.wait_for_url("**/operator/link-rules?show=all")
    await expect(two.locator("tr", has_text=code).first).to_contain_text(words["upcoming"])

    await two.goto("/operator/clock")
    await two.get_by_role("button", name=words["day"]).click()
    await expect(two.get_by_text(AHEAD[locale])).to_be_visible(timeout=30_000)
    assert business_now(market) > starts
    said = market.server.run(
        "-m", "dougong", "policy", "verdict", "--source", code, "--surface", "video",
        "--route", "direct", "--category", "food", "--at", starts.isoformat(), "--json",
    )  # fmt: skip
    assert '"allowed":false' in said.stdout
    for _ in range(90):
        if hidden_by(market, code) == 2:
            break
        await asyncio.sleep(0.5)
    assert hidden_by(market, code) == 2
    await one.close()
    await two.close()


def business_now(market: Market) -> datetime:
    with psycopg.connect(market.server.postgres.url(APP)) as conn:
        row = conn.execute("SELECT offset_s FROM business_clock").fetchone()
    return wall_now() + timedelta(seconds=float(row[0]) if row else 0)


def hidden_by(market: Market, code: str) -> int:
    """How many links of the source the sweep has hidden."""
    with psycopg.connect(market.server.postgres.url(APP)) as conn:
        row = conn.execute(
            "SELECT count(*) FROM product_links WHERE source = %s AND hidden_at IS NOT NULL",
            (code,),
        ).fetchone()
    return int(row[0]) if row else 0
