"""How payees are paid: terms, their accounts, a week's payouts and today's, and what the bank said
of them. Weekly for everybody, since two days daily for merchants; amounts in minor units of CNY."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId
from dougong.base.time import local_day
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece, has_piece
from dougong.flows import pay_out as flow
from dougong.flows.payout_accounts import enter_account, judge
from dougong.flows.payout_files import make_list, start_answers, take_answers
from dougong.flows.payout_runs import approve, begin_due, make_run
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.reads.payouts import PayoutFilter, PayoutRow, payout_rows, run_rows
from dougong.settlement.payout_rules import BankAnswer, PayoutState, RunState, Terms
from dougong.settlement.payout_terms_commands import set_payout_terms

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LIMIT_MINOR = 100_000
OWNER = text("SELECT person_id FROM grants WHERE org_id = :org_id ORDER BY person_id LIMIT 1")
BACK, AGAIN = "account_closed", "6217000020002801"
MOVED = "laozhou_tea"


class Payee(NamedTuple):
    """Whose account it is, at which bank; `is_verified`: None, refused."""

    code: str
    holder: str
    bank: str
    number: str
    is_verified: bool | None = True


# Numbers that no bank has given out; the last four digits tell the sandbox bank what to do.
PAYEES = (
    Payee("mist-tea", "云岫茶社", "建设银行武夷山支行", "6217000010001001"),
    Payee("river-kiln", "河畔窑陶艺有限公司", "农业银行景德镇支行", "6217000010001102"),
    Payee("dew-lab", "晨露化妆品有限公司", "招商银行上海分行", "6217000010001203"),
    Payee("crispy-lane", "脆巷食品有限公司", "工商银行长沙支行", "6217000010009003"),
    Payee("pocket-lab", "口袋电子有限公司", "平安银行深圳分行", "6217000010001405"),
    Payee("soft-nest", "软巢家纺有限公司", "中国银行南通支行", "6217000010001506"),
    Payee("foot-note", "足注鞋业有限公司", "兴业银行泉州支行", "6217000010009002"),
    Payee("warm-volt", "暖伏电器有限公司", "民生银行佛山支行", "6217000010001607", None),
    Payee("ridge-line", "山脊户外有限公司", "浦发银行杭州分行", "6217000010001708", False),
    Payee("chaxiaoman", "满晓雨", "招商银行杭州分行", "6217000020002001"),
    Payee("laozhou_tea", "周建国", "邮储银行福州支行", "6217000020009002"),
    Payee("wanwan_home", "万婉", "工商银行苏州支行", "6217000020002203"),
    Payee("chihuo_dan", "丹宁", "农业银行成都支行", "6217000020002304"),
    Payee("skin_luna", "罗娜", "交通银行广州分行", "6217000020002405", False),
)


async def write_payouts(market: Market, *, now: datetime) -> None:
    async with transaction() as conn:
        if await begin_piece(conn, "payout accounts", at=now):
            await _terms(conn, market, now=now)
            for payee in PAYEES:
                await _account(conn, market, payee, at=now - 12 * DAY)
    await _week_ago(market, at=now - 7 * DAY, now=now)
    await _yesterday(market, at=now - DAY, now=now)
    await _today(market, now=now)


async def _terms(conn: AsyncConnection, market: Market, *, now: datetime) -> None:
    weekly = local_day(now, ZoneInfo(settings().timezone)).isoweekday()
    for purpose, weekday, starts, why in (
        ("*", weekly, now - 8 * DAY, "weekly"),
        ("merchant_payable", None, now - 2 * DAY, "daily"),
    ):
        terms = Terms(
            weekday=weekday, minimum_minor=1_000, hold_days=7, change_wait_days=3,
            approve_above_minor=LIMIT_MINOR,
        )  # fmt: skip
        await set_payout_terms(
            conn, purpose=purpose, currency="CNY", starts=starts, terms=terms, reason=why,
            author_id=market.people["operator"], at=starts,
        )  # fmt: skip


async def _account(conn: AsyncConnection, market: Market, payee: Payee, *, at: datetime) -> None:
    """Entered by its owner; one of the operators looks at it two hours later, or not yet."""
    org_id = market.orgs[payee.code]
    account_id = await enter_account(
        conn, payee_id=org_id, currency="CNY", holder=payee.holder, bank=payee.bank,
        number=payee.number, by=PersonId(await conn.scalar(OWNER, {"org_id": org_id})), at=at,
    )  # fmt: skip
    if payee.is_verified is not False:
        refused = "" if payee.is_verified else "holder_differs"
        by = market.people["second-operator"]
        await judge(conn, account_id=account_id, by=by, refused=refused, at=at + 2 * HOUR)


async def _runs(*, at: datetime) -> None:
    """What is due at an instant, made."""
    async with transaction() as conn:
        begun = await begin_due(conn, at=at)
    for run_id in begun:
        await make_run(run_id, at=at)


async def _let_go(conn: AsyncConnection, market: Market, *, at: datetime) -> None:
    """Every run that waits is checked by one operator and let go by the other."""
    for run in await run_rows(conn, state=RunState.WAITING, most=20):
        for minutes, who in ((10, "operator"), (25, "second-operator")):
            person_id = market.people[who]
            then = at + timedelta(minutes=minutes)
            await approve(conn, run_id=run.id, person_id=person_id, at=then)


async def _sent(conn: AsyncConnection) -> list[PayoutRow]:
    """What lies with the bank, always in the same order."""
    rows = await payout_rows(conn, PayoutFilter(state=PayoutState.SENT), most=100)
    return sorted(rows, key=lambda row: (row.purpose, -row.amount_minor, row.id))


async def _bank(conn: AsyncConnection, row: PayoutRow, state: str, *, at: datetime) -> None:
    why = BACK if state == PayoutState.RETURNED else ""
    answer = BankAnswer(row.id, state, f"ZH{row.day:%m%d}{row.id.hex[-8:].upper()}", why)
    await flow.bank_says(conn, store_id=row.store_id, answer=answer, at=at)


async def _week_ago(market: Market, *, at: datetime, now: datetime) -> None:
    """Paid the day after, but for those whose bank had closed the account."""
    await _runs(at=at)
    async with transaction() as conn:
        if not await begin_piece(conn, "payouts of last week", at=now):
            return
        await _let_go(conn, market, at=at)
        await make_list(conn, by=market.people["operator"], at=at + HOUR)
        for row in await _sent(conn):
            is_back = row.number_tail == "9002"
            state = PayoutState.RETURNED if is_back else PayoutState.CONFIRMED
            await _bank(conn, row, state, at=at + DAY)
            if row.number_tail == "9003":
                await _bank(conn, row, PayoutState.RETURNED, at=at + 3 * DAY)
        await _other_account(conn, market, at=at + 2 * DAY)


async def _other_account(conn: AsyncConnection, market: Market, *, at: datetime) -> None:
    """A creator's money came back: another account, old enough by now."""
    payee = next(one for one in PAYEES if one.code == MOVED)
    await _account(conn, market, payee._replace(number=AGAIN), at=at)


