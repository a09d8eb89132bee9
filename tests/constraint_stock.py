"""The tables of warehouses and stock among those whose every constraint is tried."""

from collections.abc import Callable, Mapping
from datetime import date
from uuid import uuid4

from tests import constraint_standing as other
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
from tests.constraint_standing import EVIDENCE, KEPT_CASES

HOUSE, OTHER_HOUSE, COUNT, OTHER_COUNT, MOVED, QUOTA = (uuid4() for _ in range(6))
OTHER_MOVED, OTHER_QUOTA, CORRECTION = (uuid4() for _ in range(3))
LAST_YEAR = "[2019-08-20 00:00:00+00,2020-08-20 00:00:00+00)"
TEXT = "x" * 201
__all__ = ["EVIDENCE", "FACTS", "FRESH", "KEPT_CASES", "WRONG", "world"]


def _house(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "code": fresh("W").upper(), "name_zh": "仓",
            "made_at": AT}  # fmt: skip


def _move(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "sku_id": ids.sku, "quantity": 1,
            "kind": "received", "src": "supplier", "dst": "free", "dst_warehouse": HOUSE,
            "at": AT, "key": fresh()}  # fmt: skip


def _allocation(ids: Ids) -> Row:
    return {"store_id": ids.store, "order_id": ids.order, "line_no": 2, "warehouse_id": HOUSE,
            "sku_id": ids.sku, "quantity": 2, "at": AT}  # fmt: skip


def _count(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "warehouse_id": HOUSE, "limit_units": 5,
            "started_by": ids.person, "started_at": AT}  # fmt: skip


def _transfer(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "src_warehouse": HOUSE,
            "dst_warehouse": OTHER_HOUSE, "sent_by": ids.person, "sent_at": AT,
            "key": fresh()}  # fmt: skip


def _quota(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "sku_id": ids.sku, "channel": "video",
            "units": 5, "starts_at": AT, "made_by": ids.person, "made_at": AT}  # fmt: skip


STOCK: Mapping[str, Callable[[Ids], Row]] = {
    "warehouses": _house,
    "stock_levels": lambda ids: {"store_id": ids.store, "sku_id": ids.other_sku,
                                 "warehouse_id": HOUSE, "on_hand": 3, "allocated": 1},
    "stock_moves": _move,
    "stock_allocations": _allocation,
    "allocation_policies": lambda ids: {"store_id": ids.store, "id": uuid4(),
                                        "in_force": LAST_YEAR, "criteria": ["distance"],
                                        "most_parcels": 2, "made_by": ids.person, "made_at": AT},
    "expiry_terms": lambda ids: {"id": uuid4(), "category": fresh(), "sell_until_days": 7,
                                 "in_force": FROM_AT, "reason_zh": "期", "reason_en": "why"},
    "stock_batches": lambda ids: {"store_id": ids.store, "id": uuid4(), "warehouse_id": HOUSE,
                                  "sku_id": ids.sku, "lot": fresh(), "received_at": AT,
                                  "expires_on": date(2021, 1, 1), "on_hand": 1},
    "stock_counts": _count,
    "stock_count_lines": lambda ids: {"store_id": ids.store, "count_id": OTHER_COUNT,
                                      "sku_id": ids.sku},
    "stock_count_scans": lambda ids: {"store_id": ids.store, "count_id": COUNT, "n": 2,
                                      "key": fresh(), "sku_id": ids.sku, "expected": 1,
                                      "counted": 1, "by_id": ids.person, "at": AT},
    "stock_transfers": _transfer,
    "stock_transfer_lines": lambda ids: {"store_id": ids.store, "transfer_id": OTHER_MOVED,
                                         "sku_id": ids.sku, "quantity": 2},
    "stock_quotas": _quota,
    "stock_quota_uses": lambda ids: {"store_id": ids.store, "order_id": ids.order,
                                     "quota_id": OTHER_QUOTA, "units": 1, "at": AT},
    "stock_costs": lambda ids: {"store_id": ids.store, "sku_id": ids.other_sku, "quantity": 1,
                                "cost_minor": 5, "at": AT},
    "stock_revaluations": lambda ids: {"store_id": ids.store, "id": uuid4(), "sku_id": ids.sku,
                                       "value_minor": 5, "about_kind": "freight", "at": AT,
                                       "key": fresh()},
    "stock_value_corrections": lambda ids: {"store_id": ids.store, "id": uuid4(),
                                            "sku_id": ids.other_sku, "value_minor": 6,
                                            "reason": "why", "evidence": "bill", "units": 1,
                                            "before_minor": 5, "proposed_by": ids.person,
                                            "proposed_at": AT},
}  # fmt: skip
FRESH = {**other.FRESH, **STOCK}
FACTS = [*other.FACTS, "stock_moves", "stock_revaluations"]


