"""The tables of after-sales cases and payouts among those whose every constraint is tried."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests import constraint_tasks as other
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
from tests.constraint_tasks import EVIDENCE

LATER = AT + timedelta(days=7)
CASE, PRODUCT = uuid4(), uuid4()
LAST_YEAR = "[2019-08-20 00:00:00+00,2020-08-20 00:00:00+00)"
__all__ = ["EVIDENCE", "FACTS", "FRESH", "KEPT_CASES", "WRONG", "world"]


def _case(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "number": fresh("A"), "order_id": ids.order,
            "buyer_id": ids.person, "kind": "refund_only", "state": "asked",
            "waiting_for": "merchant", "reason": "late", "currency": "CNY", "asked_minor": 100,
            "was_final": False, "idempotency_key": fresh(), "request_hash": b"h",
            "opened_at": AT}  # fmt: skip


def _evidence(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "case_id": CASE, "side": "buyer",
            "person_id": ids.person, "kind": "image", "file": "f", "name": "n", "size_bytes": 1,
            "sha256": bytes(32), "at": AT}  # fmt: skip


def _ruling(ids: Ids) -> Row:
    return {"store_id": ids.store, "case_id": CASE, "instance": 2, "question": "q",
            "outcome": "refund", "granted_minor": 50, "bearer": "merchant", "reason": "r",
            "person_id": ids.person, "at": AT}  # fmt: skip


def _resend(ids: Ids) -> Row:
    return {"store_id": ids.store, "case_id": CASE, "line_no": 2, "quantity": 1, "carrier": "c",
            "tracking_no": "1234", "from_stock": True, "at": AT}  # fmt: skip


def _case_rule(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "kind": "refund_only", "up_to_minor": 100,
            "outcome": "approve", "says_zh": "可", "says_en": "yes", "in_force": LAST_YEAR,
            "made_by": ids.person, "made_at": AT}  # fmt: skip


def _product(ids: Ids) -> Row:
    return {"id": uuid4(), "currency": "CNY", "premium_minor": 50, "cover_minor": 1_000,
            "name_zh": "险", "name_en": "i", "in_force": LAST_YEAR, "made_by": ids.person,
            "made_at": AT}  # fmt: skip


def _payout(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "payee_id": ids.org, "currency": "CNY",
            "purpose": "merchant_payable", "day": "2020-08-21", "amount_minor": 100,
            "booked_at": AT}  # fmt: skip


CASES: Mapping[str, Callable[[Ids], Row]] = {
    "cases": _case,
    "case_lines": lambda ids: {"store_id": ids.store, "case_id": CASE, "line_no": 3,
                               "category": "*", "quantity": 1, "amount_minor": 100},
    "case_units": lambda ids: {"store_id": ids.store, "order_id": ids.order, "line_no": 2,
                               "bought": 2, "shipped": 1, "paid_minor": 100},
    "case_moves": lambda ids: {"store_id": ids.store, "case_id": CASE, "n": 2,
                               "to_state": "refused", "side": "merchant", "at": AT},
    "case_evidence": _evidence,
    "case_rulings": _ruling,
    "case_holds": lambda ids: {"store_id": ids.store, "case_id": CASE, "line_no": 1,
                               "purpose": "merchant_payable", "owner_id": ids.org,
                               "amount_minor": 100},
    "resend_lines": _resend,
    "case_rules": _case_rule,
    "insurance_products": _product,
    "payouts": _payout,
}  # fmt: skip
FRESH = {**other.FRESH, **CASES}
FACTS = other.FACTS
KEPT_CASES = ("case_lines", "case_moves", "case_evidence", "case_rulings", "case_holds",
              "resend_lines")  # fmt: skip


def world(ids: Ids) -> list[tuple[str, Row]]:
    """Also a case with its lines, a first ruling, and what was frozen for it."""
    fixed: dict[str, Row] = {
        "cases": {"id": CASE},
        "case_lines": {"line_no": 1},
        "case_units": {"line_no": 1},
        "case_moves": {"n": 1},
        "case_rulings": {"instance": 1},
        "case_holds": {"purpose": "escrow", "owner_id": ids.store},
        "resend_lines": {"line_no": 1},
        "case_rules": {"in_force": FROM_AT},
        "insurance_products": {"id": PRODUCT, "in_force": FROM_AT},
        "payouts": {"day": "2020-08-20", "bank_ref": fresh()},
    }
    rows = [(table, row(ids) | fixed.get(table, {})) for table, row in CASES.items()]
    second = CASES["case_lines"](ids) | {"line_no": 2}
    at = next(n for n, (table, _) in enumerate(rows) if table == "case_lines")
    return [*other.world(ids), *rows[: at + 1], ("case_lines", second), *rows[at + 1 :]]


def _words(table: str, *columns: str, **also: Any) -> dict[str, Wrong]:
    """Columns that take some words only."""
    return {f"{table}_{one}_check": row_with(**{one: "nothing"}, **also) for one in columns}


_DONE = {"state": "done", "closed_at": LATER, "outcome": "refunded"}
WRONG: Mapping[str, Mapping[str, Wrong]] = {
    **other.WRONG,
    "cases": {
        **_words("cases", "kind", "state", "waiting_for", "bearer", "inspection",
                 "extension_asked_by"),
        "cases_asked_minor_check": row_with(asked_minor=-1),
        "cases_body_check": row_with(body="x" * 1001),
        "cases_borne_minor_check": row_with(borne_minor=-1),
        "cases_buyer_id_fkey": row_with(buyer_id=NOBODY),
        "cases_closed": row_with(closed_at=LATER, outcome="refused"),
        "cases_extended_check": row_with(extended=3),
        "cases_granted": row_with(granted_minor=101),
        "cases_granted_minor_check": row_with(granted_minor=-1),
        "cases_held_while_open": row_with(**_DONE, held_at=AT),
        "cases_offered": row_with(offered_minor=101),
        "cases_offered_minor_check": row_with(offered_minor=0),
        "cases_once": once("idempotency_key"),
        "cases_outcome_check": row_with(**_DONE | {"outcome": "nothing"}),
        "cases_pkey": once("id"),
        "cases_reason_check": row_with(reason=""),
        "cases_released": row_with(released_at=AT),
        "cases_return_carrier_check": row_with(return_carrier="x" * 61),
        "cases_return_tracking_no_check": row_with(return_tracking_no="x" * 61),
        "cases_store_id_number_key": once("number"),
        "cases_store_id_order_id_fkey": row_with(order_id=NOBODY),
        "cases_store_id_rule_id_fkey": row_with(rule_id=NOBODY),
    },
    "case_lines": {
        "case_lines_amount_minor_check": row_with(amount_minor=-1),
        "case_lines_pkey": row_with(line_no=2),
        "case_lines_quantity_check": row_with(quantity=0),
        "case_lines_store_id_case_id_fkey": row_with(case_id=NOBODY),
    },
    "case_units": {
        "case_units_asked": row_with(asked_minor=101),
        "case_units_bought_check": Wrong(
            {"bought": 0, "shipped": 0}, (), ()
        ),
        "case_units_came_back": row_with(came_back=2),
        "case_units_one_case": row_with(in_case=2, came_back=1),
        "case_units_paid_minor_check": row_with(paid_minor=0),
        "case_units_pkey": row_with(line_no=1),
        "case_units_shipped": row_with(shipped=3),
        "case_units_store_id_order_id_fkey": row_with(order_id=NOBODY),
    },
    "case_moves": {
        **_words("case_moves", "side"),
        "case_moves_n_check": row_with(n=0),
        "case_moves_note_check": row_with(note="x" * 1001),
        "case_moves_pkey": row_with(n=1),
        "case_moves_store_id_case_id_fkey": row_with(case_id=NOBODY),
    },
    "case_evidence": {
        **_words("case_evidence", "side", "kind"),
        "case_evidence_file_check": row_with(file=""),
        "case_evidence_name_check": row_with(name=""),
        "case_evidence_person_id_fkey": row_with(person_id=NOBODY),
        "case_evidence_pkey": once("id"),
        "case_evidence_sha256_check": row_with(sha256=b"x"),
        "case_evidence_size_bytes_check": row_with(size_bytes=0),
        "case_evidence_store_id_case_id_fkey": row_with(case_id=NOBODY),
    },
    "case_rulings": {
        "case_rulings_bearer_check": row_with(bearer="who"),
        "case_rulings_outcome_check": row_with(outcome="what"),
        "case_rulings_granted": row_with(granted_minor=0),
        "case_rulings_granted_minor_check": row_with(granted_minor=-1),
        "case_rulings_instance_check": row_with(instance=3),
        "case_rulings_person_id_fkey": row_with(person_id=NOBODY),
        "case_rulings_pkey": row_with(instance=1),
        "case_rulings_question_check": row_with(question=""),
        "case_rulings_reason_check": row_with(reason=""),
        "case_rulings_store_id_case_id_fkey": row_with(case_id=NOBODY),
    },
    "case_holds": {
        **_words("case_holds", "purpose"),
        "case_holds_amount_minor_check": row_with(amount_minor=0),
        "case_holds_pkey": once("purpose", "owner_id"),
        "case_holds_store_id_case_id_line_no_fkey": row_with(line_no=9),
    },
    "resend_lines": {
        "resend_lines_carrier_check": row_with(carrier=""),
        "resend_lines_back_minor_check": row_with(back_minor=-1),
        "resend_lines_cost_minor_check": row_with(cost_minor=-1),
        "resend_lines_pkey": row_with(line_no=1),
        "resend_lines_quantity_check": row_with(quantity=0),
        "resend_lines_store_id_case_id_line_no_fkey": row_with(line_no=9),
        "resend_lines_tracking_no_check": row_with(tracking_no="123"),
    },
    "case_rules": {
        **_words("case_rules", "order_state", "outcome"),
        "case_rules_buyer_check": row_with(buyer="nobody"),
        "case_rules_category_check": row_with(category=""),
        "case_rules_ended": row_with(withdrawn=True),
        "case_rules_ended_by_fkey": row_with(ended_by=NOBODY, ended_at=LATER),
        "case_rules_in_force_check": row_with(in_force=EMPTY_TIME),
        "case_rules_kind_check": row_with(kind=""),
        "case_rules_made_by_fkey": row_with(made_by=NOBODY),
        "case_rules_no_overlap": row_with(in_force=FROM_AT),
        "case_rules_pkey": once("id"),
        "case_rules_reason_check": row_with(reason=""),
        "case_rules_says_en_check": row_with(says_en=""),
        "case_rules_says_zh_check": row_with(says_zh=""),
        "case_rules_store_id_fkey": row_with(store_id=NOBODY),
        "case_rules_up_to_minor_check": row_with(up_to_minor=0),
    },
    "insurance_products": {
        "insurance_products_cover": row_with(cover_minor=50),
        "insurance_products_in_force_check": row_with(in_force=EMPTY_TIME),
        "insurance_products_no_overlap": row_with(in_force=FROM_AT),
        "insurance_products_pkey": once("id"),
        "insurance_products_premium_minor_check": row_with(premium_minor=0),
    },
    "payouts": {
        **_words("payouts", "purpose"),
        "payouts_amount_minor_check": row_with(amount_minor=0),
        "payouts_bank_ref_key": once("bank_ref"),
        "payouts_done": row_with(done_at=LATER),
        "payouts_once": row_with(day="2020-08-20"),
        "payouts_pkey": once("id"),
        "payouts_state_check": row_with(state="nothing"),
        "payouts_why_check": row_with(why="x" * 201),
    },
}  # fmt: skip
