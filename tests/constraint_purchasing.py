"""The tables of purchasing among those whose every constraint is tried."""

from collections.abc import Callable, Mapping
from datetime import date
from uuid import uuid4

from tests import constraint_stock as other
from tests.constraint_shapes import (
    AT,
    EMPTY_TIME,
    FROM_AT,
    NOBODY,
    Ids,
    Row,
    Wrong,
    fresh,
    once,
    row_with,
)
from tests.constraint_stock import EVIDENCE, FACTS, HOUSE, KEPT_CASES, LAST_YEAR

SUPPLIER, PURCHASE = uuid4(), uuid4()
RECEIPT, LANDED, BILL, RETURN, STATEMENT = (uuid4() for _ in range(5))
DAY, LONG = date(2020, 8, 20), "x" * 2001
TOO_DEAR = 100_000_000_001
__all__ = ["EVIDENCE", "FACTS", "FRESH", "KEPT_CASES", "WRONG", "world"]


def _supplier(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "code": fresh(), "name": "厂", "currency": "CNY",
            "payment_days": 30, "lead_days": 7, "made_at": AT}  # fmt: skip


def _order(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "number": fresh("PO"), "supplier_id": SUPPLIER,
            "state": "draft", "currency": "CNY", "goods_minor": 1000, "expected_on": DAY,
            "made_by": ids.person, "made_at": AT}  # fmt: skip


def _line(ids: Ids) -> Row:
    return {"store_id": ids.store, "order_id": PURCHASE, "line_no": 2, "sku_id": ids.other_sku,
            "quantity": 10, "price_minor": 100, "most": 11}  # fmt: skip


def _receipt(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "number": fresh("GR"), "order_id": PURCHASE,
            "warehouse_id": HOUSE, "key": fresh(), "request_hash": b"h", "by_id": ids.person,
            "at": AT}  # fmt: skip


def _landed(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "receipt_id": RECEIPT, "kind": "freight",
            "amount_minor": 100, "spread_by": "value", "key": fresh(), "by_id": ids.person,
            "at": AT}  # fmt: skip


def _bill(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "supplier_id": SUPPLIER, "bill_no": fresh(),
            "order_id": PURCHASE, "billed_on": DAY, "due_on": DAY, "currency": "CNY",
            "goods_minor": 1000, "total_minor": 1000, "state": "entered", "differs": True,
            "entered_by": ids.person, "entered_at": AT}  # fmt: skip


def _return(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "number": fresh("SR"), "order_id": PURCHASE,
            "warehouse_id": HOUSE, "currency": "CNY", "total_minor": 100, "credit_minor": 100,
            "reason": "r", "key": fresh(), "by_id": ids.person, "at": AT}  # fmt: skip


def _statement(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "number": fresh("DS"), "supplier_id": SUPPLIER,
            "starts_at": AT, "ends_at": AT.replace(year=2021), "currency": "CNY", "lines": 1,
            "total_minor": 100, "by_id": ids.person, "at": AT}  # fmt: skip


def _dropship(ids: Ids) -> Row:
    return {"store_id": ids.store, "order_id": ids.order, "line_no": 3, "supplier_id": SUPPLIER,
            "sku_id": ids.sku, "quantity": 1, "state": "waiting", "cost_minor": 100,
            "made_at": AT}  # fmt: skip


