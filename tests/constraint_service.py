"""Good and wrong rows of a service desk: rules, addresses, templates, what is said in a case."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import uuid4

from tests.constraint_shapes import (
    AT,
    EMPTY_TIME,
    FROM_AT,
    NOBODY,
    Ids,
    Row,
    Wrong,
    once,
    row_with,
)

CASE = uuid4()
LATER = AT + timedelta(days=7)
LAST_YEAR = "[2019-08-20 00:00:00+00,2020-08-20 00:00:00+00)"


def _case_rule(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "kind": "refund_only", "up_to_minor": 100,
            "outcome": "approve", "says_zh": "可", "says_en": "yes", "in_force": LAST_YEAR,
            "made_by": ids.person, "made_at": AT}  # fmt: skip


SERVICE: Mapping[str, Callable[[Ids], Row]] = {
    "case_rules": _case_rule,
    "return_addresses": lambda ids: {"store_id": ids.store, "id": uuid4(), "recipient": "r",
                                     "phone": "12345", "line": "l", "made_at": AT},
    "reply_templates": lambda ids: {"store_id": ids.store, "id": uuid4(), "name": "n",
                                    "body": "b", "made_at": AT},
    "case_messages": lambda ids: {"store_id": ids.store, "id": uuid4(), "case_id": CASE,
                                  "side": "buyer", "person_id": ids.person, "body": "b",
                                  "at": AT},
}  # fmt: skip
SERVICE_WRONG: Mapping[str, Mapping[str, Wrong]] = {
    "case_rules": {
        "case_rules_order_state_check": row_with(order_state="nothing"),
        "case_rules_outcome_check": row_with(outcome="nothing"),
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
    "return_addresses": {
        "return_addresses_line_check": row_with(line=""),
        "return_addresses_one_default": row_with(is_default=True),
        "return_addresses_phone_check": row_with(phone="1234"),
        "return_addresses_pkey": once("id"),
        "return_addresses_recipient_check": row_with(recipient=""),
        "return_addresses_store_id_fkey": row_with(store_id=NOBODY),
    },
    "reply_templates": {
        "reply_templates_body_check": row_with(body=""),
        "reply_templates_name_check": row_with(name=""),
        "reply_templates_pkey": once("id"),
        "reply_templates_store_id_fkey": row_with(store_id=NOBODY),
    },
    "case_messages": {
        "case_messages_about_check": row_with(about="weather", due_at=AT),
        "case_messages_body_check": row_with(body="x" * 1001),
        "case_messages_due": row_with(due_at=AT),
        "case_messages_person_id_fkey": row_with(person_id=NOBODY),
        "case_messages_pkey": once("id"),
        "case_messages_said": row_with(body=""),
        "case_messages_side_check": row_with(side="rule"),
        "case_messages_store_id_case_id_fkey": row_with(case_id=NOBODY),
    },
}
