from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from tests.infra import hostile_media as hostile

from dougong.infra.media_encode import encode_frames
from dougong.infra.media_reencode import shown_size


@pytest.mark.parametrize(("size", "fps"), [((63, 48), 10), ((64, 0), 10), ((64, 48), 0)])
def test_encode_frames_wants_a_size_and_a_rate(
    tmp_path: Path, size: tuple[int, int], fps: int
) -> None:
    with pytest.raises(ValueError, match="cannot encode"):
        encode_frames([], path=tmp_path / "a", fps=fps, width=size[0], height=size[1])


def test_encode_frames_puts_the_index_first(tmp_path: Path) -> None:
    data = hostile.good_clip(tmp_path / "a", seconds=5)
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(tmp_path / "a")) as opened:
        keys = [p.pts * p.time_base for p in opened.demux(video=0) if p.is_keyframe]
    assert keys == [0, 2, 4]


@pytest.mark.parametrize(
    ("size", "aspect", "rotation", "want"),
    [
        ((1920, 1080), None, 0, (1280, 720)),
        ((1920, 1080), None, 90, (720, 1280)),
        ((101, 51), None, 0, (100, 52)),
        ((720, 576), Fraction(16, 11), 0, (1048, 576)),
        ((100, 100), Fraction(1000, 1), 0, (100, 100)),
        ((4000, 1), None, 180, (1280, 2)),
    ],
)
def test_shown_size(
    size: tuple[int, int], aspect: Fraction | None, rotation: int, want: tuple[int, int]
) -> None:
    assert shown_size(*size, aspect=aspect, rotation=rotation) == want
