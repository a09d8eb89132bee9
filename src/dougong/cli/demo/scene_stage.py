"""What every clip is made of: a backdrop, sprites drawn once, particles, captions and easing."""

import math
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import NamedTuple

from PIL import Image, ImageDraw

from dougong.cli.demo.scene_brush import (
    INK,
    WHITE,
    Brush,
    Colour,
    Shade,
    cast_shadow,
    dark,
    dice,
    font,
    gradient,
    light,
    mix,
    rgb,
    soft_spot,
)
from dougong.cli.demo.scene_look import leaf, petals
from dougong.cli.demo.scene_objects import thing


class Script(NamedTuple):
    """One clip: what it shows, how it moves and what it says."""

    number: int
    move: str
    seconds: float
    things: tuple[str, ...]  # kinds of drawing, the main one first
    palette: tuple[str, str, str]
    label: str
    mood: str  # "light" or "dark"
    particles: str  # dots, petals, leaves, sparks or none
    lines: tuple[tuple[str, str], ...]  # captions in Chinese and English, in turn


Painter = Callable[[Image.Image, float], None]  # draws on the frame at a time from 0 to 1


def ease(t: float) -> float:
    t = min(max(t, 0), 1)
    return t * t * (3 - 2 * t)


def spring(t: float) -> float:
    """From 0 to 1 with one soft overshoot."""
    t = min(max(t, 0), 1)
    return 1 - math.cos(t * math.pi * 2.4) * math.pow(1 - t, 2.4)


def span(t: float, start: float, end: float) -> float:
    """How far t has come from start to end, between 0 and 1."""
    return min(max((t - start) / (end - start), 0), 1)


def wave(t: float, turns: float = 1, shift: float = 0) -> float:
    return math.sin((t * turns + shift) * math.tau)


