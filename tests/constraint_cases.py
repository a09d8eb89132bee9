"""The tables of after-sales cases and payouts among those whose every constraint is tried."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests import constraint_tasks as other
from tests.constraint_insurance import (
    INSURANCE,
    INSURANCE_WRONG,
    PRODUCT,
    orders_for_policies,
    policy_that_paid_nothing,
)
from tests.constraint_service import CASE, SERVICE, SERVICE_WRONG
from tests.constraint_settlement import ASKER
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
BUYER = uuid4()
TERMS, ACCOUNT, RUN, FILE, PAYOUT, PAYEE = (uuid4() for _ in range(6))
BY_ONE = {"approved_by": ASKER, "checked_by": ASKER}
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


def _payout(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "run_id": RUN, "account_id": ACCOUNT,
            "payee_id": ids.org, "currency": "CNY", "purpose": "merchant_payable",
            "day": "2020-08-21", "amount_minor": 100, "booked_at": AT}  # fmt: skip


def _payout_terms(ids: Ids) -> Row:
    return {"id": uuid4(), "purpose": "*", "currency": "CNY", "in_force": LAST_YEAR,
            "minimum_minor": 1, "hold_days": 0, "change_wait_days": 3, "approve_above_minor": 0,
            "reason": "r", "author_id": ids.person, "at": AT}  # fmt: skip


def _payout_account(ids: Ids) -> Row:
    return {"id": uuid4(), "payee_id": uuid4(), "currency": "CNY", "holder": "h", "bank": "b",
            "number_sealed": bytes(40), "number_tail": "1234", "made_by": ids.person,
            "made_at": AT}  # fmt: skip


def _payout_run(ids: Ids) -> Row:
    return {"id": uuid4(), "day": "2020-08-21", "currency": "CNY", "purpose": "merchant_payable",
            "terms_id": TERMS, "started_at": AT}  # fmt: skip


def _payout_file(ids: Ids) -> Row:
    return {"id": uuid4(), "kind": "list", "file_name": "f", "state": "waiting",
            "made_by": ids.person, "made_at": AT}  # fmt: skip


def _payout_move(ids: Ids) -> Row:
    return {"store_id": ids.store, "payout_id": PAYOUT, "n": 2, "to_state": "held",
            "side": "operator", "person_id": ids.person, "at": AT}  # fmt: skip


CASES: Mapping[str, Callable[[Ids], Row]] = {
    "cases": _case,
    **SERVICE,
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
    "buyer_score_formulas": lambda ids: {"id": uuid4(), "formula": "{}", "in_force": LAST_YEAR,
                                         "reason": "r", "made_by": ids.person, "made_at": AT},
    "buyer_scores": lambda ids: {"person_id": BUYER, "score": 10, "facts": "{}", "since": AT,
                                 "counted_at": AT},
    **INSURANCE,
    "payout_terms": _payout_terms,
    "payout_accounts": _payout_account,
    "payout_runs": _payout_run,
    "payout_files": _payout_file,
    "payout_file_problems": lambda ids: {"file_id": FILE, "line": 2, "field": "f", "reason": "r"},
    "payouts": _payout,
    "payout_moves": _payout_move,
}  # fmt: skip
FRESH = {**other.FRESH, **CASES}
FACTS = other.FACTS
KEPT_CASES = ("case_lines", "case_moves", "case_messages", "case_evidence", "case_rulings",
              "case_holds", "resend_lines", "insurance_claims", "payout_moves")  # fmt: skip


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
        "buyer_score_formulas": {"in_force": FROM_AT},
        "buyer_scores": {"person_id": ids.person},
        "insurance_products": {"id": PRODUCT, "in_force": FROM_AT, "version": 1},
        "insured_stores": {"since": AT, "until": None},
        "insurance_policies": {"order_id": ids.order},
        "insurance_claims": {"order_id": ids.order},
        "return_addresses": {"is_default": True},
        "payout_terms": {"id": TERMS, "in_force": FROM_AT},
        "payout_accounts": {"id": ACCOUNT, "payee_id": PAYEE},
        "payout_runs": {"id": RUN, "day": "2020-08-20"},
        "payout_files": {"id": FILE},
        "payout_file_problems": {"line": 1},
        "payouts": {"id": PAYOUT, "day": "2020-08-20"},
        "payout_moves": {"n": 1},
    }
    rows = [(table, row(ids) | fixed.get(table, {})) for table, row in CASES.items()]
    rows.insert(
        next(n for n, (table, _) in enumerate(rows) if table == "insurance_claims"),
        policy_that_paid_nothing(ids),
    )
    second = CASES["case_lines"](ids) | {"line_no": 2}
    at = next(n for n, (table, _) in enumerate(rows) if table == "case_lines")
    again = _payout(ids) | {"day": "2020-08-20", "retry_of": PAYOUT, "bank_ref": fresh()}
    rows.insert(next(n for n, (table, _) in enumerate(rows) if table == "payouts") + 1,
                ("payouts", again))  # fmt: skip
    buyer = {"id": BUYER, "email": f"{fresh()}@example.org", "name": "n", "password_hash": "",
             "locale": "zh", "created_at": AT}  # fmt: skip
    return [
        *other.world(ids),
        ("people", buyer),
        *orders_for_policies(FRESH["orders"], ids),
        *rows[: at + 1],
        ("case_lines", second),
        *rows[at + 1 :],
    ]


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
        "cases_extension_answered": row_with(extension_asked_by="buyer", extension_declined_at=AT),
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
    "buyer_score_formulas": {
        "buyer_score_formulas_in_force_check": row_with(in_force=EMPTY_TIME),
        "buyer_score_formulas_made_by_fkey": row_with(made_by=NOBODY),
        "buyer_score_formulas_no_overlap": row_with(in_force=FROM_AT),
        "buyer_score_formulas_pkey": once("id"),
        "buyer_score_formulas_reason_check": row_with(reason=""),
    },
    "buyer_scores": {
        "buyer_scores_formula_id_fkey": row_with(formula_id=NOBODY),
        "buyer_scores_person_id_fkey": row_with(person_id=NOBODY),
        "buyer_scores_pkey": once("person_id"),
        "buyer_scores_score_check": row_with(score=101),
    },
    **SERVICE_WRONG,
    **INSURANCE_WRONG,
    "payout_terms": {
        **_words("payout_terms", "purpose"),
        "payout_terms_approve_above_minor_check": row_with(approve_above_minor=-1),
        "payout_terms_author_id_fkey": row_with(author_id=NOBODY),
        "payout_terms_change_wait_days_check": row_with(change_wait_days=91),
        "payout_terms_hold_days_check": row_with(hold_days=91),
        "payout_terms_in_force_check": row_with(in_force=EMPTY_TIME),
        "payout_terms_minimum_minor_check": row_with(minimum_minor=0),
        "payout_terms_no_overlap": row_with(in_force="[2021-01-01 00:00:00+00,)"),
        "payout_terms_pkey": once("id"),
        "payout_terms_reason": row_with(reason=""),
        "payout_terms_weekday_check": row_with(weekday=8),
    },
    "payout_accounts": {
        "payout_accounts_bank_check": row_with(bank=""),
        "payout_accounts_holder_check": row_with(holder=""),
        "payout_accounts_made_by_fkey": row_with(made_by=NOBODY),
        "payout_accounts_number_sealed_check": row_with(number_sealed=b"1234"),
        "payout_accounts_number_tail_check": row_with(number_tail="123"),
        "payout_accounts_one_open": row_with(payee_id=PAYEE),
        "payout_accounts_pkey": once("id"),
        "payout_accounts_replaces_fkey": row_with(replaces=NOBODY),
        "payout_accounts_verified": row_with(verified_at=AT),
        "payout_accounts_verified_by_fkey": row_with(verified_by=NOBODY, verified_at=AT),
        "payout_accounts_why_check": row_with(why="x" * 201),
    },
    "payout_runs": {
        **_words("payout_runs", "purpose"),
        "payout_runs_state_check": row_with(state="nothing", made_at=AT),
        "payout_runs_approved": row_with(state="approved", made_at=AT),
        "payout_runs_approved_by_fkey": row_with(
            state="approved", made_at=AT, approved_at=AT, approved_by=NOBODY
        ),
        "payout_runs_checked": row_with(checked_at=AT),
        "payout_runs_checked_by_fkey": row_with(checked_at=AT, checked_by=NOBODY),
        "payout_runs_made": row_with(made_at=AT),
        "payout_runs_once": row_with(day="2020-08-20"),
        "payout_runs_payouts_check": row_with(payouts=-1),
        "payout_runs_pkey": once("id"),
        "payout_runs_started_by_fkey": row_with(started_by=NOBODY),
        "payout_runs_terms_id_fkey": row_with(terms_id=NOBODY),
        "payout_runs_total_minor_check": row_with(total_minor=-1),
        "payout_runs_two_people": row_with(
            state="approved", made_at=AT, approved_at=AT, checked_at=AT, **BY_ONE
        ),
        "payout_runs_unpaid_check": row_with(unpaid=-1),
        "payout_runs_unpaid_minor_check": row_with(unpaid_minor=-1),
    },
    "payout_files": {
        **_words("payout_files", "kind"),
        "payout_files_state_check": row_with(state="nothing", ended_at=AT),
        "payout_files_ended": row_with(ended_at=AT),
        "payout_files_file_name_check": row_with(file_name=""),
        "payout_files_made_by_fkey": row_with(made_by=NOBODY),
        "payout_files_pkey": once("id"),
        "payout_files_rows_refused_check": row_with(rows_refused=-1),
        "payout_files_rows_repeated_check": row_with(rows_repeated=-1),
        "payout_files_rows_taken_check": row_with(rows_taken=-1),
        "payout_files_rows_total_check": row_with(rows_total=-1),
    },
    "payout_file_problems": {
        "payout_file_problems_file_id_fkey": row_with(file_id=NOBODY),
        "payout_file_problems_line_check": row_with(line=0),
        "payout_file_problems_pkey": once("line"),
        "payout_file_problems_value_check": row_with(value="x" * 201),
    },
    "payouts": {
        **_words("payouts", "purpose"),
        "payouts_account_id_fkey": row_with(account_id=NOBODY),
        "payouts_amount_minor_check": row_with(amount_minor=0),
        "payouts_bank_ref_key": once("bank_ref"),
        "payouts_done": row_with(done_at=LATER),
        "payouts_file_id_fkey": row_with(file_id=NOBODY),
        "payouts_once": row_with(day="2020-08-20"),
        "payouts_pkey": once("id"),
        "payouts_store_id_retry_of_fkey": row_with(retry_of=NOBODY),
        "payouts_retry_once": once("retry_of"),
        "payouts_run_id_fkey": row_with(run_id=NOBODY),
        "payouts_sent": row_with(state="sent"),
        "payouts_state_check": row_with(state="nothing"),
        "payouts_why_check": row_with(why="x" * 201),
    },
    "payout_moves": {
        **_words("payout_moves", "to_state"),
        "payout_moves_side_check": row_with(side="nothing", person_id=None),
        "payout_moves_n_check": row_with(n=0),
        "payout_moves_store_id_payout_id_fkey": row_with(payout_id=NOBODY),
        "payout_moves_person": row_with(person_id=None),
        "payout_moves_person_id_fkey": row_with(person_id=NOBODY),
        "payout_moves_pkey": once("n"),
        "payout_moves_why_check": row_with(why="x" * 201),
    },
}  # fmt: skip
