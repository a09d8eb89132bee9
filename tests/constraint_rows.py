"""One good row of every table that carries money, stock or rules, and how each can go wrong.

`GOOD` builds on itself from top to bottom. A wrong row is a good one with a few columns changed.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

Row = dict[str, Any]
AT = datetime(2020, 8, 20, tzinfo=UTC)
FROM_AT = "[2020-08-20 00:00:00+00,)"
EMPTY_TIME = "empty"


class Ids:
    """The ids of one good world; every other row takes fresh ones."""

    def __init__(self) -> None:
        self.person, self.org, self.store, self.product = uuid4(), uuid4(), uuid4(), uuid4()
        self.sku, self.other_sku, self.coupon, self.order = uuid4(), uuid4(), uuid4(), uuid4()
        self.payment, self.refund, self.account, self.other_account = (
            uuid4(), uuid4(), uuid4(), uuid4(),
        )  # fmt: skip
        self.entry, self.reversal, self.category = uuid4(), uuid4(), fresh("h9-")
        self.rows: dict[str, Row] = {}  # the last good row of each table


def fresh(prefix: str = "") -> str:
    return prefix + uuid4().hex[:12]


def _rule(kind: str, **value: int) -> Row:
    return {
        "id": uuid4(), "kind": kind, "party": fresh(), "announced_at": AT, "in_force": FROM_AT,
        "reason_zh": "理由", "reason_en": "why", "author_id": uuid4(), "approver_id": uuid4(),
        "approved_at": AT, **value,
    }  # fmt: skip


def _line(ids: Ids) -> Row:
    return {
        "store_id": ids.store, "order_id": ids.order, "line_no": 1, "kind": "goods",
        "title_zh": "杯子", "category": ids.category, "quantity": 2, "unit_price_minor": 500,
        "gross_minor": 1000, "merchant_discount_minor": 0, "platform_discount_minor": 0,
        "creator_discount_minor": 0, "paid_minor": 1000, "service_fee_bp": 500,
        "commission_bp": 0, "commission_cut_bp": 0, "payment_cost_bp": 60,
    }  # fmt: skip


def _order(ids: Ids) -> Row:
    return {
        "store_id": ids.store, "id": uuid4(), "number": fresh(), "checkout_id": uuid4(),
        "buyer_id": ids.person, "idempotency_key": fresh(), "request_hash": b"h",
        "state": "placed", "currency": "CNY", "goods_minor": 1000, "discount_minor": 0,
        "shipping_minor": 0, "total_minor": 1000, "address": Jsonb({}),
        "receive_within_s": 1, "after_sales_window_s": 1, "placed_at": AT, "pay_by": AT,
    }  # fmt: skip


def _refund(ids: Ids) -> Row:
    return {
        "store_id": ids.store, "id": uuid4(), "order_id": ids.order, "payment_id": ids.payment,
        "currency": "CNY", "amount_minor": 100, "state": "booked", "asked_at": AT,
        "idempotency_key": fresh(), "request_hash": b"h",
    }  # fmt: skip


def _coupon(ids: Ids) -> Row:
    return {
        "store_id": ids.store, "id": uuid4(), "code": fresh("H9-").upper(), "name_zh": "券",
        "funder": "merchant", "funder_org_id": ids.org, "amount_off_minor": 100,
        "percent_off_bp": None, "usable": FROM_AT, "quota": 5, "used": 0, "created_at": AT,
    }  # fmt: skip


def _unallocated(ids: Ids) -> Row:
    return {
        "id": uuid4(), "gateway": "sandbox", "gateway_ref": fresh(), "order_id": uuid4(),
        "currency": "CNY", "amount_minor": 1, "reason": "order_closed", "arrived_at": AT,
    }  # fmt: skip


def _account(ids: Ids, **change: Any) -> Row:
    row = {"store_id": ids.store, "id": uuid4(), "owner_id": uuid4(), "purpose": "escrow"}
    return {**row, "currency": "CNY", **change}


def _entry(ids: Ids, **change: Any) -> Row:
    row = {"store_id": ids.store, "id": uuid4(), "kind": "captured", "key": fresh()}
    return {**row, "counts_at": AT, "written_at": AT, **change}


def _transfer(ids: Ids, **change: Any) -> Row:
    return {
        "store_id": ids.store, "entry_id": ids.entry, "n": 1, "src": ids.account,
        "dst": ids.other_account, "currency": "CNY", "amount_minor": 5, "part": "paid", **change,
    }  # fmt: skip


# Table to a fresh good row: one that goes in beside those of the world.
FRESH: Mapping[str, Callable[[Ids], Row]] = {
    "stock": lambda ids: {"store_id": ids.store, "sku_id": ids.other_sku, "on_hand": 3,
                          "reserved": 1},
    "coupons": _coupon,
    "coupon_uses": lambda ids: {"store_id": ids.store, "coupon_id": ids.coupon,
                                "order_id": uuid4(), "person_id": uuid4(),
                                "discount_minor": 1, "at": AT},
    "fee_rules": lambda ids: _rule("platform_service_fee", rate_bp=500),
    "term_rules": lambda ids: _rule("pay_within_s", seconds=900),
    "link_rules": lambda ids: _rule("link", allowed=True),
    "orders": _order,
    "order_lines": lambda ids: _line(ids) | {"line_no": 2},
    "payments": lambda ids: {"id": uuid4(), "checkout_id": uuid4(), "gateway": "sandbox",
                             "gateway_ref": fresh(), "currency": "CNY", "amount_minor": 1000,
                             "state": "started", "started_at": AT},
    "payment_parts": lambda ids: {"store_id": ids.store, "order_id": uuid4(),
                                  "payment_id": ids.payment, "amount_minor": 1},
    "unallocated_money": _unallocated,
    "refunds": _refund,
    "refund_lines": lambda ids: {"store_id": ids.store, "refund_id": ids.refund, "line_no": 2,
                                 "amount_minor": 1, "quantity": 0},
    "ledger_accounts": _account,
    "ledger_entries": _entry,
    "ledger_transfers": lambda ids: _transfer(ids, n=2),
    "ledger_unsealed": lambda ids: {"store_id": ids.store, "entry_id": ids.reversal},
    "ledger_seals": lambda ids: {"store_id": ids.store, "number": 2, "sealed_at": AT,
                                 "entries": 1, "hash": b"x" * 32},
    "ledger_sealed_entries": lambda ids: {"store_id": ids.store, "entry_id": ids.reversal,
                                          "seal_number": 1},
    "ledger_rollups": lambda ids: {"store_id": ids.store, "account_id": ids.other_account,
                                   "seal_number": 1, "balance_minor": 0},
    "ledger_days": lambda ids: {"store_id": ids.store, "account_id": ids.other_account, "part": "x",
                                "day": AT.date(), "gained_minor": 1, "lost_minor": 0},
    "sold_days": lambda ids: {"store_id": ids.store, "kind": "product", "day": AT.date(),
                              "subject_id": uuid4(), "currency": "CNY", "orders": 1,
                              "units": 1, "paid_minor": 1, "earned_minor": 0},
    "deadlines": lambda ids: {"store_id": ids.store, "kind": "pay_by", "subject_id": uuid4(),
                              "due_at": AT},
    "idempotency_keys": lambda ids: {"owner_id": ids.person, "route": "pay", "key": fresh(),
                                     "request_hash": b"h", "status": 200, "answer": b"",
                                     "at": AT},
    "inbox": lambda ids: {"source": "sandbox", "event_id": fresh(), "received_at": AT,
                          "body": Jsonb({})},
}  # fmt: skip


def world(ids: Ids) -> list[tuple[str, Row]]:
    """Every good row in an order that the foreign keys allow; one of each table in FRESH."""
    product = {"store_id": ids.store, "id": ids.product, "code": "p", "title_zh": "杯子",
               "category": ids.category, "created_at": AT, "updated_at": AT}  # fmt: skip
    sku = {"store_id": ids.store, "product_id": ids.product, "price_minor": 500}
    before = [
        ("people", {"id": ids.person, "email": f"{fresh()}@example.org", "name": "n",
                    "password_hash": "", "locale": "zh", "created_at": AT}),
        ("organisations", {"id": ids.org, "kind": "merchant", "name": "n", "handle": fresh("h"),
                           "created_at": AT}),
        ("categories", {"path": ids.category, "name_zh": "类", "name_en": "c"}),
        ("stores", {"id": ids.store, "org_id": ids.org, "code": fresh("s"), "name_zh": "店",
                    "currency": "CNY", "created_at": AT}),
        ("products", product),
        ("skus", sku | {"id": ids.sku, "code": "1"}),
        ("skus", sku | {"id": ids.other_sku, "code": "2"}),
        ("ledger_accounts", _account(ids, id=ids.other_account)),
        ("ledger_entries", _entry(ids, id=ids.entry)),
    ]  # fmt: skip
    fixed: dict[str, Row] = {
        "stock": {"sku_id": ids.sku},
        "coupons": {"id": ids.coupon},
        "orders": {"id": ids.order},
        "order_lines": {"line_no": 1},
        "payments": {"id": ids.payment},
        "refunds": {"id": ids.refund},
        "refund_lines": {"line_no": 1},
        "ledger_accounts": {"id": ids.account},
        "ledger_entries": {"id": ids.reversal, "reverses": ids.entry},
        "ledger_transfers": {"n": 1},
        "ledger_seals": {"number": 1},
        "ledger_sealed_entries": {"entry_id": ids.entry},
        "ledger_unsealed": {"entry_id": ids.entry},
        "ledger_rollups": {"account_id": ids.account},
        "ledger_days": {"account_id": ids.account},
    }
    return before + [(table, row(ids) | fixed.get(table, {})) for table, row in FRESH.items()]


class Wrong(NamedTuple):
    """How one constraint is violated.

    `change`: columns of a fresh good row that make it wrong. `same`: columns taken from the row
    that is already there. `without`: constraints that forbid the same row too and are dropped
    beforehand, so that this one is proven on its own.
    """

    change: Row
    same: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


def _once(*columns: str, without: tuple[str, ...] = (), **change: Any) -> Wrong:
    return Wrong(change, columns, without)


def _is(**change: Any) -> Wrong:
    return Wrong(change)


NOBODY = UUID(int=7)
_RULE_KEY = ("kind", "party")
ONE = "one account"  # stands for the world's first account


def _rule_wrongs(table: str, **value: int) -> dict[str, Wrong]:
    """What the three tables of rules have in common, and the limit of the value."""
    wrongs = {
        "check": _is(approver_id=None),
        "in_force_check": _is(in_force=EMPTY_TIME),
        "kind_check": _is(kind="tip"),
        "rollout_bp_check": _is(rollout_bp=10_001),
        "second_person": _is(approver_id=NOBODY, author_id=NOBODY),
        "pkey": _once("id"),
        "no_overlap": _once(*_RULE_KEY, in_force="[2021-01-01 00:00:00+00,)"),
    }
    wrongs |= {f"{column}_check": _is(**{column: wrong}) for column, wrong in value.items()}
    return {f"{table}_{name}": wrong for name, wrong in wrongs.items()}


WRONG: Mapping[str, Mapping[str, Wrong]] = {
    "stock": {
        "stock_never_oversold": _is(on_hand=3, reserved=4),
        "stock_store_id_sku_id_fkey": _is(sku_id=NOBODY),
        "stock_pkey": _once("store_id", "sku_id"),
    },
    "coupons": {
        "coupons_amount_off_minor_check": _is(amount_off_minor=0),
        "coupons_check": _is(percent_off_bp=100),
        "coupons_code_check": _is(code="lower case"),
        "coupons_funder_check": _is(funder="bank"),
        "coupons_min_spend_minor_check": _is(min_spend_minor=-1),
        "coupons_percent_off_bp_check": _is(amount_off_minor=None, percent_off_bp=9901),
        "coupons_quota_check": Wrong({"quota": -1}, (), ("coupons_within_quota",)),
        "coupons_usable_check": _is(usable=EMPTY_TIME),
        "coupons_within_quota": _is(quota=5, used=6),
        "coupons_store_id_fkey": _is(store_id=NOBODY),
        "coupons_pkey": _once("store_id", "id"),
        "coupons_store_id_code_key": _once("store_id", "code"),
    },
    "coupon_uses": {
        "coupon_uses_discount_minor_check": _is(discount_minor=0),
        "coupon_uses_store_id_coupon_id_fkey": _is(coupon_id=NOBODY),
        "coupon_uses_once": _once("store_id", "coupon_id", "person_id"),
        "coupon_uses_pkey": _once("store_id", "coupon_id", "order_id"),
    },
    "fee_rules": _rule_wrongs("fee_rules", rate_bp=10_001),
    "term_rules": _rule_wrongs("term_rules", seconds=-1),
    "link_rules": _rule_wrongs("link_rules"),
    "orders": {
        "orders_discount_minor_check": _is(discount_minor=-1, total_minor=1001),
        "orders_goods_minor_check": _is(goods_minor=-1, shipping_minor=2, total_minor=1),
        "orders_shipping_minor_check": _is(shipping_minor=-1, total_minor=999),
        "orders_state_check": _is(state="lost"),
        "orders_total": _is(total_minor=999),
        "orders_store": _is(currency="USD"),
        "orders_without_buyer": _is(buyer_id=None),
        "orders_pkey": _once("store_id", "id"),
        "orders_once": _once("store_id", "idempotency_key", "buyer_id"),
        "orders_store_id_number_key": _once("store_id", "number"),
    },
    "order_lines": {
        "order_lines_commission_bp_check": _is(commission_bp=10_001),
        "order_lines_commission_cut_bp_check": _is(commission_cut_bp=-1),
        "order_lines_creator_discount_minor_check": _is(
            creator_discount_minor=-1, paid_minor=1001
        ),
        "order_lines_gross": _is(gross_minor=999, paid_minor=999),
        "order_lines_kind_check": _is(kind="gift"),
        "order_lines_merchant_discount_minor_check": _is(
            merchant_discount_minor=-1, paid_minor=1001
        ),
        "order_lines_paid": _is(paid_minor=999),
        "order_lines_paid_minor_check": _is(unit_price_minor=0, gross_minor=0, paid_minor=0),
        "order_lines_payment_cost_bp_check": _is(payment_cost_bp=-1),
        "order_lines_platform_discount_minor_check": _is(
            platform_discount_minor=-1, paid_minor=1001
        ),
        "order_lines_quantity_check": Wrong(
            {"quantity": 0, "gross_minor": 0, "paid_minor": 0},
            (),
            ("order_lines_paid_minor_check",),
        ),
        "order_lines_refunded": _is(refunded_minor=1001),
        "order_lines_service_fee_bp_check": _is(service_fee_bp=10_001),
        "order_lines_shipped": _is(shipped_quantity=2, returned_quantity=1),
        "order_lines_unit_price_minor_check": Wrong(
            {"quantity": 1, "unit_price_minor": -1, "gross_minor": -1, "paid_minor": 1,
             "merchant_discount_minor": -2},
            (),
            ("order_lines_merchant_discount_minor_check",),
        ),
        "order_lines_order": _is(order_id=NOBODY),
        "order_lines_pkey": _once("store_id", "order_id", "line_no"),
    },
    "payments": {
        "payments_amount_minor_check": _is(amount_minor=0),
        "payments_state_check": _is(state="lost"),
        "payments_pkey": _once("id"),
        "payments_gateway_gateway_ref_key": _once("gateway", "gateway_ref"),
    },
    "payment_parts": {
        "payment_parts_amount_minor_check": _is(amount_minor=0),
        "payment_parts_outcome_check": _is(outcome="lost"),
        "payment_parts_pkey": _once("store_id", "order_id", "payment_id"),
    },
    "unallocated_money": {
        "unallocated_money_amount_minor_check": _is(amount_minor=0),
        "unallocated_money_reason_check": _is(reason="lost"),
        "unallocated_money_resolution_check": _is(resolution="lost"),
        "unallocated_money_pkey": _once("id"),
        "unallocated_money_once": _once("gateway", "gateway_ref", "order_id"),
    },
    "refunds": {
        "refunds_amount_minor_check": _is(amount_minor=0),
        "refunds_state_check": _is(state="lost"),
        "refunds_attempt_check": _is(attempt=0),
        "refunds_order": _is(order_id=NOBODY),
        "refunds_pkey": _once("store_id", "id"),
        "refunds_store_id_idempotency_key_key": _once("store_id", "idempotency_key"),
    },
    "refund_lines": {
        "refund_lines_amount_minor_check": _is(amount_minor=0),
        "refund_lines_quantity_check": _is(quantity=-1),
        "refund_lines_refund": _is(refund_id=NOBODY),
        "refund_lines_pkey": _once("store_id", "refund_id", "line_no"),
    },
    "ledger_accounts": {
        "ledger_accounts_pkey": _once(
            "store_id", "id", without=("ledger_accounts_store_id_id_currency_key",)
        ),
        "ledger_accounts_store_id_id_currency_key": _once(
            "store_id", "id", without=("ledger_accounts_pkey",)
        ),
        "ledger_accounts_store_id_owner_id_purpose_currency_key": _once(
            "store_id", "owner_id", "purpose"
        ),
    },
    "ledger_entries": {
        "ledger_entries_reverses": _is(reverses=NOBODY),
        "ledger_entries_pkey": _once("store_id", "id"),
        "ledger_entries_once": _once("store_id", "key"),
        "ledger_entries_one_reversal": _once("store_id", "reverses"),
    },
    "ledger_transfers": {
        "ledger_transfers_amount_minor_check": _is(amount_minor=0),
        "ledger_transfers_two_accounts": _is(src=ONE, dst=ONE),
        "ledger_transfers_dst": _is(dst=NOBODY),
        "ledger_transfers_src": _is(src=NOBODY),
        "ledger_transfers_entry": _is(entry_id=NOBODY),
        "ledger_transfers_pkey": _once("store_id", "entry_id", "n"),
    },
    "ledger_unsealed": {
        "ledger_unsealed_entry": _is(entry_id=NOBODY),
        "ledger_unsealed_pkey": _once("store_id", "entry_id"),
    },
    "ledger_seals": {
        "ledger_seals_entries_check": _is(entries=0),
        "ledger_seals_hash_check": _is(hash=b"short"),
        "ledger_seals_number_check": _is(number=0),
        "ledger_seals_pkey": _once("store_id", "number"),
    },
    "ledger_sealed_entries": {
        "ledger_sealed_entries_store_id_entry_id_fkey": _is(entry_id=NOBODY),
        "ledger_sealed_entries_store_id_seal_number_fkey": _is(seal_number=99),
        "ledger_sealed_entries_pkey": _once("store_id", "entry_id"),
    },
    "ledger_rollups": {
        "ledger_rollups_store_id_seal_number_fkey": _is(seal_number=99),
        "ledger_rollups_pkey": _once("store_id", "account_id", "seal_number"),
    },
    "ledger_days": {"ledger_days_store_id_account_id_fkey": _is(account_id=UUID(int=9)),
                    "ledger_days_pkey": _once("store_id", "account_id", "day", "part")},
    "sold_days": {
        "sold_days_kind_check": _is(kind="video"),
        "sold_days_orders_check": _is(orders=0),
        "sold_days_pkey": _once("store_id", "kind", "day", "subject_id"),
    },
    "deadlines": {
        "deadlines_kind_check": _is(kind="lost"),
        "deadlines_pkey": _once("store_id", "kind", "subject_id"),
    },
    "idempotency_keys": {
        "idempotency_keys_key_check": _is(key="short"),
        "idempotency_keys_pkey": _once("owner_id", "route", "key"),
    },
    "inbox": {"inbox_pkey": _once("source", "event_id")},
}  # fmt: skip
