"""Terms: one text for one meaning, what moved between two, and what nobody could sign."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.partners.factories import ENDS, OURS, STARTS, a_component, some_terms

from dougong.base.ids import new_id
from dougong.partners.rules import (
    BadTerms,
    Change,
    ComponentKind,
    Document,
    FeeOverride,
    Grant,
    Terms,
    Tier,
    Unit,
    canonical,
    changes,
    check_terms,
    document_from,
    hash_of,
)


def test_what_says_the_same_has_the_same_text() -> None:
    one = some_terms("taobao", clauses="甲方\n乙方 ")
    other = msgspec.structs.replace(
        one, grants=tuple(reversed(one.grants)) + one.grants, clauses="  甲方\n乙方"
    )
    round_id = new_id()
    texts = {
        canonical(Document(round_id=round_id, number=1, terms=check_terms(terms)))
        for terms in (one, other)
    }
    assert len(texts) == 1


def test_the_hash_is_of_round_number_and_terms() -> None:
    round_id, terms = new_id(), check_terms(some_terms("taobao"))
    documents = [
        Document(round_id=round_id, number=1, terms=terms),
        Document(round_id=round_id, number=2, terms=terms),
        Document(round_id=new_id(), number=1, terms=terms),
        Document(round_id=round_id, number=1, terms=msgspec.structs.replace(terms, notice_days=31)),
    ]
    assert len({hash_of(canonical(one)) for one in documents}) == 4
    assert document_from(canonical(documents[0])) == documents[0]


def test_changes_name_each_term_that_moved() -> None:
    before = some_terms("taobao")
    after = msgspec.structs.replace(
        before,
        components=(a_component(committed=300, tiers=(Tier(200_000_00, 250),)),),
        grants=(Grant("taobao", "video"), Grant("tmall", "video")),
        notice_days=60,
    )
    assert changes(before, before) == []
    assert changes(before, after) == [
        Change("component.advertising.committed", 100_000_000, 300),
        Change("component.advertising.tier.20000000", 200, 250),
        Change("grant.tmall.video", None, 1),
        Change("notice_days", 30, 60),
        Change("component.advertising.tier.80000000", 500, None),
        Change("grant.taobao.live", 1, None),
    ]
    assert all(change.before is None for change in changes(None, after))


FEE = FeeOverride(kind="commission_cut", source="taobao", rate_bp=10_001)
NO_TERMS: dict[str, Any] = {"components": (), "grants": (), "fee_overrides": ()}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ends": STARTS}, "ends"),
        (NO_TERMS, "components"),
        ({"components": (a_component(), a_component())}, "components"),
        ({"components": (a_component(committed=0),)}, "advertising"),
        ({"components": (a_component(shortfall_bp=10_001),)}, "advertising"),
        ({"components": (a_component(tiers=(Tier(5, 1), Tier(5, 2))),)}, "advertising"),
        ({"components": (a_component(tiers=(Tier(5, -1),)),)}, "advertising"),
        ({"components": (a_component(unit=Unit.ORDERS),)}, "advertising"),
        ({"fee_overrides": (FEE,)}, "fees"),
        ({"notice_days": -1}, "notice_days"),
        ({"clauses": "x" * 4_001}, "clauses"),
    ],
)
def test_terms_that_nobody_could_sign_name_their_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadTerms) as refused:
        check_terms(some_terms("taobao", **change))
    assert refused.value.field == field


def test_components_stand_in_one_order() -> None:
    traffic = a_component(kind=ComponentKind.ECOMMERCE_TRAFFIC, committed_by=OURS)
    made: Terms = check_terms(some_terms("taobao", components=(traffic, a_component())))
    assert [one.kind for one in made.components] == ["advertising", "ecommerce_traffic"]
    assert made.ends - made.starts == ENDS - STARTS == timedelta(days=365)
