"""What an entry is: transfers between named accounts, balanced by construction.

A transfer moves an amount above zero from one account to another, so no entry can be out of
balance. An account is a name (owner, purpose) in one store's book and one currency.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

import msgspec

from dougong.base.errors import Conflict, NotFound
from dougong.base.ids import PLATFORM_BOOK, EntryId, StoreId, derived_id

# The platform as the owner of accounts, in every book.
PLATFORM = UUID(int=PLATFORM_BOOK.int)


class Purpose(StrEnum):
    """What an account is for. Money comes in from `gateway_clearing` and leaves to it, or to
    `bank_clearing`; their balances are therefore negative by what is inside."""

    GATEWAY_CLEARING = "gateway_clearing"
    ESCROW = "escrow"
    MERCHANT_PAYABLE = "merchant_payable"
    CREATOR_PAYABLE = "creator_payable"
    AGENCY_PAYABLE = "agency_payable"
    PLATFORM_SERVICE_FEE = "platform_service_fee"
    PLATFORM_COMMISSION_CUT = "platform_commission_cut"
    PLATFORM_PAYMENT_COST = "platform_payment_cost"
    COUPON_COST = "coupon_cost"  # its owner is who funds the coupon
    UNALLOCATED = "unallocated"
    BANK_CLEARING = "bank_clearing"
    PAID_OUT = "paid_out"  # what banks have paid to payees: money that left the books' world
    PARTNER_RECEIVABLE = "partner_receivable"  # below zero by what its owner, a source, owes us
    PARTNER_PAYABLE = "partner_payable"
    PARTNER_REBATE = "partner_rebate"  # the platform's: given below zero, got above
    PARTNER_SHORTFALL = "partner_shortfall"
    PLATFORM_AD_REVENUE = "platform_ad_revenue"
    PARTNER_WRITE_OFF = "partner_write_off"  # below zero by what partners never paid
    ADVERTISER_FUNDS = "advertiser_funds"  # paid in by its owner and not spent yet
    PLATFORM_GIFT_REVENUE = "platform_gift_revenue"
    COIN_LIABILITY = "coin_liability"  # what its owner, a person, has paid for coins it still holds
    CASE_HOLD = "case_hold"  # frozen by open cases: of a store's escrow, or of its owner's payable
    CASE_COST = "case_cost"  # the platform's: below zero by what it bore of cases
    CARRIER_CLAIM = "carrier_claim"  # below zero by what carriers owe for what they lost
    INSURANCE_POOL = "insurance_pool"  # freight insurance: premiums less claims
    BUYER_PAYABLE = "buyer_payable"  # claims that are to be paid to their buyer
    SUPPLIER_PAYABLE = "supplier_payable"  # what a store owes its owner, a supplier
    # Below zero by what a store, its owner, was billed for goods, less what cases sent out again,
    # and by what corrections of their value added.
    STOCK_VALUE = "stock_value"
    STOCK_CORRECTION = (
        "stock_correction"  # of a store: above zero, goods were found to be worth more
    )
    RESEND_COST = "resend_cost"  # below zero by what exchanges and re-sends cost its owner, a store
    SUPPLIER_PAID = "supplier_paid"  # what a store, its owner, has paid suppliers on its own
    TASK_ESCROW = "task_escrow"  # its owner, a brand, has agreed tasks with it
    DEPOSIT = "deposit"  # what its owner, a store, has left with the platform; fines come out of it
    PLATFORM_FINES = "platform_fines"


REVENUE = (
    Purpose.PLATFORM_SERVICE_FEE,
    Purpose.PLATFORM_COMMISSION_CUT,
    Purpose.PLATFORM_PAYMENT_COST,
)


class EntryKind(StrEnum):
    """Why money moved."""

    CAPTURE = "capture"  # paid: clearing and funders -> escrow
    FINAL = "final"  # escrow -> each share
    REFUND = "refund"  # before final: escrow -> clearing and funders
    REFUND_AFTER_FINAL = "refund_after_final"  # each share back
    UNALLOCATED = "unallocated"  # money nobody could place
    UNALLOCATED_BACK = "unallocated_back"
    UNALLOCATED_MATCHED = "unallocated_matched"  # an order of its payer takes it
    REFERRAL_SETTLED = "referral_settled"  # a source has settled: receivable -> each share
    REFERRAL_CLAWBACK = "referral_clawback"  # it took something back: each share back
    REFERRAL_RULED_ANEW = "referral_ruled_anew"  # a dispute: from the old shares to the new
    AD_SPEND = "ad_spend"  # advertising that was delivered: receivable -> ad revenue
    PARTNER_REBATE = "partner_rebate"  # as tiers of an agreement are reached
    PARTNER_TRUE_UP = "partner_true_up"  # what was promised and did not come
    PARTNER_PAYMENT = "partner_payment"  # money came from a partner
    PARTNER_WRITE_OFF = "partner_write_off"  # a difference was accepted
    FUNDS_PAID_IN = "funds_paid_in"  # clearing -> an advertiser's funds
    COINS_BOUGHT = "coins_bought"  # clearing -> coin liability
    TASK_AGREED = "task_agreed"  # advertiser's funds -> task escrow
    TASK_SETTLED = "task_settled"  # task escrow -> each share, and the rest back
    COINS_REFUNDED = "coins_refunded"  # what is left of a purchase: coin liability -> clearing
    GIFT = "gift"  # coin liability -> creator, platform
    CASE_HELD = "case_held"  # a case was opened: escrow or payables -> held
    CASE_RELEASED = "case_released"  # it ended: held -> where it came from
    CASE_BORNE = "case_borne"  # somebody else than the merchant bears a refund
    CASE_PREMIUM = "case_premium"  # an order's freight back is insured: merchant -> pool
    CASE_CLAIM = "case_claim"  # goods went back: pool -> their buyer
    CASE_RESENT = "case_resent"  # goods went out again: resend cost -> stock value
    STOCK_CORRECTED = "stock_corrected"  # what goods are worth: stock value <-> stock correction
    PAYOUT = "payout"  # payable -> bank clearing
    PAYOUT_CONFIRMED = "payout_confirmed"  # bank clearing -> paid out
    PAYOUT_RETURNED = "payout_returned"  # it came back, or was given up: -> payable
    DEPOSIT_PAID = "deposit_paid"  # clearing -> a store's deposit
    DEPOSIT_RETURNED = "deposit_returned"  # what it need not leave: deposit -> merchant
    FINE = "fine"  # a penalty: deposit -> fines
    SUPPLIER_BILL = "supplier_bill"  # stock value -> supplier
    SUPPLIER_CREDIT = "supplier_credit"  # goods that went back: supplier -> stock value
    SUPPLIER_PAID = "supplier_paid"  # supplier -> what was paid
    DROPSHIP = "dropship"  # a statement of what a supplier sent: stock value -> supplier
    REVERSAL = "reversal"


class Part(StrEnum):
    """What a transfer is of its order line."""

    PAID = "paid"
    MERCHANT_DISCOUNT = "merchant_discount"
    PLATFORM_DISCOUNT = "platform_discount"
    CREATOR_DISCOUNT = "creator_discount"
    SERVICE_FEE = "service_fee"
    COMMISSION_CUT = "commission_cut"
    CREATOR = "creator"
    PAYMENT_COST = "payment_cost"
    MERCHANT = "merchant"
    REFERRAL = "referral"  # a creator's share of an order at another platform
    UNALLOCATED = "unallocated"
    ADS = "ads"
    REBATE = "rebate"
    SHORTFALL = "shortfall"
    PARTNER_PAYMENT = "partner_payment"
    WRITE_OFF = "write_off"
    FUNDS = "funds"
    COINS = "coins"
    TASK_FUNDED = "task_funded"
    TASK = "task"  # a creator's pay for one
    AGENCY = "agency"
    TASK_BACK = "task_back"  # of what was held for a task, what it did not cost
    DEPOSIT = "deposit"
    FINE = "fine"
    GIFT = "gift"
    GIFT_FEE = "gift_fee"
    GOODS = "goods"  # of a supplier's bill or statement
    LANDED = "landed"  # freight and duty on a supplier's bill
    GOODS_BACK = "goods_back"
    SUPPLIER_PAYMENT = "supplier_payment"
    CASE_HOLD = "case_hold"
    CASE_BORNE = "case_borne"
    RESENT = "resent"  # goods that went out again for a line
    SENT_BACK = "sent_back"  # those that came back for them
    INSURANCE = "insurance"
    STOCK_CORRECTION = "stock_correction"
    PAYOUT = "payout"


class AccountName(msgspec.Struct, frozen=True):
    """An account within a book. `owner_id`: an organisation, a store, or PLATFORM."""

    owner_id: UUID
    purpose: Purpose


class Transfer(msgspec.Struct, frozen=True):
    """`amount_minor` (above zero) from `src` to `dst`; `part` and `line_no` say what of."""

    src: AccountName
    dst: AccountName
    amount_minor: int
    part: str
    line_no: int | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Transfers that belong together. `key`: the same key books once. `counts_at`: the business
    instant from which it counts."""

    kind: str
    key: str
    order_id: UUID | None = None
    counts_at: datetime
    transfers: tuple[Transfer, ...]


