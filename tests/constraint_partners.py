"""The tables of agreements among those whose every constraint is tried (test_constraints.py)."""

import hashlib
from collections.abc import Callable, Mapping
from uuid import uuid4

from tests import constraint_rows as other
from tests.constraint_shapes import AT, NOBODY, Ids, Row, Wrong, fresh, once, row_with

TEXT, LATER = "{}", AT.replace(year=2021)
HASH = hashlib.sha256(TEXT.encode()).digest()
SECOND = uuid4()
ROUND, PROPOSAL, AMOUNT, STATEMENT = (uuid4() for _ in range(4))


def _round(ids: Ids) -> Row:
    return {"id": uuid4(), "partner_id": ids.org, "name_zh": "轮", "name_en": "round",
            "opened_by": ids.person, "opened_at": AT}  # fmt: skip


def _proposal(ids: Ids) -> Row:
    return {"id": uuid4(), "round_id": ROUND, "number": 2, "side": "platform",
            "author_id": ids.person, "document": TEXT, "hash": HASH, "offered_at": AT,
            "expires_at": LATER, "state": "countered"}  # fmt: skip


def _amount(ids: Ids) -> Row:
    return {"id": uuid4(), "round_id": ROUND, "kind": "reported", "unit": "spend", "amount": 1,
            "currency": "CNY", "is_about": True, "source": "报", "said_at": AT,
            "author_id": ids.person, "at": AT}  # fmt: skip


def _delivery(ids: Ids) -> Row:
    return {"id": uuid4(), "round_id": ROUND, "component": "other", "day": AT.date(),
            "origin": "books", "amount": -1, "at": AT}  # fmt: skip


def _line(ids: Ids) -> Row:
    return {"id": uuid4(), "statement_id": STATEMENT, "line_no": 2, "component": "other",
            "what": "rebate", "unit": "spend", "committed": 1, "delivered": 0, "base_minor": 1,
            "rate_bp": 1, "owed_by": "partner", "amount_minor": 1}  # fmt: skip


PARTNERS: Mapping[str, Callable[[Ids], Row]] = {
    "partner_rounds": _round,
    "partner_proposals": _proposal,
    "partner_signatures": lambda ids: {
        "id": uuid4(), "proposal_id": PROPOSAL, "hash": HASH, "side": "partner",
        "person_id": SECOND, "signer": "n", "at": AT},
    "partner_amounts": _amount,
    "partner_deliveries": _delivery,
    "partner_accruals": lambda ids: {
        "id": uuid4(), "round_id": ROUND, "component": "other", "number": 2, "delivered": 1,
        "total_minor": 1, "at": AT},
    "partner_statements": lambda ids: {
        "id": uuid4(), "round_id": ids.rows["partner_rounds"]["id"], "currency": "CNY",
        "made_at": AT},
    "partner_statement_lines": _line,
}  # fmt: skip
FRESH = {**other.FRESH, **PARTNERS}
# Nothing of these is ever changed.
FACTS = sorted(set(PARTNERS) - {"partner_rounds", "partner_proposals"})


def world(ids: Ids) -> list[tuple[str, Row]]:
    """Also one signed round with what belongs to it, and another that nothing belongs to."""
    fixed: dict[str, Row] = {
        "partner_proposals": {"id": PROPOSAL, "number": 1, "state": "signed",
                              "accepted_by": SECOND, "accepted_at": AT},
        "partner_signatures": {"side": "platform", "person_id": ids.person},
        "partner_amounts": {"id": AMOUNT},
        "partner_accruals": {"number": 1},
        "partner_statements": {"id": STATEMENT, "round_id": ROUND},
        "partner_statement_lines": {"line_no": 1},
    }  # fmt: skip
    second = {"id": SECOND, "email": f"{fresh()}@example.org", "name": "n",
              "password_hash": "", "locale": "zh", "created_at": AT}  # fmt: skip
    ids.rows["partner_rounds"] = _round(ids)
    before = [("people", second), ("partner_rounds", _round(ids) | {"id": ROUND})]
    rows = [(table, row(ids) | fixed.get(table, {})) for table, row in PARTNERS.items()]
    live = _proposal(ids) | {"number": 3, "state": "offered"}
    replacing = _amount(ids) | {"replaces": AMOUNT}
    after = [("partner_proposals", live), ("partner_amounts", replacing)]
    return [*other.world(ids), *before, *rows, *after]


def _words(table: str, *columns: str) -> dict[str, Wrong]:
    """Columns that take some words only."""
    return {f"{table}_{column}_check": row_with(**{column: "nothing"}) for column in columns}


