"""The page that answers "where did the money go?": a picture, and a table of the same tree."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Access, Permission
from dougong.base.errors import NotFound
from dougong.base.ids import PLATFORM_BOOK, StoreId
from dougong.catalog.queries import store_of
from dougong.reads.creator_videos import creator_organisation
from dougong.reads.explain import explain_order, for_buyer, for_creator, parties_of
from dougong.reads.explain_task import for_brand
from dougong.reads.explain_tree import Node
from dougong.reads.task_desk import brand_organisation
from dougong.web.deps import Conn, Who
from dougong.web.i18n import gettext, mark
from dougong.web.render import Page, page

LABELS = {
    "order": mark("Order"),
    "creator_order": mark("Your commission"),
    "line": mark("Item"),
    "paid_by_buyer": mark("Paid by the buyer"),
    "merchant_coupon": mark("Coupon, paid by the merchant"),
    "platform_coupon": mark("Coupon, paid by the platform"),
    "creator_coupon": mark("Coupon, paid by the creator"),
    "merchant_coupon_returned": mark("Back to the merchant's coupon"),
    "platform_coupon_returned": mark("Back to the platform's coupon"),
    "creator_coupon_returned": mark("Back to the creator's coupon"),
    "refunded": mark("Refunded to the buyer"),
    "in_escrow": mark("Held in escrow"),
    "shared_out": mark("Shared out"),
    "service_fee": mark("Platform service fee"),
    "commission": mark("Commission"),
    "commission_cut": mark("The platform's part of the commission"),
    "creator": mark("Creator"),
    "payment_cost": mark("Payment cost"),
    "merchant": mark("Merchant"),
    "merchant_net": mark("Merchant, after its own coupon"),
    "coupon_paid": mark("The merchant's own coupon"),
    "referral_order": mark("Order at another platform"),
    "source_pays": mark("Commission that the source pays"),
    "alliance_fee": mark("Kept by the alliance"),
    "media_fee": mark("Kept by the alliance for content"),
    "reaches_us": mark("Reaches us"),
    "nobody_yet": mark("Nobody is known who earned it"),
    "taken_back": mark("Taken back by the source"),
    "kept_by_platform": mark("Kept by the platform"),
    "referral": mark("Creator"),
    "task": mark("Task"),
    "task_funds": mark("The brand's funds"),
    "task_held": mark("Held for the task"),
    "task_back": mark("Back to the brand"),
    "task_earned": mark("Earned by the work"),
    "task_fixed": mark("Of the fixed part"),
    "task_reached": mark("Of what was reached by result"),
    "task_net": mark("The creator's side"),
    "task_pay": mark("Creator"),
    "agency": mark("Agency"),
    "case": mark("After-sales case"),
    "case_waiting": mark("Asked for, and not decided yet"),
    "case_refunded": mark("Refunded for it"),
    "case_not_granted": mark("Not refunded"),
    "insurance_premium": mark("Freight insurance, paid by the merchant"),
    "insurance_claim": mark("Freight of the return, paid by insurance"),
    "resend_cost": mark("What sending it again cost the store"),
    "resend_goods": mark("Goods that went out again, at what they cost"),
    "resend_back": mark("Goods that came back, at what they left with"),
    "payee": mark("Earned"),
    "payee_order": mark("Order"),
    "other_orders": mark("Other orders"),
}
ENTRIES = {
    "capture": mark("Payment arrived"),
    "final": mark("Order became final"),
    "refund": mark("Refund"),
    "refund_after_final": mark("Refund after final"),
    "reversal": mark("Reversal"),
    "referral_settled": mark("Settled by the source"),
    "referral_clawback": mark("Taken back by the source"),
    "referral_ruled_anew": mark("Ruled anew after a dispute"),
    "unallocated": mark("Money nobody waits for"),
    "unallocated_back": mark("Sent back"),
    "unallocated_matched": mark("Given to an order of its payer"),
    "ad_spend": mark("Advertising delivered"),
    "partner_rebate": mark("Rebate of an agreement"),
    "partner_true_up": mark("True-up of an agreement"),
    "partner_payment": mark("A partner paid"),
    "partner_write_off": mark("A difference with a partner was accepted"),
    "funds_paid_in": mark("An advertiser paid in"),
    "coins_bought": mark("Coins bought"),
    "task_agreed": mark("Task agreed"),
    "task_settled": mark("Task settled"),
    "coins_refunded": mark("Coins given back for money"),
    "gift": mark("Gift in a live room"),
    "case_held": mark("Frozen for an after-sales case"),
    "case_released": mark("Given back by an after-sales case"),
    "case_borne": mark("Borne for a refund"),
    "case_premium": mark("Freight insurance"),
    "case_claim": mark("Claim of freight insurance"),
    "case_resent": mark("Goods sent again"),
    "stock_corrected": mark("Correction of the value of stock"),
    "payout": mark("Paid out"),
    "payout_confirmed": mark("Payout confirmed by the bank"),
    "payout_returned": mark("Payout came back"),
}
COLOURS = {
    "paid_by_buyer": "#466b9c",
    "order": "#1b1512",
    "creator_order": "#1b1512",
    "refunded": "#7a5aa6",
    "in_escrow": "#e8a13a",
    "shared_out": "#2f7f86",
    "service_fee": "#d1331a",
    "commission": "#a4574a",
    "commission_cut": "#d1331a",
    "payment_cost": "#9a8577",
    "creator": "#7a5aa6",
    "merchant": "#5b8c3e",
    "merchant_net": "#5b8c3e",
    "referral_order": "#1b1512",
    "source_pays": "#466b9c",
    "alliance_fee": "#9a8577",
    "media_fee": "#9a8577",
    "reaches_us": "#2f7f86",
    "taken_back": "#7a5aa6",
    "kept_by_platform": "#d1331a",
    "referral": "#7a5aa6",
    "task": "#1b1512",
    "task_funds": "#466b9c",
    "task_held": "#e8a13a",
    "task_back": "#466b9c",
    "task_earned": "#2f7f86",
    "task_net": "#7a5aa6",
    "task_pay": "#7a5aa6",
    "agency": "#a4574a",
}


class Row(msgspec.Struct, frozen=True):
    """A node with its depth, for the table."""

    depth: int
    node: Node
    words: str
    is_source: bool = False


async def tree_for(conn: Conn, *, access: Access, store_id: UUID, order_id: UUID) -> Node:
    """What this subject may see of an order: all of it (operator, the store's merchant, a task's
    creator), what was paid (its buyer, a task's brand), or the commission (a creator of one of its
    lines). Raises NotFound."""
    parties = await parties_of(conn, store_id=store_id, order_id=order_id)
    tree = await explain_order(conn, store_id=store_id, order_id=order_id)
    if access.may(Permission.LEDGER_READ) or access.may(Permission.MONEY_READ, store_id):
        return tree
    may_read_own = access.may(Permission.ORDER_READ_OWN)
    if parties.buyer_id == access.person_id and may_read_own:
        return for_buyer(tree)
    if parties.brand_id and access.may(Permission.TASK_POST, parties.brand_id):
        return for_brand(tree)
    mine = parties.creator_ids & set(access.orgs_with(Permission.EARNINGS_READ))
    if not mine:
        raise NotFound
    if parties.brand_id:
        return tree
    return for_creator(tree, creator_ids=frozenset(mine))


def line_of(order: Node, line_no: int) -> Node:
    """One line of an order's tree. Raises NotFound."""
    found = next((line for line in order.children if line.line_no == line_no), None)
    if found is None:
        raise NotFound
    return found


