"""The tables of merchants' standing among those whose every constraint is tried."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from uuid import uuid4

from psycopg.types.json import Jsonb
from tests import constraint_cases as other
from tests.constraint_cases import EVIDENCE, KEPT_CASES
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

RULE, PENALTY, OTHER_PENALTY = uuid4(), uuid4(), uuid4()
LATER = AT + timedelta(days=7)
__all__ = ["EVIDENCE", "FACTS", "FRESH", "KEPT_CASES", "WRONG", "world"]


def _rule(ids: Ids) -> Row:
    return {"id": uuid4(), "kind": "deposit", "subject": fresh(), "announced_at": AT,
            "in_force": FROM_AT, "terms": Jsonb({}), "reason_zh": "理由", "reason_en": "why",
            "author_id": uuid4(), "approver_id": uuid4(), "approved_at": AT}  # fmt: skip


def _penalty(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "rule_id": RULE, "violation": "late",
            "facts": Jsonb({}), "words": "w", "fine_minor": 1, "currency": "CNY",
            "measure": "none", "appeal_until": LATER, "decided_by": ids.person,
            "decided_at": AT, "idempotency_key": fresh()}  # fmt: skip


STANDING: Mapping[str, Callable[[Ids], Row]] = {
    "standing_rules": _rule,
    "store_scores": lambda ids: {"store_id": ids.store, "day": date(2020, 8, 21), "rule_id": RULE,
                                 "score_bp": 9_000, "facts": Jsonb([]), "counted_at": AT},
    "penalties": _penalty,
    "penalty_orders": lambda ids: {"store_id": ids.store, "penalty_id": OTHER_PENALTY,
                                   "order_id": ids.order, "facts": Jsonb({})},
    "penalty_appeals": lambda ids: {"store_id": ids.store, "penalty_id": OTHER_PENALTY,
                                    "words": "w", "appealed_by": ids.person, "appealed_at": AT},
}  # fmt: skip
FRESH = {**other.FRESH, **STANDING}
FACTS = other.FACTS


def world(ids: Ids) -> list[tuple[str, Row]]:
    """Also two penalties, one of which has its order and its appeal."""
    before = other.world(ids)
    rows: list[tuple[str, Row]] = [
        ("standing_rules", _rule(ids) | {"id": RULE}),
        ("store_scores", STANDING["store_scores"](ids) | {"day": date(2020, 8, 20)}),
        ("penalties", _penalty(ids) | {"id": OTHER_PENALTY}),
        ("penalties", _penalty(ids) | {"id": PENALTY}),
        ("penalty_orders", STANDING["penalty_orders"](ids) | {"penalty_id": PENALTY}),
        ("penalty_appeals", STANDING["penalty_appeals"](ids) | {"penalty_id": PENALTY}),
    ]
    return [*before, *rows]


WRONG: Mapping[str, Mapping[str, Wrong]] = {
    **other.WRONG,
    "standing_rules": {
        "standing_rules_check": row_with(approved_at=None),
        "standing_rules_in_force_check": row_with(in_force=EMPTY_TIME),
        "standing_rules_kind_check": row_with(kind="mood"),
        "standing_rules_no_overlap": once("subject"),
        "standing_rules_pkey": once("id"),
        "standing_rules_second_person": row_with(author_id=NOBODY, approver_id=NOBODY),
        "standing_rules_subject_check": row_with(subject=""),
    },
    "store_scores": {
        "store_scores_pkey": once("day"),
        "store_scores_rule_id_fkey": row_with(rule_id=NOBODY),
        "store_scores_score_bp_check": row_with(score_bp=10_001),
        "store_scores_store_id_fkey": row_with(store_id=NOBODY),
    },
    "penalties": {
        "penalties_decided_by_fkey": row_with(decided_by=NOBODY),
        "penalties_fine_minor_check": row_with(fine_minor=-1),
        "penalties_idempotency_key_check": row_with(idempotency_key=""),
        "penalties_measure": row_with(measure_until=LATER),
        "penalties_measure_check": row_with(measure="prison", measure_until=LATER),
        "penalties_one_key": once("idempotency_key"),
        "penalties_pkey": once("id"),
        "penalties_reversed": row_with(reversed_at=AT),
        "penalties_reversed_by_fkey": row_with(
            reversed_at=AT, reversed_by=NOBODY, reversed_why="w"
        ),
        "penalties_rule_id_fkey": row_with(rule_id=NOBODY),
        "penalties_store_id_fkey": row_with(store_id=NOBODY),
        "penalties_words_check": row_with(words=""),
    },
    "penalty_orders": {
        "penalty_orders_pkey": once("penalty_id", "order_id"),
        "penalty_orders_store_id_order_id_fkey": row_with(order_id=NOBODY),
        "penalty_orders_store_id_penalty_id_fkey": row_with(penalty_id=NOBODY),
    },
    "penalty_appeals": {
        "penalty_appeals_answer_check": Wrong(
            {"answer": "", "answered_by": NOBODY, "answered_at": AT, "outcome": "upheld"}, (),
            ("penalty_appeals_answered_by_fkey",),
        ),
        "penalty_appeals_answered": row_with(answered_at=AT),
        "penalty_appeals_answered_by_fkey": row_with(
            answer="w", answered_by=NOBODY, answered_at=AT, outcome="upheld"
        ),
        "penalty_appeals_appealed_by_fkey": row_with(appealed_by=NOBODY),
        "penalty_appeals_outcome_check": Wrong(
            {"answer": "w", "answered_by": NOBODY, "answered_at": AT, "outcome": "maybe"}, (),
            ("penalty_appeals_answered_by_fkey",),
        ),
        "penalty_appeals_pkey": once("penalty_id"),
        "penalty_appeals_store_id_penalty_id_fkey": row_with(penalty_id=NOBODY),
        "penalty_appeals_words_check": row_with(words=""),
    },
}  # fmt: skip
