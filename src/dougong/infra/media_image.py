"""One uploaded picture to one clean WebP."""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError

from dougong.infra.media_limits import MediaRefused

IMAGE_FORMATS = ("JPEG", "PNG", "WEBP")
WEBP_QUALITY = 82
EXIF_ORIENTATION = 0x0112
# Exif 2.32, table 4.6.4: what has to be done to see the picture upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def normalise_image(data: bytes, *, max_bytes: int, max_pixels: int, longest_side: int) -> bytes:
    """Re-encode a JPEG, PNG or WebP as WebP: upright, no metadata, no colour profile.

    max_bytes: of the upload; max_pixels: width * height, as declared and before decoding.
    longest_side: a larger picture is scaled down to it, a smaller one keeps its size.
    Of an animation the first frame is taken. The same bytes give the same result.
    Raises MediaRefused (too_big, too_many_pixels, unknown_container, damaged, out_of_memory).
    """
    if len(data) > max_bytes:
        raise MediaRefused("too_big", f"{len(data)} bytes")
    try:
        return _normalise(data, max_pixels=max_pixels, longest_side=longest_side)
    except MediaRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaRefused("too_many_pixels", str(error)) from error
    except UnidentifiedImageError as error:
        raise MediaRefused("unknown_container", "not a JPEG, PNG or WebP") from error
    except MemoryError as error:
        raise MediaRefused("out_of_memory") from error
    except Exception as error:
        # Fed by strangers, a decoder raises anything, from struct.error to AttributeError.
        raise MediaRefused("damaged", f"{type(error).__name__}: {error}") from error


def _normalise(data: bytes, *, max_pixels: int, longest_side: int) -> bytes:
    with Image.open(io.BytesIO(data), formats=IMAGE_FORMATS) as opened:
        if opened.width * opened.height > max_pixels:
            raise MediaRefused("too_many_pixels", f"{opened.width}x{opened.height}")
        turn = UPRIGHT.get(_orientation(opened))
        opened.draft("RGB", (longest_side, longest_side))  # a JPEG can be decoded smaller
        opened.load()
        clean = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    clean.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    if turn is not None:
        clean = clean.transpose(turn)
    clean.info = {}
    out = io.BytesIO()
    clean.save(out, "WEBP", quality=WEBP_QUALITY, method=4)
    return out.getvalue()


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(EXIF_ORIENTATION)
    except Exception:
        # A picture with broken EXIF is still a picture; it stays as it lies.
        return 1
    return value if isinstance(value, int) else 1
