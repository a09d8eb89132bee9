"""Last month with the partner behind Taobao: its report of orders, the money that came, its own
statement, and what people have made of the differences. Amounts in minor units of CNY."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.money import decimal_text
from dougong.base.time import local_day, start_of_day
from dougong.cli.demo import story
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece, has_piece
from dougong.flows.decide_case import accept_case, step_case
from dougong.flows.import_receipts import import_receipts, start_receipts
from dougong.flows.reconcile import reconcile, start_run
from dougong.flows.report_arrived import import_report
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.reads.operator_reconciliation import differences_of
from dougong.settlement.case_commands import add_note
from dougong.settlement.case_rules import CaseState
from dougong.settlement.rules import Terms
from dougong.settlement.terms_commands import set_terms

SOURCE = "taobao"
COMMISSION_BP, ALLIANCE_BP, CONTENT_BP = 2_000, 1_000, 100
TERMS = Terms(tolerance_minor=10, patience_days=5, write_off_limit_minor=200)
GOODS = (
    "桂花乌龙 100g",
    "手作茶杯",
    "修护面霜 50ml",
    "口红 豆沙色",
    "冻干草莓",
    "露营灯",
    "积木小屋",
    "手帐套装",
)


class Sold(NamedTuple):
    """One order at the source, and how its month went. `stated`, `came`: other than what reaches us
    by the report, None where it is missing there."""

    number: int
    paid_minor: int
    stated: int | None = 0  # what the statement adds to the amount; None: not in it
    came: int | None = 0  # what the money adds to the amount; None: none came
    status: str = "结算"
    has_creator: bool = True

    @property
    def ref(self) -> str:
        return f"21{self.number:04d}88600317{self.number * 37 % 1_000:03d}"

    @property
    def commission(self) -> int:
        return self.paid_minor * COMMISSION_BP // 10_000

    @property
    def alliance_fee(self) -> int:
        return self.commission * ALLIANCE_BP // 10_000

    @property
    def content_fee(self) -> int:
        return self.paid_minor * CONTENT_BP // 10_000

    @property
    def reaches_us(self) -> int:
        return self.commission - self.alliance_fee - self.content_fee

    @property
    def is_settled(self) -> bool:
        return self.status == "结算"


AGREE = tuple(Sold(n, 6_800 + n * 2_300) for n in range(1, 19))
SHORT = Sold(21, 128_000, came=-3_000)  # less money than was stated
UNPAID = Sold(22, 76_000, came=None)
LOWER = Sold(23, 99_000, stated=-1_800, came=-1_800)  # stated otherwise than reported
UNSTATED = Sold(24, 54_000, stated=None, came=None)
FEN_OFF = Sold(25, 45_000, came=-150)  # within what one person may write off
EXPLAINED = Sold(26, 61_000, came=-700)
NOBODYS = Sold(27, 33_000, has_creator=False, came=None)
WAITING = (Sold(31, 42_000, status="付款", came=None), Sold(32, 27_000, status="成功", came=None))
ALL = (*AGREE, SHORT, UNPAID, LOWER, UNSTATED, FEN_OFF, EXPLAINED, NOBODYS, *WAITING)
STRANGER = "2199998860031777"


class Month(NamedTuple):
    """The last whole month, in the platform's zone."""

    first: date
    last: date
    starts: datetime
    ends: datetime


def _last_month(now: datetime) -> Month:
    zone = ZoneInfo(settings().timezone)
    last = local_day(now, zone).replace(day=1) - timedelta(days=1)
    first = last.replace(day=1)
    ends = start_of_day(last + timedelta(days=1), zone)
    return Month(first, last, start_of_day(first, zone), ends)


async def write_partner_month(market: Market, *, now: datetime) -> None:
    """What came of the partner: its report, and money. Each file changes nothing a second time."""
    month = _last_month(now)
    async with transaction() as conn:
        if await has_piece(conn, "partner month"):
            return
    await import_report(
        source=SOURCE,
        mapping="taobao_alliance",
        file_name=f"淘宝联盟订单明细-{month.first:%Y%m}.csv",
        data=_report(month),
        started_by=market.people["operator"],
    )
    async with transaction() as conn:
        file_id = await start_receipts(
            conn, source=SOURCE, mapping="alliance_payout",
            file_name=f"联盟打款-{month.first:%Y%m}.csv", data=_payments(month),
            started_by=market.people["operator"], at=now, is_queued=False,
        )  # fmt: skip
    await import_receipts(file_id)
    async with transaction() as conn:
        if await begin_piece(conn, "partner month", at=now):
            await set_terms(
                conn, source=SOURCE, currency="CNY", starts=month.starts, terms=TERMS,
                reason="容差一角；两元以内一人可核销 / a dime agrees, two yuan one may write off",
                author_id=market.people["second-operator"], at=month.starts,
            )  # fmt: skip