def words_for(label: str) -> str:
    return gettext(LABELS.get(label, label))


def rows_of(tree: Node) -> Iterator[Row]:
    """The tree as a table reads it: where it came from, then where it went, depth first."""
    for source in tree.sources:
        yield Row(1, source, words_for(source.label), is_source=True)
    yield Row(0, tree, words_for(tree.label))
    yield from _below(tree, 1)


def _below(node: Node, depth: int) -> Iterator[Row]:
    for child in (*node.children, *node.cases):
        yield Row(depth, child, words_for(child.label))
        if child.label == "task_earned":
            for source in child.sources:
                yield Row(depth + 1, source, words_for(source.label), is_source=True)
        yield from _below(child, depth + 1)


SANKEY: dict[str, Any] = {
    "type": "sankey",
    "left": 4,
    "right": 128,
    "top": 8,
    "bottom": 26,
    "nodeWidth": 12,
    "nodeGap": 14,
    "draggable": False,
    "emphasis": {"focus": "adjacency"},
    "lineStyle": {"color": "gradient", "opacity": 0.28, "curveness": 0.5},
    "label": {"fontSize": 12, "color": "#3b322d", "width": 120, "overflow": "break"},
}


def sankey_of(tree: Node) -> dict[str, Any]:
    """An ECharts option: sources on the left, the order, its parts, who got them on the right."""
    totals: dict[str, int] = {}
    links: dict[tuple[str, str], int] = {}

    def flow(source: str, target: str, amount: int) -> None:
        if amount > 0 and source != target:
            links[(source, target)] = links.get((source, target), 0) + amount

    def below(parent: str, node: Node) -> None:
        for child in node.children:
            flow(parent, child.label, child.amount_minor)
            totals[child.label] = totals.get(child.label, 0) + child.amount_minor
            below(child.label, child)

    totals[tree.label] = tree.amount_minor
    for source in tree.sources:
        flow(source.label, tree.label, source.amount_minor)
        totals[source.label] = totals.get(source.label, 0) + source.amount_minor
    for line in [tree] if tree.label in ("line", "referral_order", "task") else tree.children:
        below(tree.label, line)
    drawn = {label for pair in links for label in pair}
    data = [
        {
            "name": words_for(label),
            "value": totals[label],
            "itemStyle": {"color": COLOURS.get(label, "#9a8577")},
        }
        for label in totals
        if label in drawn
    ]
    flows = [
        {"source": words_for(source), "target": words_for(target), "value": amount}
        for (source, target), amount in links.items()
    ]
    return {"tooltip": {"trigger": "item"}, "series": [SANKEY | {"data": data, "links": flows}]}


