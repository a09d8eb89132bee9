"""How far provinces lie apart: between their capitals, over the ground, in whole kilometres."""

from math import asin, cos, radians, sin, sqrt

EARTH_KM = 6371

# Latitude and longitude of each provincial capital, in degrees, to a tenth.
CAPITALS = {
    "北京": (39.9, 116.4), "天津": (39.1, 117.2), "河北": (38.0, 114.5), "山西": (37.9, 112.5),
    "内蒙古": (40.8, 111.7), "辽宁": (41.8, 123.4), "吉林": (43.8, 125.3), "黑龙江": (45.8, 126.5),
    "上海": (31.2, 121.5), "江苏": (32.1, 118.8), "浙江": (30.3, 120.2), "安徽": (31.8, 117.2),
    "福建": (26.1, 119.3), "江西": (28.7, 115.9), "山东": (36.7, 117.0), "河南": (34.7, 113.6),
    "湖北": (30.6, 114.3), "湖南": (28.2, 112.9), "广东": (23.1, 113.3), "广西": (22.8, 108.4),
    "海南": (20.0, 110.3), "重庆": (29.6, 106.5), "四川": (30.7, 104.1), "贵州": (26.6, 106.7),
    "云南": (25.0, 102.7), "西藏": (29.7, 91.1), "陕西": (34.3, 108.9), "甘肃": (36.1, 103.8),
    "青海": (36.6, 101.8), "宁夏": (38.5, 106.3), "新疆": (43.8, 87.6), "香港": (22.3, 114.2),
    "澳门": (22.2, 113.5), "台湾": (25.0, 121.5),
}  # fmt: skip


def province_named(name: str) -> str | None:
    """The province that an address means: 上海市 or 广西壮族自治区 is known by its start."""
    plain = name.strip()
    return next((one for one in CAPITALS if plain.startswith(one)), None)


def kilometres(one: str, other: str) -> int | None:
    """Great-circle distance; 0 within a province, None where one of them is not known."""
    here, there = province_named(one), province_named(other)
    if here is None or there is None:
        return None
    (lat, lon), (lat2, lon2) = CAPITALS[here], CAPITALS[there]
    half = (
        sin(radians(lat2 - lat) / 2) ** 2
        + cos(radians(lat)) * cos(radians(lat2)) * sin(radians(lon2 - lon) / 2) ** 2
    )
    return round(2 * EARTH_KM * asin(sqrt(half)))
