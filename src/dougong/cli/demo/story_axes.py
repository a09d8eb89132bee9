"""What the demo goods may be chosen by: name zh, name en, price in per cent, weight in grams."""

# ruff: noqa: E501 - a table with one row per line

from dougong.cli.demo.story_types import Axis, Text

ROWS = """
single|ONE:标准款:Standard:100:400
weight|50G:50克:50 g:60:80 100G:100克:100 g:100:150 250G:250克:250 g:225:330 500G:500克:500 g:420:620
volume|S:小瓶:Small:62:120 M:标准装:Standard:100:240 L:大瓶:Large:165:420
pack|1P:一份:One:100:220 2P:两份:Two:190:440 4P:四份:Four:360:880
size|S:小号:Small:82:350 M:中号:Medium:100:500 L:大号:Large:126:760
colour|RED:山茶红:Camellia red:100:380 BLU:远山蓝:Distant blue:100:380 GRN:苔青:Moss green:100:380 CRM:米白:Cream:100:380
set|DUO:两件装:Set of two:100:420 TRI:三件装:Set of three:142:630
flavour|ORI:原味:Original:100:180 SPI:微辣:Mildly spicy:100:180 SEA:海盐:Sea salt:100:180 HON:蜜香:Honey:106:180
shade|01:01 晚霞:01 Afterglow:100:60 02:02 豆沙:02 Bean rose:100:60 03:03 砖红:03 Brick:100:60 04:04 蜜桃:04 Peach:100:60 05:05 枫叶:05 Maple:100:60 06:06 暖茶:06 Warm tea:100:60
scent|CAM:山茶:Camellia:100:90 OSM:桂花:Osmanthus:100:90 PIN:雪松:Cedar:100:90
ring|11:11 号:Size 11:100:20 13:13 号:Size 13:100:20 15:15 号:Size 15:100:20 17:17 号:Size 17:100:20
size_colour|WS:白色 S:White S:100:280 WM:白色 M:White M:100:300 WL:白色 L:White L:100:320 BS:深蓝 S:Navy S:100:280 BM:深蓝 M:Navy M:100:300 BL:深蓝 L:Navy L:100:320
shoe|37:37 码:EU 37:100:720 38:38 码:EU 38:100:740 39:39 码:EU 39:100:760 41:41 码:EU 41:100:820 42:42 码:EU 42:100:840 43:43 码:EU 43:100:860
kid|28:28 码:EU 28:100:420 30:30 码:EU 30:100:450 32:32 码:EU 32:100:480
baby|66:66 码:66 cm:100:120 73:73 码:73 cm:100:130 80:80 码:80 cm:100:140
height|LOW:低枕 8 厘米:Low, 8 cm:95:900 HIGH:高枕 11 厘米:High, 11 cm:100:1100
bed|150:1.5 米床:1.5 m bed:100:2600 180:1.8 米床:1.8 m bed:112:3000
phone|61:6.1 英寸:6.1 inch:100:60 67:6.7 英寸:6.7 inch:100:70 FOLD:折叠屏:Foldable:130:90
length|1M:1 米:1 m:100:60 2M:2 米:2 m:128:100
edition|PB:平装:Paperback:100:360 HB:精装:Hardback:145:620
load|2KG:2 公斤:2 kg:80:4100 4KG:4 公斤:4 kg:100:8100 6KG:6 公斤:6 kg:135:12100
"""


def _axis(cell: str) -> Axis:
    code, zh, en, percent, weight = cell.split(":")
    return Axis(code, Text(zh, en), int(percent), int(weight))


def _cells(line: str) -> list[str]:
    """Split `A:b c:d:1:2 B:…` at the spaces that start a new upper-case or numeric code."""
    cells: list[str] = []
    for word in line.split(" "):
        head = word.split(":")[0]
        starts = ":" in word and head.isascii() and head == head.upper() and word.count(":") < 5
        if starts and (not cells or cells[-1].count(":") == 4):
            cells.append(word)
        else:
            cells[-1] += " " + word
    return cells


AXES: dict[str, tuple[Axis, ...]] = {
    name: tuple(_axis(cell) for cell in _cells(line))
    for name, line in (row.split("|") for row in ROWS.strip().splitlines())
}