@get(
    "/explain/{book_id:uuid}/{order_id:uuid}",
    permission=Permission.ORDER_READ_OWN,
    include_in_schema=False,
)
async def explain_page(
    book_id: FromPath[UUID],
    order_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    who: Who,
    line: FromQuery[int | None] = None,
) -> Page:
    """`book_id` is the store: whose part of the order this is depends on who asks, so the guard
    asks for a signed-in person only, and `tree_for` for the rest. `line`: of one line only."""
    order = await tree_for(conn, access=who, store_id=book_id, order_id=order_id)
    tree = order if line is None else line_of(order, line)
    home = await _home(conn, access=who, store_id=book_id, order_id=order_id)
    return page(
        request,
        "explain/order.html",
        **home,
        order=order,
        tree=tree,
        rows=list(rows_of(tree)),
        chart=sankey_of(tree),
        entry_words={kind: gettext(words) for kind, words in ENTRIES.items()},
        api_url=f"/api/v1/stores/{book_id}/orders/{order_id}/explanation"
        + (f"?line_no={line}" if line is not None else ""),
    )


async def _home(conn: Conn, *, access: Access, store_id: UUID, order_id: UUID) -> dict[str, Any]:
    """Whose console the page stands in, and the way back to the order there."""
    if access.may(Permission.MONEY_READ, store_id):
        back = f"/merchant/stores/{store_id}/orders/{order_id}"
        store = await store_of(conn, store_id=StoreId(store_id))
        return {"console": "merchant", "store": store, "back": back}
    if access.may(Permission.LEDGER_READ):
        back = "/operator/orders"
        if store_id == PLATFORM_BOOK:
            parties = await parties_of(conn, store_id=store_id, order_id=order_id)
            back = f"/operator/{'tasks' if parties.brand_id else 'referrals'}/{order_id}"
        return {"console": "operator", "back": back}
    parties = await parties_of(conn, store_id=store_id, order_id=order_id)
    if parties.buyer_id == access.person_id:
        return {"console": "", "back": f"/orders/{store_id}/{order_id}"}
    if parties.brand_id and access.may(Permission.TASK_POST, parties.brand_id):
        return {
            "console": "brand",
            "brand": await brand_organisation(conn, brand_id=parties.brand_id),
            "back": f"/brand/{parties.brand_id}/tasks/{order_id}",
        }
    channel = min(parties.creator_ids & set(access.orgs_with(Permission.EARNINGS_READ)))
    creator = await creator_organisation(conn, creator_id=channel)
    back = f"tasks/{order_id}" if parties.brand_id else "earnings"
    return {"console": "creator", "creator": creator, "back": f"/creator/{channel}/{back}"}


HANDLERS: list[HTTPRouteHandler] = [explain_page]