WRONG: Mapping[str, Mapping[str, Wrong]] = {
    **other.WRONG,
    "partner_rounds": {
        "partner_rounds_notice_by_check": row_with(notice_by="nobody", notice_at=AT),
        "partner_rounds_state_check": row_with(state="lost"),
        "partner_rounds_name_zh_check": row_with(name_zh=""),
        "partner_rounds_name_en_check": row_with(name_en=""),
        "partner_rounds_partner_id_fkey": row_with(partner_id=NOBODY),
        "partner_rounds_opened_by_fkey": row_with(opened_by=NOBODY),
        "partner_rounds_previous": row_with(previous_id=NOBODY),
        "partner_rounds_signed": row_with(signed_at=AT, ends_at=AT),
        "partner_rounds_ends": row_with(ends_at=AT),
        "partner_rounds_ended": row_with(ended_at=AT),
        "partner_rounds_notice": row_with(notice_at=AT),
        "partner_rounds_pkey": once("id", without=("partner_rounds_of_partner",)),
        "partner_rounds_of_partner": once("id", without=("partner_rounds_pkey",)),
    },
    "partner_proposals": {
        **_words("partner_proposals", "side"),
        "partner_proposals_state_check": row_with(state="lost"),
        "partner_proposals_number_check": row_with(number=0),
        "partner_proposals_hash": row_with(hash=b"x"),
        "partner_proposals_lasts": row_with(expires_at=AT),
        "partner_proposals_acceptor": row_with(accepted_at=AT),
        "partner_proposals_accepted": row_with(state="replaced"),
        "partner_proposals_round_id_fkey": row_with(round_id=NOBODY),
        "partner_proposals_author_id_fkey": row_with(author_id=NOBODY),
        "partner_proposals_accepted_by_fkey": row_with(accepted_by=NOBODY, accepted_at=AT),
        "partner_proposals_closed_by_fkey": row_with(closed_by=NOBODY),
        "partner_proposals_once": once("round_id", "number"),
        "partner_proposals_pkey": once("id", without=("partner_proposals_text",)),
        "partner_proposals_text": once("id", without=("partner_proposals_pkey",)),
        "partner_proposals_two": row_with(accepted_by=SECOND, author_id=SECOND, accepted_at=AT),
        "partner_proposals_one_live": once("round_id", state="offered"),
        "partner_proposals_one_signed": once(
            "round_id", state="signed", accepted_by=SECOND, accepted_at=AT
        ),
    },
    "partner_signatures": {
        **_words("partner_signatures", "side"),
        "partner_signatures_signer_check": row_with(signer=""),
        "partner_signatures_text": row_with(hash=b"x" * 32),
        "partner_signatures_once": once("proposal_id", "side"),
        "partner_signatures_two": once("proposal_id", "person_id"),
        "partner_signatures_pkey": once("id"),
        "partner_signatures_person_id_fkey": row_with(person_id=NOBODY),
    },
    "partner_amounts": {
        **_words("partner_amounts", "component", "unit"),
        "partner_amounts_kind_check": row_with(kind="signed"),
        "partner_amounts_side_check": row_with(kind="confirmed", side="nobody"),
        "partner_amounts_amount_check": row_with(amount=0),
        "partner_amounts_times_last_bp_check": row_with(times_last_bp=0),
        "partner_amounts_source_check": row_with(source=""),
        "partner_amounts_confirmed": row_with(side="partner"),
        "partner_amounts_replaced": once("replaces"),
        "partner_amounts_replaces": row_with(replaces=NOBODY),
        "partner_amounts_round_id_fkey": row_with(round_id=NOBODY),
        "partner_amounts_author_id_fkey": row_with(author_id=NOBODY),
        "partner_amounts_pkey": once("id", without=("partner_amounts_same",)),
        "partner_amounts_same": once("id", without=("partner_amounts_pkey",)),
    },
    "partner_deliveries": {
        **_words("partner_deliveries", "component", "origin"),
        "partner_deliveries_amount_check": row_with(amount=0),
        "partner_deliveries_author": row_with(origin="manual"),
        "partner_deliveries_round_id_fkey": row_with(round_id=NOBODY),
        "partner_deliveries_author_id_fkey": row_with(origin="manual", author_id=NOBODY),
        "partner_deliveries_pkey": once("id"),
    },
    "partner_accruals": {
        **_words("partner_accruals", "component"),
        "partner_accruals_number_check": row_with(number=0),
        "partner_accruals_total_minor_check": row_with(total_minor=-1),
        "partner_accruals_round_id_fkey": row_with(round_id=NOBODY),
        "partner_accruals_once": once("round_id", "component", "number"),
        "partner_accruals_pkey": once("id"),
    },
    "partner_statements": {
        "partner_statements_round_id_fkey": row_with(round_id=NOBODY),
        "partner_statements_once": once("round_id"),
        "partner_statements_pkey": once("id"),
    },
    "partner_statement_lines": {
        **_words("partner_statement_lines", "component", "what", "unit", "owed_by"),
        "partner_statement_lines_line_no_check": row_with(line_no=0),
        "partner_statement_lines_committed_check": row_with(committed=0),
        "partner_statement_lines_base_minor_check": row_with(base_minor=-1),
        "partner_statement_lines_rate_bp_check": row_with(rate_bp=10_001),
        "partner_statement_lines_amount_minor_check": row_with(amount_minor=0),
        "partner_statement_lines_statement_id_fkey": row_with(statement_id=NOBODY),
        "partner_statement_lines_once": once("statement_id", "line_no"),
        "partner_statement_lines_pkey": once("id"),
    },
}