PURCHASING: Mapping[str, Callable[[Ids], Row]] = {
    "purchase_terms": lambda ids: {
        "store_id": ids.store, "id": uuid4(), "approve_above_minor": 1, "price_tolerance_bp": 1,
        "amount_tolerance_minor": 1, "over_bp": 1, "service_level_bp": 9500, "in_force": LAST_YEAR},
    "purchase_numbers": lambda ids: {"store_id": ids.store, "kind": "GR", "last": 1},
    "suppliers": _supplier,
    "supplier_items": lambda ids: {"store_id": ids.store, "supplier_id": SUPPLIER,
                                   "sku_id": ids.other_sku},
    "supplier_prices": lambda ids: {"store_id": ids.store, "id": uuid4(), "supplier_id": SUPPLIER,
                                    "sku_id": ids.sku, "from_quantity": 10, "price_minor": 90,
                                    "in_force": FROM_AT, "made_by": ids.person},
    "purchase_orders": _order,
    "purchase_lines": _line,
    "goods_receipts": _receipt,
    "goods_receipt_lines": lambda ids: {"store_id": ids.store, "receipt_id": RECEIPT, "line_no": 2,
                                        "accepted": 5},
    "landed_costs": _landed,
    "landed_cost_shares": lambda ids: {"store_id": ids.store, "landed_id": LANDED, "line_no": 2,
                                       "amount_minor": 100, "to_stock_minor": 60},
    "supplier_bills": _bill,
    "supplier_bill_lines": lambda ids: {"store_id": ids.store, "bill_id": BILL, "line_no": 2,
                                        "quantity": 5, "price_minor": 100},
    "supplier_returns": _return,
    "supplier_return_lines": lambda ids: {"store_id": ids.store, "return_id": RETURN, "line_no": 2,
                                          "quantity": 2, "credited": 1, "price_minor": 100},
    "supplier_payments": lambda ids: {"store_id": ids.store, "id": uuid4(),
                                      "supplier_id": SUPPLIER, "currency": "CNY",
                                      "amount_minor": 100, "reference": fresh(),
                                      "by_id": ids.person, "at": AT},
    "dropship_statements": _statement,
    "dropship_lines": _dropship,
    "reorder_suggestions": lambda ids: {"store_id": ids.store, "sku_id": ids.other_sku,
                                        "quantity": 1, "free": -1, "on_order": 0, "figures": "{}",
                                        "at": AT},
}  # fmt: skip
FRESH = {**other.FRESH, **PURCHASING}


def world(ids: Ids) -> list[tuple[str, Row]]:
    """Also a supplier whose SKU one purchase order asks for, and a line that it may send itself."""
    fixed: dict[str, Row] = {
        "purchase_terms": {"in_force": FROM_AT},
        "purchase_numbers": {"kind": "PO"},
        "suppliers": {"id": SUPPLIER, "token_hash": uuid4().bytes * 2, "token_at": AT},
        "supplier_items": {"sku_id": ids.sku, "is_dropship": True},
        "supplier_prices": {"from_quantity": 1},
        "purchase_orders": {"id": PURCHASE},
        "purchase_lines": {"line_no": 1, "sku_id": ids.sku},
        "goods_receipts": {"id": RECEIPT},
        "goods_receipt_lines": {"line_no": 1},
        "landed_costs": {"id": LANDED},
        "landed_cost_shares": {"line_no": 1},
        "supplier_bills": {"id": BILL},
        "supplier_bill_lines": {"line_no": 1},
        "supplier_returns": {"id": RETURN},
        "supplier_return_lines": {"line_no": 1},
        "dropship_statements": {"id": STATEMENT},
        "dropship_lines": {"line_no": 1},
        "reorder_suggestions": {"sku_id": ids.sku},
    }
    rows = [(table, row(ids) | fixed.get(table, {})) for table, row in PURCHASING.items()]
    third = FRESH["order_lines"](ids) | {"line_no": 3}
    return [*other.world(ids), ("order_lines", third), *rows]


def _of(table: str, *columns: str) -> dict[str, Wrong]:
    """What it names is there: `order_id` of the store's, a person of all."""
    return {
        f"{table}_{'' if one.endswith('_by') or one == 'by_id' else 'store_id_'}{one}_fkey":
            row_with(**{one: NOBODY})
        for one in columns
    }  # fmt: skip


