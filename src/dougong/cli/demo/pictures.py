"""Product pictures, avatars and shop signs of the demo market, drawn the same way every time."""

import random

from PIL import Image, ImageDraw

from dougong.cli.demo.scene_brush import (
    INK,
    WHITE,
    Brush,
    Colour,
    Shade,
    arc,
    dark,
    dice,
    down,
    gradient,
    light,
    mix,
    rgb,
    shadow_mask,
    slant,
    soft_mask,
)
from dougong.cli.demo.scene_look import ink_on
from dougong.cli.demo.scene_objects import thing
from dougong.cli.demo.story_types import Creator, Product, Store

SKIN = ("#f6d3b5", "#eebf98", "#f9dcc4", "#e3aa80", "#d6956b")
HAIR = ("#2b2430", "#3c2a26", "#54362c", "#1f2430", "#6b4534")


def product_picture(product: Product, size: int = 800) -> Image.Image:
    """A square studio picture of the product, in RGB."""
    art = product.art
    source = dice("picture", product.code)
    main, second, accent = (rgb(code) for code in art.palette)
    picture = backdrop(size, (main, second, accent), source)
    drawing = thing(art.kind, art.palette, art.label, seed=art.seed, size_px=size)
    place(picture, posed(drawing, source), source)
    return picture


