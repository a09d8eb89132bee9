"""The good rows of orders at other platforms, and what each of their constraints refuses."""

from collections.abc import Callable, Mapping
from uuid import uuid4

from psycopg.types.json import Jsonb
from tests.constraint_shapes import (
    AT,
    EMPTY_TIME,
    NOBODY,
    Ids,
    Row,
    Wrong,
    a_rule,
    fresh,
    once,
    row_with,
)


def _claim_rule(ids: Ids) -> Row:
    row = a_rule("source", rank=1, window_days=15)
    return {"claim" if k == "kind" else "source" if k == "party" else k: v for k, v in row.items()}


def _referral(ids: Ids) -> Row:
    return {
        "id": uuid4(), "source": ids.source, "order_ref": fresh(), "currency": "CNY",
        "state": "settled", "paid_minor": 1000, "estimated_gross_minor": 100,
        "estimated_minor": 90, "settled_gross_minor": 100, "alliance_fee_minor": 10,
        "media_fee_minor": 0, "settled_minor": 90, "refunded_minor": 0, "paid_at": AT,
        "first_reported_at": AT, "last_reported_at": AT,
    }  # fmt: skip


def _report_row(ids: Ids) -> Row:
    return {
        "id": uuid4(), "report_id": ids.report, "line": uuid4().int % 10**6 + 1,
        "source": ids.source, "mapping": "m", "facts_hash": uuid4().bytes, "raw": Jsonb({}),
        "told_at": AT, "outcome": "applied", "order_id": ids.referral,
    }  # fmt: skip


def _claim(ids: Ids) -> Row:
    return {
        "id": uuid4(), "order_id": ids.referral, "claim": "click", "evidence": fresh(), "at": AT,
        "seen_at": AT,
    }  # fmt: skip


def _ruling(ids: Ids) -> Row:
    return {
        "id": uuid4(), "order_id": ids.referral, "number": uuid4().int % 10**4 + 2,
        "claim_id": ids.claim, "claim_rule_id": ids.claim_rule, "creator_id": ids.org,
        "judged_at": AT, "service_fee_bp": 0, "commission_cut_bp": 1000, "made_at": AT,
        "made_by": ids.person, "reason": "why",
    }  # fmt: skip


FRESH: Mapping[str, Callable[[Ids], Row]] = {
    "claim_rules": _claim_rule,
    "referral_orders": _referral,
    "referral_claims": _claim,
    "referral_rulings": _ruling,
    "report_rows": _report_row,
    "referral_refunds": lambda ids: {"order_id": ids.referral, "ref": fresh(), "amount_minor": 1,
                                     "refund_case": "13", "row_id": ids.report_row, "at": AT},
}  # fmt: skip


def before(ids: Ids) -> list[tuple[str, Row]]:
    """What the rows point at."""
    return [
        ("sources", {"code": ids.source, "name_zh": "源", "name_en": "source", "hosts": ["h"],
                     "adapter": "page", "created_at": AT}),
        ("referral_reports", {"id": ids.report, "source": ids.source, "mapping": "m",
                              "file_name": "f", "file_hash": b"h", "state": "done",
                              "started_at": AT}),
    ]  # fmt: skip


def fixed(ids: Ids) -> dict[str, Row]:
    return {
        "claim_rules": {"id": ids.claim_rule},
        "referral_orders": {"id": ids.referral},
        "referral_claims": {"id": ids.claim},
        "referral_rulings": {"id": ids.ruling},
        "report_rows": {"id": ids.report_row},
    }


