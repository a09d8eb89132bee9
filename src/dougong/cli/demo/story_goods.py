"""The 300 products of the demo market, read from the tables of goods.

A product takes two lines in its store's table, Chinese then English:
`name|what is special|yuan|drawing|choice` and `name|what is special`.
"""

import colorsys

from stdnum import ean

from dougong.cli.demo import (
    story_goods_beauty,
    story_goods_family,
    story_goods_play,
    story_goods_table,
    story_goods_wear,
)
from dougong.cli.demo.scene_brush import dice
from dougong.cli.demo.story_axes import AXES
from dougong.cli.demo.story_stores import LABELS, STORES
from dougong.cli.demo.story_types import Art, Axis, Product, Store, Text, Variant
from dougong.cli.demo.story_words import CARE, PROMISES

TABLES = {
    **story_goods_table.GOODS,
    **story_goods_beauty.GOODS,
    **story_goods_wear.GOODS,
    **story_goods_play.GOODS,
    **story_goods_family.GOODS,
}


VIVID = {"fashion", "digital", "office", "sport", "culture"}  # any colour suits these
SLIGHT = (0, 0.03, -0.03, 0.055, -0.05, 0.015)


def gtin(number: int) -> str:
    """A GTIN-13 from the internal range 200, with its check digit."""
    stem = f"200{number:09d}"
    return stem + str(ean.calc_check_digit(stem))


def _turn(colour: str, by: float) -> str:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, luma, saturation = colorsys.rgb_to_hls(*parts)
    turned = colorsys.hls_to_rgb((hue + by) % 1, luma, saturation)
    return "#" + "".join(f"{round(part * 255):02x}" for part in turned)


def _palette(store: Store, number: int) -> tuple[str, str, str]:
    """The store's colours, turned round the colour wheel, far only where that looks right."""
    main, second, accent = store.art.palette
    bold = store.category.split("/")[0] in VIVID
    by = (0, 0.07, 0.55, 0.16, 0.83, 0.35)[number % 6] if bold else SLIGHT[number % 6]
    if number % 4 == 3:
        main, accent = accent, main
    return _turn(main, by), _turn(second, by / 2 if bold else by / 4), _turn(accent, by)


def _variants(code: str, choices: tuple[Axis, ...], yuan: int, first: int) -> tuple[Variant, ...]:
    source = dice("variants", code)
    found = []
    for i, choice in enumerate(choices):
        price = yuan * choice.price_percent
        price = max(price // 100 * 100 - 10, 990) if choice.price_percent != 100 else price
        stock = source.choice((0, 6, 18, 42, 96, 150, 320, 480)) if i else source.randrange(40, 400)
        sku = f"{code.upper()}-{choice.code}"
        found.append(Variant(sku, choice.name, price, stock, choice.weight_g, gtin(first + i)))
    return tuple(found)


def _product(store: Store, number: int, zh_row: str, en_row: str, first: int) -> Product:
    code = f"{store.code}-{number:02d}"
    source = dice("product", code)
    name_zh, point_zh, yuan, kind, axis = zh_row.split("|")
    name_en, point_en = en_row.split("|")
    promise, care = source.choice(PROMISES[store.category.split("/")[0]]), source.choice(CARE)
    variants = _variants(code, AXES[axis], int(yuan), first)
    palette = _palette(store, number)
    return Product(
        code=code,
        store_code=store.code,
        name=Text(name_zh, name_en),
        description=Text(
            f"{point_zh}。{promise.zh}{care.zh}", f"{point_en}. {promise.en} {care.en}"
        ),
        price_minor=min(variant.price_minor for variant in variants),
        category=store.category,
        variants=variants,
        commission_bp=source.randrange(500, 3001, 50),
        art=Art(kind=kind, palette=palette, label=LABELS[store.code], seed=number),
    )


def _products() -> tuple[Product, ...]:
    found: list[Product] = []
    for place, store in enumerate(STORES, start=1):
        lines = TABLES[store.code].strip().splitlines()
        pairs = zip(lines[::2], lines[1::2], strict=True)
        for number, (zh, en) in enumerate(pairs, start=1):
            found.append(_product(store, number, zh, en, place * 1000 + number * 10))
    return tuple(found)


PRODUCTS: tuple[Product, ...] = _products()
