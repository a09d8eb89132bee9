"""The tables of the task market among those whose every constraint is tried."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from psycopg.types.json import Jsonb
from tests import constraint_gifts as other
from tests.constraint_gifts import EVIDENCE
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

LATER = AT + timedelta(days=7)
CREATOR, OTHER_CREATOR, THIRD_CREATOR, AGENCY, CONTRACT, BRIEF = (uuid4() for _ in range(6))
APPLICATION, OTHER_APPLICATION, TASK, OTHER_TASK = (uuid4() for _ in range(4))
__all__ = ["EVIDENCE", "FACTS", "FRESH", "WRONG", "world"]


def _agreement(ids: Ids) -> Row:
    return {"id": uuid4(), "brand_id": ids.org, "creator_id": CREATOR, "surface": "video",
            "source": "own", "category": ids.category, "price_model": "one_price",
            "price_minor": 100, "currency": "CNY", "service_fee_bp": 500,
            "service_fee_rule_id": uuid4(), "agreed_at": AT, "ends_at": LATER}  # fmt: skip


def _contract(ids: Ids) -> Row:
    return {"id": uuid4(), "agency_id": AGENCY, "creator_id": CREATOR, "share_bp": 1000,
            "in_force": FROM_AT, "offered_by": ids.person, "offered_at": AT}  # fmt: skip


def _brief(ids: Ids) -> Row:
    return {"id": uuid4(), "brand_id": ids.org, "way": "open", "title_zh": "任务",
            "surface": "video", "source": "own", "price_model": "one_price", "currency": "CNY",
            "most_minor": 100, "budget_minor": 1000, "places": 5, "terms": Jsonb({}),
            "apply_until": LATER, "made_by": ids.person, "made_at": AT}  # fmt: skip


def _work(ids: Ids) -> Row:
    return {"task_id": OTHER_TASK, "brief_id": BRIEF, "application_id": OTHER_APPLICATION,
            "brand_id": ids.org, "creator_id": OTHER_CREATOR, "terms": Jsonb({}),
            "currency": "CNY", "funded_minor": 100, "service_fee_bp": 500,
            "agreed_at": AT}  # fmt: skip


TASKS: Mapping[str, Callable[[Ids], Row]] = {
    "agency_contracts": _contract,
    "task_agreements": _agreement,
    "task_briefs": _brief,
    "task_applications": lambda ids: {"id": uuid4(), "brief_id": BRIEF, "state": "applied",
                                      "creator_id": THIRD_CREATOR, "made_at": AT},
    "task_works": _work,
    "task_deliveries": lambda ids: {"id": uuid4(), "task_id": TASK, "number": 2, "at": AT,
                                    "evidence": Jsonb({}), "by_id": ids.person},
    "task_notes": lambda ids: {"id": uuid4(), "task_id": TASK, "side": "brand", "kind": "redo",
                               "at": AT, "person_id": ids.person},
    "task_ratings": lambda ids: {"task_id": TASK, "side": "creator", "stars": 5, "at": AT,
                                 "person_id": ids.person},
    "task_purses": lambda ids: {"brand_id": ids.org, "currency": "USD"},
}  # fmt: skip
FRESH = {**other.FRESH, **TASKS}
FACTS = [*other.FACTS, "task_deliveries", "task_notes"]


def _creator(org_id: object) -> tuple[str, Row]:
    return "organisations", {"id": org_id, "kind": "creator", "name": "n", "handle": fresh("h"),
                             "created_at": AT}  # fmt: skip


def world(ids: Ids) -> list[tuple[str, Row]]:
    """Also a brief that two creators applied to: with one of them its task is agreed and ruled."""
    before = [_creator(one) for one in (CREATOR, OTHER_CREATOR, THIRD_CREATOR, AGENCY)]
    fixed: dict[str, Row] = {
        "agency_contracts": {"id": CONTRACT, "state": "accepted", "answered_at": AT},
        "task_agreements": {"id": TASK},
        "task_briefs": {"id": BRIEF},
        "task_applications": {"id": APPLICATION, "creator_id": CREATOR},
        "task_works": {"task_id": TASK, "application_id": APPLICATION, "creator_id": CREATOR},
        "task_deliveries": {"number": 1},
        "task_notes": {"side": "operator", "kind": "ruling"},
        "task_ratings": {"side": "brand"},
        "task_purses": {"currency": "CNY"},
    }
    rows = [(table, row(ids) | fixed.get(table, {})) for table, row in TASKS.items()]
    second = TASKS["task_applications"](ids) | {
        "id": OTHER_APPLICATION, "creator_id": OTHER_CREATOR,
    }  # fmt: skip
    after: list[tuple[str, Row]] = [
        ("task_agreements", _agreement(ids) | {"id": OTHER_TASK, "creator_id": OTHER_CREATOR}),
        ("task_applications", second),
    ]
    return [*other.world(ids), *before, *rows, *after]


def _words(table: str, *columns: str, **also: Any) -> dict[str, Wrong]:
    """Columns that take some words only."""
    return {f"{table}_{one}_check": row_with(**{one: "nothing"}, **also) for one in columns}


_AGENCY = {"agency_id": AGENCY, "contract_id": CONTRACT, "agency_bp": 1000}
_CLOSED = {"state": "accepted", "closed_at": LATER, "basis_minor": 100, "share_bp": 10_000,
           "fee_minor": 5, "agency_minor": 0, "creator_minor": 95, "back_minor": 0}  # fmt: skip

_OFF = _CLOSED | {"state": "cancelled", "measured": 1, "reached_minor": 1, "reached_bp": 1}

WRONG: Mapping[str, Mapping[str, Wrong]] = {
    **other.WRONG,
    "agency_contracts": {
        **_words("agency_contracts", "state", answered_at=AT),
        "agency_contracts_agency_id_fkey": row_with(agency_id=NOBODY),
        "agency_contracts_answered": row_with(answered_at=AT),
        "agency_contracts_answered_by_fkey": row_with(answered_by=NOBODY),
        "agency_contracts_creator_id_fkey": row_with(creator_id=NOBODY),
        "agency_contracts_in_force_check": row_with(in_force=EMPTY_TIME),
        "agency_contracts_offered_by_fkey": row_with(offered_by=NOBODY),
        "agency_contracts_one_at_a_time": row_with(state="accepted", answered_at=AT),
        "agency_contracts_pkey": once("id"),
        "agency_contracts_share_bp_check": row_with(share_bp=9001),
        "agency_contracts_two_sides": row_with(creator_id=AGENCY),
    },
    "task_agreements": {
        **_words("task_agreements", "surface", "price_model"),
        **_words("task_agreements", "state", closed_at=AT),
        "task_agreements_brand_id_fkey": row_with(brand_id=NOBODY),
        "task_agreements_closed": row_with(closed_at=AT),
        "task_agreements_creator_id_fkey": row_with(creator_id=NOBODY),
        "task_agreements_pkey": once("id"),
        "task_agreements_price": row_with(price_model="commission"),
        "task_agreements_service_fee_bp_check": row_with(service_fee_bp=10_001),
        "task_agreements_two_sides": row_with(brand_id=CREATOR),
        "task_agreements_window": row_with(ends_at=AT),
    },
    "task_briefs": {
        **_words("task_briefs", "state", "way", "surface", "price_model"),
        "task_briefs_body_en_check": row_with(body_en="x" * 4001),
        "task_briefs_body_zh_check": row_with(body_zh="x" * 4001),
        "task_briefs_brand_id_fkey": row_with(brand_id=NOBODY),
        "task_briefs_budget": row_with(taken_minor=1001),
        "task_briefs_budget_minor_check": Wrong(
            {"budget_minor": -1}, (), ("task_briefs_budget",)
        ),
        "task_briefs_closed": row_with(closed_at=AT),
        "task_briefs_id_brand_id_key": once("id", without=("task_briefs_pkey",)),
        "task_briefs_made_by_fkey": row_with(made_by=NOBODY),
        "task_briefs_most_minor_check": row_with(most_minor=-1),
        "task_briefs_pkey": once("id", without=("task_briefs_id_brand_id_key",)),
        "task_briefs_places": row_with(taken=6),
        "task_briefs_places_check": row_with(places=10_001),
        "task_briefs_posted": row_with(state="posted"),
        "task_briefs_title_en_check": row_with(title_en="x" * 121),
        "task_briefs_title_zh_check": row_with(title_zh=""),
    },
    "task_applications": {
        **_words("task_applications", "state", decided_at=AT),
        "task_applications_brief_id_creator_id_key": once("creator_id"),
        "task_applications_brief_id_fkey": row_with(brief_id=NOBODY),
        "task_applications_creator_id_fkey": row_with(creator_id=NOBODY),
        "task_applications_decided": row_with(decided_at=AT),
        "task_applications_decided_by_fkey": row_with(decided_by=NOBODY),
        "task_applications_note_check": row_with(note="x" * 1001),
        "task_applications_pkey": once("id"),
    },
    "task_works": {
        **_words("task_works", "state"),
        "task_works_agency": row_with(agency_bp=1),
        "task_works_agency_bp_check": row_with(**_AGENCY | {"agency_bp": 9001}),
        "task_works_agency_id_fkey": row_with(**_AGENCY | {"agency_id": NOBODY}),
        "task_works_application_id_fkey": row_with(application_id=NOBODY),
        "task_works_application_id_key": once("application_id"),
        "task_works_brand_id_fkey": Wrong(
            {"brand_id": NOBODY}, (), ("task_works_brief_id_brand_id_fkey",)
        ),
        "task_works_brief_id_brand_id_fkey": row_with(brief_id=NOBODY),
        "task_works_closed": row_with(closed_at=LATER),
        "task_works_contract_id_fkey": row_with(**_AGENCY | {"contract_id": NOBODY}),
        "task_works_creator_id_fkey": row_with(creator_id=NOBODY),
        "task_works_funded_minor_check": row_with(funded_minor=-1),
        "task_works_offered_bp_check": row_with(state="part_offered", offered_bp=10_000),
        "task_works_part": row_with(offered_bp=100),
        "task_works_pkey": once("task_id"),
        "task_works_reached": row_with(reached_minor=1),
        "task_works_reached_bp_check": row_with(**_OFF | {"reached_bp": 10_001}),
        "task_works_reached_minor_check": row_with(**_OFF | {"reached_minor": -1}),
        "task_works_samples": row_with(samples_received_at=AT),
        "task_works_service_fee_bp_check": row_with(service_fee_bp=10_001),
        "task_works_share_bp_check": row_with(**_CLOSED | {"share_bp": 10_001}),
        "task_works_task_id_fkey": row_with(task_id=NOBODY),
        "task_works_whole": row_with(**_CLOSED | {"creator_minor": 94}),
    },
    "task_deliveries": {
        "task_deliveries_by_id_fkey": row_with(by_id=NOBODY),
        "task_deliveries_note_check": row_with(note="x" * 2001),
        "task_deliveries_number_check": row_with(number=0),
        "task_deliveries_pkey": once("id"),
        "task_deliveries_task_id_fkey": row_with(task_id=NOBODY),
        "task_deliveries_task_id_number_key": once("number"),
        "task_deliveries_video_id_fkey": row_with(video_id=NOBODY),
    },
    "task_notes": {
        **_words("task_notes", "side", "kind"),
        "task_notes_body_check": row_with(body="x" * 4001),
        "task_notes_one_ruling": row_with(kind="ruling"),
        "task_notes_person": row_with(person_id=None),
        "task_notes_person_id_fkey": row_with(person_id=NOBODY),
        "task_notes_pkey": once("id"),
        "task_notes_share_bp_check": row_with(share_bp=10_001),
        "task_notes_task_id_fkey": row_with(task_id=NOBODY),
    },
    "task_ratings": {
        **_words("task_ratings", "side"),
        "task_ratings_person_id_fkey": row_with(person_id=NOBODY),
        "task_ratings_pkey": once("side"),
        "task_ratings_stars_check": row_with(stars=6),
        "task_ratings_task_id_fkey": row_with(task_id=NOBODY),
        "task_ratings_words_check": row_with(words="x" * 501),
    },
    "task_purses": {
        "task_purses_brand_id_fkey": row_with(brand_id=NOBODY),
        "task_purses_pkey": once("currency"),
    },
}  # fmt: skip
