"""The tables of coins and gifts among those whose every constraint is tried."""

from collections.abc import Callable, Mapping
from uuid import uuid4

from tests import constraint_live as other
from tests.constraint_live import EVIDENCE
from tests.constraint_shapes import (
    AT,
    EMPTY_TIME,
    NOBODY,
    Ids,
    Row,
    Wrong,
    fresh,
    once,
    row_with,
)

PACK, PAY_IN, OTHER_PAY_IN, GIFT, GIVER, KIND = (
    uuid4(), uuid4(), uuid4(), uuid4(), uuid4(), fresh("g"),
)  # fmt: skip
__all__ = ["EVIDENCE", "FACTS", "FRESH", "WRONG", "world"]


def _lot(ids: Ids) -> Row:
    return {"person_id": GIVER, "pay_in_id": OTHER_PAY_IN, "pack_id": PACK, "coins": 70,
            "used": 10, "price_minor": 700, "used_minor": 100, "currency": "CNY",
            "market": "CN", "bought_at": AT}  # fmt: skip


def _limit(ids: Ids) -> Row:
    return {"id": uuid4(), "from_age": 99, "coins_per_day": 5, "reason_zh": "限", "reason_en": "l",
            "in_force": "[1990-01-01 00:00:00+00,1991-01-01 00:00:00+00)"}  # fmt: skip


def _gift(ids: Ids) -> Row:
    return {"id": uuid4(), "room_id": uuid4(), "person_id": GIVER, "creator_id": ids.org,
            "kind": KIND, "count": 1, "coins": 10, "currency": "CNY", "value_minor": 100,
            "platform_minor": 50, "creator_minor": 50, "fee_bp": 5000,
            "idempotency_key": fresh(), "given_at": AT}  # fmt: skip


GIFTS: Mapping[str, Callable[[Ids], Row]] = {
    "coin_packs": lambda ids: {"id": uuid4(), "coins": 70, "price_minor": 700, "currency": "CNY",
                               "made_at": AT},
    "coin_lots": _lot,
    "gift_limits": _limit,
    "gifts": _gift,
    "gift_uses": lambda ids: {"gift_id": GIFT, "pay_in_id": OTHER_PAY_IN, "coins": 10,
                              "value_minor": 100},
}  # fmt: skip
FRESH = {**other.FRESH, **GIFTS}
FACTS = other.FACTS


def _pay_in(pay_in_id: object) -> tuple[str, Row]:
    return "pay_ins", {"id": pay_in_id, "purpose": "coins", "owner_id": GIVER, "payer_id": GIVER,
                       "subject_id": PACK, "idempotency_key": fresh(), "currency": "CNY",
                       "amount_minor": 700, "asked_at": AT}  # fmt: skip


def world(ids: Ids) -> list[tuple[str, Row]]:
    """Also somebody who has bought coins and given one gift."""
    before: list[tuple[str, Row]] = [
        ("people", {"id": GIVER, "email": f"{fresh()}@example.org", "name": "n",
                    "password_hash": "", "locale": "zh", "created_at": AT}),
        _pay_in(PAY_IN),
        _pay_in(OTHER_PAY_IN),
        ("gift_kinds", {"code": KIND, "name_zh": "花", "name_en": "f", "coins": 10,
                        "made_at": AT}),
    ]  # fmt: skip
    fixed: dict[str, Row] = {
        "coin_packs": {"id": PACK},
        "coin_lots": {"pay_in_id": PAY_IN},
        "gift_limits": {"from_age": 98},
        "gifts": {"id": GIFT},
        "gift_uses": {"pay_in_id": PAY_IN},
    }
    rows = [(table, row(ids) | fixed.get(table, {})) for table, row in GIFTS.items()]
    return [*other.world(ids), *before, *rows]


WRONG: Mapping[str, Mapping[str, Wrong]] = {
    **other.WRONG,
    "coin_packs": {
        "coin_packs_coins_check": row_with(coins=0),
        "coin_packs_pkey": once("id"),
        "coin_packs_price_minor_check": row_with(price_minor=0),
    },
    "coin_lots": {
        "coin_lots_coins_check": row_with(coins=0, used=0, used_minor=700),
        "coin_lots_market_check": row_with(market="china"),
        "coin_lots_once": Wrong({}, ("pay_in_id",), ("coin_lots_pkey",)),
        "coin_lots_pack_id_fkey": row_with(pack_id=NOBODY),
        "coin_lots_pay_in_id_fkey": row_with(pay_in_id=NOBODY),
        "coin_lots_person_id_fkey": row_with(person_id=NOBODY),
        "coin_lots_pkey": Wrong({}, ("person_id", "pay_in_id"), ("coin_lots_once",)),
        "coin_lots_price_minor_check": row_with(price_minor=0, used_minor=0),
        "coin_lots_used": row_with(used=-1),
        "coin_lots_used_minor": row_with(used_minor=-1),
        "coin_lots_used_up": row_with(used=70),
    },
    "gift_limits": {
        "gift_limits_coins_per_day_check": row_with(coins_per_day=-1),
        "gift_limits_from_age_check": row_with(from_age=121),
        "gift_limits_in_force_check": row_with(in_force=EMPTY_TIME),
        "gift_limits_no_overlap": once("from_age"),
        "gift_limits_pkey": once("id"),
    },
    "gifts": {
        "gifts_coins_check": row_with(coins=0),
        "gifts_count_check": row_with(count=0),
        "gifts_creator_id_fkey": row_with(creator_id=NOBODY),
        "gifts_creator_minor_check": row_with(creator_minor=-1, platform_minor=101),
        "gifts_fee_bp_check": row_with(fee_bp=10_001),
        "gifts_idempotency_key_check": row_with(idempotency_key=""),
        "gifts_kind_fkey": row_with(kind="nothing"),
        "gifts_one_key": once("person_id", "idempotency_key"),
        "gifts_person_id_fkey": row_with(person_id=NOBODY),
        "gifts_pkey": once("id"),
        "gifts_platform_minor_check": row_with(platform_minor=-1, creator_minor=101),
        "gifts_reversed": row_with(reversed_at=AT),
        "gifts_shared": row_with(creator_minor=51),
        "gifts_value_minor_check": Wrong(
            {"value_minor": -1, "platform_minor": 0, "creator_minor": -1}, (),
            ("gifts_creator_minor_check",),
        ),
    },
    "gift_uses": {
        "gift_uses_coins_check": row_with(coins=0),
        "gift_uses_gift_id_fkey": row_with(gift_id=NOBODY),
        "gift_uses_pay_in_id_fkey": row_with(pay_in_id=NOBODY),
        "gift_uses_pkey": once("gift_id", "pay_in_id"),
        "gift_uses_value_minor_check": row_with(value_minor=-1),
    },
}  # fmt: skip
