from __future__ import annotations

import pytest
from tests.infra import hostile_media as hostile

from dougong.infra.media import sniff_container


@pytest.mark.parametrize(
    ("head", "want"),
    [
        (hostile.FTYP, "mp4"),
        (hostile.box(b"ftyp", b"qt  \0\0\0\0qt  "), "mp4"),
        (hostile.box(b"wide", b"") + hostile.box(b"mdat", b"x"), "mp4"),
        (hostile.ebml_header(b"webm"), "matroska"),
        (hostile.ebml_header(b"matroska"), "matroska"),
        (hostile.ebml_header(b"hls"), None),
        (b"\x1a\x45\xdf\xa3", None),
        (b"\x1a\x45\xdf\xa3\x00\x00\x00", None),
        (hostile.box(b"ftyp", b"heic\0\0\0\0isom"), None),
        (hostile.box(b"ftyp", b"xxxx\0\0\0\0yyyy"), None),
        (b"#EXTM3U\n", None),
        (b"", None),
    ],
)
def test_sniff_container(head: bytes, want: str | None) -> None:
    assert sniff_container(head) == want


def test_sniffing_any_bytes_ends() -> None:
    dice = hostile.random.Random(3)
    for _ in range(3_000):
        noise = dice.randbytes(dice.randrange(64))
        assert sniff_container(b"\x1a\x45\xdf\xa3" + noise) in {None, "matroska", "mp4"}
