"""The drawing kit behind the demo pictures and clips: shaded shapes and text on a unit grid.

A brush draws on a transparent square of 100 by 100 units at twice the wanted size; `finish`
halves it, which smooths every edge. Shading is done by gradients, never by per-pixel loops.
"""

import math
import random
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from dougong.infra.fonts import font_file, fonts_dir

Colour = tuple[int, int, int]
Point = tuple[float, float]
WHITE: Colour = (255, 255, 255)
INK: Colour = (38, 36, 44)


class Shade(NamedTuple):
    """A linear gradient: colours spread evenly from one side of a shape to the other."""

    colours: tuple[Colour, ...]
    x: float  # direction, (1, 0) is left to right and (0, 1) is top to bottom
    y: float


Fill = Colour | Shade


@lru_cache(maxsize=256)
def font(weight: str, size_px: int) -> ImageFont.FreeTypeFont:
    path = font_file(fonts_dir(), weight)
    return ImageFont.truetype(path, max(size_px, 4), layout_engine=ImageFont.Layout.BASIC)


def dice(*parts: object) -> random.Random:
    """A random source that depends on nothing but its arguments."""
    seed = zlib.crc32("/".join(map(str, parts)).encode())
    return random.Random(seed)


def rgb(code: str) -> Colour:
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    red, green, blue = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return red, green, blue


def light(colour: Colour, share: float = 0.3) -> Colour:
    return mix(colour, WHITE, share)


def dark(colour: Colour, share: float = 0.3) -> Colour:
    return mix(colour, (20, 14, 30), share)


def down(*colours: Colour) -> Shade:
    return Shade(colours, 0, 1)


def slant(*colours: Colour) -> Shade:
    return Shade(colours, 1, 1)


def round_shade(colour: Colour) -> Shade:
    """Left-to-right shading that makes a flat outline read as a cylinder."""
    glow = light(colour, 0.38)
    tones = (dark(colour, 0.28), light(colour, 0.12), glow, light(colour, 0.1), colour, colour)
    return Shade((*tones, dark(colour, 0.14), dark(colour, 0.3)), 1, 0)


def metal(colour: Colour = (196, 200, 208)) -> Shade:
    low, high = dark(colour, 0.35), light(colour, 0.7)
    return Shade((low, colour, high, colour, dark(colour, 0.2), high, colour, low), 1, 0)


def gradient(fill: Shade, width: int, height: int) -> Image.Image:
    """The gradient as an RGB picture of that many pixels."""
    strip = Image.new("RGB", (len(fill.colours), 1))
    strip.putdata(fill.colours)
    strip = strip.resize((512, 1), Image.Resampling.BICUBIC)
    if not fill.y:
        return strip.resize((width, 1)).resize((width, height), Image.Resampling.NEAREST)
    span = max(abs(fill.x) * width + abs(fill.y) * height, 1)
    step = 511 / span
    numbers = (fill.x * step, fill.y * step, 0.5, 0.0, 0.0, 0.5)
    return strip.transform((width, height), Image.Transform.AFFINE, numbers)


def curve(points: Sequence[Point], *, closed: bool = True, steps: int = 10) -> list[Point]:
    """A smooth line through the points (Catmull-Rom)."""
    count = len(points)
    last = count if closed else count - 1
    out: list[Point] = []
    for i in range(last):
        around = (i - 1, i, i + 1, i + 2)
        if closed:
            a, b, c, d = (points[j % count] for j in around)
        else:
            a, b, c, d = (points[min(max(j, 0), count - 1)] for j in around)
        for step in range(steps):
            t = step / steps
            out.append((_spline(a[0], b[0], c[0], d[0], t), _spline(a[1], b[1], c[1], d[1], t)))
    return out if closed else [*out, points[-1]]


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + _cubic(a, b, c, d, t))


def _cubic(a: float, b: float, c: float, d: float, t: float) -> float:
    return (3 * b - a - 3 * c + d) * t**3


