"""Which warehouse serves a line: by what order of criteria, in how many parcels, and why."""

from collections.abc import Mapping, Sequence
from itertools import combinations, islice
from typing import Any
from uuid import UUID

import msgspec

from dougong.base.ids import SkuId
from dougong.supply.province_rules import kilometres

CRITERIA = ("whole", "distance", "stock", "cost")
MOST_TRIED = 500  # sets of warehouses that are looked at for one order
FAR = 10_000  # where a province is not known


class Policy(msgspec.Struct, frozen=True):
    """`criteria` in their order. most_parcels: from so many warehouses an order ships at most.

    whole: a warehouse that has all of the order first. distance: between the provinces' capitals.
    stock: who has more of it. cost: what a unit costs to send from there.
    """

    id: UUID | None
    criteria: tuple[str, ...]
    most_parcels: int


USUAL = Policy(None, CRITERIA, 3)


class Candidate(msgspec.Struct, frozen=True):
    """A warehouse with what is free there."""

    warehouse_id: UUID
    code: str
    province: str
    unit_cost_minor: int
    free: Mapping[SkuId, int]


class WantedUnits(msgspec.Struct, frozen=True):
    line_no: int
    sku_id: SkuId
    quantity: int


class Share(msgspec.Struct, frozen=True):
    """Units of a line that one warehouse serves. `reasons`: what was known of every warehouse."""

    line_no: int
    sku_id: SkuId
    warehouse_id: UUID
    quantity: int
    reasons: Mapping[str, Any]


def choose(
    candidates: Sequence[Candidate],
    wanted: Sequence[WantedUnits],
    *,
    province: str,
    policy: Policy,
) -> list[Share]:
    """Where each unit ships from; the candidates' own order settles what the criteria do not.

    Never from more than `most_parcels` warehouses: what those do not have is left out.
    """
    units = _by_sku(wanted)
    ranked = sorted(candidates, key=lambda one: _rank(one, units, province, policy))
    chosen = _chosen(ranked, units, policy)
    free = {one.warehouse_id: dict(one.free) for one in chosen}
    seen = [_seen(one, units, province) for one in ranked]
    taken: list[Share] = []
    for line in wanted:
        left = line.quantity
        for one in chosen:
            there = free[one.warehouse_id].get(line.sku_id, 0)
            if units_here := min(left, there):
                free[one.warehouse_id][line.sku_id] -= units_here
                left -= units_here
                reasons = _reasons(policy, one, chosen, seen)
                taken.append(
                    Share(line.line_no, line.sku_id, one.warehouse_id, units_here, reasons)
                )
    return taken


def _by_sku(wanted: Sequence[WantedUnits]) -> dict[SkuId, int]:
    units: dict[SkuId, int] = {}
    for line in wanted:
        units[line.sku_id] = units.get(line.sku_id, 0) + line.quantity
    return units


def _has(one: Candidate, units: Mapping[SkuId, int]) -> int:
    """How many of the wanted units it has."""
    return sum(min(n, one.free.get(sku_id, 0)) for sku_id, n in units.items())


def _rank(
    one: Candidate, units: Mapping[SkuId, int], province: str, policy: Policy
) -> tuple[int, ...]:
    known = {
        "whole": int(_has(one, units) < sum(units.values())),
        "distance": _distance(one, province),
        "stock": -sum(one.free.get(sku_id, 0) for sku_id in units),
        "cost": one.unit_cost_minor,
    }
    return tuple(known[name] for name in policy.criteria)


def _distance(one: Candidate, province: str) -> int:
    found = kilometres(one.province, province)
    return FAR if found is None else found


def _chosen(
    ranked: Sequence[Candidate], units: Mapping[SkuId, int], policy: Policy
) -> Sequence[Candidate]:
    """The first ones that have it all, or the best set that has, or the first that have any."""
    wanted = sum(units.values())
    useful = [one for one in ranked if _has(one, units)]
    first = useful[: policy.most_parcels]
    if policy.criteria[0] != "whole" and _have(first, units) == wanted:
        return first
    for parcels in range(1, policy.most_parcels + 1):
        for some in islice(combinations(useful, parcels), MOST_TRIED):
            if _have(some, units) == wanted:
                return some
    return first


def _have(some: Sequence[Candidate], units: Mapping[SkuId, int]) -> int:
    return sum(min(n, sum(one.free.get(sku, 0) for one in some)) for sku, n in units.items())


def _seen(one: Candidate, units: Mapping[SkuId, int], province: str) -> dict[str, Any]:
    return {
        "code": one.code,
        "km": kilometres(one.province, province),
        "has": _has(one, units),
        "free": sum(one.free.get(sku_id, 0) for sku_id in units),
        "unit_cost_minor": one.unit_cost_minor,
    }


def _reasons(
    policy: Policy, one: Candidate, chosen: Sequence[Candidate], seen: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "policy_id": None if policy.id is None else str(policy.id),
        "criteria": list(policy.criteria),
        "most_parcels": policy.most_parcels,
        "chosen": one.code,
        "parcels": len(chosen),
        "seen": seen,
    }
