"""How clips move, first part: one thing in front of the camera.

Each function draws its layers once and returns the painter of a moment.
"""

import math
from functools import partial

from PIL import Image, ImageDraw

from dougong.cli.demo.scene_brush import WHITE, Brush, dark, light, mix, soft_spot
from dougong.cli.demo.scene_stage import (
    Painter,
    Stage,
    disc,
    drawn,
    ease,
    faded,
    podium,
    put,
    scaled,
    span,
    spring,
    tilted,
    wave,
    words,
)


def turntable(s: Stage) -> Painter:
    """The thing turns on a plinth and shows another colour each half turn."""
    sides = [s.sprite(0, 0.66, palette=colours) for colours in s.palettes()]
    plinth = podium(s)

    def paint(frame: Image.Image, t: float) -> None:
        put(frame, plinth, s.px(0.47), s.py(0.675))
        turn = int(t * 3.999) + ease(ease(t * 3.999 % 1))
        side = sides[int(turn + 0.5) % 4]
        wide = max(abs(math.cos(turn * math.pi)), 0.06)
        put(frame, scaled(side, wide, 1), s.px(0.47), s.py(0.505) + s.py(0.008) * wave(t, 3))

    return paint


def steam(s: Stage) -> Painter:
    """Steam climbs from something hot while the camera comes closer."""
    hot = s.sprite(0, 0.74)
    puffs = [soft_spot(s.px(0.16 + 0.03 * i), s.px(0.22 + 0.03 * i), WHITE, 120) for i in range(4)]

    def paint(frame: Image.Image, t: float) -> None:
        put(frame, scaled(hot, 0.92 + 0.12 * ease(t)), s.px(0.46), s.py(0.57))
        for i in range(9):
            way = (t * 1.6 + i / 9) % 1
            x = 0.46 + (i % 3 - 1) * 0.09 + 0.05 * wave(way, 0.9, i / 5)
            puff = faded(puffs[i % 4], math.sin(way * math.pi) * 0.9)
            put(frame, puff, s.px(x), s.py(0.52 - 0.27 * way))

    return paint


def unbox(s: Stage) -> Painter:
    """The lid slides off, light comes out, the thing rises."""
    item = s.sprite(0, 0.52)
    tone, trim = mix(s.main, s.accent, 0.2), light(s.accent, 0.1)

    def body(b: Brush) -> None:
        b.slab(12, 40, 76, 52, light(tone, 0.12), r=3)
        b.slab(12, 40, 76, 7, dark(tone, 0.3), r=0, alpha=120)
        b.slab(45, 40, 10, 52, trim, r=0)
        b.text(s.script.label, 28, 68, 11, WHITE, fit=28, weight="black")

    def top(b: Brush) -> None:
        b.slab(8, 40, 84, 18, light(tone, 0.28), r=3)
        b.slab(45, 40, 10, 18, light(trim, 0.2), r=0)
        for side in (-1, 1):
            b.oval(50 + side * 10, 36, 10, 6, trim)
        b.oval(50, 37, 4, 4, dark(trim, 0.2))

    box, lid = drawn(s.px(0.7), body), drawn(s.px(0.7), top)
    glow = soft_spot(s.px(1.0), s.px(1.0), (255, 244, 204), 230)

    def paint(frame: Image.Image, t: float) -> None:
        off, rise = ease(span(t, 0.16, 0.4)), spring(span(t, 0.32, 0.72))
        if off > 0:
            put(frame, faded(glow, off * (0.8 + 0.2 * wave(t, 5))), s.px(0.46), s.py(0.5))
        put(frame, item, s.px(0.46), s.py(0.63 - 0.14 * rise) + s.py(0.006) * wave(t, 3))
        put(frame, box, s.px(0.46), s.py(0.66))
        shake = s.px(0.012) * wave(t, 18) * (1 - span(t, 0.1, 0.16))
        at = s.px(0.46 + 0.5 * off) + shake, s.py(0.605 - 0.12 * math.sin(off * math.pi))
        put(frame, tilted(lid, -40 * off) if off else lid, *at)

    return paint