class BadEntry(ValueError):
    """A draft that no book can take: a fault of the caller, never of a person's input."""


class EntryNotFound(NotFound):
    code = "entry_not_found"


class ReversedAlready(Conflict):
    """An entry is reversed at most once, and a reversal never."""

    code = "reversed_already"


def platform(purpose: Purpose) -> AccountName:
    """The platform's own account for a purpose."""
    return AccountName(PLATFORM, purpose)


@lru_cache(maxsize=65_536)
def account_id(store_id: StoreId, name: AccountName, currency: str) -> UUID:
    """The id of an account: derived from its name, so that nobody has to look it up."""
    return derived_id(store_id, f"{name.owner_id}:{name.purpose.value}:{currency}")


def moved(
    src: AccountName, dst: AccountName, amount_minor: int, part: str, line_no: int | None = None
) -> list[Transfer]:
    """The transfer of a difference: none for zero, the other way round for a negative amount.

    Rounding can make one share of a line rise by a minor unit while the line as a whole falls.
    """
    if amount_minor == 0:
        return []
    if amount_minor < 0:
        src, dst = dst, src
    return [Transfer(src, dst, abs(amount_minor), part, line_no)]


def check(entry: Entry) -> Entry:
    """Raises BadEntry for an entry without transfers, a naive instant, or a bad transfer."""
    if not entry.transfers or not entry.key or entry.counts_at.tzinfo is None:
        raise BadEntry(entry.kind, entry.key)
    if FIELD in entry.kind + entry.key or RECORD in entry.kind + entry.key:
        raise BadEntry(entry.kind, entry.key)
    for transfer in entry.transfers:
        if transfer.amount_minor <= 0 or transfer.src == transfer.dst:
            raise BadEntry(entry.key, transfer)
    return entry


