"""Good and wrong rows of freight insurance."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import uuid4

from tests.constraint_service import CASE
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

LATER = AT + timedelta(days=7)
PRODUCT = uuid4()
# Orders: with a policy that has not paid, and with none.
INSURED, NOT_INSURED = uuid4(), uuid4()
LAST_YEAR = "[2019-08-20 00:00:00+00,2020-08-20 00:00:00+00)"


def _product(ids: Ids) -> Row:
    return {"id": uuid4(), "currency": "CNY", "version": 2, "near_minor": 900,
            "far_minor": 1_000, "bands": "[]", "name_zh": "险", "name_en": "i",
            "in_force": LAST_YEAR, "made_by": ids.person, "made_at": AT, "approved_by": uuid4(),
            "approved_at": AT}  # fmt: skip


def _policy(ids: Ids) -> Row:
    return {"store_id": ids.store, "order_id": NOT_INSURED, "product_id": PRODUCT,
            "currency": "CNY", "premium_minor": 40, "cover_minor": 900, "route": "near",
            "return_bp": 500, "at": AT}  # fmt: skip


INSURANCE: Mapping[str, Callable[[Ids], Row]] = {
    "insurance_products": _product,
    "insured_stores": lambda ids: {"store_id": ids.store, "since": LATER, "until": LATER,
                                   "counted": 2, "came_back": 1, "counted_at": AT,
                                   "taken_by": ids.person},
    "insurance_policies": _policy,
    "insurance_claims": lambda ids: {"store_id": ids.store, "order_id": INSURED, "case_id": CASE,
                                     "amount_minor": 900, "at": AT},
}  # fmt: skip
INSURANCE_WRONG: Mapping[str, Mapping[str, Wrong]] = {
    "insurance_products": {
        "insurance_products_approved": row_with(approved_at=None),
        "insurance_products_far": row_with(far_minor=50),
        "insurance_products_in_force_check": row_with(in_force=EMPTY_TIME),
        "insurance_products_no_overlap": row_with(in_force=FROM_AT),
        "insurance_products_pkey": once("id"),
        "insurance_products_name_en_check": row_with(name_en=""),
        "insurance_products_name_zh_check": row_with(name_zh=""),
        "insurance_products_near_minor_check": row_with(near_minor=0),
        "insurance_products_second_person": row_with(approved_by=NOBODY, made_by=NOBODY),
        "insurance_products_version": once("version"),
        "insurance_products_version_check": row_with(version=0),
    },
    "insured_stores": {
        "insured_stores_came_back": row_with(came_back=3),
        "insured_stores_one": row_with(until=None),
        "insured_stores_pkey": once("since"),
        "insured_stores_store_id_fkey": row_with(store_id=NOBODY),
        "insured_stores_until": row_with(until=AT),
    },
    "insurance_policies": {
        "insurance_policies_charged": row_with(charged_at=AT - timedelta(seconds=1)),
        "insurance_policies_cover_minor_check": row_with(cover_minor=0),
        "insurance_policies_pkey": once("order_id"),
        "insurance_policies_premium_minor_check": row_with(premium_minor=0),
        "insurance_policies_product_id_fkey": row_with(product_id=NOBODY),
        "insurance_policies_return_bp_check": row_with(return_bp=10_001),
        "insurance_policies_route_check": row_with(route="by sea"),
        "insurance_policies_store_id_order_id_fkey": row_with(order_id=NOBODY),
    },
    "insurance_claims": {
        "insurance_claims_amount_minor_check": row_with(amount_minor=0),
        "insurance_claims_pkey": once("order_id"),
        "insurance_claims_store_id_case_id_fkey": row_with(case_id=NOBODY),
        "insurance_claims_store_id_order_id_fkey": row_with(order_id=NOT_INSURED),
    },
}


def orders_for_policies(order: Callable[[Ids], Row], ids: Ids) -> list[tuple[str, Row]]:
    """Orders beside the one of the world. `order`: makes a good one."""
    return [("orders", order(ids) | {"id": one}) for one in (INSURED, NOT_INSURED)]


def policy_that_paid_nothing(ids: Ids) -> tuple[str, Row]:
    return "insurance_policies", _policy(ids) | {"order_id": INSURED}
