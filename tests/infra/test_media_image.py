from __future__ import annotations

import io
import zlib
from collections.abc import Iterator

import pytest
from PIL import Image
from tests.infra import hostile_media as hostile

from dougong.infra.media import MediaRefused, normalise_image

IMAGE_LIMITS = {"max_bytes": 1_000_000, "max_pixels": 1_000_000, "longest_side": 100}


def an_image(
    kind: str, *, size: tuple[int, int] = (40, 20), orientation: int = 1, mode: str = "RGB"
) -> bytes:
    image = Image.new(mode, size)
    image.paste(Image.new(mode, (10, 10), "red"), (0, 0))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SecretCamera"
    out = io.BytesIO()
    image.save(out, kind, exif=exif, quality=95)
    return out.getvalue()


def decoded(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_image_is_encoded_again_without_metadata(kind: str) -> None:
    data = normalise_image(an_image(kind), **IMAGE_LIMITS)
    image = decoded(data)
    assert (image.format, image.size) == ("WEBP", (40, 20))
    assert b"SecretCamera" not in data
    assert "exif" not in image.info and "icc_profile" not in image.info
    assert data == normalise_image(an_image(kind), **IMAGE_LIMITS)


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, "tl"), (2, "tr"), (3, "br"), (4, "bl"), (5, "tl"), (6, "tr"), (7, "br"), (8, "bl")],
)
def test_an_image_comes_out_upright(orientation: int, corner: str) -> None:
    data = normalise_image(an_image("JPEG", orientation=orientation), **IMAGE_LIMITS)
    image = decoded(data).convert("RGB")
    assert image.size == ((40, 20) if orientation <= 4 else (20, 40))
    x = 3 if corner[1] == "l" else image.width - 4
    y = 3 if corner[0] == "t" else image.height - 4
    assert image.getpixel((x, y))[0] > 200


def test_a_large_image_is_scaled_down() -> None:
    big = normalise_image(an_image("JPEG", size=(400, 100)), **IMAGE_LIMITS)
    assert decoded(big).size == (100, 25)


def test_transparency_stays() -> None:
    image = decoded(normalise_image(an_image("PNG", mode="RGBA"), **IMAGE_LIMITS))
    assert image.mode == "RGBA"
    assert image.getpixel((39, 19))[3] == 0


def test_of_an_animation_the_first_frame_is_taken() -> None:
    out = io.BytesIO()
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "green")]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], duration=100)
    image = decoded(normalise_image(out.getvalue(), **IMAGE_LIMITS))
    assert getattr(image, "n_frames", 1) == 1
    assert image.convert("RGB").getpixel((8, 8))[0] > 200


def hostile_images() -> Iterator[tuple[str, bytes, set[str]]]:
    for kind in ("GIF", "BMP", "TIFF", "ICO", "PPM"):
        out = io.BytesIO()
        Image.new("RGB", (16, 16)).save(out, kind)
        yield kind, out.getvalue(), {"unknown_container"}
    yield "svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", {"unknown_container"}
    yield "eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", {"unknown_container"}
    yield "empty", b"", {"unknown_container"}
    yield "too big", an_image("JPEG") + bytes(1_000_000), {"too_big"}
    for side in (1_001, 16_384, 60_000, 2**31 - 1):
        declared = hostile.png_with_declared_size(side, side)
        yield f"png of {side}", declared, {"too_many_pixels", "damaged", "unknown_container"}
    yield "png without data", hostile.png_with_declared_size(500, 500), {"damaged"}
    for kind in ("JPEG", "PNG", "WEBP"):
        data = an_image(kind)
        yield f"cut {kind}", data[: len(data) * 3 // 4], {"damaged", "unknown_container"}
    bomb = zlib.compress(bytes(80_000_000), 9)
    yield "text bomb", hostile.png_with_chunk(b"zTXt", b"k\0\0" + bomb), {"damaged"}


@pytest.mark.parametrize(
    ("data", "codes"),
    [pytest.param(data, codes, id=name) for name, data, codes in hostile_images()],
)
def test_hostile_images_are_refused(data: bytes, codes: set[str]) -> None:
    with pytest.raises(MediaRefused) as caught:
        normalise_image(data, **IMAGE_LIMITS)
    assert caught.value.code in codes


def exif_tricks() -> Iterator[bytes]:
    """Loops, lies and noise where the orientation should be."""
    yield b"II*\0\x08\0\0\0" + b"\xff\xff" + b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0" * 5
    yield b"II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\xff\xff\xff\x7f\x08\0\0\0\x08\0\0\0"
    yield b"MM\0*\xff\xff\xff\xff"
    yield b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0"
    yield bytes(30_000)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")
@pytest.mark.parametrize("exif", list(exif_tricks()))
def test_exif_tricks_do_not_matter(exif: bytes) -> None:
    out = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(out, "JPEG", exif=b"Exif\0\0" + exif)
    assert decoded(normalise_image(out.getvalue(), **IMAGE_LIMITS)).size == (16, 16)


def test_flipped_images_are_decoded_or_refused() -> None:
    for seed in range(60):
        data = bytearray(an_image(("JPEG", "PNG", "WEBP")[seed % 3]))
        dice = hostile.random.Random(seed)
        for _ in range(1 + seed // 6):
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        try:
            assert max(decoded(normalise_image(bytes(data), **IMAGE_LIMITS)).size) <= 100
        except MediaRefused as refused:
            assert refused.code