def lathe(profile: Sequence[Point], *, centre: float = 50) -> list[Point]:
    """Outline of a turned body from (height, radius) pairs, top to bottom."""
    side = curve([(centre + r, y) for y, r in profile], closed=False)
    return [*side, *[(2 * centre - x, y) for x, y in reversed(side)]]


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> list[Point]:
    """Points of an ellipse from start to end, degrees clockwise from three o'clock."""
    count = max(int(abs(end - start) / 5), 2)
    turns = [math.radians(start + (end - start) * i / count) for i in range(count + 1)]
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in turns]


def turned(points: Iterable[Point], degrees: float, around: Point = (50, 50)) -> list[Point]:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    ox, oy = around
    moved = [(x - ox, y - oy) for x, y in points]
    return [(ox + x * cos - y * sin, oy + x * sin + y * cos) for x, y in moved]


class Brush:
    def __init__(self, size_px: int) -> None:
        self.size_px = size_px
        self.scale = size_px * 2 / 100
        self.layer = Image.new("RGBA", (size_px * 2, size_px * 2))
        self.clip: Image.Image | None = None

    def finish(self) -> Image.Image:
        return self.layer.reduce(2)

    def inside(self, points: Sequence[Point] | None) -> None:
        """Keep what follows inside this outline; None lifts the limit."""
        self.clip = None
        if points is not None:
            self.clip = Image.new("L", self.layer.size)
            ImageDraw.Draw(self.clip).polygon(self._pixels(points), fill=255)

    def shape(self, points: Sequence[Point], fill: Fill, *, alpha: int = 255) -> None:
        pixels = self._pixels(points)
        box = self._box(min(pixels), pixels)
        if box is None:
            return
        mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
        ImageDraw.Draw(mask).polygon([(x - box[0], y - box[1]) for x, y in pixels], fill=alpha)
        self._stamp(mask, box, fill, solid=alpha == 255)

    def smooth(self, points: Sequence[Point], fill: Fill, *, alpha: int = 255) -> None:
        self.shape(curve(points), fill, alpha=alpha)

    def oval(
        self, x: float, y: float, rx: float, ry: float, fill: Fill, *, alpha: int = 255
    ) -> None:
        s = self.scale
        pixels = [((x - rx) * s, (y - ry) * s), ((x + rx) * s, (y + ry) * s)]
        box = self._box(pixels[0], pixels)
        if box is None:
            return
        mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
        corners = [(px - box[0], py - box[1]) for px, py in pixels]
        ImageDraw.Draw(mask).ellipse(corners, fill=alpha)
        self._stamp(mask, box, fill, solid=alpha == 255)

    def slab(
        self, x: float, y: float, w: float, h: float, fill: Fill, *, r: float = 2, alpha: int = 255
    ) -> None:
        """A rectangle from (x, y) with rounded corners of radius r."""
        self.shape(slab_points(x, y, w, h, r), fill, alpha=alpha)

    def line(
        self, points: Sequence[Point], fill: Colour, width: float, *, alpha: int = 255
    ) -> None:
        s = self.scale
        pixels = self._pixels(points)
        box = self._box(pixels[0], pixels, margin=math.ceil(width * s))
        if box is None:
            return
        mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
        pen = ImageDraw.Draw(mask)
        moved = [(px - box[0], py - box[1]) for px, py in pixels]
        pen.line(moved, fill=alpha, width=max(round(width * s), 1), joint="curve")
        radius = width * s / 2
        for px, py in (moved[0], moved[-1]):
            pen.ellipse((px - radius, py - radius, px + radius, py + radius), fill=alpha)
        self._stamp(mask, box, fill, solid=alpha == 255)

    def text(
        self,
        words: str,
        x: float,
        y: float,
        size: float,
        fill: Colour,
        *,
        weight: str = "bold",
        fit: float = 100,
        alpha: int = 255,
    ) -> None:
        """Words centred on (x, y), made smaller until no wider than fit."""
        face = font(weight, round(size * self.scale))
        width = face.getlength(words)
        if width > fit * self.scale:
            face = font(weight, round(size * self.scale * fit * self.scale / width))
        pen = ImageDraw.Draw(self.layer)
        at = (x * self.scale, y * self.scale)
        if alpha == 255:
            pen.text(at, words, font=face, fill=(*fill, 255), anchor="mm")
            return
        left, top, right, bottom = (round(v) for v in pen.textbbox(at, words, face, anchor="mm"))
        mask = Image.new("L", (max(right - left, 1), max(bottom - top, 1)))
        moved = (at[0] - left, at[1] - top)
        ImageDraw.Draw(mask).text(moved, words, font=face, fill=alpha, anchor="mm")
        self._stamp(mask, (left, top, left + mask.width, top + mask.height), fill, solid=False)

    def _pixels(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self.scale, y * self.scale) for x, y in points]

    def _box(
        self, first: Point, pixels: Sequence[Point], *, margin: int = 1
    ) -> tuple[int, int, int, int] | None:
        left = max(math.floor(min(x for x, _ in pixels)) - margin, 0)
        top = max(math.floor(min(y for _, y in pixels)) - margin, 0)
        right = min(math.ceil(max(x for x, _ in pixels)) + margin, self.layer.width)
        bottom = min(math.ceil(max(y for _, y in pixels)) + margin, self.layer.height)
        return (left, top, right, bottom) if right > left and bottom > top else None

    def _stamp(
        self, mask: Image.Image, box: tuple[int, int, int, int], fill: Fill, *, solid: bool
    ) -> None:
        if self.clip is not None:
            mask = ImageChops.multiply(mask, self.clip.crop(box))
        if isinstance(fill, Shade):
            paint = gradient(fill, mask.width, mask.height)
        else:
            paint = Image.new("RGB", mask.size, fill)
        if solid:
            paint.putalpha(255)
            self.layer.paste(paint, box, mask)
        else:
            paint.putalpha(mask)
            self.layer.alpha_composite(paint, box[:2])


