"""The provinces as tiles of one size, roughly where they lie: our own drawing, no geometry."""

from collections.abc import Iterable
from typing import Any

import msgspec

from dougong.supply.carrier_rules import province_of

# Short name to column and row, drawn by hand.
TILES: dict[str, tuple[int, int]] = {
    "新疆": (0, 1), "西藏": (0, 3), "青海": (1, 2), "甘肃": (2, 1), "宁夏": (3, 2),
    "内蒙古": (4, 1), "黑龙江": (7, 0), "吉林": (7, 1), "辽宁": (6, 1), "北京": (5, 1),
    "天津": (6, 2), "河北": (5, 2), "山西": (4, 2), "陕西": (3, 3), "四川": (1, 4),
    "重庆": (2, 4), "湖北": (4, 4), "河南": (4, 3), "山东": (5, 3), "江苏": (6, 3),
    "安徽": (5, 4), "上海": (7, 3), "浙江": (6, 4), "江西": (5, 5), "湖南": (4, 5),
    "贵州": (2, 5), "云南": (1, 5), "广西": (3, 6), "广东": (4, 6), "福建": (6, 5),
    "台湾": (7, 5), "海南": (3, 7), "香港": (5, 7), "澳门": (4, 7),
}  # fmt: skip
SIDE, GAP = 40, 4


class Tile(msgspec.Struct, frozen=True):
    """`kind`: from, passed, now, to, or "" for a province the parcel does not touch."""

    name: str
    x: int
    y: int
    kind: str


class Map(msgspec.Struct, frozen=True):
    width: int
    height: int
    tiles: list[Tile]
    line: str  # points of the way, for a polyline
    places: list[str]  # the same in words


def parcel_map(events: Iterable[Any], *, to_province: str) -> Map | None:
    """Where a parcel has been (events with `province`, the newest first) and where it goes; None
    where nothing of it lies in a province that is known."""
    been = [province_of(event.province) for event in events]
    way = [name for name in reversed(been) if name in TILES]
    way = [name for n, name in enumerate(way) if n == 0 or way[n - 1] != name]
    to = province_of(to_province)
    if not way:
        return None
    kinds = dict.fromkeys(way, "passed") | {way[0]: "from"}
    if to in TILES:
        kinds[to] = "to"
    kinds[way[-1]] = "now"
    tiles = [
        Tile(name, x * (SIDE + GAP), y * (SIDE + GAP), kinds.get(name, ""))
        for name, (x, y) in TILES.items()
    ]
    points = [
        f"{TILES[name][0] * (SIDE + GAP) + SIDE // 2},{TILES[name][1] * (SIDE + GAP) + SIDE // 2}"
        for name in way
    ]
    size = 8 * (SIDE + GAP) - GAP
    return Map(size, size, tiles, " ".join(points), way)
