"""Where the desks of operators and partners have something to show: made once, after the story."""

import asyncio

import msgspec
from tests.browser.market import Market


class Desks(msgspec.Struct):
    """Ids of what the demo's partner and brand have left. `signed` and `negotiated`: rounds."""

    partner: str
    brand: str
    brief: str
    task: str
    book: str
    signed: str
    negotiated: str
    run: str
    case: str
    report: str
    referral: str
    link_rule: str
    fee_rule: str
    account: str
    entry: str
    payee: str


async def desks(market: Market) -> Desks:
    """Opened once for all tests of a market."""
    if "desks" not in market.kept:
        made = await asyncio.to_thread(market.server.run, "-m", "tests.browser.desk_opening")
        assert made.returncode == 0, made.stderr[-4000:]
        market.kept["desks"] = msgspec.json.decode(made.stdout, type=Desks)
    opened: Desks = market.kept["desks"]
    return opened


def operator_screens(at: Desks) -> list[str]:
    """Screens of one thing, and of what partners bring."""
    lists = ("referrals", "referrals/precedence", "referrals/reports", "referrals/rows")
    desk = ("reconciliation", "reconciliation/payments", "reconciliation/terms")
    rules = ("link-rules", "link-rules/draft", "link-rules/case")
    money = ("refunds", "refunds/foreign", f"ledger/{at.book}/{at.account}")
    ones = (
        *(f"referrals/{at.referral}", f"referrals/reports/{at.report}"),
        *(f"reconciliation/{at.run}", f"reconciliation/cases/{at.case}"),
        *(f"link-rules/{at.link_rule}/impact", f"rules/{at.fee_rule}/impact"),
        *(f"ledger/{at.book}/entries/{at.entry}", f"explained/{at.payee}"),
        *(f"tasks/{at.task}", "tasks?show=disputed"),
        *("sources", "sources/new", "sources/taobao", f"rounds/{at.negotiated}/offer"),
    )
    return [f"/operator/{tail}" for tail in (*lists, *desk, *rules, *money, *ones, *rounds(at))]


def partner_screens(at: Desks) -> list[str]:
    tails = ("rounds", "traffic", "differences", f"differences/{at.case}", *rounds(at))
    return [f"/partner/{at.partner}/{tail}" for tail in (*tails, f"rounds/{at.negotiated}/offer")]


def brand_screens(at: Desks) -> list[str]:
    tails = ("tasks", "tasks?show=posted", "briefs/new", "funds", f"tasks/{at.task}")
    brief = (f"briefs/{at.brief}",)
    return [f"/brand/{at.brand}/{tail}" for tail in (*tails, *brief)]


def rounds(at: Desks) -> list[str]:
    signed = ("", "/progress", "/amounts", "/statement", "/disputes")
    return [f"rounds/{at.negotiated}", *(f"rounds/{at.signed}{tail}" for tail in signed)]