def swatches(s: Stage) -> Painter:
    """Colour strokes paint themselves on, one under another."""
    item = s.sprite(0, 0.46)
    tones = (s.main, light(s.main, 0.3), s.accent, dark(s.main, 0.25))

    def stroke(b: Brush, place: int) -> None:
        tone = tones[place]
        b.smooth(
            [(3, 46), (20, 40), (60, 42), (96, 38), (98, 54), (62, 60), (22, 57), (4, 60)], tone
        )
        for i in range(6):
            b.line([(6, 45 + i * 2.4), (94, 42 + i * 2.4)], light(tone, 0.3), 0.5, alpha=110)

    strips = []
    for place in range(4):
        full = drawn(s.px(0.72), partial(stroke, place=place))
        strips.append(full.crop((0, full.height * 36 // 100, full.width, full.height * 62 // 100)))

    def paint(frame: Image.Image, t: float) -> None:
        tip = 0.0
        for place, strip in enumerate(strips):
            grown = ease(span(t, 0.08 + place * 0.19, 0.24 + place * 0.19))
            if grown <= 0:
                break
            part = strip.crop((0, 0, max(round(strip.width * grown), 1), strip.height))
            frame.paste(part, (s.px(0.06), s.py(0.33 + place * 0.1)), part)
            tip = place + grown - 1 if grown == 1 else place
        x = 0.72 - 0.1 * wave(t, 2)
        put(frame, tilted(item, 10 * wave(t, 2)), s.px(x), s.py(0.42 + 0.075 * tip))

    return paint


def colour_swap(s: Stage) -> Painter:
    """The next colour wipes over the last; a row of dots keeps count."""
    sides = [s.sprite(0, 0.78, palette=colours) for colours in s.palettes()]
    tones = (s.main, s.accent, s.second, light(s.main))
    dots = [disc(s.px(0.09), tone, tone) for tone in tones]

    def paint(frame: Image.Image, t: float) -> None:
        step = t * 3.999
        place, wipe = int(step), ease(span(step % 1, 0.62, 1))
        now, after = sides[place], sides[(place + 1) % 4]
        tip = 5 * wave(t, 2)
        cut = round(now.width * wipe)
        both = now.copy()
        if cut:
            both.paste(after.crop((0, 0, cut, after.height)), (0, 0))
        put(frame, tilted(both, tip), s.px(0.45), s.py(0.5))
        for i, dot in enumerate(dots):
            big = 1.25 if i == place else 0.8
            put(frame, scaled(dot, big), s.px(0.21 + i * 0.15), s.py(0.755))

    return paint


def price_pop(s: Stage) -> Painter:
    """The thing drops in; the tag swings down and the new price is stamped on."""
    item, plinth = s.sprite(0, 0.72), podium(s)
    price = 39 + s.script.number * 7

    def label(b: Brush) -> None:
        b.shape([(50, 8), (84, 30), (84, 92), (16, 92), (16, 30)], light(s.accent, 0.1))
        b.oval(50, 24, 5, 5, WHITE)
        b.text("今日价", 50, 44, 12, WHITE, weight="bold")
        b.text(f"¥{price}", 50, 67, 27, WHITE, fit=60, weight="black")

    tag = drawn(s.px(0.36), label)
    old = words(f"¥{price * 2 - 1}", s.px(0.07), dark(s.main, 0.5), edge=WHITE)
    strike = old.copy()
    pen = ImageDraw.Draw(strike)
    pen.line((0, old.height * 0.6, old.width, old.height * 0.4), (214, 40, 60), max(s.px(0.01), 1))

    def paint(frame: Image.Image, t: float) -> None:
        put(frame, plinth, s.px(0.42), s.py(0.7))
        fall = spring(span(t, 0, 0.22))
        put(frame, item, s.px(0.42), s.py(0.52 * fall))
        hit = spring(span(t, 0.34, 0.55))
        if t > 0.26:
            put(frame, old if t < 0.34 else strike, s.px(0.61), s.py(0.33))
        if hit > 0:
            pulse = 1 + 0.05 * wave(t, 6)
            label_now = tilted(scaled(tag, max(2 - hit, 0.4) * pulse), 12 * wave(t, 2))
            put(frame, label_now, s.px(0.61), s.py(0.44))

    return paint


def before_after(s: Stage) -> Painter:
    """A bright half pushes a grey half aside and back."""
    item = s.sprite(0, 0.72)
    grey = Image.new("RGB", (s.width, s.height), (150, 148, 150))
    bright = s.backdrop.crop((0, 0, s.width, s.height))
    for picture in (grey, bright):
        put(picture, item, s.px(0.46), s.py(0.53))
    grey = Image.blend(grey.convert("L").convert("RGB"), grey, 0.12)
    before = words("之前 BEFORE", s.px(0.05), WHITE, edge=(70, 70, 76))
    after = words("之后 AFTER", s.px(0.05), WHITE, edge=dark(s.main, 0.3))
    put(grey, before, s.px(0.66), s.py(0.69))
    put(bright, after, s.px(0.22), s.py(0.69))
    knob = disc(s.px(0.13), WHITE, s.main)

    def paint(frame: Image.Image, t: float) -> None:
        share = 0.5 + 0.44 * wave(t, 1.25, -0.25 + 0.02)
        cut = min(max(round(s.width * share), 1), s.width - 1)
        frame.paste(bright.crop((0, 0, cut, s.height)), (0, 0))
        frame.paste(grey.crop((cut, 0, s.width, s.height)), (cut, 0))
        frame.paste(WHITE, (cut - max(s.px(0.005), 1), 0, cut + max(s.px(0.005), 1), s.height))
        put(frame, knob, cut, s.py(0.53))

    return paint


def close_up(s: Stage) -> Painter:
    """The camera glides over the thing, large, and points at details."""
    item = s.sprite(0, 1.25)
    dot = disc(s.px(0.06), WHITE, s.accent)
    notes = [
        words(text, s.px(0.048), WHITE, edge=dark(s.main, 0.6))
        for text in ("手工细节", "好材料", "看得见")
    ]

    def paint(frame: Image.Image, t: float) -> None:
        x, y = s.px(0.5 - 0.12 * wave(t, 0.5, 0.25)), s.py(0.56 - 0.07 * wave(t, 0.5))
        put(frame, item, x, y)
        for i, note in enumerate(notes):
            shown = spring(span(t, 0.15 + i * 0.24, 0.3 + i * 0.24))
            if shown > 0.05:
                spot = x - s.px(0.1 - 0.12 * i), y + s.px(-0.14 + 0.16 * i)
                put(frame, scaled(dot, shown * (1 + 0.1 * wave(t, 6))), *spot)
                put(frame, note, spot[0] + s.px(0.03) * shown, spot[1] - s.px(0.07))

    return paint


def rays(s: Stage) -> Painter:
    """Slow light rays turn behind the floating thing."""
    item = s.sprite(0, 0.74)
    quarter = max(s.height * 5 // 16, 4)
    burst = Image.new("L", (quarter, quarter))
    pen = ImageDraw.Draw(burst)
    for i in range(14):
        pen.pieslice((0, 0, quarter - 1, quarter - 1), i * 25.7, i * 25.7 + 12, fill=70)
    left, top = quarter // 2 - s.px(0.46) // 4, quarter // 2 - s.height // 8
    box = (left, top, left + s.width // 4, top + s.height // 4)

    def paint(frame: Image.Image, t: float) -> None:
        mask = burst.rotate(t * 60, Image.Resampling.BILINEAR).crop(box)
        frame.paste(WHITE, (0, 0), mask.resize(frame.size, Image.Resampling.BILINEAR))
        put(frame, tilted(item, 4 * wave(t, 1.5)), s.px(0.46), s.py(0.5 + 0.014 * wave(t, 2)))

    return paint


MOVES = {
    "turntable": turntable,
    "steam": steam,
    "unbox": unbox,
    "swatches": swatches,
    "colour_swap": colour_swap,
    "price_pop": price_pop,
    "before_after": before_after,
    "close_up": close_up,
    "rays": rays,
}