def world(ids: Ids) -> list[tuple[str, Row]]:
    """Also two warehouses of the store: one is its default."""
    fixed: dict[str, Row] = {
        "warehouses": {"id": HOUSE, "is_default": True},
        "stock_levels": {"sku_id": ids.sku},
        "stock_allocations": {"line_no": 1},
        "allocation_policies": {"in_force": FROM_AT},
        "stock_counts": {"id": COUNT},
        "stock_count_lines": {"count_id": COUNT},
        "stock_count_scans": {"n": 1},
        "stock_transfers": {"id": MOVED},
        "stock_transfer_lines": {"transfer_id": MOVED},
        "stock_quotas": {"id": QUOTA, "channel": "shop"},
        "stock_quota_uses": {"quota_id": QUOTA},
        "stock_costs": {"sku_id": ids.sku},
        "stock_value_corrections": {"id": CORRECTION, "sku_id": ids.sku},
    }
    rows = [(table, row(ids) | fixed.get(table, {})) for table, row in STOCK.items()]
    others: Mapping[str, Row] = {
        "warehouses": _house(ids) | {"id": OTHER_HOUSE},
        "stock_counts": _count(ids) | {"id": OTHER_COUNT},
        "stock_transfers": _transfer(ids) | {"id": OTHER_MOVED},
        "stock_quotas": _quota(ids) | {"id": OTHER_QUOTA, "channel": "live"},
    }
    made: list[tuple[str, Row]] = []
    for table, row in rows:
        if table in others:
            made.append((table, others[table]))
        made.append((table, row))
    return [*other.world(ids), *made]


def _of(table: str) -> dict[str, Wrong]:
    """What most of these tables have: their warehouse and their SKU are the store's."""
    return {
        f"{table}_store_id_warehouse_id_fkey": row_with(warehouse_id=NOBODY),
        f"{table}_store_id_sku_id_fkey": row_with(sku_id=NOBODY),
    }


