"""How clips move, second part: places, journeys and several things at once."""

import math

from PIL import Image, ImageDraw

from dougong.cli.demo.scene_brush import (
    INK,
    WHITE,
    Brush,
    Point,
    curve,
    dark,
    down,
    light,
    mix,
    slant,
    soft_spot,
)
from dougong.cli.demo.scene_stage import (
    Painter,
    Stage,
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


def fly_in(s: Stage) -> Painter:
    """Small things fly in on curves and gather round the main one."""
    item = s.sprite(0, 0.56)
    small = [s.sprite(1 + i, 0.24) for i in range(len(s.script.things) - 1)]

    def paint(frame: Image.Image, t: float) -> None:
        for i in range(6):
            come = ease(span(t, 0.05 + i * 0.09, 0.3 + i * 0.09))
            angle = i * math.tau / 6 + t * 1.2 + (1 - come) * 2
            far = 0.36 + (1 - come) * 0.9
            x, y = 0.46 + math.cos(angle) * far * 0.86, 0.52 + math.sin(angle) * far * 0.46
            if come > 0:
                put(frame, small[i % len(small)], s.px(x), s.py(y))
        put(frame, scaled(item, 0.85 + 0.15 * spring(span(t, 0.55, 0.75))), s.px(0.46), s.py(0.52))

    return paint


def orbit(s: Stage) -> Painter:
    """Things circle in depth: near ones large, far ones small."""
    items = [s.sprite(i, 0.5) for i in range(4)]
    plinth = podium(s, 0.95)

    def paint(frame: Image.Image, t: float) -> None:
        put(frame, plinth, s.px(0.47), s.py(0.66))
        turns = sorted((math.sin((t * 1.2 + i / 4) * math.tau), i) for i in range(4))
        for depth, i in turns:
            x = 0.46 + 0.3 * math.cos((t * 1.2 + i / 4) * math.tau)
            put(frame, scaled(items[i], 0.72 + 0.26 * depth), s.px(x), s.py(0.54 + 0.055 * depth))

    return paint


def pour(s: Stage) -> Painter:
    """The kettle tips, water runs, the cup fills and steams."""
    kettle, cup = s.sprite(0, 0.62), s.sprite(1, 0.44)
    puff = soft_spot(s.px(0.2), s.px(0.26), WHITE, 130)
    water = mix((196, 226, 240), s.accent, 0.25)

    def paint(frame: Image.Image, t: float) -> None:
        tip = 32 * (ease(span(t, 0.1, 0.25)) - ease(span(t, 0.8, 0.92)))
        put(frame, tilted(kettle, tip), s.px(0.62), s.py(0.43) + s.py(0.004) * wave(t, 8))
        run = span(t, 0.24, 0.32)
        if run > 0 and t < 0.84:
            pen = ImageDraw.Draw(frame)
            top, low = s.py(0.43), s.py(0.43 + 0.22 * run)
            for off, tone in ((0.012, water), (0.004, light(water, 0.6))):
                sway = s.px(0.004) * wave(t, 14)
                pen.rectangle(
                    (s.px(0.345 - off) + sway, top, s.px(0.345 + off) + sway, low), fill=tone
                )
        put(frame, cup, s.px(0.34), s.py(0.67))
        for i in range(4):
            way = (t * 2 + i / 4) % 1
            clear = span(t, 0.35, 0.5) * math.sin(way * math.pi)
            if clear > 0:
                put(
                    frame,
                    faded(puff, clear),
                    s.px(0.34 + 0.05 * wave(way, 1, i / 3)),
                    s.py(0.6 - 0.16 * way),
                )

    return paint


def walk(s: Stage) -> Painter:
    """A shoe steps along a road; hills and posts go by at their own speeds."""
    shoe = s.sprite(0, 0.58)
    dust = soft_spot(s.px(0.14), s.px(0.09), light(s.second, 0.6), 200)
    hills = _range(s, light(s.main, 0.35), 0.16, 5)
    near = _range(s, mix(s.main, s.second, 0.5), 0.1, 8)
    road = Image.new("RGB", (s.width, s.py(0.34)), dark(s.second, 0.25))

    def paint(frame: Image.Image, t: float) -> None:
        _scroll(frame, hills, t * 0.5, s.py(0.52))
        _scroll(frame, near, t * 1.2, s.py(0.6))
        frame.paste(road, (0, s.py(0.69)))
        pen = ImageDraw.Draw(frame)
        for i in range(5):
            x = s.px((i * 0.3 - t * 2.4) % 1.5 - 0.25)
            pen.rectangle((x, s.py(0.74), x + s.px(0.14), s.py(0.752)), fill=light(s.accent, 0.3))
        beat = t * 7 % 1
        hop = math.sin(beat * math.pi)
        put(frame, tilted(shoe, 14 * math.cos(beat * math.pi)), s.px(0.42), s.py(0.6 - 0.07 * hop))
        if beat < 0.4:
            put(frame, faded(dust, 1 - beat * 2.4), s.px(0.24 - 0.2 * beat), s.py(0.71))

    return paint


def _range(s: Stage, tone: tuple[int, int, int], high: float, peaks: int) -> Image.Image:
    """A seamless strip of hills, twice the frame wide."""
    tall = s.py(high + 0.3)
    strip = Image.new("RGBA", (s.width * 2, tall))
    tops = [s.dice.uniform(0, 1) for _ in range(peaks)]
    line = [(i / peaks, tops[i % peaks]) for i in range(-2, peaks + 3)]
    smooth = curve(line, closed=False)
    for half in range(2):
        points: list[Point] = [((x + half) * s.width, (1 - y) * s.py(high)) for x, y in smooth]
        pen = ImageDraw.Draw(strip)
        pen.polygon([*points, (points[-1][0], tall), (points[0][0], tall)], fill=(*tone, 255))
    return strip


def _scroll(frame: Image.Image, strip: Image.Image, way: float, y: int) -> None:
    left = round(way % 1 * frame.width)
    part = strip.crop((left, 0, left + frame.width, strip.height))
    frame.paste(part, (0, y), part)


def mountains(s: Stage) -> Painter:
    """Ranges slide past behind a camp; the moon climbs and the lantern breathes."""
    layers = [
        (
            _range(s, mix(s.main, dark(s.second, 0.25 + 0.1 * i), 0.28 + 0.22 * i), 0.2, 4 + i),
            0.36 + 0.09 * i,
            0.15 + 0.2 * i,
        )
        for i in range(4)
    ]
    camp = s.sprite(0, 0.62)
    glow = soft_spot(s.px(0.9), s.px(0.6), (255, 206, 120), 150)
    moon = soft_spot(s.px(0.34), s.px(0.34), (255, 246, 214), 255)

    def paint(frame: Image.Image, t: float) -> None:
        put(frame, moon, s.px(0.66), s.py(0.42 - 0.12 * ease(t)))
        for strip, y, speed in layers:
            _scroll(frame, strip, t * speed, s.py(y))
        put(frame, faded(glow, 0.75 + 0.25 * wave(t, 5)), s.px(0.44), s.py(0.66))
        put(frame, camp, s.px(0.44), s.py(0.62))

    return paint


def rain(s: Stage) -> Painter:
    """Rain runs down a window; a book and warm light wait inside."""
    item = s.sprite(0, 0.62)
    pane = s.backdrop.crop((0, 0, s.width, s.height))
    pen = ImageDraw.Draw(pane)
    frame_tone = light(s.second, 0.15)
    for x in (0.0, 0.46, 0.94):
        pen.rectangle((s.px(x), 0, s.px(x + 0.035), s.py(0.72)), fill=frame_tone)
    pen.rectangle((0, s.py(0.36), s.width, s.py(0.378)), fill=frame_tone)
    pen.rectangle((0, s.py(0.7), s.width, s.height), fill=dark(s.second, 0.3))
    pen.rectangle((0, s.py(0.7), s.width, s.py(0.72)), fill=light(s.second, 0.3))
    lamp = soft_spot(s.px(1.2), s.px(1.2), (255, 210, 130), 150)
    put(pane, lamp, s.px(0.4), s.py(0.6))
    drop = drawn(
        s.px(0.07),
        lambda b: b.smooth([(50, 5), (60, 50), (50, 95), (40, 50)], (214, 232, 246), alpha=190),
    )
    drops = [(s.dice.random(), s.dice.random(), s.dice.uniform(1, 3)) for _ in range(46)]

    def paint(frame: Image.Image, t: float) -> None:
        frame.paste(pane)
        for x, y, speed in drops:
            put(frame, drop, s.px(x), s.py((y + t * speed) % 1 * 0.7))
        put(frame, item, s.px(0.44), s.py(0.59) + s.py(0.004) * wave(t, 2))

    return paint


def _cat(b: Brush, coat: tuple[int, int, int]) -> None:
    b.line(curve([(18, 58), (6, 46), (8, 30), (16, 24)], closed=False), coat, 6)
    b.smooth(
        [(14, 60), (26, 46), (52, 44), (70, 52), (68, 70), (40, 74), (18, 72)],
        slant(light(coat), coat),
    )
    for x in (22, 32, 56, 66):
        b.slab(x, 66, 7, 20, dark(coat, 0.06), r=3.5)
    for x in (66, 84):
        b.shape([(x - 7, 40), (x, 22), (x + 7, 40)], coat)
        b.shape([(x - 3.5, 38), (x, 28), (x + 3.5, 38)], (244, 170, 170))
    b.oval(75, 46, 17, 14.5, slant(light(coat), coat))
    for x in (70, 82):
        b.oval(x, 45, 2.2, 3, INK)
        b.oval(x + 0.7, 43.8, 0.8, 1, WHITE)
    b.shape([(74, 50), (78, 50), (76, 52.4)], (232, 110, 120))
    for i in range(3):
        b.slab(30 + i * 9, 46, 3.4, 12, dark(coat, 0.25), r=1.7, alpha=150)


def chase(s: Stage) -> Painter:
    """A cat runs after a rolling thing and catches it."""
    cat = drawn(s.px(0.6), lambda b: _cat(b, mix(s.accent, (236, 160, 84), 0.5)))
    item = s.sprite(0, 0.36)
    floor = Image.new("RGB", (s.width, s.py(0.4)), light(s.main, 0.35))
    heart = drawn(s.px(0.14), lambda b: b.text("♥", 50, 50, 90, (240, 84, 110)))

    def paint(frame: Image.Image, t: float) -> None:
        frame.paste(floor, (0, s.py(0.66)))
        roll = ease(span(t, 0, 0.72))
        hop = abs(wave(t, 5)) * (1 - span(t, 0.7, 0.76))
        put(
            frame,
            tilted(item, -720 * roll),
            s.px(-0.1 + 0.78 * roll + 0.06),
            s.py(0.64 - 0.02 * hop),
        )
        lean = 6 * wave(t, 10) * (1 - span(t, 0.7, 0.76))
        put(
            frame,
            tilted(cat, lean),
            s.px(-0.6 + 0.93 * ease(span(t, 0.08, 0.74))),
            s.py(0.58 - 0.05 * hop),
        )
        love = span(t, 0.76, 0.98)
        if love > 0:
            put(
                frame,
                faded(heart, 1.4 - love),
                s.px(0.5 + 0.03 * wave(t, 4)),
                s.py(0.48 - 0.12 * love),
            )

    return paint


def countdown(s: Stage) -> Painter:
    """Three, two, one: a ring runs out and the deal opens."""
    item = s.sprite(0, 0.7)
    digits = [words(str(n), s.px(0.52), WHITE, edge=dark(s.main, 0.5)) for n in (3, 2, 1)]
    burst = soft_spot(s.px(1.5), s.px(1.5), light(s.accent, 0.5), 220)
    wide = s.px(0.33)

    def paint(frame: Image.Image, t: float) -> None:
        x, y = s.px(0.45), s.py(0.52)
        if t < 0.54:
            step, local = int(t / 0.18), t / 0.18 % 1
            pen = ImageDraw.Draw(frame)
            box = (x - wide, y - wide, x + wide, y + wide)
            pen.ellipse(box, outline=light(s.main, 0.5), width=max(s.px(0.02), 1))
            pen.arc(box, -90, -90 + 360 * (1 - local), fill=s.accent, width=max(s.px(0.03), 1))
            put(frame, scaled(digits[step], 0.75 + 0.25 * spring(local)), x, y)
            return
        open_up = spring(span(t, 0.54, 0.72))
        put(frame, faded(burst, 1 - span(t, 0.6, 1) * 0.6), x, y)
        put(frame, scaled(item, max(0.4 + 0.6 * open_up, 0.1)), x, y + s.py(0.008) * wave(t, 6))

    return paint


def steps(s: Stage) -> Painter:
    """Numbered cards come in from the side, one for each step."""
    cards = []
    for i in range(3):

        def face(b: Brush, i: int = i) -> None:
            b.slab(2, 31, 96, 38, dark(s.main, 0.6), r=6, alpha=60)
            b.slab(2, 30, 96, 37, down(WHITE, light(s.second, 0.7)), r=6)
            b.oval(16, 48.5, 9.5, 9.5, (s.main, s.accent, dark(s.main))[i])
            b.text(str(i + 1), 16, 48, 13, WHITE, weight="black")
            zh, en = (("准备", "Prepare"), ("动手", "Make"), ("享用", "Enjoy"))[i]
            b.text(zh, 39, 45, 11, dark(s.main, 0.5), weight="black")
            b.text(en, 39, 57, 6, dark(s.main, 0.3), weight="bold")

        whole = drawn(s.px(0.74), face)
        card = whole.crop((0, whole.height * 28 // 100, whole.width, whole.height * 71 // 100))
        small = s.sprite(i, 0.27)
        card.alpha_composite(
            small, (card.width * 58 // 100, max((card.height - small.height) // 2, 0))
        )
        cards.append(card)

    def paint(frame: Image.Image, t: float) -> None:
        for i, card in enumerate(cards):
            come = spring(span(t, 0.06 + i * 0.25, 0.26 + i * 0.25))
            side = -1 if i % 2 else 1
            focus = 1 + 0.012 * wave(t, 3, i / 3)
            put(frame, scaled(card, focus), s.px(0.43 + side * (1 - come)), s.py(0.348 + i * 0.155))

    return paint


def drop_stack(s: Stage) -> Painter:
    """Things fall one after another and bounce into place."""
    items = [s.sprite(i, 0.4) for i in range(5)]
    spots = ((0.25, 0.65), (0.6, 0.65), (0.43, 0.66), (0.3, 0.5), (0.56, 0.5))

    def paint(frame: Image.Image, t: float) -> None:
        for i, (x, y) in enumerate(spots):
            fall = spring(span(t, 0.04 + i * 0.13, 0.22 + i * 0.13))
            if fall > 0.02:
                put(
                    frame,
                    tilted(items[i], (1 - fall) * 60 + 2 * wave(t, 2, i / 5)),
                    s.px(x),
                    s.py(y * fall),
                )

    return paint


def lights(s: Stage) -> Painter:
    """The room is dark, then the lamp comes on and the things appear."""
    item, other = s.sprite(0, 0.66), s.sprite(1, 0.34)
    glow = soft_spot(s.px(1.7), s.px(1.7), (255, 220, 150), 210)
    night = Image.new("RGB", (s.width, s.height), (14, 14, 28))
    table = Image.new("RGB", (s.width, s.py(0.34)), dark(s.second, 0.35))

    def paint(frame: Image.Image, t: float) -> None:
        on = ease(span(t, 0.22, 0.27)) * (0.94 + 0.06 * wave(t, 4))
        frame.paste(table, (0, s.py(0.72)))
        if on > 0.1:
            put(frame, faded(glow, on), s.px(0.4), s.py(0.5))
        put(frame, item, s.px(0.4), s.py(0.54))
        put(frame, other, s.px(0.68), s.py(0.66))
        if on < 0.9:
            frame.paste(Image.blend(frame, night, 0.78 * (1 - on)))

    return paint


MOVES = {
    "fly_in": fly_in,
    "orbit": orbit,
    "pour": pour,
    "walk": walk,
    "mountains": mountains,
    "rain": rain,
    "chase": chase,
    "countdown": countdown,
    "steps": steps,
    "drop_stack": drop_stack,
    "lights": lights,
}