SHIPPED = {"state": "shipped", "sent_at": AT, "answered_at": AT, "package_id": uuid4()}
WRONG: Mapping[str, Mapping[str, Wrong]] = {
    **other.WRONG,
    "purchase_terms": {
        "purchase_terms_amount_tolerance_minor_check": row_with(amount_tolerance_minor=-1),
        "purchase_terms_approve_above_minor_check": row_with(approve_above_minor=-1),
        "purchase_terms_in_force_check": row_with(in_force=EMPTY_TIME),
        "purchase_terms_no_overlap": row_with(in_force=FROM_AT),
        "purchase_terms_over_bp_check": row_with(over_bp=10_001),
        "purchase_terms_pkey": once("id"),
        "purchase_terms_price_tolerance_bp_check": row_with(price_tolerance_bp=-1),
        "purchase_terms_service_level_bp_check": row_with(service_level_bp=9_991),
        "purchase_terms_store_id_fkey": row_with(store_id=NOBODY),
    },
    "purchase_numbers": {
        "purchase_numbers_kind_check": row_with(kind="XX"),
        "purchase_numbers_last_check": row_with(last=0),
        "purchase_numbers_pkey": once("kind"),
        "purchase_numbers_store_id_fkey": row_with(store_id=NOBODY),
    },
    "suppliers": {
        "suppliers_code": once("code"),
        "suppliers_code_check": row_with(code="-"),
        "suppliers_contact_check": row_with(contact=LONG),
        "suppliers_currency": row_with(currency="USD"),
        "suppliers_email_check": row_with(email=LONG),
        "suppliers_lead_days_check": row_with(lead_days=366),
        "suppliers_name_check": row_with(name=""),
        "suppliers_notes_check": row_with(notes=LONG),
        "suppliers_payment_days_check": row_with(payment_days=-1),
        "suppliers_phone_check": row_with(phone=LONG),
        "suppliers_pkey": once("id"),
        "suppliers_store_id_fkey": Wrong({"store_id": NOBODY}, (), ("suppliers_currency",)),
        "suppliers_token": once("token_hash", "token_at"),
        "suppliers_token_dated": row_with(token_at=AT),
        "suppliers_token_hash_check": row_with(token_hash=b"short", token_at=AT),
    },
    "supplier_items": {
        **_of("supplier_items", "sku_id", "supplier_id"),
        "supplier_items_lead_days_check": row_with(lead_days=-1),
        "supplier_items_min_quantity_check": row_with(min_quantity=0),
        "supplier_items_one_dropshipper": once(
            "sku_id", "is_dropship", without=("supplier_items_pkey",)
        ),
        "supplier_items_pack_size_check": row_with(pack_size=0),
        "supplier_items_pkey": once("sku_id"),
        "supplier_items_supplier_sku_check": row_with(supplier_sku=LONG),
    },
    "supplier_prices": {
        **_of("supplier_prices", "made_by"),
        "supplier_prices_from_quantity_check": row_with(from_quantity=0),
        "supplier_prices_in_force_check": row_with(in_force=EMPTY_TIME),
        "supplier_prices_no_overlap": once("from_quantity"),
        "supplier_prices_pkey": once("id"),
        "supplier_prices_price_minor_check": row_with(price_minor=TOO_DEAR),
        "supplier_prices_store_id_supplier_id_sku_id_fkey": row_with(sku_id=NOBODY),
    },
    "purchase_orders": {
        **_of("purchase_orders", "supplier_id", "warehouse_id", "made_by"),
        "purchase_orders_approved": row_with(state="approved"),
        "purchase_orders_approved_by_fkey": row_with(
            approved_by=NOBODY, approved_at=AT, limit_minor=1
        ),
        "purchase_orders_end_reason_check": row_with(end_reason=LONG),
        "purchase_orders_ended": row_with(ended_at=AT),
        "purchase_orders_goods_minor_check": row_with(goods_minor=-1),
        "purchase_orders_limit_minor_check": Wrong(
            {"limit_minor": -1}, (), ("purchase_orders_approved",)
        ),
        "purchase_orders_note_check": row_with(note=LONG),
        "purchase_orders_number": once("number"),
        "purchase_orders_number_check": row_with(number="P"),
        "purchase_orders_pkey": once("id"),
        "purchase_orders_second_person": Wrong(
            {"approved_at": AT, "limit_minor": 1, "made_by": NOBODY, "approved_by": NOBODY}, (),
            ("purchase_orders_made_by_fkey", "purchase_orders_approved_by_fkey"),
        ),
        "purchase_orders_sent": Wrong(
            {"state": "sent"}, (), ("purchase_orders_approved",)
        ),
        "purchase_orders_state_check": Wrong(
            {"state": "lost"}, (), ("purchase_orders_approved", "purchase_orders_sent")
        ),
    },
    "purchase_lines": {
        **_of("purchase_lines", "order_id", "sku_id"),
        "purchase_lines_billed_check": row_with(billed=-1),
        "purchase_lines_line_no_check": row_with(line_no=0),
        "purchase_lines_most": row_with(most=9),
        "purchase_lines_once": once("sku_id"),
        "purchase_lines_pkey": once("line_no"),
        "purchase_lines_price_minor_check": row_with(price_minor=-1),
        "purchase_lines_quantity_check": row_with(quantity=0),
        "purchase_lines_received": row_with(received=12),
        "purchase_lines_returned": row_with(returned=1),
    },
    "goods_receipts": {
        **_of("goods_receipts", "order_id", "warehouse_id", "by_id"),
        "goods_receipts_delivery_note_check": row_with(delivery_note=LONG),
        "goods_receipts_key_check": row_with(key="short"),
        "goods_receipts_note_check": row_with(note=LONG),
        "goods_receipts_number": once("number"),
        "goods_receipts_one_key": once("key"),
        "goods_receipts_pkey": once("id"),
    },
    "goods_receipt_lines": {
        **_of("goods_receipt_lines", "receipt_id"),
        "goods_receipt_lines_accepted_check": Wrong(
            {"accepted": -1, "short": 2}, (), ("goods_receipt_lines_over",)
        ),
        "goods_receipt_lines_damaged_check": row_with(damaged=-1),
        "goods_receipt_lines_lot_check": row_with(lot=LONG),
        "goods_receipt_lines_over": row_with(over=6),
        "goods_receipt_lines_pkey": once("line_no"),
        "goods_receipt_lines_short_check": row_with(short=-1),
        "goods_receipt_lines_something": row_with(accepted=0),
    },
    "landed_costs": {
        **_of("landed_costs", "receipt_id", "by_id"),
        "landed_costs_amount_minor_check": row_with(amount_minor=0),
        "landed_costs_key_check": row_with(key="short"),
        "landed_costs_kind_check": row_with(kind="tip"),
        "landed_costs_one_key": once("key"),
        "landed_costs_pkey": once("id"),
        "landed_costs_spread_by_check": row_with(spread_by="luck"),
    },
    "landed_cost_shares": {
        **_of("landed_cost_shares", "landed_id"),
        "landed_cost_shares_amount_minor_check": Wrong(
            {"amount_minor": -1}, (), ("landed_cost_shares_to_stock",)
        ),
        "landed_cost_shares_pkey": once("line_no"),
        "landed_cost_shares_to_stock": row_with(to_stock_minor=101),
    },
    "supplier_bills": {
        **_of("supplier_bills", "supplier_id", "order_id", "entered_by"),
        "supplier_bills_bill_no_check": row_with(bill_no=""),
        "supplier_bills_decided": row_with(decided_at=AT),
        "supplier_bills_decided_by_fkey": row_with(decided_by=NOBODY, decided_at=AT),
        "supplier_bills_due": row_with(due_on=date(2020, 8, 19)),
        "supplier_bills_extra_minor_check": row_with(extra_minor=-1, total_minor=999),
        "supplier_bills_goods_minor_check": row_with(goods_minor=-1, extra_minor=2, total_minor=1),
        "supplier_bills_once": once("bill_no"),
        "supplier_bills_pkey": once("id"),
        "supplier_bills_reason_check": row_with(reason=LONG),
        "supplier_bills_second_person": Wrong(
            {"state": "approved", "decided_at": AT, "decided_by": NOBODY, "entered_by": NOBODY}, (),
            ("supplier_bills_decided_by_fkey", "supplier_bills_entered_by_fkey"),
        ),
        "supplier_bills_state_check": Wrong(
            {"state": "lost"}, (), ("supplier_bills_decided",)
        ),
        "supplier_bills_total": row_with(total_minor=999),
        "supplier_bills_total_minor_check": row_with(goods_minor=0, total_minor=0),
    },
    "supplier_bill_lines": {
        **_of("supplier_bill_lines", "bill_id"),
        "supplier_bill_lines_pkey": once("line_no"),
        "supplier_bill_lines_price_minor_check": row_with(price_minor=-1),
        "supplier_bill_lines_quantity_check": row_with(quantity=0),
    },
    "supplier_returns": {
        **_of("supplier_returns", "order_id", "warehouse_id", "by_id"),
        "supplier_returns_credit": row_with(credit_minor=101),
        "supplier_returns_key_check": row_with(key="short"),
        "supplier_returns_number": once("number"),
        "supplier_returns_one_key": once("key"),
        "supplier_returns_pkey": once("id"),
        "supplier_returns_reason_check": row_with(reason=""),
        "supplier_returns_total_minor_check": Wrong(
            {"total_minor": -1}, (), ("supplier_returns_credit",)
        ),
    },
    "supplier_return_lines": {
        **_of("supplier_return_lines", "return_id"),
        "supplier_return_lines_credited": row_with(credited=3),
        "supplier_return_lines_pkey": once("line_no"),
        "supplier_return_lines_price_minor_check": row_with(price_minor=-1),
        "supplier_return_lines_quantity_check": row_with(quantity=0, credited=0),
    },
    "supplier_payments": {
        **_of("supplier_payments", "supplier_id", "by_id"),
        "supplier_payments_amount_minor_check": row_with(amount_minor=0),
        "supplier_payments_once": once("reference"),
        "supplier_payments_pkey": once("id"),
        "supplier_payments_reference_check": row_with(reference=""),
    },
    "dropship_statements": {
        **_of("dropship_statements", "supplier_id", "by_id"),
        "dropship_statements_lines_check": row_with(lines=0),
        "dropship_statements_number": once("number"),
        "dropship_statements_pkey": once("id"),
        "dropship_statements_total_minor_check": row_with(total_minor=-1),
        "dropship_statements_window": row_with(ends_at=AT),
    },
    "dropship_lines": {
        **_of("dropship_lines", "supplier_id"),
        "dropship_lines_answered": row_with(answered_at=AT),
        "dropship_lines_cost_minor_check": row_with(cost_minor=TOO_DEAR),
        "dropship_lines_pkey": once("line_no"),
        "dropship_lines_quantity_check": row_with(quantity=0),
        "dropship_lines_reason_check": row_with(reason=LONG),
        "dropship_lines_sent": row_with(state="refused", answered_at=AT),
        "dropship_lines_shipped": row_with(package_id=NOBODY),
        "dropship_lines_state_check": row_with(state="lost", sent_at=AT),
        "dropship_lines_statement": row_with(statement_id=STATEMENT),
        "dropship_lines_store_id_order_id_line_no_fkey": row_with(line_no=9),
        "dropship_lines_store_id_statement_id_fkey": row_with(**SHIPPED, statement_id=NOBODY),
    },
    "reorder_suggestions": {
        **_of("reorder_suggestions", "sku_id", "supplier_id"),
        "reorder_suggestions_on_order_check": row_with(on_order=-1),
        "reorder_suggestions_pkey": once("sku_id"),
        "reorder_suggestions_quantity_check": row_with(quantity=-1),
    },
}  # fmt: skip
