"""What one package takes, and from where."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from dougong.base.ids import SkuId
from dougong.supply.allocation_commands import OpenAllocation, Put, Use, Uses
from dougong.supply.ledger_commands import LevelRows
from dougong.supply.rules import StockBelowReserved
from dougong.supply.stock_rules import Change, Place, Spot


class Shipment:
    """What one package takes from where: set aside ones first, then free ones, of the warehouse
    that it leaves before others."""

    def __init__(
        self, waiting: Sequence[OpenAllocation], there: LevelRows, warehouse_id: UUID | None
    ) -> None:
        self._waiting, self._there, self._leaves = waiting, there, warehouse_id
        self.uses: Uses = {}
        self.puts: list[Put] = []
        self.out: dict[tuple[SkuId, Spot], int] = {}
        self.back: dict[tuple[SkuId, UUID], int] = {}

    def take(self, line_no: int, sku_id: SkuId, quantity: int) -> None:
        here = [one for one in self._waiting if one.line_no == line_no and self._is_here(one)]
        elsewhere = [
            one for one in self._waiting if one.line_no == line_no and not self._is_here(one)
        ]
        left = self._set_aside(here, quantity)
        if self._leaves is not None and left:
            free = self._free(line_no, sku_id, left, self._leaves)
            self._no_more(elsewhere, free)
            left -= free
        left = self._set_aside(elsewhere, left)
        for (known, warehouse_id), _ in self._there.items():
            if known == sku_id and left:
                left -= self._free(line_no, sku_id, left, warehouse_id)
        if left:  # more is promised than lies in all warehouses: `stock_never_oversold` is broken
            raise StockBelowReserved(field="lines", sku_id=sku_id)

    def _is_here(self, one: OpenAllocation) -> bool:
        return self._leaves in (None, one.warehouse_id)

    def _set_aside(self, some: Iterable[OpenAllocation], left: int) -> int:
        """Ship what waits for the line; answers what is then left to find."""
        for one in some:
            if taken := min(left, one.quantity):
                one.quantity -= taken
                left -= taken
                self._use(one).shipped += taken
                self._out(one.sku_id, Spot(Place.ALLOCATED, one.warehouse_id), taken)
        return left

    def _free(self, line_no: int, sku_id: SkuId, left: int, warehouse_id: UUID) -> int:
        """Ship units that nobody has set aside; answers how many there are."""
        level = self._there.get((sku_id, warehouse_id), Change())
        if taken := min(left, level.on_hand - level.allocated):
            level.on_hand -= taken
            self._out(sku_id, Spot(Place.FREE, warehouse_id), taken)
            reasons = {"why": "taken_when_shipped"}
            self.puts.append(Put(line_no, warehouse_id, sku_id, taken, taken, reasons))
        return taken

    def _no_more(self, some: Iterable[OpenAllocation], units: int) -> None:
        """What was set aside elsewhere is free again: these units went from here instead."""
        for one in some:
            if taken := min(units, one.quantity):
                one.quantity -= taken
                units -= taken
                self._use(one).released += taken
                at_place = (one.sku_id, one.warehouse_id)
                self.back[at_place] = self.back.get(at_place, 0) + taken

    def _use(self, one: OpenAllocation) -> Use:
        return self.uses.setdefault((one.line_no, one.warehouse_id), Use())

    def _out(self, sku_id: SkuId, spot: Spot, units: int) -> None:
        self.out[sku_id, spot] = self.out.get((sku_id, spot), 0) + units
