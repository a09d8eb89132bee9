"""Every kind of thing the demo market sells, as a drawing."""

from collections.abc import Callable
from functools import lru_cache

from PIL import Image

from dougong.cli.demo import (
    scene_objects_care,
    scene_objects_home,
    scene_objects_play,
    scene_objects_wear,
)
from dougong.cli.demo.scene_brush import Brush, dice
from dougong.cli.demo.scene_look import Look

KINDS: dict[str, Callable[[Brush, Look], None]] = {
    **scene_objects_home.KINDS,
    **scene_objects_care.KINDS,
    **scene_objects_wear.KINDS,
    **scene_objects_play.KINDS,
}


@lru_cache(maxsize=8)
def thing(
    kind: str, palette: tuple[str, ...], label: str, *, seed: int, size_px: int
) -> Image.Image:
    """One object on a transparent square. The same arguments draw the same picture."""
    brush = Brush(size_px)
    look = Look.of(palette, label, dice(kind, palette, label, seed))
    KINDS[kind](brush, look)
    return brush.finish()
