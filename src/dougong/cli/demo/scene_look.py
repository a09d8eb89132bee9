"""What one drawn product looks like, and the surface patterns that several kinds share."""

import random
from collections.abc import Sequence
from typing import NamedTuple, Self

from dougong.cli.demo.scene_brush import (
    WHITE,
    Brush,
    Colour,
    Point,
    arc,
    dark,
    light,
    rgb,
    turned,
)


class Look(NamedTuple):
    main: Colour
    second: Colour
    accent: Colour
    label: str
    dice: random.Random

    @classmethod
    def of(cls, palette: Sequence[str], label: str, source: random.Random) -> Self:
        main, second, accent = (rgb(code) for code in palette[:3])
        return cls(main, second, accent, label, source)


def ink_on(colour: Colour) -> Colour:
    """Black or white, whichever reads better on the colour."""
    bright = 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]
    return dark(colour, 0.75) if bright > 150 else WHITE


def petals(
    b: Brush, x: float, y: float, r: float, colour: Colour, *, count: int = 6, turn: float = 0
) -> None:
    """A flower with a shaded heart."""
    for i in range(count):
        angle = turn + i * 360 / count
        leaf = arc(x + r * 0.55, y, r * 0.5, r * 0.34, 0, 355)
        b.shape(turned(leaf, angle, (x, y)), light(colour, 0.12 * (i % 3)))
    b.oval(x, y, r * 0.28, r * 0.28, (248, 205, 92))


def leaf(b: Brush, x: float, y: float, length: float, colour: Colour, turn: float) -> None:
    body: list[Point] = [(0, 0), (0.3, -0.2), (0.7, -0.16), (1, 0), (0.7, 0.16), (0.3, 0.2)]
    outline = [(x + px * length, y + py * length) for px, py in body]
    b.smooth(turned(outline, turn, (x, y)), colour)
    vein = [(x + length * 0.08, y), (x + length * 0.9, y)]
    b.line(turned(vein, turn, (x, y)), light(colour, 0.35), max(length * 0.03, 0.25), alpha=170)


def pattern(b: Brush, look: Look, area: tuple[float, float, float, float]) -> None:
    """A printed pattern over an area (x, y, width, height); set `inside` first."""
    x, y, w, h = area
    kind = look.dice.choice(("stripes", "dots", "waves", "checks", "plain", "leaves"))
    if kind == "stripes":
        for i in range(int(h / 6) + 1):
            b.slab(x, y + i * 6, w, 2.2, look.accent, r=0, alpha=190)
    elif kind == "dots":
        for row in range(int(h / 7) + 1):
            for column in range(int(w / 7) + 1):
                shift = 3.5 if row % 2 else 0
                b.oval(x + column * 7 + shift, y + row * 7, 1.3, 1.3, look.accent, alpha=220)
    elif kind == "waves":
        for row in range(int(h / 7) + 1):
            points = [(x + i * 2, y + row * 7 + (i % 4 in (1, 2)) * 2) for i in range(int(w / 2))]
            b.line(points, look.accent, 0.9, alpha=200)
    elif kind == "checks":
        for i in range(int(w / 9) + 1):
            b.slab(x + i * 9, y, 3.2, h, look.accent, r=0, alpha=90)
        for i in range(int(h / 9) + 1):
            b.slab(x, y + i * 9, w, 3.2, look.accent, r=0, alpha=90)
    elif kind == "leaves":
        for _ in range(int(w * h / 90)):
            spot = x + look.dice.random() * w, y + look.dice.random() * h
            leaf(b, *spot, 7, look.accent, look.dice.uniform(0, 360))


def badge(b: Brush, look: Look, x: float, y: float, w: float, h: float) -> None:
    """A printed paper label with the brand name."""
    paper = light(look.second, 0.82)
    b.slab(x, y, w, h, paper, r=min(w, h) * 0.08)
    ink = dark(look.main, 0.45)
    b.slab(x + w * 0.06, y + h * 0.08, w * 0.88, 0.6, look.accent, r=0.2)
    b.text(look.label, x + w / 2, y + h * 0.42, h * 0.34, ink, fit=w * 0.84, weight="black")
    for i, share in enumerate((0.6, 0.4)):
        top = y + h * (0.68 + 0.12 * i)
        b.slab(x + w * (1 - share) / 2, top, w * share, h * 0.045, ink, r=0.3, alpha=130)
    b.slab(x + w * 0.06, y + h * 0.92 - 0.6, w * 0.88, 0.6, look.accent, r=0.2)


def shine(b: Brush, x: float, y: float, w: float, h: float, alpha: int = 90) -> None:
    b.slab(x, y, w, h, WHITE, r=w / 2, alpha=alpha)
