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
    wrong,
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
        "claim_rules_check": wrong(approver_id=None),
        "claim_rules_claim_check": wrong(claim="tip"),
        "claim_rules_in_force_check": wrong(in_force=EMPTY_TIME),
        "claim_rules_rank_check": wrong(rank=0),
        "claim_rules_second_person": wrong(approver_id=NOBODY, author_id=NOBODY),
        "claim_rules_window_days_check": wrong(window_days=366),
        "claim_rules_pkey": once("id"),
        "claim_rules_no_overlap": once("source", "claim", rank=2),
        "claim_rules_no_tie": once("source", "rank", claim="click"),
    },
    "referral_orders": {
        "referral_orders_booked": wrong(booked_at=AT),
        "referral_orders_estimated": wrong(estimated_minor=101),
        "referral_orders_estimated_gross_minor_check": Wrong(
            {"estimated_gross_minor": -1}, (), ("referral_orders_estimated",)
        ),
        "referral_orders_net": wrong(alliance_fee_minor=11),
        "referral_orders_order_ref_check": wrong(order_ref=""),
        "referral_orders_paid_minor_check": wrong(paid_minor=-1),
        "referral_orders_refunded": wrong(refunded_minor=91),
        "referral_orders_settled": wrong(state="received"),
        "referral_orders_settled_minor_check": Wrong(
            {"settled_minor": -1, "alliance_fee_minor": 101}, (), ("referral_orders_refunded",)
        ),
        "referral_orders_state_check": Wrong(
            {"state": "lost"}, (), ("referral_orders_settled",)
        ),
        "referral_orders_ruling_id_fkey": wrong(ruling_id=NOBODY),
        "referral_orders_source_fkey": wrong(source="nowhere"),
        "referral_orders_pkey": once("id"),
        "referral_orders_once": once("source", "order_ref"),
    },
    "referral_claims": {
        "referral_claims_claim_check": wrong(claim="tip"),
        "referral_claims_click_id_fkey": wrong(click_id=NOBODY),
        "referral_claims_creator_id_fkey": wrong(creator_id=NOBODY),
        "referral_claims_link_id_fkey": wrong(link_id=NOBODY),
        "referral_claims_order_id_fkey": wrong(order_id=NOBODY),
        "referral_claims_task_id_fkey": wrong(task_id=NOBODY),
        "referral_claims_pkey": once("id"),
        "referral_claims_once": once("order_id", "claim", "evidence"),
    },
    "referral_rulings": {
        "referral_rulings_by_hand": wrong(reason=""),
        "referral_rulings_by_rule": wrong(
            number=1, made_by=None, reason="", claim_rule_id=None
        ),
        "referral_rulings_commission_cut_bp_check": wrong(commission_cut_bp=10_001),
        "referral_rulings_nobody": wrong(creator_id=None),
        "referral_rulings_number_check": wrong(number=0),
        "referral_rulings_service_fee_bp_check": wrong(service_fee_bp=-1),
        "referral_rulings_claim_id_fkey": wrong(claim_id=NOBODY),
        "referral_rulings_claim_rule_id_fkey": wrong(claim_rule_id=NOBODY),
        "referral_rulings_creator_id_fkey": wrong(creator_id=NOBODY),
        "referral_rulings_order_id_fkey": wrong(order_id=NOBODY),
        "referral_rulings_pkey": once("id"),
        "referral_rulings_once": once("order_id", "number"),
    },
    "report_rows": {
        "report_rows_outcome_check": wrong(outcome="lost"),
        "report_rows_reason": wrong(outcome="parked"),
        "report_rows_order_id_fkey": wrong(order_id=NOBODY),
        "report_rows_report_id_fkey": wrong(report_id=NOBODY),
        "report_rows_source_fkey": wrong(source="nowhere"),
        "report_rows_pkey": once("id"),
        "report_rows_line": once("report_id", "line"),
        "report_rows_once": once("source", "facts_hash"),
    },
    "referral_refunds": {
        "referral_refunds_amount_minor_check": wrong(amount_minor=0),
        "referral_refunds_order_id_fkey": wrong(order_id=NOBODY),
        "referral_refunds_row_id_fkey": wrong(row_id=NOBODY),
        "referral_refunds_pkey": once("order_id", "ref"),
    },
}  # fmt: skip
