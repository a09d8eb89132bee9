"""After-sales cases in every state, of the first merchant and of two others, their deadlines
running: some of them are asked by whom `/enter` offers as the shopper."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.rules import CaseKind
from dougong.aftersales.talk_commands import add_template, set_return_address
from dougong.base.ids import PersonId
from dougong.cli.demo.acts import pay, place_one, ship, the_shopper
from dougong.cli.demo.case_acts import Shown, Step, Told, go_on, keep_picture, pay_back
from dougong.cli.demo.case_desks import cheaper, owner_of, write_rules_of
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece, has_piece
from dougong.flows.keep_buyer_scores import keep_buyer_scores_at
from dougong.flows.open_case import Wish, open_case
from dougong.flows.place_orders import Placed
from dougong.flows.receive_order import receive_order
from dougong.infra.db import transaction

HOUR = timedelta(hours=1)
FIRST_NUMBER = 3_100
MINE = -1
SERIAL = 26  # whose cases do not hold
STORES = {
    "mist-tea": ("林晓岚", "浙江", "杭州", "西湖区龙井路 18 号 茶仓退货组"),
    "soft-nest": ("周渝", "江苏", "南通", "叠石桥家纺城 6 号库 退货组"),
    "pocket-lab": ("何启", "广东", "深圳", "华强北路 2 号 8 楼 售后"),
}
TEMPLATES = (
    ("致歉并核实", "非常抱歉给您带来不便，我们正在核实，今天之内给您答复。"),
    ("寄回说明", "请保留原包装寄回，运费由我们承担；填写运单号后我们会在签收当天查验。"),
    ("Part back", "We are sorry. May we give you half of it back, and you keep the goods?"),
)
K = CaseKind


class Asked(NamedTuple):
    """Hours count back from now. `way`: "paid", "shipped" or "arrived" is how far its order got."""

    who: int
    kind: CaseKind
    reason: str
    ordered: int
    way: str
    asked: int
    words: str
    steps: tuple[Step, ...] = ()
    store: str = "mist-tea"


WHY_TAKEN = "开封两次照片与实物不符，商家未提供发货前照片，支持买家。"
CASES = (
    Asked(MINE, K.RETURN_REFUND, "damaged", 128, "arrived", 20,
          "收到时盒子裂开，茶片碎了一半，想退货。", (
              Step(19, "picture", "开裂.jpg"),
              Step(9, "merchant", "非常抱歉给您带来不便，我们正在核实，今天之内给您答复。"),
          )),
    Asked(5, K.REFUND_UNSHIPPED, "changed_mind", 6, "paid", 3, "买错规格了，还没发货，请退款。"),
    Asked(6, K.REFUND_ONLY, "missing_parts", 150, "arrived", 46, "盒里没有杯盖。"),
    Asked(MINE, K.REFUND_ONLY, "quality", 160, "arrived", 60, "釉面有好几处小黑点。",
          (Step(30, "offer", "手工釉会有少量落灰点，先退一半，杯子您留着用，可以吗？"),)),
    Asked(7, K.REFUND_ONLY, "changed_mind", 170, "arrived", 50, "不想要了，已经拆了一包。",
          (Step(40, "refuse", "已拆封的茶叶不能再售，未拆的可以申请退货退款。"),)),
    Asked(MINE, K.RETURN_REFUND, "changed_mind", 180, "arrived", 40, "朋友也送了一份，没有拆。",
          (Step(28, "approve", "请保留原包装寄回。"),
           Step(6, "more time", "这两天出差，周末回家寄。"))),
    Asked(8, K.RETURN_REFUND, "wrong_item", 210, "arrived", 120, "买的是肉桂，收到的是水仙。",
          (Step(110, "approve", "是我们发错了，运费由我们承担。"),
           Step(70, "ship back", "SF1390000003106"))),
    Asked(9, K.RETURN_REFUND, "damaged", 230, "arrived", 150, "罐子压扁了。",
          (Step(140, "approve"), Step(110, "ship back", "SF1390000003107"), Step(26, "receive"),
           Step(20, "store more time", "质检排队，想再要三天。"),
           Step(12, "no more time", "已经寄回一周了，请按期处理。"))),
    Asked(10, K.EXCHANGE, "damaged", 240, "arrived", 160, "罐盖合不上，换一罐就好。",
          (Step(150, "approve"), Step(120, "ship back", "SF1390000003108"), Step(40, "receive"),
           Step(20, "damaged", "盖沿变形，属实，安排换新。"))),
    Asked(MINE, K.EXCHANGE, "wrong_item", 250, "arrived", 170, "买的是罐装，收到的是袋装，想换。",
          (Step(160, "approve"), Step(130, "ship back", "SF1390000003109"), Step(60, "receive"),
           Step(44, "as new", "完好，换货。"), Step(18, "send again", "ZTO7531880210"))),
    Asked(12, K.REFUND_ONLY, "not_as_described", 260, "arrived", 130,
          "页面写的是手采，实物全是碎末。", (
              Step(129, "picture", "碎末.jpg"),
              Step(100, "refuse", "手采茶也会有少量碎末，属于正常范围。"),
              Step(90, "buyer", "不是少量，一半以上都是，照片里看得很清楚。"),
              Step(84, "merchant", "照片不能说明是我们这一批。"),
              Step(70, "ask platform", "一半以上是碎末，是否与描述不符？"),
          )),
    Asked(13, K.REFUND_ONLY, "not_received", 140, "shipped", 90, "物流五天没有动了。",
          (Step(60, "refuse", "包裹仍在途中，请再等等。"),
           Step(10, "ask platform", "一直没有收到，商家让我等，还要等多久？"))),
    Asked(14, K.REFUND_ONLY, "damaged", 380, "arrived", 260, "内袋漏气，茶已受潮。",
          (Step(250, "refuse", "发货前都会检查。"), Step(240, "ask platform", "茶受潮了不能喝。"),
           Step(20, "rule", "内袋漏气是否发生在签收之前？|" + WHY_TAKEN))),
    Asked(15, K.REFUND_ONLY, "not_as_described", 390, "arrived", 270, "年份和页面写的不一样。",
          (Step(260, "refuse", "年份印在罐底，与页面一致。"),
           Step(250, "ask platform", "罐底没有年份。"),
           Step(60, "rule", "年份与页面是否一致？|" + WHY_TAKEN),
           Step(30, "merchant appeals", "附上同批次罐底，年份清晰，请再看一次。"))),
    Asked(MINE, K.RETURN_REFUND, "quality", 400, "arrived", 290, "桂花味很淡，像陈茶。",
          (Step(280, "approve"), Step(250, "ship back", "SF1390000003114"), Step(210, "receive"),
           Step(200, "as new", "已查验，退款。"))),
    Asked(16, K.REFUND_ONLY, "late", 200, "arrived", 90, "送礼的日子已经过了。",
          (Step(60, "withdraw"),)),
    Asked(17, K.REFUND_ONLY, "other", 420, "arrived", 310, "觉得买贵了。",
          (Step(300, "refuse", "价格与页面一致，没有降过价。"), Step(132, "run out"))),
    Asked(18, K.REFUND_ONLY, "quality", 190, "arrived", 110, "The lid has a small chip at the rim.",
          (Step(100, "offer", "Sorry! Half of it back, and you keep the rest?"),
           Step(80, "take"))),
    Asked(19, K.RESEND, "missing_parts", 160, "arrived", 70, "充电线没有放进盒子。",
          (Step(50, "approve", "马上补发。"),), "pocket-lab"),
    Asked(20, K.RESEND, "missing_parts", 300, "arrived", 190, "少了一个配件。",
          (Step(180, "approve"), Step(170, "send again", "ZTO7531880219"), Step(100, "confirm")),
          "pocket-lab"),
    Asked(21, K.RETURN_REFUND, "not_as_described", 410, "arrived", 300, "颜色和图片差太多。",
          (Step(290, "refuse", "不同屏幕会有色差。"),
           Step(280, "ask platform", "不是色差，是另一个颜色。"),
           Step(200, "rule nothing", "是否属于色差？|照片光线不足，无法判断，不支持退款。"),
           Step(190, "buyer appeals", "补拍了白天的照片。"),
           Step(150, "rule again", "新照片是否说明颜色不符？|白天的照片与页面明显不同，改判。")),
          "soft-nest"),
    # Answered by rules of the store, at once.
    Asked(22, K.REFUND_UNSHIPPED, "late", 80, "paid", 20, "三天还没发货，不等了。"),
    Asked(MINE, K.REFUND_ONLY, "changed_mind", 200, "arrived", 30, "喝了一次，不太合口味。"),
    Asked(24, K.PRICE_PROTECTION, "price_dropped", 110, "arrived", 26,
          "昨天刚签收，今天就降价了，请退差价。", (Step(22, "approve", "已核实，差价退回。"),)),
    Asked(25, K.REPAIR, "quality", 420, "arrived", 330, "左耳没有声音。",
          (Step(320, "approve", "请寄回，我们检修。"), Step(290, "ship back", "SF1390000003127"),
           Step(240, "receive"), Step(230, "as new", "已更换左耳单元。"),
           Step(200, "send again", "ZTO7531880227")), "pocket-lab"),
    # One buyer whose cases did not hold.
    Asked(SERIAL, K.RETURN_REFUND, "not_as_described", 800, "arrived", 690, "和图片不一样。",
          (Step(680, "approve"), Step(650, "ship back", "SF1390000003128"), Step(600, "receive"),
           Step(590, "wrong goods", "寄回的不是本店商品，附开箱照片。"))),
    Asked(SERIAL, K.REFUND_ONLY, "not_received", 700, "arrived", 560, "没有收到。",
          (Step(550, "refuse", "签收记录与门卫照片均在。"),
           Step(540, "ask platform", "就是没收到。"),
           Step(430, "rule nothing", "是否签收？|签收照片与收货地址一致，不支持。")), "soft-nest"),
    Asked(SERIAL, K.REFUND_ONLY, "missing_parts", 500, "arrived", 410, "少了一根线。",
          (Step(400, "approve", "退一点给您。"),), "pocket-lab"),
)  # fmt: skip


async def write_cases(market: Market, *, now: datetime) -> None:
    async with transaction() as conn:
        if await has_piece(conn, "cases"):
            return
    pictures = {n: await keep_picture(_code(market, n)) for n in _with_picture()}
    async with transaction(slow=True) as conn:
        if not await begin_piece(conn, "cases", at=now):
            return
        for store, address in STORES.items():
            await _desk(conn, market, store, address, at=now - timedelta(days=50))
        await write_rules_of(conn, market, "mist-tea", now=now)
        for number, asked in enumerate(CASES):
            await _case(conn, market, number, asked, pictures.get(number), now=now)
    await keep_buyer_scores_at(now)


def _with_picture() -> list[int]:
    return [n for n, one in enumerate(CASES) if any(step.what == "picture" for step in one.steps)]


def _code(market: Market, number: int) -> str:
    """The product of which `place_one` sells one."""
    codes = [code for code in market.products if code.startswith(f"{CASES[number].store}-")]
    return codes[(FIRST_NUMBER + number) % len(codes)]


async def _desk(
    conn: AsyncConnection,
    market: Market,
    store: str,
    address: tuple[str, str, str, str],
    *,
    at: datetime,
) -> None:
    """Where goods go back to, and what is answered often."""
    store_id, (recipient, province, city, line) = market.stores[store], address
    await set_return_address(
        conn, store_id=store_id, recipient=recipient, phone="13900001818", province=province,
        city=city, line=line, at=at,
    )  # fmt: skip
    for name, body in TEMPLATES:
        await add_template(conn, store_id=store_id, name=name, body=body, at=at)


async def _case(
    conn: AsyncConnection,
    market: Market,
    number: int,
    asked: Asked,
    picture: Shown | None,
    *,
    now: datetime,
) -> None:
    buyer, placed = await _order(conn, market, number, asked, now=now)
    wish = Wish(kind=asked.kind, reason=asked.reason, body=asked.words, lines={1: 1})
    at = now - asked.asked * HOUR
    async with cheaper(conn, placed, asked.kind is K.PRICE_PROTECTION, at=at):
        case = await open_case(
            conn, buyer_id=buyer, store_id=placed.store_id, order_id=placed.order_id, wish=wish,
            key=f"demo-case-{number:03}", at=at,
        )  # fmt: skip
    told = Told(conn, market, placed, case, buyer, await owner_of(conn, placed.store_id), picture)
    await pay_back(told, None, at=at)
    told.case = case
    for step in asked.steps:
        await go_on(told, step, now=now)


async def _order(
    conn: AsyncConnection, market: Market, number: int, asked: Asked, *, now: datetime
) -> tuple[PersonId, Placed]:
    """Paid minutes later, shipped after a night, there two days after that."""
    shopper = the_shopper(market) if asked.who == MINE else market.shoppers[asked.who]
    at = now - asked.ordered * HOUR
    plan, placed = await place_one(
        conn, market, store=asked.store, number=FIRST_NUMBER + number, shopper=shopper, at=at
    )
    await pay(conn, plan, placed, at=at + timedelta(minutes=3))
    if asked.way != "paid":
        await ship(conn, placed, {1: 1}, chance=plan.chance, at=at + 9 * HOUR)
    if asked.way == "arrived":
        await receive_order(
            conn, store_id=placed.store_id, order_id=placed.order_id, why="by_buyer",
            at=at + 57 * HOUR,
        )  # fmt: skip
    return shopper.person_id, placed