WRONG: Mapping[str, Mapping[str, Wrong]] = {
    **other.WRONG,
    "warehouses": {
        "warehouses_city_check": row_with(city=TEXT),
        "warehouses_code_check": row_with(code="lower"),
        "warehouses_default_open": Wrong(
            {"is_default": True, "closed_at": AT}, (), ("warehouses_one_default",)
        ),
        "warehouses_line_check": row_with(line=TEXT),
        "warehouses_name_en_check": row_with(name_en=TEXT),
        "warehouses_name_zh_check": row_with(name_zh=""),
        "warehouses_one_default": row_with(is_default=True),
        "warehouses_phone_check": row_with(phone=TEXT),
        "warehouses_pkey": once("id"),
        "warehouses_province_check": row_with(province=TEXT),
        "warehouses_store_id_code_key": once("code"),
        "warehouses_store_id_fkey": row_with(store_id=NOBODY),
        "warehouses_unit_cost_minor_check": row_with(unit_cost_minor=-1),
    },
    "stock_levels": {
        **_of("stock_levels"),
        "stock_levels_damaged_check": row_with(damaged=-1),
        "stock_levels_inspecting_check": row_with(inspecting=-1),
        "stock_levels_never_below": row_with(allocated=4),
        "stock_levels_pkey": once("sku_id"),
        "stock_levels_transit_check": row_with(transit=-1),
    },
    "stock_moves": {
        "stock_moves_dst": row_with(dst_warehouse=None),
        "stock_moves_key_check": row_with(key=""),
        "stock_moves_kind_check": row_with(kind="lost"),
        "stock_moves_pkey": once("id"),
        "stock_moves_places": row_with(src="nowhere"),
        "stock_moves_promises": row_with(src="pool"),
        "stock_moves_quantity_check": row_with(quantity=0),
        "stock_moves_somewhere": row_with(src="free", src_warehouse=HOUSE),
        "stock_moves_src": row_with(src_warehouse=HOUSE),
        "stock_moves_store_id_key_key": once("key"),
        "stock_moves_unit_cost_minor_check": row_with(unit_cost_minor=-1),
    },
    "stock_allocations": {
        "stock_allocations_store_id_warehouse_id_fkey": row_with(warehouse_id=NOBODY),
        "stock_allocations_pkey": once("line_no"),
        "stock_allocations_quantity_check": Wrong(
            {"quantity": 0, "state": "released"}, (), ()
        ),
        "stock_allocations_released_check": row_with(released=-1),
        "stock_allocations_shipped_check": row_with(shipped=-1),
        "stock_allocations_state": row_with(state="shipped"),
        "stock_allocations_within": row_with(shipped=3, state="shipped"),
    },
    "allocation_policies": {
        "allocation_policies_criteria_check": row_with(criteria=["taste"]),
        "allocation_policies_in_force_check": row_with(in_force=EMPTY_TIME),
        "allocation_policies_made_by_fkey": row_with(made_by=NOBODY),
        "allocation_policies_most_parcels_check": row_with(most_parcels=0),
        "allocation_policies_one_at_a_time": row_with(in_force=FROM_AT),
        "allocation_policies_pkey": once("id"),
        "allocation_policies_reason_check": row_with(reason=TEXT),
        "allocation_policies_store_id_fkey": row_with(store_id=NOBODY),
    },
    "expiry_terms": {
        "expiry_terms_category_check": row_with(category=""),
        "expiry_terms_in_force_check": row_with(in_force=EMPTY_TIME),
        "expiry_terms_no_overlap": once("category"),
        "expiry_terms_pkey": once("id"),
        "expiry_terms_sell_until_days_check": row_with(sell_until_days=-1),
    },
    "stock_batches": {
        **_of("stock_batches"),
        "stock_batches_lot_check": row_with(lot=TEXT),
        "stock_batches_on_hand_check": row_with(on_hand=-1),
        "stock_batches_once": once("lot"),
        "stock_batches_pkey": once("id"),
    },
    "stock_counts": {
        "stock_counts_store_id_warehouse_id_fkey": row_with(warehouse_id=NOBODY),
        "stock_counts_closed": row_with(closed_at=AT, closed_by=None),
        "stock_counts_closed_by_fkey": row_with(
            state="dropped", closed_at=AT, closed_by=NOBODY
        ),
        "stock_counts_counted": row_with(state="counted"),
        "stock_counts_counted_by_fkey": row_with(counted_at=AT, counted_by=NOBODY),
        "stock_counts_limit_units_check": row_with(limit_units=-1),
        "stock_counts_pkey": once("id"),
        "stock_counts_scope_check": row_with(scope=TEXT),
        "stock_counts_started_by_fkey": row_with(started_by=NOBODY),
        "stock_counts_state_check": row_with(state="lost"),
    },
    "stock_count_lines": {
        "stock_count_lines_counted_by_fkey": row_with(
            expected=1, counted=1, counted_at=AT, counted_by=NOBODY
        ),
        "stock_count_lines_counted_check": Wrong(
            {"counted": -1}, (), ("stock_count_lines_whole",)
        ),
        "stock_count_lines_expected_check": Wrong(
            {"expected": -1}, (), ("stock_count_lines_whole",)
        ),
        "stock_count_lines_pkey": once("count_id"),
        "stock_count_lines_reason_check": row_with(reason=TEXT),
        "stock_count_lines_store_id_count_id_fkey": row_with(count_id=NOBODY),
        "stock_count_lines_store_id_sku_id_fkey": row_with(sku_id=NOBODY),
        "stock_count_lines_whole": row_with(counted=1),
    },
    "stock_count_scans": {
        "stock_count_scans_by_id_fkey": row_with(by_id=NOBODY),
        "stock_count_scans_counted_check": row_with(counted=-1),
        "stock_count_scans_expected_check": row_with(expected=-1),
        "stock_count_scans_key_check": row_with(key="short"),
        "stock_count_scans_once": once("key"),
        "stock_count_scans_pkey": once("n"),
        "stock_count_scans_reason_check": row_with(reason=TEXT),
        "stock_count_scans_store_id_count_id_sku_id_fkey": row_with(sku_id=NOBODY),
    },
    "stock_transfers": {
        "stock_transfers_dst_fkey": row_with(dst_warehouse=NOBODY),
        "stock_transfers_key_check": row_with(key=""),
        "stock_transfers_note_check": row_with(note=TEXT),
        "stock_transfers_one_key": once("key"),
        "stock_transfers_pkey": once("id"),
        "stock_transfers_received": row_with(received_at=AT),
        "stock_transfers_received_by_fkey": row_with(
            state="received", received_at=AT, received_by=NOBODY
        ),
        "stock_transfers_sent_by_fkey": row_with(sent_by=NOBODY),
        "stock_transfers_src_fkey": row_with(src_warehouse=NOBODY),
        "stock_transfers_state_check": row_with(state="lost"),
        "stock_transfers_two": row_with(dst_warehouse=HOUSE),
    },
    "stock_transfer_lines": {
        "stock_transfer_lines_arrived_check": row_with(arrived=-1),
        "stock_transfer_lines_damaged_check": row_with(damaged=-1),
        "stock_transfer_lines_pkey": once("transfer_id"),
        "stock_transfer_lines_quantity_check": Wrong(
            {"quantity": 0}, (), ()
        ),
        "stock_transfer_lines_store_id_sku_id_fkey": row_with(sku_id=NOBODY),
        "stock_transfer_lines_store_id_transfer_id_fkey": row_with(transfer_id=NOBODY),
        "stock_transfer_lines_within": row_with(arrived=2, damaged=1),
    },
    "stock_quotas": {
        "stock_quotas_channel_check": row_with(channel="radio"),
        "stock_quotas_made_by_fkey": row_with(made_by=NOBODY),
        "stock_quotas_one": once("channel"),
        "stock_quotas_pkey": once("id"),
        "stock_quotas_room": Wrong(
            {"room_id": NOBODY}, (), ("stock_quotas_room_id_fkey",)
        ),
        "stock_quotas_room_id_fkey": row_with(channel="live", room_id=NOBODY, host_id=NOBODY),
        "stock_quotas_store_id_sku_id_fkey": row_with(sku_id=NOBODY),
        "stock_quotas_span": row_with(ends_at=AT),
        "stock_quotas_units_check": row_with(units=10_000_001),
        "stock_quotas_used": row_with(used=6),
    },
    "stock_quota_uses": {
        "stock_quota_uses_pkey": once("quota_id"),
        "stock_quota_uses_released": row_with(released=2),
        "stock_quota_uses_store_id_quota_id_fkey": row_with(quota_id=NOBODY),
        "stock_quota_uses_units_check": row_with(units=0),
    },
    "stock_costs": {
        "stock_costs_cost_minor_check": row_with(cost_minor=-1),
        "stock_costs_nothing_left": row_with(quantity=0),
        "stock_costs_pkey": once("sku_id"),
        "stock_costs_quantity_check": Wrong(
            {"quantity": -1, "cost_minor": 0}, (), ()
        ),
        "stock_costs_store_id_sku_id_fkey": row_with(sku_id=NOBODY),
    },
    "stock_revaluations": {
        "stock_revaluations_about_kind_check": row_with(about_kind=""),
        "stock_revaluations_key_check": row_with(key=""),
        "stock_revaluations_one_key": once("key"),
        "stock_revaluations_pkey": once("id"),
        "stock_revaluations_store_id_sku_id_fkey": row_with(sku_id=NOBODY),
        "stock_revaluations_value_minor_check": row_with(value_minor=0),
    },
    "stock_value_corrections": {
        "stock_value_corrections_before_minor_check": row_with(before_minor=-1),
        "stock_value_corrections_booked": row_with(after_minor=6),
        "stock_value_corrections_decided": row_with(decided_at=AT),
        "stock_value_corrections_decided_by_fkey": row_with(
            state="refused", decided_by=NOBODY, decided_at=AT
        ),
        "stock_value_corrections_decided_why_check": row_with(decided_why=TEXT),
        "stock_value_corrections_evidence_check": row_with(evidence=""),
        "stock_value_corrections_one_open": once("sku_id"),
        "stock_value_corrections_one_wish": row_with(unit_cost_minor=1),
        "stock_value_corrections_pkey": once("id"),
        "stock_value_corrections_proposed_by_fkey": row_with(proposed_by=NOBODY),
        "stock_value_corrections_reason_check": row_with(reason=""),
        "stock_value_corrections_state_check": Wrong(
            {"state": "x"}, (), ("stock_value_corrections_decided",)
        ),
        "stock_value_corrections_store_id_sku_id_fkey": row_with(sku_id=NOBODY),
        "stock_value_corrections_two": Wrong(
            {"state": "withdrawn", "decided_by": NOBODY, "decided_at": AT},
            (), ("stock_value_corrections_decided_by_fkey",),
        ),
        "stock_value_corrections_unit_cost_minor_check": row_with(
            unit_cost_minor=-1, value_minor=None
        ),
        "stock_value_corrections_units_check": row_with(units=0),
        "stock_value_corrections_value_minor_check": row_with(value_minor=-1),
    },
}  # fmt: skip
