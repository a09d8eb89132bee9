"""What a store of the story decides beforehand: rules that answer its cases, and a price that
drops for some hours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.answer_commands import add_rule
from dougong.aftersales.answer_rules import ANY, ANY_AMOUNT, Answer, CaseRule
from dougong.base.ids import PersonId, ProductId, SkuId, StoreId, new_id
from dougong.catalog.product_commands import put_variants
from dougong.catalog.rules import Variant
from dougong.cli.demo.market import Market
from dougong.flows.place_orders import Placed

DAY = timedelta(days=1)
OWNER = text("""
    SELECT g.person_id FROM stores s JOIN grants g ON g.org_id = s.org_id
    WHERE s.id = :store_id ORDER BY g.person_id LIMIT 1
""")
SKUS = text("""
    SELECT k.product_id, k.id, k.code, k.options, k.price_minor, k.list_price_minor, k.gtin,
      k.weight_g
    FROM order_lines l
    JOIN skus s ON s.store_id = l.store_id AND s.id = l.sku_id
    JOIN skus k ON k.store_id = s.store_id AND k.product_id = s.product_id AND k.state = 'active'
    WHERE l.store_id = :store_id AND l.order_id = :order_id AND l.line_no = 1 ORDER BY k.position
""")


class Says(NamedTuple):
    """Days count back from now; `until` None: until further notice."""

    outcome: Answer
    kind: str
    reason: str
    order_state: str
    up_to_minor: int
    since: float
    until: float | None
    zh: str
    en: str


RULES = (
    Says(Answer.APPROVE, "refund_unshipped", "late", "not_shipped", ANY_AMOUNT, 45, None,
         "超过承诺时间未发货，退款无需审核。", "Not shipped in time: refunded without asking."),
    Says(Answer.REFUSE, "refund_only", "changed_mind", "received", ANY_AMOUNT, 1.9, None,
         "已签收的茶叶不支持仅退款，未拆封可申请退货退款。",
         "Tea that has arrived is not refunded without a return; send it back unopened."),
    Says(Answer.ASK, "return_refund", "damaged", ANY, ANY_AMOUNT, 45, None,
         "破损件先由客服核实，以便向快递索赔。",
         "Somebody looks at damage first, so that the carrier can be held to it."),
    Says(Answer.APPROVE, "refund_only", "missing_parts", ANY, 2_000, 45, 20,
         "小配件缺失，20 元以内直接退。", "Small missing parts: up to 20 yuan at once."),
    Says(Answer.APPROVE, "return_refund", "changed_mind", "received", 20_000, -5, None,
         "未拆封，七天无理由退货。", "Unopened: seven days to change your mind."),
)  # fmt: skip


async def owner_of(conn: AsyncConnection, store_id: StoreId) -> PersonId:
    return PersonId(await conn.scalar(OWNER, {"store_id": store_id}))


async def write_rules_of(
    conn: AsyncConnection, market: Market, store: str, *, now: datetime
) -> None:
    store_id = market.stores[store]
    by = await owner_of(conn, store_id)
    for says in RULES:
        starts = now - says.since * DAY
        rule = CaseRule(
            id=new_id(), kind=says.kind, reason=says.reason, order_state=says.order_state,
            up_to_minor=says.up_to_minor, outcome=says.outcome, says_zh=says.zh, says_en=says.en,
            starts=starts, ends=None if says.until is None else now - says.until * DAY,
        )  # fmt: skip
        await add_rule(conn, store_id=store_id, rule=rule, by=by, at=min(starts, now))


@asynccontextmanager
async def cheaper(
    conn: AsyncConnection, placed: Placed, is_cheaper: bool, *, at: datetime
) -> AsyncIterator[None]:
    """What was ordered costs a tenth less meanwhile."""
    where = {"store_id": placed.store_id, "order_id": placed.order_id}
    rows = (await conn.execute(SKUS, where)).all() if is_cheaper else []
    for tenths in (9, 10):
        if rows:
            await put_variants(
                conn, store_id=placed.store_id, product_id=ProductId(rows[0].product_id), at=at,
                variants=[
                    Variant(
                        sku_id=SkuId(row.id), code=row.code, options=row.options,
                        price_minor=row.price_minor * tenths // 10, gtin=row.gtin or "",
                        list_price_minor=row.list_price_minor, weight_g=row.weight_g or 0,
                    )
                    for row in rows
                ],
            )  # fmt: skip
        if tenths == 9:
            yield