async def _yesterday(market: Market, *, at: datetime, now: datetime) -> None:
    """What came back is tried again; the bank has answered by a file with a line too many."""
    await _runs(at=at)
    async with transaction() as conn:
        if await has_piece(conn, "payouts of yesterday"):
            return
        await _let_go(conn, market, at=at)
        operator = market.people["operator"]
        for row in await payout_rows(conn, PayoutFilter(state=PayoutState.RETURNED), most=20):
            if row.payee_id == market.orgs[MOVED] and row.retried_by is None:
                await flow.retry(
                    conn, store_id=row.store_id, payout_id=row.id, by=operator, at=at + HOUR
                )
        await make_list(conn, by=operator, at=at + 2 * HOUR)
        data = _answers([row for row in await _sent(conn) if row.number_tail != "1001"])
        name = f"回单-{at:%Y%m%d}.csv"
        file_id = await start_answers(
            conn, file_name=name, data=data, by=operator, at=at + 20 * HOUR
        )
        await begin_piece(conn, "payouts of yesterday", at=now)
    await take_answers(file_id)


def _answers(rows: list[PayoutRow]) -> bytes:
    lines = ["payout_id,state,bank_ref,reason"]
    for row in rows:
        ref = f"ZH{row.day:%m%d}{row.id.hex[-8:].upper()}"
        is_back = row.number_tail == "9002"
        lines.append(f"{row.id},returned,{ref},{BACK}" if is_back else f"{row.id},confirmed,{ref},")
    stranger = UUID(int=0)
    return "\n".join([*lines, f"{stranger},confirmed,ZH0000,", ""]).encode()


async def _today(market: Market, *, now: datetime) -> None:
    """The runs wait, one of them for its second person; one payout is held."""
    await _runs(at=now)
    async with transaction() as conn:
        if not await begin_piece(conn, "payouts of today", at=now):
            return
        for run in await run_rows(conn, state=RunState.WAITING, most=1):
            await approve(conn, run_id=run.id, person_id=market.people["operator"], at=now)
        booked = await payout_rows(conn, PayoutFilter(state=PayoutState.BOOKED), most=100)
        for row in sorted(booked, key=lambda row: (row.amount_minor, row.id))[:1]:
            await flow.hold(
                conn, store_id=row.store_id, payout_id=row.id, by=market.people["second-operator"],
                why="holder_unclear", at=now,
            )  # fmt: skip
