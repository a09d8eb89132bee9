"""When a flash offer's price can be had, and which terms an offer can have."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from tests.factories import T0

from dougong.base.errors import BadInput
from dougong.live.offer_rules import Offer, OfferRefused, check_terms, usable

SKU = UUID(int=3)
MINUTE = timedelta(minutes=1)
OFFER = Offer(
    id=UUID(int=1), room_id=UUID(int=2), link_id=UUID(int=4), product_id=UUID(int=5), sku_id=SKU,
    price_minor=5_000, currency="CNY", quota=10, sold=9, per_buyer=2, starts_at=T0,
    ends_at=T0 + 5 * MINUTE, stopped_at=None,
)  # fmt: skip


@pytest.mark.parametrize("at", [T0, T0 + 5 * MINUTE - timedelta(microseconds=1)])
def test_usable_in_its_window(at: datetime) -> None:
    assert usable(OFFER, sku_id=SKU, at=at) == OFFER


@pytest.mark.parametrize(
    ("why", "at", "change"),
    [
        ("not_yet", T0 - timedelta(microseconds=1), {}),
        ("over", T0 + 5 * MINUTE, {}),
        ("over", T0 + 2 * MINUTE, {"stopped_at": T0 + 2 * MINUTE}),
        ("sold_out", T0, {"sold": 10}),
        ("unknown", T0, {"sku_id": UUID(int=9)}),
    ],
)
def test_not_usable(why: str, at: datetime, change: dict[str, object]) -> None:
    with pytest.raises(OfferRefused) as caught:
        usable(msgspec.structs.replace(OFFER, **change), sku_id=SKU, at=at)
    assert caught.value.facts["why"] == why


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("price", {"price_minor": 9_900}),
        ("price", {"price_minor": 0}),
        ("quota", {"quota": 101}),
        ("quota", {"quota": 0}),
        ("per_buyer", {"per_buyer": 11}),
        ("minutes", {"ends_at": T0}),
        ("minutes", {"ends_at": T0 + timedelta(hours=5)}),
    ],
)
def test_terms_that_no_offer_can_have(field: str, change: dict[str, object]) -> None:
    terms = {
        "price_minor": 5_000, "usual_minor": 9_900, "quota": 10, "free": 100, "per_buyer": 2,
        "starts_at": T0, "ends_at": T0 + MINUTE,
    }  # fmt: skip
    with pytest.raises(BadInput) as caught:
        check_terms(**(terms | change))  # type: ignore[arg-type]
    assert caught.value.field == field
