"""Draws the demo's pictures and clips in all cores, into the places where uploads would be kept."""

import asyncio
import io
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path

import msgspec
from PIL import Image

from dougong.catalog.images import StoredImage, keep_image
from dougong.cli.demo import story
from dougong.cli.demo.pictures import avatar, product_picture, store_logo
from dougong.cli.demo.scenes import NUMBERS, clip_path, render_clip
from dougong.infra.media import HlsResult, MediaLimits, transcode_to_hls
from dougong.infra.settings import settings

JPEG_QUALITY = 92
PICTURE_PX = 640
Done = Callable[[], None]


class Art(msgspec.Struct):
    """Where everything that was drawn is kept."""

    products: dict[str, StoredImage]
    avatars: dict[str, StoredImage]
    logos: dict[str, StoredImage]
    clips: dict[int, HlsResult]


def _keep(picture: Image.Image) -> StoredImage:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=JPEG_QUALITY)
    return asyncio.run(keep_image(data.getvalue()))


def _product(n: int) -> StoredImage:
    return _keep(product_picture(story.PRODUCTS[n], PICTURE_PX))


def _avatar(n: int) -> StoredImage:
    return _keep(avatar(story.CREATORS[n], 320))


def _logo(n: int) -> StoredImage:
    return _keep(store_logo(story.STORES[n], 320))


def _clip(number: int) -> HlsResult:
    """Draw a clip, and stream it through the same worker that uploads go through."""
    target = media_dir() / "videos" / f"demo-{number:02}"
    drawn = clip_path(settings().data_dir / "demo", number)
    drawn.parent.mkdir(parents=True, exist_ok=True)
    if not drawn.exists():
        render_clip(number, drawn)
    if target.exists():
        shutil.rmtree(target)
    return asyncio.run(transcode_to_hls(drawn, target, limits=MediaLimits()))


def media_dir() -> Path:
    return settings().data_dir / "media"


def draw_all(done: Done) -> Art:
    """Draw what is not there yet; `done` is called after each piece (400 in all)."""
    (media_dir() / "videos").mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(cpu_count(), mp_context=get_context("forkserver")) as pool:
        clips = [pool.submit(_clip, number) for number in NUMBERS]
        products = [pool.submit(_product, n) for n in range(len(story.PRODUCTS))]
        avatars = [pool.submit(_avatar, n) for n in range(len(story.CREATORS))]
        logos = [pool.submit(_logo, n) for n in range(len(story.STORES))]
        for group in (clips, products, avatars, logos):
            for future in group:
                future.add_done_callback(lambda _: done())
        return Art(
            products=_by([p.code for p in story.PRODUCTS], [f.result() for f in products]),
            avatars=_by([c.handle for c in story.CREATORS], [f.result() for f in avatars]),
            logos=_by([s.code for s in story.STORES], [f.result() for f in logos]),
            clips=dict(zip(NUMBERS, [f.result() for f in clips], strict=True)),
        )


def _by(names: Sequence[str], images: Sequence[StoredImage]) -> dict[str, StoredImage]:
    return dict(zip(names, images, strict=True))
