"""Thirty short vertical clips for the demo market, drawn frame by frame."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from PIL import Image

from dougong.cli.demo import scene_moves, scene_moves_wide
from dougong.cli.demo.scene_scripts import SCRIPTS
from dougong.cli.demo.scene_stage import Captions, Particles, Stage
from dougong.infra.media_encode import encode_frames

NUMBERS = tuple(SCRIPTS)  # 1 to 30
MOVES = {**scene_moves.MOVES, **scene_moves_wide.MOVES}
CLIP_WIDTH_PX, CLIP_HEIGHT_PX, CLIP_FPS = 540, 960, 24


def scene(
    number: int, *, width: int = CLIP_WIDTH_PX, height: int = CLIP_HEIGHT_PX, fps: int = CLIP_FPS
) -> Iterator[Image.Image]:
    """The frames of one clip in RGB, 5 to 8 seconds of them.

    Words stay out of the lowest 28 % and the right 18 %, where the app draws its own controls.
    Raises KeyError for a number outside 1 to 30.
    """
    script = SCRIPTS[number]
    stage = Stage(script, width, height)
    paint = MOVES[script.move](stage)
    particles, captions = Particles(stage), Captions(stage)
    count = round(script.seconds * fps)
    for place in range(count):
        t = place / max(count - 1, 1)
        frame = stage.ground(t)
        paint(frame, t)
        particles.paint(frame, t)
        captions.paint(frame, t)
        yield frame


def render_clip(number: int, path: Path) -> None:
    """Write one clip as an MP4. A file half written by a stopped run is never left at `path`."""
    part = path.with_name(f".{path.stem}.{os.getpid()}.mp4")
    try:
        encode_frames(
            scene(number), path=part, fps=CLIP_FPS, width=CLIP_WIDTH_PX, height=CLIP_HEIGHT_PX
        )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def clip_path(target: Path, number: int) -> Path:
    return target / f"clip-{number:02d}.mp4"


def render_all(target: Path, numbers: Iterable[int]) -> None:
    """Write the clips as clip-01.mp4 and so on, on every core; files that exist are kept."""
    target.mkdir(parents=True, exist_ok=True)
    wanted = [number for number in numbers if not clip_path(target, number).exists()]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(render_clip, number, clip_path(target, number)) for number in wanted]
        for job in jobs:
            job.result()
