"""The reconciliation desk: a report and a payment file in, a difference found, noted, accepted."""

import asyncio
import io
import os
import re
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.async_api import Page, expect
from tests.browser.market import DESK, PHONE, Market

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(240)]

STATEMENT = "子订单编号,付款时间,订单状态,应结金额,结算时间\n"
PAYMENTS = "收款流水号,订单编号,币种,收款金额,到账时间\n"
SAY: dict[str, dict[str, str]] = {
    "zh": {"import": "导入", "reconcile": "开始对账", "differences": "差异",
           "only_note": "仅记备注", "accept": "接受差异", "waits": "待另一人批准",
           "not_own": "须由其他人批准。",
           "paid_less": "到账金额与报告不符", "taken": "采用", "accepted": "已接受", "set": "设置",
           "not_enough": "单人核销上限"},
    "en": {"import": "Import", "reconcile": "Reconcile", "differences": "Differences",
           "only_note": "Only note it", "accept": "Accept it", "waits": "Waits for a second person",
           "not_own": "Somebody else has to approve this.",
           "paid_less": "Another amount came than was reported", "taken": "taken",
           "accepted": "Accepted", "set": "Set", "not_enough": "One person writes off up to"},
}  # fmt: skip


def statement(code: str) -> bytes:
    """Order 2 is reported with less, order 4 not at all, and one is not ours."""
    amounts = {1: "10.00", 2: "9.00", 3: "10.00", 5: "10.00"}
    rows = [
        f"{code}-{n},2020-08-10 12:00:00,已结算,{amount},2020-08-20 12:00:00\n"
        for n, amount in amounts.items()
    ]
    rows.append(f"{code}-9,2020-08-10 12:00:00,已结算,5.00,2020-08-20 12:00:00\n")
    rows.append(f"{code}-8,2020-08-10 12:00:00,已结算,five,2020-08-20 12:00:00\n")
    return (STATEMENT + "".join(rows)).encode("gb18030")


def payments(code: str) -> bytes:
    """Order 3 is paid half a yuan less; order 5 not."""
    rows = [
        f"P1,{code}-1,CNY,10.00,2020-09-05 10:00:00\n",
        f"P1,{code}-2,CNY,9.00,2020-09-05 10:00:00\n",
        f"P1,{code}-3,CNY,9.50,2020-09-05 10:00:00\n",
        f"P1,{code}-3,CNY,ten,2020-09-05 10:00:00\n",
    ]
    return (PAYMENTS + "".join(rows)).encode("gb18030")


async def upload(page: Page, field: str, name: str, data: bytes) -> None:
    chosen: Any = {"name": name, "mimeType": "text/csv", "buffer": data}
    await page.locator(f"#{field}").set_input_files(chosen)


async def looked_at(page: Page, name: str) -> None:
    """No screen is wider than a phone; pictures are kept where SCREEN_PICTURES says."""
    for size in (PHONE, DESK):
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        await page.wait_for_timeout(300)
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} at {size['width']}: {wide} px too wide"
        if folder := os.environ.get("SCREEN_PICTURES"):
            target = Path(folder) / f"{name}-{size['width']}.png"
            await page.screenshot(path=target, full_page=True)