class Stage:
    def __init__(self, script: Script, width: int, height: int) -> None:
        self.script, self.width, self.height = script, width, height
        self.main, self.second, self.accent = (rgb(code) for code in script.palette)
        self.dice = dice("stage", script.number)

    def px(self, share: float) -> int:
        """A share of the width in pixels."""
        return round(self.width * share)

    def py(self, share: float) -> int:
        return round(self.height * share)

    @cached_property
    def backdrop(self) -> Image.Image:
        """The backdrop is taller than the frame, so that the camera can drift over it."""
        tall = round(self.height * 1.3)
        if self.script.mood == "dark":
            tones = (dark(self.main, 0.72), dark(self.main, 0.35), dark(self.second, 0.62))
        else:
            tones = (light(self.second, 0.72), light(self.main, 0.62), light(self.accent, 0.5))
        picture = gradient(Shade(tones, 0.35, 1), self.width, tall)
        for _ in range(5):
            size = self.px(self.dice.uniform(0.5, 1.1))
            tone = mix(self.accent, WHITE, self.dice.uniform(0.3, 0.8))
            glow = soft_spot(size, size, tone, 80 if self.script.mood == "dark" else 120)
            at = self.px(self.dice.uniform(-0.4, 0.8)), round(self.dice.uniform(-0.1, 0.9) * tall)
            picture.paste(glow, at, glow)
        return picture

    def ground(self, t: float) -> Image.Image:
        top = round((self.backdrop.height - self.height) * ease(t))
        return self.backdrop.crop((0, top, self.width, top + self.height))

    def sprite(
        self, place: int, share: float, *, palette: tuple[str, ...] | None = None
    ) -> Image.Image:
        """The script's thing at that place, `share` of the width wide, with its shadow."""
        script = self.script
        size = max(self.px(share), 8)
        kind = script.things[place % len(script.things)]
        drawn = thing(
            kind, palette or script.palette, script.label, seed=script.number + place, size_px=size
        )
        shadow = cast_shadow(drawn, (30, 20, 40), 80)
        under = Image.new("RGBA", drawn.size)
        under.alpha_composite(shadow.crop((0, 0, size, size - size // 40)), (0, size // 40))
        under.alpha_composite(drawn)
        return under

    def palettes(self) -> list[tuple[str, str, str]]:
        main, second, accent = self.script.palette
        return [
            (main, second, accent),
            (accent, second, main),
            (second, main, accent),
            (main, accent, second),
        ]


def put(frame: Image.Image, sprite: Image.Image, x: float, y: float) -> None:
    """Lay the sprite with its centre at pixel (x, y)."""
    frame.paste(sprite, (round(x - sprite.width / 2), round(y - sprite.height / 2)), sprite)


def scaled(sprite: Image.Image, wide: float, high: float | None = None) -> Image.Image:
    high = wide if high is None else high
    size = max(round(sprite.width * wide), 1), max(round(sprite.height * high), 1)
    return sprite.resize(size, Image.Resampling.BILINEAR)


def tilted(sprite: Image.Image, degrees: float) -> Image.Image:
    return sprite.rotate(degrees, Image.Resampling.BILINEAR)


def faded(sprite: Image.Image, share: float) -> Image.Image:
    if share >= 0.99:
        return sprite
    copy = sprite.copy()
    copy.putalpha(sprite.getchannel("A").point([round(v * max(share, 0)) for v in range(256)]))
    return copy


def drawn(size: int, paint: Callable[[Brush], None]) -> Image.Image:
    brush = Brush(max(size, 4))
    paint(brush)
    return brush.finish()


def disc(size: int, rim: Colour, heart: Colour) -> Image.Image:
    """A round button: a rim and a heart."""

    def paint(b: Brush) -> None:
        b.oval(50, 50, 46, 46, rim)
        b.oval(50, 50, 26, 26, heart)

    return drawn(size, paint)


@lru_cache(maxsize=512)
def words(
    text: str, size: int, fill: Colour, *, weight: str = "black", edge: Colour | None = None
) -> Image.Image:
    """Text as a sprite; with an edge it stays readable on any picture."""
    face = font(weight, size)
    rim = max(size // 14, 1) if edge else 0
    left, top, right, bottom = face.getbbox(text, stroke_width=rim)
    sprite = Image.new("RGBA", (round(right - left) + 4, round(bottom - top) + 4))
    pen = ImageDraw.Draw(sprite)
    pen.text((2 - left, 2 - top), text, font=face, fill=fill, stroke_width=rim, stroke_fill=edge)
    return sprite


def fitting(text: str, size: int, wide: int, weight: str) -> int:
    length = font(weight, size).getlength(text)
    return size if length <= wide else max(int(size * wide / length), 4)


class Captions:
    """Lines that come in one after another, inside the part that the app leaves free."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        shade = stage.script.mood == "dark"
        ink, edge = (WHITE, dark(stage.main, 0.7)) if shade else (dark(stage.main, 0.72), WHITE)
        wide = stage.px(0.72)
        self.pairs = []
        for zh, en in stage.script.lines:
            big = fitting(zh, stage.px(0.125), wide, "black")
            small = fitting(en, stage.px(0.056), wide, "bold")
            title = words(zh, big, ink, edge=edge)
            self.pairs.append((title, words(en, small, ink, weight="bold", edge=edge)))
        self.bar = Image.new(
            "RGBA", (max(stage.px(0.16), 1), max(stage.px(0.014), 1)), (*stage.accent, 255)
        )

    def paint(self, frame: Image.Image, t: float) -> None:
        stage, count = self.stage, len(self.pairs)
        place = min(int(t * count), count - 1)
        local = t * count - place
        arrive, leave = (
            spring(span(local, 0, 0.28)),
            span(local, 0.9, 1) if place < count - 1 else 0,
        )
        title, under = self.pairs[place]
        style = (stage.script.number + place) % 3
        left, top = stage.px(0.06), stage.py(0.115)
        slide = (1 - arrive) * stage.width * 0.5
        lift = leave * stage.height * 0.02
        if style == 0:
            shown, at = title, (round(left - slide), round(top - lift))
        elif style == 1:
            shown = scaled(title, max(0.3 + 0.7 * arrive, 0.05)) if arrive != 1 else title
            at = (left, round(top - lift))
        else:
            shown, at = title, (left, round(top + (1 - arrive) * stage.height * 0.06 - lift))
        clear = span(local, 0, 0.12) * (1 - leave)
        shown = faded(shown, clear)
        frame.paste(shown, at, shown)
        low = top + title.height + stage.px(0.025)
        second = faded(under, span(local, 0.14, 0.28) * (1 - leave))
        frame.paste(second, (left, low), second)
        grow = ease(span(local, 0.2, 0.45)) * (1 - leave)
        if grow > 0.05:
            bar = self.bar.resize((max(round(self.bar.width * grow), 1), self.bar.height))
            frame.paste(bar, (left, low + under.height + stage.px(0.025)), bar)


class Particles:
    """Small things that drift over the frame for the whole clip."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.kind = stage, stage.script.particles
        count = 0 if self.kind == "none" else 16
        self.bits = [self._bit(i) for i in range(6)] if count else []
        roll = stage.dice.uniform
        self.paths = [(roll(0, 1), roll(0, 1), roll(0.2, 0.7), roll(0, 1)) for _ in range(count)]

    def _bit(self, place: int) -> Image.Image:
        stage = self.stage
        tone = (stage.accent, light(stage.main, 0.4), light(stage.second, 0.2))[place % 3]
        size = max(stage.px(0.03 + 0.012 * place), 5)
        if self.kind == "petals":
            return drawn(size, lambda b: petals(b, 50, 50, 46, light(tone, 0.25), turn=place * 20))
        if self.kind == "leaves":
            return drawn(size, lambda b: leaf(b, 12, 50, 76, tone, place * 50 - 40))
        if self.kind == "sparks":
            return soft_spot(size, size, light(tone, 0.6), 255)
        return drawn(size, lambda b: b.oval(50, 50, 40, 40, light(tone, 0.35), alpha=150))

    def paint(self, frame: Image.Image, t: float) -> None:
        rising = self.kind in ("dots", "sparks")
        for i, (x, y, speed, shift) in enumerate(self.paths):
            way = (y + speed * t * (-1 if rising else 1)) % 1
            across = x + 0.03 * wave(t, 2, shift)
            bit = self.bits[i % len(self.bits)]
            put(frame, bit, across * self.stage.width, (way * 1.1 - 0.05) * self.stage.height)


def podium(stage: Stage, share: float = 0.72) -> Image.Image:
    """A round plinth for the thing to stand on."""
    tone = light(stage.main, 0.45) if stage.script.mood == "light" else dark(stage.main, 0.2)

    def paint(b: Brush) -> None:
        b.oval(50, 62, 49, 18, INK, alpha=40)
        b.oval(50, 56, 48, 17, Shade((dark(tone, 0.1), light(tone, 0.2), dark(tone, 0.2)), 1, 0))
        b.oval(50, 50, 48, 17, Shade((light(tone, 0.5), light(tone, 0.15)), 0.3, 1))

    return drawn(stage.px(share), paint)
