"""The tables of carriers, parcels and promises among those whose every constraint is tried."""

from collections.abc import Callable, Mapping
from uuid import uuid4

from tests import constraint_purchasing as other
from tests.constraint_purchasing import EVIDENCE, FACTS, HOUSE, LAST_YEAR
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

PARCEL, OTHER_PARCEL, LIST, WAVE = (uuid4() for _ in range(4))
SCAN = fresh("scan-")
__all__ = ["EVIDENCE", "FACTS", "FRESH", "KEPT_CASES", "WRONG", "world"]


def _carrier(ids: Ids) -> Row:
    return {"store_id": ids.store, "code": fresh("c"), "name": fresh(), "kind": "table",
            "secret": fresh() * 3, "made_at": AT}  # fmt: skip


def _rate(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "carrier": "sf", "zone": "z", "first_g": 1000,
            "first_minor": 800, "further_g": 500, "further_minor": 200, "divisor": 6000,
            "in_force": LAST_YEAR, "made_by": ids.person, "made_at": AT}  # fmt: skip


def _package(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "order_id": ids.order, "carrier": "sf",
            "tracking_no": fresh(), "shipped_at": AT, "state_at": AT,
            "heard_at": AT}  # fmt: skip


def _event(ids: Ids) -> Row:
    return {"store_id": ids.store, "package_id": PARCEL, "key": fresh(), "at": AT,
            "status": "accepted", "source": "typed", "arrived_at": AT}  # fmt: skip


def _stray(ids: Ids) -> Row:
    return {"store_id": ids.store, "tracking_no": "1", "key": fresh(), "at": AT,
            "status": "accepted", "source": "carrier", "arrived_at": AT}  # fmt: skip


def _waybill(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "package_id": OTHER_PARCEL, "carrier": "sf",
            "state": "made", "number": fresh(), "asked_by": ids.person, "asked_at": AT}  # fmt: skip


def _wave_line(ids: Ids) -> Row:
    return {"store_id": ids.store, "wave_id": WAVE, "order_id": ids.order, "line_no": 2,
            "warehouse_id": HOUSE, "sku_id": ids.sku, "quantity": 2}  # fmt: skip


FULFILMENT: Mapping[str, Callable[[Ids], Row]] = {
    "carriers": _carrier,
    "carrier_rates": _rate,
    "packages": _package,
    "package_lines": lambda ids: {"store_id": ids.store, "package_id": PARCEL,
                                  "order_id": ids.order, "line_no": 2, "quantity": 1},
    "tracking_events": _event,
    "stray_events": _stray,
    "waybills": _waybill,
    "hand_overs": lambda ids: {"store_id": ids.store, "id": uuid4(), "number": 2, "carrier": "sf",
                               "made_by": ids.person, "made_at": AT},
    "hand_over_packages": lambda ids: {"store_id": ids.store, "hand_over_id": LIST,
                                       "package_id": OTHER_PARCEL},
    "pick_bins": lambda ids: {"store_id": ids.store, "sku_id": ids.other_sku,
                              "warehouse_id": HOUSE, "bin": "A-1"},
    "waves": lambda ids: {"store_id": ids.store, "id": uuid4(), "number": 2,
                          "warehouse_id": HOUSE, "made_by": ids.person, "made_at": AT},
    "wave_lines": _wave_line,
    "picks": lambda ids: {"store_id": ids.store, "key": fresh(), "wave_id": WAVE,
                          "order_id": ids.order, "line_no": 1, "quantity": 1,
                          "by_id": ids.person, "at": AT},
    "ship_promises": lambda ids: {"store_id": ids.store, "order_id": uuid4(), "promised_by": AT,
                                  "made_at": AT},
}  # fmt: skip
FRESH = {**other.FRESH, **FULFILMENT}
KEPT_CASES = (*other.KEPT_CASES, "package_lines")


def world(ids: Ids) -> list[tuple[str, Row]]:
    """Also a carrier, and a parcel of its that has all there is: goods, tracking, a waybill."""
    fixed: dict[str, Row] = {
        "carriers": {"code": "sf"},
        "carrier_rates": {"in_force": FROM_AT},
        "packages": {"id": PARCEL},
        "package_lines": {"line_no": 1},
        "waybills": {"package_id": PARCEL},
        "hand_overs": {"id": LIST, "number": 1},
        "hand_over_packages": {"package_id": PARCEL},
        "pick_bins": {"sku_id": ids.sku},
        "waves": {"id": WAVE, "number": 1},
        "wave_lines": {"line_no": 1},
        "picks": {"quantity": -1, "undoes": SCAN},
        "ship_promises": {"order_id": ids.order},
    }
    rows = [(table, row(ids) | fixed.get(table, {})) for table, row in FULFILMENT.items()]
    before: dict[str, Row] = {
        "packages": _package(ids) | {"id": OTHER_PARCEL},
        "picks": FULFILMENT["picks"](ids) | {"key": SCAN},
    }
    made: list[tuple[str, Row]] = []
    for table, row in rows:
        made += [(table, before[table])] if table in before else []
        made.append((table, row))
    return [*other.world(ids), *made]


def _words(table: str, *columns: str) -> dict[str, Wrong]:
    """Columns that take some words only."""
    return {f"{table}_{one}_check": row_with(**{one: "nothing"}) for one in columns}


