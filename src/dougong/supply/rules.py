"""What is true of stock and packages by rule."""

from dougong.base.errors import Conflict, Refusal


class SoldOut(Refusal):
    """Fewer units are free than were asked for."""

    code = "sold_out"
    status = 409


class StockBelowReserved(Conflict):
    """The new level would be less than what open orders have reserved."""

    code = "stock_below_reserved"


class PackageKnown(Conflict):
    """The order has a package of this carrier and tracking number already."""

    code = "package_known"


class UnknownPackageLine(Refusal):
    """A package names a line, or more units of it, than are left to ship."""

    code = "nothing_left_to_ship"