WRONG: Mapping[str, Mapping[str, Wrong]] = {
    "claim_rules": {
        "claim_rules_check": row_with(approver_id=None),
        "claim_rules_claim_check": row_with(claim="tip"),
        "claim_rules_in_force_check": row_with(in_force=EMPTY_TIME),
        "claim_rules_rank_check": row_with(rank=0),
        "claim_rules_second_person": row_with(approver_id=NOBODY, author_id=NOBODY),
        "claim_rules_window_days_check": row_with(window_days=366),
        "claim_rules_pkey": once("id"),
        "claim_rules_no_overlap": once("source", "claim", rank=2),
        "claim_rules_no_tie": once("source", "rank", claim="click"),
    },
    "referral_orders": {
        "referral_orders_booked": row_with(booked_at=AT),
        "referral_orders_estimated": row_with(estimated_minor=101),
        "referral_orders_estimated_gross_minor_check": Wrong(
            {"estimated_gross_minor": -1}, (), ("referral_orders_estimated",)
        ),
        "referral_orders_net": row_with(alliance_fee_minor=11),
        "referral_orders_order_ref_check": row_with(order_ref=""),
        "referral_orders_paid_minor_check": row_with(paid_minor=-1),
        "referral_orders_refunded": row_with(refunded_minor=91),
        "referral_orders_settled": row_with(state="received"),
        "referral_orders_settled_minor_check": Wrong(
            {"settled_minor": -1, "alliance_fee_minor": 101}, (), ("referral_orders_refunded",)
        ),
        "referral_orders_state_check": Wrong(
            {"state": "lost"}, (), ("referral_orders_settled",)
        ),
        "referral_orders_ruling_id_fkey": row_with(ruling_id=NOBODY),
        "referral_orders_source_fkey": row_with(source="nowhere"),
        "referral_orders_pkey": once("id"),
        "referral_orders_once": once("source", "order_ref"),
    },
    "referral_claims": {
        "referral_claims_claim_check": row_with(claim="tip"),
        "referral_claims_click_id_fkey": row_with(click_id=NOBODY),
        "referral_claims_creator_id_fkey": row_with(creator_id=NOBODY),
        "referral_claims_link_id_fkey": row_with(link_id=NOBODY),
        "referral_claims_order_id_fkey": row_with(order_id=NOBODY),
        "referral_claims_task_id_fkey": row_with(task_id=NOBODY),
        "referral_claims_pkey": once("id"),
        "referral_claims_once": once("order_id", "claim", "evidence"),
    },
    "referral_rulings": {
        "referral_rulings_by_hand": row_with(reason=""),
        "referral_rulings_by_rule": row_with(
            number=1, made_by=None, reason="", claim_rule_id=None
        ),
        "referral_rulings_commission_cut_bp_check": row_with(commission_cut_bp=10_001),
        "referral_rulings_nobody": row_with(creator_id=None),
        "referral_rulings_number_check": row_with(number=0),
        "referral_rulings_service_fee_bp_check": row_with(service_fee_bp=-1),
        "referral_rulings_claim_id_fkey": row_with(claim_id=NOBODY),
        "referral_rulings_claim_rule_id_fkey": row_with(claim_rule_id=NOBODY),
        "referral_rulings_creator_id_fkey": row_with(creator_id=NOBODY),
        "referral_rulings_order_id_fkey": row_with(order_id=NOBODY),
        "referral_rulings_pkey": once("id"),
        "referral_rulings_once": once("order_id", "number"),
    },
    "report_rows": {
        "report_rows_outcome_check": row_with(outcome="lost"),
        "report_rows_reason": row_with(outcome="parked"),
        "report_rows_order_id_fkey": row_with(order_id=NOBODY),
        "report_rows_report_id_fkey": row_with(report_id=NOBODY),
        "report_rows_source_fkey": row_with(source="nowhere"),
        "report_rows_pkey": once("id"),
        "report_rows_line": once("report_id", "line"),
        "report_rows_once": once("source", "facts_hash"),
    },
    "referral_refunds": {
        "referral_refunds_amount_minor_check": row_with(amount_minor=0),
        "referral_refunds_order_id_fkey": row_with(order_id=NOBODY),
        "referral_refunds_row_id_fkey": row_with(row_id=NOBODY),
        "referral_refunds_pkey": once("order_id", "ref"),
    },
}  # fmt: skip
