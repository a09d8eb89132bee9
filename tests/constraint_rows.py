"""One good row of every table that carries money, stock or rules, and how each can go wrong.

`GOOD` builds on itself from top to bottom. A wrong row is a good one with a few columns changed.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb
from tests import constraint_referrals
from tests.constraint_shapes import (
    AT,
    EMPTY_TIME,
    FROM_AT,
    NOBODY,
    ONE,
    Ids,
    Row,
    Wrong,
    a_rule,
    fresh,
    once,
    row_with,
)


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
    row = {"id": uuid4(), "gateway": "sandbox", "gateway_ref": fresh(), "order_id": uuid4()}
    return {**row, "currency": "CNY", "amount_minor": 1, "reason": "order_closed", "arrived_at": AT}


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
    "fee_rules": lambda ids: a_rule("platform_service_fee", rate_bp=500),
    "term_rules": lambda ids: a_rule("pay_within_s", seconds=900),
    "link_rules": lambda ids: a_rule("link", allowed=True),
    "orders": _order,
    "order_lines": lambda ids: _line(ids) | {"line_no": 2},
    "payments": lambda ids: {"id": uuid4(), "checkout_id": uuid4(), "gateway": "sandbox",
                             "gateway_ref": fresh(), "currency": "CNY", "amount_minor": 1000,
                             "state": "started", "started_at": AT},
    "payment_parts": lambda ids: {"store_id": ids.store, "order_id": uuid4(),
                                  "payment_id": ids.payment, "amount_minor": 1},
    "pay_ins": lambda ids: {"id": uuid4(), "purpose": "funds", "owner_id": ids.org,
                            "payer_id": ids.person, "idempotency_key": fresh(),
                            "currency": "CNY", "amount_minor": 1000, "asked_at": AT,
                            "payment_id": ids.payment, "booked_at": AT},
    "unallocated_money": _unallocated,
    "foreign_refunds": lambda ids: {"id": uuid4(), "payment_id": ids.payment, "told_at": AT,
                                    "gateway_ref": fresh(), "currency": "CNY", "amount_minor": 1},
    "refunds": _refund,
    "refund_lines": lambda ids: {"store_id": ids.store, "refund_id": ids.refund, "line_no": 2,
                                 "amount_minor": 1, "quantity": 0},
    "ledger_accounts": _account,
    "ledger_entries": _entry,
    "ledger_transfers": lambda ids: _transfer(ids, n=2),
    "ledger_unsealed": lambda ids: {"store_id": ids.store, "entry_id": ids.reversal},
    "ledger_unsealed_ranges": lambda ids: {"store_id": ids.store, "first_id": ids.reversal,
                                           "last_id": ids.reversal},
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
    **constraint_referrals.FRESH,
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
        *constraint_referrals.before(ids),
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
        "ledger_unsealed_ranges": {"first_id": ids.entry, "last_id": ids.entry},
        "ledger_rollups": {"account_id": ids.account},
        "ledger_days": {"account_id": ids.account},
        **constraint_referrals.fixed(ids),
    }
    return before + [(table, row(ids) | fixed.get(table, {})) for table, row in FRESH.items()]


_RULE_KEY = ("kind", "party")


def _rule_wrongs(table: str, **value: int) -> dict[str, Wrong]:
    """What the three tables of rules have in common, and the limit of the value."""
    wrongs = {
        "check": row_with(approver_id=None),
        "in_force_check": row_with(in_force=EMPTY_TIME),
        "kind_check": row_with(kind="tip"),
        "rollout_bp_check": row_with(rollout_bp=10_001),
        "second_person": row_with(approver_id=NOBODY, author_id=NOBODY),
        "pkey": once("id"),
        "no_overlap": once(*_RULE_KEY, in_force="[2021-01-01 00:00:00+00,)"),
    }
    wrongs |= {f"{column}_check": row_with(**{column: wrong}) for column, wrong in value.items()}
    return {f"{table}_{name}": wrong for name, wrong in wrongs.items()}


WRONG: Mapping[str, Mapping[str, Wrong]] = {
    "stock": {
        "stock_quotas_counted": row_with(quotas=-1),
        "stock_never_oversold": row_with(on_hand=3, reserved=4),
        "stock_store_id_sku_id_fkey": row_with(sku_id=NOBODY),
        "stock_pkey": once("store_id", "sku_id"),
    },
    "coupons": {
        "coupons_amount_off_minor_check": row_with(amount_off_minor=0),
        "coupons_check": row_with(percent_off_bp=100),
        "coupons_code_check": row_with(code="lower case"),
        "coupons_funder_check": row_with(funder="bank"),
        "coupons_min_spend_minor_check": row_with(min_spend_minor=-1),
        "coupons_percent_off_bp_check": row_with(amount_off_minor=None, percent_off_bp=9901),
        "coupons_quota_check": Wrong({"quota": -1}, (), ("coupons_within_quota",)),
        "coupons_usable_check": row_with(usable=EMPTY_TIME),
        "coupons_within_quota": row_with(quota=5, used=6),
        "coupons_store_id_fkey": row_with(store_id=NOBODY),
        "coupons_pkey": once("store_id", "id"),
        "coupons_store_id_code_key": once("store_id", "code"),
    },
    "coupon_uses": {
        "coupon_uses_discount_minor_check": row_with(discount_minor=0),
        "coupon_uses_store_id_coupon_id_fkey": row_with(coupon_id=NOBODY),
        "coupon_uses_once": once("store_id", "coupon_id", "person_id"),
        "coupon_uses_pkey": once("store_id", "coupon_id", "order_id"),
    },
    "fee_rules": _rule_wrongs("fee_rules", rate_bp=10_001),
    "term_rules": _rule_wrongs("term_rules", seconds=-1),
    "link_rules": _rule_wrongs("link_rules"),
    "orders": {
        "orders_discount_minor_check": row_with(discount_minor=-1, total_minor=1001),
        "orders_goods_minor_check": row_with(goods_minor=-1, shipping_minor=2, total_minor=1),
        "orders_shipping_minor_check": row_with(shipping_minor=-1, total_minor=999),
        "orders_state_check": row_with(state="lost"),
        "orders_total": row_with(total_minor=999),
        "orders_store": row_with(currency="USD"),
        "orders_without_buyer": row_with(buyer_id=None),
        "orders_pkey": once("store_id", "id"),
        "orders_once": once("store_id", "idempotency_key", "buyer_id"),
        "orders_store_id_number_key": once("store_id", "number"),
    },
    "order_lines": {
        "order_lines_commission_bp_check": row_with(commission_bp=10_001),
        "order_lines_commission_cut_bp_check": row_with(commission_cut_bp=-1),
        "order_lines_creator_discount_minor_check": row_with(
            creator_discount_minor=-1, paid_minor=1001
        ),
        "order_lines_gross": row_with(gross_minor=999, paid_minor=999),
        "order_lines_kind_check": row_with(kind="gift"),
        "order_lines_merchant_discount_minor_check": row_with(
            merchant_discount_minor=-1, paid_minor=1001
        ),
        "order_lines_paid": row_with(paid_minor=999),
        "order_lines_paid_minor_check": row_with(unit_price_minor=0, gross_minor=0, paid_minor=0),
        "order_lines_payment_cost_bp_check": row_with(payment_cost_bp=-1),
        "order_lines_platform_discount_minor_check": row_with(
            platform_discount_minor=-1, paid_minor=1001
        ),
        "order_lines_quantity_check": Wrong(
            {"quantity": 0, "gross_minor": 0, "paid_minor": 0},
            (),
            ("order_lines_paid_minor_check",),
        ),
        "order_lines_refunded": row_with(refunded_minor=1001),
        "order_lines_service_fee_bp_check": row_with(service_fee_bp=10_001),
        "order_lines_shipped": row_with(shipped_quantity=2, returned_quantity=1),
        "order_lines_unit_price_minor_check": Wrong(
            {"quantity": 1, "unit_price_minor": -1, "gross_minor": -1, "paid_minor": 1,
             "merchant_discount_minor": -2},
            (),
            ("order_lines_merchant_discount_minor_check",),
        ),
        "order_lines_order": row_with(order_id=NOBODY),
        "order_lines_pkey": once("store_id", "order_id", "line_no"),
    },
    "payments": {
        "payments_amount_minor_check": row_with(amount_minor=0),
        "payments_state_check": row_with(state="lost"),
        "payments_pkey": once("id"),
        "payments_gateway_gateway_ref_key": once("gateway", "gateway_ref"),
    },
    "payment_parts": {
        "payment_parts_amount_minor_check": row_with(amount_minor=0),
        "payment_parts_outcome_check": row_with(outcome="lost"),
        "payment_parts_pkey": once("store_id", "order_id", "payment_id"),
    },
    "pay_ins": {
        "pay_ins_purpose_check": row_with(purpose="lost"),
        "pay_ins_payer_id_fkey": row_with(payer_id=NOBODY),
        "pay_ins_idempotency_key_check": row_with(idempotency_key=""),
        "pay_ins_amount_minor_check": row_with(amount_minor=0),
        "pay_ins_payment_id_fkey": row_with(payment_id=NOBODY),
        "pay_ins_check": row_with(booked_at=None),
        "pay_ins_subject": row_with(purpose="coins"),
        "pay_ins_pkey": once("id"),
        "pay_ins_one_key": once("payer_id", "idempotency_key"),
    },
    "unallocated_money": {
        "unallocated_money_amount_minor_check": row_with(amount_minor=0),
        "unallocated_money_reason_check": row_with(reason="lost"),
        "unallocated_money_resolution_check": row_with(resolution="lost"),
        "unallocated_money_pkey": once("id"),
        "unallocated_money_once": once("gateway", "gateway_ref", "order_id"),
    },
    "foreign_refunds": {
        "foreign_refunds_amount_minor_check": row_with(amount_minor=0),
        "foreign_refunds_pkey": once("id"),
        "foreign_refunds_once": once("payment_id", "gateway_ref"),
        "foreign_refunds_booked": row_with(store_id=NOBODY),
        "foreign_refunds_settled": row_with(settled_at=AT, settled_by=NOBODY),
    },
    "refunds": {
        "refunds_amount_minor_check": row_with(amount_minor=0),
        "refunds_state_check": row_with(state="lost"),
        "refunds_attempt_check": row_with(attempt=0),
        "refunds_order": row_with(order_id=NOBODY),
        "refunds_pkey": once("store_id", "id"),
        "refunds_store_id_idempotency_key_key": once("store_id", "idempotency_key"),
    },
    "refund_lines": {
        "refund_lines_amount_minor_check": row_with(amount_minor=0),
        "refund_lines_quantity_check": row_with(quantity=-1),
        "refund_lines_refund": row_with(refund_id=NOBODY),
        "refund_lines_pkey": once("store_id", "refund_id", "line_no"),
    },
    "ledger_accounts": {
        "ledger_accounts_pkey": once(
            "store_id", "id", without=("ledger_accounts_store_id_id_currency_key",)
        ),
        "ledger_accounts_store_id_id_currency_key": once(
            "store_id", "id", without=("ledger_accounts_pkey",)
        ),
        "ledger_accounts_store_id_owner_id_purpose_currency_key": once(
            "store_id", "owner_id", "purpose"
        ),
    },
    "ledger_entries": {
        "ledger_entries_reverses": row_with(reverses=NOBODY),
        "ledger_entries_pkey": once("store_id", "id"),
        "ledger_entries_once": once("store_id", "key"),
        "ledger_entries_one_reversal": once("store_id", "reverses"),
    },
    "ledger_transfers": {
        "ledger_transfers_amount_minor_check": row_with(amount_minor=0),
        "ledger_transfers_two_accounts": row_with(src=ONE, dst=ONE),
        "ledger_transfers_dst": row_with(dst=NOBODY),
        "ledger_transfers_src": row_with(src=NOBODY),
        "ledger_transfers_entry": row_with(entry_id=NOBODY),
        "ledger_transfers_pkey": once("store_id", "entry_id", "n"),
    },
    "ledger_unsealed": {
        "ledger_unsealed_entry": row_with(entry_id=NOBODY),
        "ledger_unsealed_pkey": once("store_id", "entry_id"),
    },
    "ledger_unsealed_ranges": {
        "ledger_unsealed_ranges_store_id_first_id_fkey": row_with(first_id=NOBODY),
        "ledger_unsealed_ranges_store_id_last_id_fkey": row_with(last_id=UUID(int=2**128 - 1)),
        "ledger_unsealed_ranges_order": Wrong(
            {"last_id": NOBODY}, (), ("ledger_unsealed_ranges_store_id_last_id_fkey",)
        ),
        "ledger_unsealed_ranges_pkey": Wrong(
            {}, ("store_id", "first_id"), ("ledger_unsealed_ranges_order",)
        ),
    },
    "ledger_seals": {
        "ledger_seals_entries_check": row_with(entries=0),
        "ledger_seals_hash_check": row_with(hash=b"short"),
        "ledger_seals_number_check": row_with(number=0),
        "ledger_seals_pkey": once("store_id", "number"),
    },
    "ledger_sealed_entries": {
        "ledger_sealed_entries_store_id_entry_id_fkey": row_with(entry_id=NOBODY),
        "ledger_sealed_entries_store_id_seal_number_fkey": row_with(seal_number=99),
        "ledger_sealed_entries_pkey": once("store_id", "entry_id"),
    },
    "ledger_rollups": {
        "ledger_rollups_store_id_seal_number_fkey": row_with(seal_number=99),
        "ledger_rollups_pkey": once("store_id", "account_id", "seal_number"),
    },
    "ledger_days": {"ledger_days_store_id_account_id_fkey": row_with(account_id=UUID(int=9)),
                    "ledger_days_pkey": once("store_id", "account_id", "day", "part")},
    "sold_days": {
        "sold_days_kind_check": row_with(kind="video"),
        "sold_days_orders_check": row_with(orders=0),
        "sold_days_pkey": once("store_id", "kind", "day", "subject_id"),
    },
    "deadlines": {
        "deadlines_kind_check": row_with(kind="lost"),
        "deadlines_pkey": once("store_id", "kind", "subject_id"),
    },
    "idempotency_keys": {
        "idempotency_keys_key_check": row_with(key="short"),
        "idempotency_keys_pkey": once("owner_id", "route", "key"),
    },
    "inbox": {"inbox_pkey": once("source", "event_id")},
    **constraint_referrals.WRONG,
}  # fmt: skip
