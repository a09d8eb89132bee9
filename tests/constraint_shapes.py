"""What the rows of `constraint_rows.py` are made of, and how each can go wrong."""

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

Row = dict[str, Any]
AT = datetime(2020, 8, 20, tzinfo=UTC)
FROM_AT = "[2020-08-20 00:00:00+00,)"
EMPTY_TIME = "empty"


class Ids:
    """The ids of one good world; every other row takes fresh ones."""

    def __init__(self) -> None:
        self.person, self.org, self.store, self.product = uuid4(), uuid4(), uuid4(), uuid4()
        self.sku, self.other_sku, self.coupon, self.order = uuid4(), uuid4(), uuid4(), uuid4()
        self.payment, self.refund, self.account, self.other_account = (
            uuid4(), uuid4(), uuid4(), uuid4(),
        )  # fmt: skip
        self.entry, self.reversal, self.category = uuid4(), uuid4(), fresh("h9-")
        self.referral, self.claim, self.claim_rule, self.ruling = (
            uuid4(), uuid4(), uuid4(), uuid4(),
        )  # fmt: skip
        self.report, self.report_row, self.source = uuid4(), uuid4(), fresh("s")
        self.rows: dict[str, Row] = {}  # the last good row of each table


def fresh(prefix: str = "") -> str:
    return prefix + uuid4().hex[:12]


def a_rule(kind: str, **value: int) -> Row:
    return {
        "id": uuid4(), "kind": kind, "party": fresh(), "announced_at": AT, "in_force": FROM_AT,
        "reason_zh": "理由", "reason_en": "why", "author_id": uuid4(), "approver_id": uuid4(),
        "approved_at": AT, **value,
    }  # fmt: skip


class Wrong(NamedTuple):
    """How one constraint is violated.

    `change`: columns of a fresh good row that make it wrong. `same`: columns taken from the row
    that is already there. `without`: constraints that forbid the same row too and are dropped
    beforehand, so that this one is proven on its own.
    """

    change: Row
    same: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


def once(*columns: str, without: tuple[str, ...] = (), **change: Any) -> Wrong:
    return Wrong(change, columns, without)


def row_with(**change: Any) -> Wrong:
    return Wrong(change)


NOBODY = UUID(int=7)
ONE = "one account"  # stands for the world's first account
