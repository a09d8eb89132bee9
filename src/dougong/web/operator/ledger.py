"""The trial balance, the accounts, and the statement of each."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import EntryId, StoreId
from dougong.ledger.queries import Balance, balances, statement, trial_balance
from dougong.ledger.rules import PLATFORM
from dougong.reads.explain_payee import purposes_of
from dougong.reads.operator_entries import entry_shown
from dougong.reads.operator_money import Named, names_of
from dougong.web.deps import Conn
from dougong.web.explain import ENTRIES
from dougong.web.i18n import gettext, mark
from dougong.web.operator.common import MOST_IN_FILE, PAGE, csv_file
from dougong.web.render import page

READ: dict[str, Any] = {"permission": Permission.LEDGER_READ, "include_in_schema": False}
PURPOSES = {
    "gateway_clearing": mark("Payment gateways"),
    "escrow": mark("Escrow"),
    "merchant_payable": mark("Owed to merchants"),
    "creator_payable": mark("Owed to creators"),
    "agency_payable": mark("Owed to agencies"),
    "platform_service_fee": mark("Platform service fee"),
    "platform_commission_cut": mark("Part of commissions"),
    "platform_payment_cost": mark("Payment cost charged"),
    "coupon_cost": mark("Coupons"),
    "unallocated": mark("Unallocated money"),
    "bank_clearing": mark("Banks"),
    "paid_out": mark("Paid out to payees"),
    "partner_receivable": mark("Owed by other platforms"),
    "partner_payable": mark("Owed to partners"),
    "partner_rebate": mark("Rebates of agreements"),
    "partner_shortfall": mark("Shortfalls of agreements"),
    "platform_ad_revenue": mark("Advertising revenue"),
    "partner_write_off": mark("Written off of partners"),
    "advertiser_funds": mark("Funds of advertisers"),
    "platform_gift_revenue": mark("Revenue from gifts"),
    "coin_liability": mark("Coins that people hold"),
    "task_escrow": mark("Held for tasks"),
    "deposit": mark("Deposits of stores"),
    "platform_fines": mark("Fines"),
    "supplier_payable": mark("Owed to suppliers"),
    "stock_value": mark("Goods bought"),
    "resend_cost": mark("Cost of goods sent again"),
    "stock_correction": mark("Corrections of the value of stock"),
    "case_hold": mark("Frozen for cases"),
    "case_cost": mark("Cases the platform bore"),
    "carrier_claim": mark("Owed by carriers"),
    "insurance_pool": mark("Freight insurance: premiums less claims"),
    "buyer_payable": mark("Owed to buyers"),
    "supplier_paid": mark("Paid to suppliers"),
}

PARTS = {
    "paid": mark("Paid by the buyer"),
    "merchant_discount": mark("Coupon, paid by the merchant"),
    "platform_discount": mark("Coupon, paid by the platform"),
    "creator_discount": mark("Coupon, paid by the creator"),
    "service_fee": mark("Platform service fee"),
    "commission_cut": mark("The platform's part of the commission"),
    "creator": mark("Creator"),
    "payment_cost": mark("Payment cost"),
    "merchant": mark("Merchant"),
    "referral": mark("Commission from another platform"),
    "unallocated": mark("Unallocated money"),
    "ads": mark("Advertising"),
    "rebate": mark("Rebate"),
    "shortfall": mark("Shortfall"),
    "funds": mark("Advertiser's funds"),
    "coins": mark("Coins"),
    "gift": mark("Gift"),
    "gift_fee": mark("The platform's part of a gift"),
    "partner_payment": mark("Paid by a partner"),
    "write_off": mark("Written off"),
    "task_funded": mark("Held for a task"),
    "task": mark("Pay for a task"),
    "agency": mark("Agency"),
    "task_back": mark("Back to the brand"),
    "deposit": mark("Deposit"),
    "fine": mark("Fine"),
    "goods": mark("Goods"),
    "landed": mark("Freight and duty"),
    "goods_back": mark("Goods sent back"),
    "supplier_payment": mark("Payment"),
    "case_hold": mark("Frozen for a case"),
    "case_borne": mark("Borne for a refund"),
    "resent": mark("Goods sent again"),
    "sent_back": mark("Goods that came back for them"),
    "insurance": mark("Freight insurance"),
    "stock_correction": mark("Correction of the value of stock"),
}


def purpose_words() -> dict[str, str]:
    return {purpose: gettext(words) for purpose, words in PURPOSES.items()}


@get("/operator/ledger", **READ)
async def ledger_page(
    request: Request[Any, Any, Any],
    conn: Conn,
    purpose: FromQuery[str] = "",
    currency: FromQuery[str] = "",
    q: FromQuery[str] = "",
    number: FromQuery[int] = 1,
    file: FromQuery[str] = "",
) -> Response[Any]:
    """`number`: the page of accounts, from 1."""
    held = await balances(conn)
    names = await names_of(conn, {b.owner_id for b in held} | {b.store_id for b in held})
    chosen = [b for b in held if currency in ("", b.currency)]
    found = [b for b in chosen if _fits(b, purpose, q, names)]
    found.sort(key=lambda b: (-abs(b.balance_minor), str(b.account_id)))
    if file == "csv":
        return csv_file("accounts", CSV_HEAD, [_csv_row(b, names) for b in found[:MOST_IN_FILE]])
    if not 1 <= number <= 10_000:
        raise BadInput(field="number", reason="page")
    return page(
        request,
        "operator/ledger.html",
        trial=await trial_balance(conn),
        accounts=found[(number - 1) * PAGE : number * PAGE],
        count=len(found),
        number=number,
        has_more=len(found) > number * PAGE,
        names=names,
        purposes=purpose_words(),
        platform_id=PLATFORM,
        purpose=purpose,
        currency=currency,
        currencies=sorted({b.currency for b in held}),
        q=q,
    )


def _fits(balance: Balance, purpose: str, q: str, names: dict[UUID, Named]) -> bool:
    if purpose and balance.purpose != purpose:
        return False
    owners = [names.get(balance.owner_id), names.get(balance.store_id)]
    said = " ".join(f"{n.name_zh} {n.name_en}" for n in owners if n)
    return q.lower() in f"{said} {balance.account_id}".lower()


CSV_HEAD = ("book", "owner", "purpose", "currency", "balance_minor", "account_id")


def _csv_row(balance: Balance, names: dict[UUID, Named]) -> list[Any]:
    book, owner = names.get(balance.store_id), names.get(balance.owner_id)
    return [
        book.name_zh if book else "platform",
        owner.name_zh if owner else "platform",
        balance.purpose,
        balance.currency,
        balance.balance_minor,
        balance.account_id,
    ]


@get("/operator/ledger/{book_id:uuid}/{account_id:uuid}", **READ)
async def statement_page(
    book_id: FromPath[UUID],
    account_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    before: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    """`before`: the entry and number (`id.n`) below which the page starts."""
    store_id = StoreId(book_id)
    held = await balances(conn, store_id=store_id, account_id=account_id)
    if not held:
        raise NotFound
    most = MOST_IN_FILE if file == "csv" else PAGE + 1
    lines = await statement(
        conn, store_id=store_id, account_id=account_id, before=_cursor(before), most=most
    )
    if file == "csv":
        head = ("counts_at", "kind", "part", "other", "amount_minor", "balance_minor", "key")
        rows = [
            (li.counts_at.isoformat(), li.kind, li.part, li.other_purpose, li.amount_minor,
             li.balance_minor, li.key)
            for li in lines
        ]  # fmt: skip
        return csv_file(f"statement-{account_id}", head, rows)
    shown = lines[:PAGE]
    ids = {li.other_owner_id for li in shown} | {held[0].owner_id, book_id}
    return page(
        request,
        "operator/statement.html",
        account=held[0],
        is_payee=held[0].purpose in purposes_of(held[0].owner_id),
        lines=shown,
        names=await names_of(conn, ids),
        purposes=purpose_words(),
        entry_words={kind: gettext(words) for kind, words in ENTRIES.items()},
        parts={part: gettext(words) for part, words in PARTS.items()},
        is_first=not before,
        next_url=f"?before={shown[-1].entry_id}.{shown[-1].n}" if len(lines) > PAGE else "",
    )


@get("/operator/ledger/{book_id:uuid}/entries/{entry_id:uuid}", **READ)
async def entry_page(
    book_id: FromPath[UUID],
    entry_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
) -> Response[Any]:
    """An entry down to its seal, which is computed again for the page."""
    entry = await entry_shown(conn, store_id=StoreId(book_id), entry_id=EntryId(entry_id))
    owners = {owner for move in entry.moves for owner in (move.src_owner, move.dst_owner)}
    return page(
        request,
        "operator/entry.html",
        entry=entry,
        book_id=book_id,
        names=await names_of(conn, owners | {book_id}),
        purposes=purpose_words(),
        entry_words={kind: gettext(words) for kind, words in ENTRIES.items()},
        parts={part: gettext(words) for part, words in PARTS.items()},
    )


def _cursor(text: str) -> tuple[EntryId, int] | None:
    if not text:
        return None
    entry, _, n = text.partition(".")
    try:
        return EntryId(UUID(entry)), int(n)
    except ValueError:
        raise BadInput(field="before", reason="cursor") from None


HANDLERS: list[HTTPRouteHandler] = [ledger_page, statement_page, entry_page]