async def write_reconciliation(market: Market, *, now: datetime) -> None:
    """A run over the month beside the partner's own statement, and what people made of it."""
    month = _last_month(now)
    async with transaction() as conn:
        if await has_piece(conn, "reconciliation"):
            return
        run_id = await start_run(
            conn, source=SOURCE, starts=month.starts, ends=month.ends,
            started_by=market.people["operator"], at=await clock.refresh(conn),
            statement=(f"对账单-{month.first:%Y%m}.csv", _statement(month)), is_queued=False,
        )  # fmt: skip
    await reconcile(run_id)
    async with transaction() as conn:
        if await begin_piece(conn, "reconciliation", at=now):
            rows = await differences_of(conn, run_id=run_id, most=100)
            cases = {row.subject: row.case_id for row in rows}
            desk = Desk(conn, market, cases, await clock.refresh(conn))
            await _talk(desk)


# files -------------------------------------------------------------------------------------------


def _file(head: str, lines: Sequence[tuple[str, ...]]) -> bytes:
    """As the partner's console exports it: GB 18030, with its own column names."""
    return "\n".join([head, *(",".join(line) for line in lines), ""]).encode("gb18030")


def _yuan(minor: int) -> str:
    return decimal_text(minor, "CNY")


def _paid_at(sold: Sold, month: Month) -> str:
    return f"{month.first + timedelta(days=1 + sold.number % 8)} 1{sold.number % 10}:20:00"


def _settled_at(sold: Sold, month: Month) -> str:
    return f"{month.first + timedelta(days=11 + sold.number % 7)} 03:00:00"


def _report(month: Month) -> bytes:
    head = (
        "子订单编号,商品标题,订单状态,付款金额,佣金比率,付款预估收入,付款时间,"
        "结算金额,结算预估收入,技术服务费,结算内容专项服务费,结算时间,渠道id"
    )
    lines = []
    for n, sold in enumerate(ALL):
        creator = story.CREATORS[n % len(story.CREATORS)].handle if sold.has_creator else ""
        settled: tuple[str, ...] = ("",) * 5
        if sold.is_settled:
            money = (sold.paid_minor, sold.commission, sold.alliance_fee, sold.content_fee)
            settled = (*map(_yuan, money), _settled_at(sold, month))
        paid = (_yuan(sold.paid_minor), "20.00", _yuan(sold.commission), _paid_at(sold, month))
        lines.append((sold.ref, GOODS[n % len(GOODS)], sold.status, *paid, *settled, creator))
    return _file(head, lines)


def _payments(month: Month) -> bytes:
    lines = [
        (sold.ref, sold.reaches_us + sold.came)
        for sold in ALL
        if sold.is_settled and sold.came is not None
    ]
    lines.append((STRANGER, 1_880))
    payout = f"ZF{month.first:%Y%m}28"
    at = f"{month.last} 15:00:00"
    return _file(
        "打款单号,子订单编号,打款金额,打款时间",
        [(payout, ref, _yuan(minor), at) for ref, minor in lines],
    )


def _statement(month: Month) -> bytes:
    lines = []
    for sold in ALL:
        if sold.stated is not None:
            at = (_paid_at(sold, month), _settled_at(sold, month) if sold.is_settled else "")
            amount = sold.reaches_us + sold.stated if sold.is_settled else sold.commission
            lines.append((sold.ref, sold.status, _yuan(amount), *at))
    return _file("子订单编号,订单状态,应结金额,付款时间,结算时间", lines)


# what people say ---------------------------------------------------------------------------------


class Desk(NamedTuple):
    """The people at the desk, and the cases by what they are about."""

    conn: AsyncConnection
    market: Market
    cases: dict[str, UUID]
    now: datetime

    async def step(self, sold: Sold, to: CaseState, note: str) -> None:
        await step_case(
            self.conn, case_id=self.cases[sold.ref], to=to, note=note,
            person_id=self.market.people["operator"], at=self.now,
        )  # fmt: skip

    async def accept(self, sold: Sold, note: str) -> None:
        await accept_case(
            self.conn, case_id=self.cases[sold.ref], note=note,
            person_id=self.market.people["operator"], at=self.now,
        )  # fmt: skip

    async def partner_says(self, sold: Sold, note: str) -> None:
        await add_note(
            self.conn, case_id=self.cases[sold.ref], note=note,
            person_id=self.market.people["partner"], side="partner", at=self.now,
        )  # fmt: skip


async def _talk(desk: Desk) -> None:
    """Cases in every state; three stay open."""
    await desk.step(SHORT, CaseState.CLAIMED, "少打 30 元，已发函要求补款 / 30 yuan short: claimed")
    await desk.partner_says(SHORT, "已提交补打，预计三日内到账。/ Paid again within three days.")
    await desk.step(UNPAID, CaseState.EXPLAINED, "对方称并入下期打款 / comes with the next payout")
    await desk.partner_says(LOWER, "结算后有部分维权，我方金额为准。/ Part of it was returned.")
    await desk.accept(UNSTATED, "对账单无此单，按未成交处理 / not in the statement: given up")
    await desk.accept(FEN_OFF, "金额很小，核销 / small: written off")
    await desk.step(
        EXPLAINED, CaseState.EXPLAINED, "扣了上期多付的 7 元 / an overpayment of before"
    )
    await desk.step(EXPLAINED, CaseState.CLOSED, "双方确认 / both sides agree")