@pytest.mark.parametrize("locale", ["zh", "en"])
async def test_a_difference_is_found_noted_and_accepted(market: Market, locale: str) -> None:
    say, code = SAY[locale], f"shop_{locale}"
    made = market.server.run("-m", "tests.browser.partner_opening", code)
    assert made.returncode == 0, made.stderr[-4000:]
    page = await market.page_of("accountant", locale=locale, phone=False)
    await page.goto("/enter")
    await page.locator("button[data-role=operator]").first.click()
    await page.wait_for_url("**/operator/overview")

    await money_comes_in(page, code, say)
    await looked_at(page, f"payments-{locale}")

    await page.goto("/operator/reconciliation")
    await page.locator("#source").select_option(code)
    await page.locator("#first").fill("2020-08-01")
    await page.locator("#last").fill("2020-08-31")
    await upload(page, "statement", "对账单.csv", statement(code))
    await page.get_by_role("button", name=say["reconcile"], exact=True).click()
    await page.wait_for_url(re.compile(r"reconciliation/[0-9a-f-]{36}"))
    await expect(page.get_by_role("heading", name=say["differences"], exact=True)).to_be_visible(
        timeout=60_000
    )
    await expect(page.locator("tbody a[href*='/cases/']")).to_have_count(6)
    await looked_at(page, f"run-{locale}")
    await exported(page, code)

    await page.locator("a[href*='reason=received']").click()
    await expect(page.locator("tbody a[href*='/cases/']")).to_have_text([f"{code}-3"])
    await page.locator("tbody a[href*='/cases/']").click()
    await expect(page.get_by_role("heading", name=say["paid_less"])).to_be_visible()
    await page.locator("#note").fill("asked the bank: 手续费")
    await page.get_by_role("button", name=say["only_note"]).click()
    await expect(page.get_by_text("asked the bank: 手续费")).to_be_visible()
    await page.locator("#note").fill("a bank fee")
    await page.get_by_role("button", name=say["accept"]).click()
    await expect(page.get_by_text(say["waits"], exact=True).first).to_be_visible()
    await expect(page.get_by_text(say["not_own"])).to_be_visible()
    await looked_at(page, f"case-{locale}")
    await small_ones_need_one_person(page, code, say)
    await page.close()
    assert not [error for error in market.errors if "reconciliation" in error]
    assert market.server.doctor_finds() == {}


async def money_comes_in(page: Page, code: str, say: dict[str, str]) -> None:
    await page.goto("/operator/reconciliation/payments")
    await page.locator("#source").select_option(code)
    await upload(page, "payments", "到账.csv", payments(code))
    await page.get_by_role("button", name=say["import"], exact=True).click()
    file = page.locator(".card", has_text="到账.csv").first
    for _ in range(60):
        if await file.get_by_text(say["taken"]).count():
            break
        await page.wait_for_timeout(500)
        await page.reload()
    await expect(file).to_contain_text("3")
    await expect(file.locator("code")).to_have_text("amount")


async def exported(page: Page, code: str) -> None:
    """What is seen is in both files."""
    found = {}
    for kind in ("csv", "xlsx"):
        async with page.expect_download() as waiting:
            await page.locator(f"a[href$='file={kind}']").click()
        kept = await (await waiting.value).path()
        found[kind] = await asyncio.to_thread(kept.read_bytes)
    lines = found["csv"].decode("utf-8-sig").splitlines()
    sheet = load_workbook(io.BytesIO(found["xlsx"])).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    assert len(lines) == len(rows) == 7
    gaps = {str(row[0]): row[9] for row in rows[1:]}
    assert gaps == {
        f"{code}-2": -100, f"{code}-3": -50, f"{code}-4": -1_000, f"{code}-5": -1_000,
        f"{code}-8": 0, f"{code}-9": 500,
    }  # fmt: skip


async def small_ones_need_one_person(page: Page, code: str, say: dict[str, str]) -> None:
    """Once a limit is set, an amount below it is written off at once."""
    back = page.locator("a[href*='/operator/reconciliation/']", has=page.locator("svg")).first
    run = await back.get_attribute("href")
    await page.goto("/operator/reconciliation/terms")
    await page.locator("#field-source").select_option(code)
    await page.locator("#field-limit").fill("1.00")
    await page.locator("#field-reason").fill("agreed with the treasurer")
    await page.locator("form[action$='/terms'] button[type=submit]").click()
    await expect(page.get_by_text("agreed with the treasurer").first).to_be_visible()
    await looked_at(page, f"terms-{code}")
    await page.goto(f"{run}?q={code}-2")
    await page.locator("tbody a[href*='/cases/']").click()
    await page.locator("#note").fill("small")
    await page.get_by_role("button", name=say["accept"]).click()
    await expect(page.get_by_text(say["accepted"], exact=True).first).to_be_visible()
    await expect(page.locator("a[href*='/operator/entries/']")).to_be_visible()