WRONG: Mapping[str, Mapping[str, Wrong]] = {
    **other.WRONG,
    "carriers": {
        **_words("carriers", "kind"),
        "carriers_code_check": row_with(code="SF"),
        "carriers_name_check": row_with(name=""),
        "carriers_one_name": once("name"),
        "carriers_pkey": once("code"),
        "carriers_secret_check": row_with(secret="short"),
        "carriers_store_id_fkey": row_with(store_id=NOBODY),
    },
    "carrier_rates": {
        "carrier_rates_divisor_check": row_with(divisor=-1),
        "carrier_rates_first_g_check": row_with(first_g=0),
        "carrier_rates_first_minor_check": row_with(first_minor=-1),
        "carrier_rates_further_g_check": row_with(further_g=0),
        "carrier_rates_further_minor_check": row_with(further_minor=-1),
        "carrier_rates_in_force_check": row_with(in_force=EMPTY_TIME),
        "carrier_rates_no_overlap": row_with(in_force=FROM_AT),
        "carrier_rates_pkey": once("id"),
        "carrier_rates_store_id_carrier_fkey": row_with(carrier="nobody"),
        "carrier_rates_zone_check": row_with(zone=""),
    },
    "packages": {
        "packages_carrier_check": row_with(carrier=""),
        "packages_pkey": once("id"),
        "packages_planned": row_with(planned_carrier="nobody"),
        "packages_planned_cost": row_with(planned_minor=1),
        "packages_planned_minor_check": row_with(planned_carrier="sf", planned_minor=-1),
        "packages_sent_has_number": row_with(tracking_no=None),
        "packages_sent_when_out": row_with(shipped_at=None),
        "packages_size_mm_check": row_with(size_mm=[1, 2]),
        "packages_state_check": row_with(state="nowhere"),
        "packages_store_id_carrier_tracking_no_order_id_key": once("tracking_no"),
        "packages_tracking_no_check": row_with(tracking_no="123"),
        "packages_weight_g_check": row_with(weight_g=0),
    },
    "package_lines": {
        "package_lines_pkey": once("line_no"),
        "package_lines_quantity_check": row_with(quantity=0),
        "package_lines_store_id_package_id_fkey": row_with(package_id=NOBODY),
    },
    "tracking_events": {
        **_words("tracking_events", "status", "source"),
        "tracking_events_key_check": row_with(key=""),
        "tracking_events_pkey": once("key"),
        "tracking_events_store_id_package_id_fkey": row_with(package_id=NOBODY),
    },
    "stray_events": {
        "stray_events_key_check": row_with(key=""),
        "stray_events_pkey": once("key"),
        "stray_events_store_id_fkey": row_with(store_id=NOBODY),
        "stray_events_tracking_no_check": row_with(tracking_no=""),
    },
    "waybills": {
        **_words("waybills", "state"),
        "waybills_cost_minor_check": row_with(cost_minor=-1),
        "waybills_made_has_number": row_with(number=None),
        "waybills_one_live": row_with(package_id=PARCEL),
        "waybills_one_number": once("number"),
        "waybills_pkey": once("id"),
        "waybills_store_id_carrier_fkey": row_with(carrier="nobody"),
        "waybills_store_id_package_id_fkey": row_with(package_id=NOBODY),
    },
    "hand_overs": {
        **_words("hand_overs", "state"),
        "hand_overs_carrier_check": row_with(carrier=""),
        "hand_overs_closed": row_with(closed_at=AT),
        "hand_overs_number": once("number"),
        "hand_overs_pkey": once("id"),
    },
    "hand_over_packages": {
        **_words("hand_over_packages", "outcome"),
        "hand_over_packages_once": once("package_id", without=("hand_over_packages_pkey",)),
        "hand_over_packages_pkey": once(
            "package_id", without=("hand_over_packages_once",)
        ),
        "hand_over_packages_store_id_hand_over_id_fkey": row_with(hand_over_id=NOBODY),
        "hand_over_packages_store_id_package_id_fkey": row_with(package_id=NOBODY),
    },
    "pick_bins": {
        "pick_bins_bin_check": row_with(bin=""),
        "pick_bins_pkey": once("sku_id"),
        "pick_bins_store_id_sku_id_fkey": row_with(sku_id=NOBODY),
    },
    "waves": {
        **_words("waves", "state", "lines"),
        "waves_carrier": row_with(carrier="nobody"),
        "waves_number": once("number"),
        "waves_one_choice": row_with(carrier="sf", is_cheapest=True),
        "waves_pkey": once("id", without=("waves_there",)),
        "waves_store_id_fkey": Wrong({"store_id": NOBODY}, without=("waves_warehouse",)),
        "waves_there": once("id", without=("waves_pkey",)),
        "waves_warehouse": row_with(warehouse_id=NOBODY),
    },
    "wave_lines": {
        "wave_lines_never_more": row_with(picked=3),
        "wave_lines_once": once("line_no", without=("wave_lines_pkey",)),
        "wave_lines_packed": row_with(packed=3),
        "wave_lines_pkey": once("line_no", is_open=False),
        "wave_lines_quantity_check": row_with(quantity=0),
        "wave_lines_wave": row_with(wave_id=NOBODY),
    },
    "picks": {
        "picks_key_check": row_with(key="short"),
        "picks_pkey": once("key"),
        "picks_signed": row_with(quantity=0),
        "picks_store_id_undoes_fkey": row_with(quantity=-1, undoes="never scanned"),
        "picks_undone_once": once("undoes", quantity=-1),
        "picks_store_id_wave_id_order_id_line_no_fkey": row_with(line_no=9),
    },
    "ship_promises": {
        "ship_promises_late": row_with(late_at=AT),
        "ship_promises_late_units_check": row_with(late_at=AT, late_units=0),
        "ship_promises_pkey": once("order_id"),
    },
}  # fmt: skip
