"""The tables of reconciliation among those whose every constraint is tried."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import uuid4

from tests import constraint_partners as other
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

RUN, FILE, CASE, ASKER, SECOND = (uuid4() for _ in range(5))
SOURCE = fresh("s")


def _receipt(ids: Ids) -> Row:
    return {"id": uuid4(), "source": SOURCE, "file_id": FILE, "line": 2, "payment_ref": fresh(),
            "order_ref": fresh(), "currency": "CNY", "amount_minor": 5, "received_at": AT,
            "fingerprint": fresh().encode(), "owner_id": ids.org}  # fmt: skip


def _write_off(ids: Ids) -> Row:
    return {"id": uuid4(), "case_id": CASE, "run_id": RUN, "owner_id": ids.org, "currency": "CNY",
            "amount_minor": -5, "booked_minor": 5, "came_minor": 0, "limit_minor": 0,
            "state": "booked", "asked_by": ASKER, "asked_at": AT, "decided_by": SECOND,
            "decided_at": AT}  # fmt: skip


def _terms(ids: Ids) -> Row:
    return {"id": uuid4(), "source": fresh(), "currency": "CNY", "in_force": FROM_AT,
            "tolerance_minor": 0, "tolerance_bp": 0, "patience_days": 0,
            "write_off_limit_minor": 0, "reason": "why", "author_id": ASKER, "at": AT}  # fmt: skip


SETTLEMENT: Mapping[str, Callable[[Ids], Row]] = {
    "reconciliation_terms": _terms,
    "receipts": _receipt,
    "write_offs": _write_off,
}
FRESH = {**other.FRESH, **SETTLEMENT}
FACTS = [*other.FACTS, "receipts"]


def _person(person_id: object) -> tuple[str, Row]:
    return "people", {"id": person_id, "email": f"{fresh()}@example.org", "name": "n",
                      "password_hash": "", "locale": "zh", "created_at": AT}  # fmt: skip


def world(ids: Ids) -> list[tuple[str, Row]]:
    """Also a source with a run, a case, a payment file, and a write-off that waits."""
    before: list[tuple[str, Row]] = [
        _person(ASKER),
        _person(SECOND),
        ("sources", {"code": SOURCE, "name_zh": "源", "name_en": "s", "adapter": "page",
                     "hosts": [f"{SOURCE}.example"], "created_at": AT}),
        ("receipt_files", {"id": FILE, "source": SOURCE, "mapping": "payments", "file_name": "f",
                           "file_hash": b"h", "state": "done", "started_at": AT}),
        ("reconciliation_runs", {"id": RUN, "source": SOURCE, "starts_at": AT, "as_of": AT,
                                 "ends_at": AT + timedelta(1), "state": "waiting",
                                 "started_at": AT}),
        ("reconciliation_cases", {"id": CASE, "source": SOURCE, "subject": "1", "currency": "CNY",
                                  "state": "open", "outcome": "unpaid", "reason": "overdue",
                                  "gap_minor": -5, "order_at": AT, "first_run_id": RUN,
                                  "last_run_id": RUN, "opened_at": AT, "changed_at": AT}),
    ]  # fmt: skip
    fixed: dict[str, Row] = {
        "receipts": {"line": 1},
        "write_offs": {"state": "asked", "decided_by": None, "decided_at": None},
    }
    rows = [(table, row(ids) | fixed.get(table, {})) for table, row in SETTLEMENT.items()]
    return [*other.world(ids), *before, *rows]


WRONG: Mapping[str, Mapping[str, Wrong]] = {
    **other.WRONG,
    "reconciliation_terms": {
        "reconciliation_terms_author_id_fkey": row_with(author_id=NOBODY),
        "reconciliation_terms_in_force_check": row_with(in_force=EMPTY_TIME),
        "reconciliation_terms_no_overlap": once("source", in_force="[2021-01-01 00:00:00+00,)"),
        "reconciliation_terms_patience_days_check": row_with(patience_days=366),
        "reconciliation_terms_pkey": once("id"),
        "reconciliation_terms_reason": row_with(reason=""),
        "reconciliation_terms_tolerance_bp_check": row_with(tolerance_bp=10_001),
        "reconciliation_terms_tolerance_minor_check": row_with(tolerance_minor=-1),
        "reconciliation_terms_write_off_limit_minor_check": row_with(write_off_limit_minor=-1),
    },
    "receipts": {
        "receipts_amount_minor_check": row_with(amount_minor=0),
        "receipts_file_id_fkey": row_with(file_id=NOBODY),
        "receipts_line": once("line"),
        "receipts_of": row_with(order_ref=""),
        "receipts_once": once("fingerprint"),
        "receipts_period": row_with(order_ref="", period_starts_at=AT, period_ends_at=AT),
        "receipts_pkey": once("id"),
        "receipts_source_fkey": row_with(source="nowhere"),
    },
    "write_offs": {
        "write_offs_amount_minor_check": row_with(amount_minor=0, booked_minor=0),
        "write_offs_asked_by_fkey": row_with(asked_by=NOBODY),
        "write_offs_case_id_fkey": row_with(case_id=NOBODY),
        "write_offs_decided": row_with(limit_minor=5, decided_by=None, decided_at=None),
        "write_offs_decided_by_fkey": row_with(decided_by=NOBODY),
        "write_offs_one_asked": row_with(state="asked", decided_by=None, decided_at=None),
        "write_offs_pkey": once("id"),
        "write_offs_run_id_fkey": row_with(run_id=NOBODY),
        "write_offs_second_person": row_with(decided_by=ASKER),
        "write_offs_state_check": row_with(state="lost"),
        "write_offs_sum": row_with(came_minor=1),
        "write_offs_terms_id_fkey": row_with(terms_id=NOBODY),
    },
}