def net(transfers: Iterable[Transfer]) -> dict[AccountName, int]:
    """What each account gains, in minor units; the values sum to zero."""
    total: dict[AccountName, int] = {}
    for transfer in transfers:
        total[transfer.src] = total.get(transfer.src, 0) - transfer.amount_minor
        total[transfer.dst] = total.get(transfer.dst, 0) + transfer.amount_minor
    return total


# seals --------------------------------------------------------------------------------------

FIRST_HASH = bytes(32)
FIELD, RECORD = "\x1f", "\x1e"  # what stands between fields and between records; never inside


class SealedTransfer(msgspec.Struct, frozen=True):
    """A transfer as it is hashed."""

    n: int
    src: UUID
    dst: UUID
    currency: str
    amount_minor: int
    part: str
    line_no: int | None  # from 1


class SealedEntry(msgspec.Struct, frozen=True):
    """An entry as it is hashed."""

    id: EntryId
    kind: str
    key: str
    order_id: UUID | None
    reverses: UUID | None
    counts_at: datetime
    written_at: datetime
    transfers: tuple[SealedTransfer, ...]


def canonical(entry: SealedEntry) -> str:
    """The text of an entry that is hashed: the entry, then its transfers by number.

    Instants are whole microseconds since 1970 in UTC; what is missing is empty.
    """
    head = (
        entry.id,
        entry.kind,
        entry.key,
        entry.order_id or "",
        entry.reverses or "",
        _microseconds(entry.counts_at),
        _microseconds(entry.written_at),
    )
    moves = (
        (
            t.n,
            t.src,
            t.dst,
            t.currency,
            t.amount_minor,
            t.part,
            "" if t.line_no is None else t.line_no,
        )
        for t in sorted(entry.transfers, key=lambda t: t.n)
    )
    return RECORD.join(FIELD.join(map(str, fields)) for fields in (head, *moves))


def _microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def seal_hash(previous: bytes, entries: Sequence[SealedEntry]) -> bytes:
    """SHA-256 of the previous seal's hash and then each entry's, in order of the entries' ids.

    This is the definition; `seal_queries.py` states the same in SQL, and a test holds them equal.
    """
    digest = hashlib.sha256(previous)
    for entry in sorted(entries, key=lambda e: e.id.bytes):
        digest.update(hashlib.sha256(canonical(entry).encode()).digest())
    return digest.digest()