def backdrop(
    size: int, colours: tuple[Colour, Colour, Colour], source: random.Random
) -> Image.Image:
    main, second, accent = colours
    tone = source.choice((second, second, accent, main))
    wall = (light(tone, 0.86), light(mix(tone, second, 0.4), 0.62))
    picture = gradient(source.choice((slant, down))(*wall), size, size)
    style = source.randrange(4)
    table = round(size * 0.74)
    if style in (0, 1):
        mask = Image.new("L", (size * 2, size * 2))
        pen = ImageDraw.Draw(mask)
        if style == 0:
            pen.circle((size, size * 0.92), size * 0.74, fill=255)
        else:
            pen.circle((size, size * 0.88), size * 0.6, fill=255)
            pen.rectangle((size * 0.4, size * 0.88, size * 1.6, size * 2), fill=255)
        picture.paste(
            gradient(down(light(tone, 0.5), light(tone, 0.75)), size, size), mask=mask.reduce(2)
        )
    if style in (1, 2):
        floor = gradient(down(light(tone, 0.48), light(tone, 0.72)), size, size - table)
        picture.paste(floor, (0, table))
    glow = soft_mask(size, size, 150)
    picture.paste(WHITE, (round(size * source.uniform(-0.25, 0.1)), -size // 4), glow)
    return picture


def posed(drawing: Image.Image, source: random.Random) -> Image.Image:
    """Half of the things stand straight; the rest lean a little."""
    if source.random() < 0.5:
        return drawing
    return drawing.rotate(source.uniform(-5, 5), Image.Resampling.BILINEAR)


def place(picture: Image.Image, drawing: Image.Image, source: random.Random) -> None:
    size = picture.width
    box = drawing.getbbox() or (0, 0, size, size)
    low = box[3]
    wide = round((box[2] - box[0]) * 1.15)
    contact = soft_mask(wide, round(size * 0.11), 120)
    left = (box[0] + box[2] - wide) // 2
    picture.paste((40, 28, 48), (left, low - round(size * 0.065)), contact)
    shadow = shadow_mask(drawing, 70)
    lean = round(size * source.choice((-0.02, 0.02)))
    picture.paste((52, 36, 60), (lean, round(size * 0.022)), shadow)
    picture.paste(drawing, (0, 0), drawing)


def avatar(creator: Creator, size: int = 320) -> Image.Image:
    """A round-friendly portrait in the creator's colours, in RGB."""
    source = dice("avatar", creator.handle)
    main, second, accent = (rgb(code) for code in creator.palette)
    b = Brush(size)
    b.slab(0, 0, 100, 100, slant(light(main, 0.35), main), r=0)
    b.oval(50, 42, 40, 40, light(main, 0.55), alpha=90)
    skin, hair = rgb(source.choice(SKIN)), rgb(source.choice(HAIR))
    style = source.randrange(4)
    if style in (0, 1):
        low = 84 if style == 0 else 66
        b.smooth([(24, 44), (32, 18), (50, 11), (68, 18), (76, 44), (75, low), (25, low)], hair)
    b.smooth(
        [(12, 104), (18, 84), (38, 76), (62, 76), (82, 84), (88, 104)], slant(second, dark(second))
    )
    b.slab(43, 60, 14, 20, dark(skin, 0.12), r=6)
    b.shape(arc(50, 77, 10, 6, 0, 180), dark(skin, 0.06))
    b.oval(50, 46, 20, 23, Shade((light(skin, 0.15), skin, dark(skin, 0.06)), 1, 0.2))
    for side in (-1, 1):
        b.oval(50 + side * 20, 48, 3, 4.4, dark(skin, 0.06))
        b.oval(50 + side * 7.6, 47, 2, 2.5, INK)
        b.oval(50 + side * 7.6 + 0.6, 46.2, 0.7, 0.8, WHITE)
        b.line(arc(50 + side * 7.6, 43, 3.8, 2.4, 210, 330), hair, 0.9)
        b.oval(50 + side * 11, 54, 3.4, 2.2, (240, 130, 120), alpha=90)
    b.line(arc(50, 55, 5.4, 4.4, 25, 155), dark(mix(skin, (200, 60, 60), 0.5), 0.2), 1.3)
    b.line([(50, 48), (49.2, 51.6), (50.4, 52)], dark(skin, 0.25), 0.7)
    fringe(b, hair, style)
    if source.random() < 0.35:
        for side in (-1, 1):
            b.line(arc(50 + side * 7.8, 47, 5.6, 5.2, 0, 360), dark(accent, 0.4), 1)
        b.line([(47.8, 46.6), (52.2, 46.6)], dark(accent, 0.4), 1)
    elif source.random() < 0.5:
        b.slab(44, 85, 12, 5, accent, r=2.5)
    return b.finish().convert("RGB")


def fringe(b: Brush, hair: Colour, style: int) -> None:
    tone = slant(light(hair, 0.2), hair)
    if style == 0:
        b.smooth(
            [(29, 46), (30, 28), (44, 18), (62, 20), (71, 34), (71, 46), (62, 32), (46, 33)], tone
        )
    elif style == 1:
        b.smooth(
            [(29, 44), (31, 24), (50, 16), (69, 24), (71, 44), (64, 38), (50, 37), (36, 38)], tone
        )
    elif style == 2:
        b.smooth(
            [(29, 42), (30, 26), (40, 16), (58, 13), (71, 24), (71, 42), (66, 32), (44, 30)], tone
        )
    else:
        b.oval(50, 15, 10, 9, tone)
        b.smooth([(29, 42), (32, 25), (50, 17), (68, 25), (71, 42), (60, 30), (40, 30)], tone)


def store_logo(store: Store, size: int = 320) -> Image.Image:
    """The shop's sign: its colour, a drawing of what it sells and its name, in RGB."""
    colour = rgb(store.colour)
    b = Brush(size)
    b.slab(0, 0, 100, 100, slant(light(colour, 0.2), dark(colour, 0.1)), r=0)
    b.oval(50, 42, 33, 33, light(colour, 0.82))
    b.line(arc(50, 42, 36, 36, 0, 360), light(colour, 0.5), 0.8)
    b.text(store.name.zh, 50, 86, 13, ink_on(colour), fit=86, weight="black")
    sign = b.finish()
    small = round(size * 0.56)
    art = store.art
    drawing = thing(art.kind, art.palette, "", seed=art.seed, size_px=small)
    sign.alpha_composite(drawing, ((size - small) // 2, round(size * 0.42) - small // 2))
    return sign.convert("RGB")