def slab_points(x: float, y: float, w: float, h: float, r: float) -> list[Point]:
    r = min(r, w / 2, h / 2)
    corners = [(x + w - r, y + r, 270), (x + w - r, y + h - r, 0), (x + r, y + h - r, 90)]
    corners.append((x + r, y + r, 180))
    return [p for cx, cy, a in corners for p in arc(cx, cy, r, r, a, a + 90)]


def soft_mask(width: int, height: int, strength: int) -> Image.Image:
    """A round mask that fades to nothing at the edge."""
    mask = ImageChops.invert(Image.radial_gradient("L"))
    mask = mask.point([round(max(v - 72, 0) / 183 * strength) for v in range(256)])
    return mask.resize((max(width, 1), max(height, 1)), Image.Resampling.BILINEAR)


def soft_spot(width: int, height: int, colour: Colour, strength: int) -> Image.Image:
    """A glow or shadow that fades to nothing at the edge."""
    mask = soft_mask(width, height, strength)
    spot = Image.new("RGBA", mask.size, colour)
    spot.putalpha(mask)
    return spot


def shadow_mask(layer: Image.Image, strength: int) -> Image.Image:
    """A blurred mask of the layer's outline, for a shadow under it."""
    small = layer.getchannel("A").reduce(8)
    small = small.filter(ImageFilter.GaussianBlur(max(small.width / 40, 0.6)))
    mask = small.point([v * strength // 255 for v in range(256)])
    return mask.resize(layer.size, Image.Resampling.BILINEAR)


def cast_shadow(layer: Image.Image, colour: Colour, strength: int) -> Image.Image:
    """A blurred copy of the layer's outline, for laying under it."""
    shadow = Image.new("RGBA", layer.size, colour)
    shadow.putalpha(shadow_mask(layer, strength))
    return shadow
