"""The twenty stores of the demo market."""

# ruff: noqa: E501 - a table with one row per line

from dougong.cli.demo.story_types import Art, Store, Text

# code | name zh | name en | tagline zh | tagline en | category | label | sign | three colours
ROWS = """
mist-tea|云岫茶社|Mist Ridge Tea|山里的第一口春天|The first sip of a mountain spring|food/tea|云岫|tea_tin|#2f7d5b #d9b777 #8fc46b
river-kiln|河畔窑|River Kiln|每天用的，才值得做好|Made well because it is used daily|home/ceramics|河畔|bowl|#4f7f96 #eadfcb #c96f4a
dew-lab|晨露研究所|Dew Lab|成分写清楚，皮肤听得懂|Plain ingredients your skin understands|beauty/skincare|晨露|serum|#6fb3c4 #f2c9b8 #3f7f92
coral-hour|珊瑚时刻|Coral Hour|五分钟，换一个心情|Five minutes to a new mood|beauty/makeup|珊瑚|lipstick|#d9485f #5a3242 #f2a65a
crispy-lane|脆脆巷|Crispy Lane|巷口那家，咔嚓一声|The crunch at the corner|food/snacks|脆脆巷|pouch|#e4572e #ffe3b0 #8a4f2a
iron-ladle|铁勺子厨具|Iron Ladle|一口好锅，三代人的味道|One good pan for three generations|home/kitchen|铁勺|pan|#40464f #d8b48a #d9572f
ridge-line|山脊线户外|Ridgeline|把周末还给山|Give the weekend back to the hills|sport/outdoor|山脊|tent|#e07b39 #3f6f5c #f3c969
tin-toy|铁皮玩具屋|Tin Toy House|玩着玩着就长大了|Growing up, one game at a time|kids/toys|铁皮屋|robot|#3f8ec9 #f2d06b #e8604c
paper-crane|纸鹤文具|Paper Crane|写下来，就不会忘|Written down, never lost|office/stationery|纸鹤|notebook|#7a6bb0 #f2d7d0 #e8a33d
first-step|第一步母婴|First Step|陪你从第一口到第一步|From the first sip to the first step|kids/baby|第一步|baby_bottle|#8fb8de #f7dcd0 #f0a35e
good-paw|好爪爪宠物|Good Paw|它值得吃得更好|They deserve a better dinner|pets/food|好爪|can|#57a07e #fbe3b5 #e9953f
pocket-lab|口袋实验室|Pocket Lab|让手机多活一天|One more day for your phone|digital/accessories|口袋|phone_case|#5866b5 #f0a6b4 #f5c04c
soft-nest|软软家纺|Soft Nest|回家的第一个拥抱|The first hug when you get home|home/textile|软软|pillow|#a8795f #f3e3d3 #6f8f7a
plain-weave|素织|Plain Weave|好布料，穿得久|Good cloth, long worn|fashion/clothing|素织|tshirt|#46607a #efe4d6 #d0785a
foot-note|脚注鞋铺|Footnote Shoes|走过的路都算数|Every step counts|fashion/shoes|脚注|sneaker|#e9ecef #3c4b66 #ef6f4d
tiny-orbit|小轨道珠宝|Tiny Orbit|把星光戴在手上|Starlight for every day|fashion/jewellery|小轨道|ring|#7fb2d9 #d9b777 #5a4b81
slow-bloom|慢慢花店|Slow Bloom|花开不着急|Flowers are in no hurry|home/flowers|慢慢|bouquet|#e58aa0 #f6e7d8 #f2b84b
lamp-page|灯下书店|Lamp & Page|今晚读几页|A few pages tonight|culture/books|灯下|book|#b5533c #f0dfc0 #38606b
iron-hour|铁时光健身|Iron Hour|每天一小时，够了|One hour a day is enough|sport/fitness|铁时光|dumbbell|#3b3f4a #c9d36b #e4572e
warm-volt|暖伏小家电|Warm Volt|小电器，大舒服|Small machines, great comfort|home/appliances|暖伏|kettle|#d8574c #f4e6d6 #3f6c8f
"""


def _store(row: str) -> tuple[Store, str]:
    code, zh, en, line_zh, line_en, category, label, kind, colours = row.split("|")
    first, second, third = colours.split()
    art = Art(kind=kind, palette=(first, second, third), label=label, seed=1)
    name, tagline = Text(zh, en), Text(line_zh, line_en)
    store = Store(code, name, tagline, category, first, art)
    return store, label


_ROWS = [_store(row) for row in ROWS.strip().splitlines()]
STORES: tuple[Store, ...] = tuple(store for store, _ in _ROWS)
LABELS: dict[str, str] = {store.code: label for store, label in _ROWS}
