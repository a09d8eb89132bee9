from __future__ import annotations

import asyncio
import io
import math
import os
import signal
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image, ImageStat
from tests.infra import hostile_media as hostile

from dougong.infra import media
from dougong.infra.media import HlsResult, MediaLimits, MediaRefused, transcode_to_hls
from dougong.infra.media_encode import encode_frames

LIMITS = MediaLimits(max_seconds=20, cpu_s=20, wall_s=30)


def a_clip(
    path: Path,
    *,
    codec: str = "libx264",
    container: str = "mp4",
    frames: int = 30,
    fps: int = 10,
    size: tuple[int, int] = (96, 64),
    rotation: int = 0,
    group: int = 250,
    sound: str | None = None,
) -> Path:
    with av.open(str(path), "w", format=container) as out:
        options = {"g": str(group), "preset": "ultrafast"} if codec == "libx264" else {}
        video = out.add_stream(
            codec, rate=fps, width=size[0], height=size[1], pix_fmt="yuv420p", options=options
        )
        if rotation:
            video.set_display_rotation(rotation)
        audio = None if sound is None else out.add_stream(sound, rate=48_000, layout="stereo")
        for index, image in enumerate(hostile.moving(frames, size)):
            out.mux(video.encode(av.VideoFrame.from_image(image)))
            if audio is not None:
                out.mux(audio.encode(a_tone(index * 48_000 // fps, 48_000 // fps)))
        out.mux(video.encode(None))
        if audio is not None:
            out.mux(audio.encode(None))
    return path


def a_tone(start: int, count: int) -> av.AudioFrame:
    frame = av.AudioFrame(format="flt", layout="stereo", samples=count)
    values = (0.3 * math.sin((start + index // 2) / 20) for index in range(count * 2))
    data = struct.pack(f"{count * 2}f", *values)
    frame.planes[0].update(data.ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
    return frame


class Canary:
    """A listener nobody may call; also counts."""

    def __init__(self, server: asyncio.Server) -> None:
        self.address = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]  # noqa: UP031
        self.hits = 0


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.hits += 1
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    found = Canary(server)
    yield found
    server.close()
    await server.wait_closed()


async def refusal(source: Path, target: Path, limits: MediaLimits = LIMITS) -> str:
    with pytest.raises(MediaRefused) as caught:
        await transcode_to_hls(source, target, limits=limits)
    assert nothing_left(target)
    return caught.value.code


def nothing_left(target: Path) -> bool:
    return not target.exists() and not list(target.parent.glob(".media-*"))


def segments_s(target: Path) -> list[float]:
    lines = (target / "index.m3u8").read_text().splitlines()
    return [float(line[8:].rstrip(",")) for line in lines if line.startswith("#EXTINF:")]


def check_output(target: Path, result: HlsResult, *, seconds: float, sound: bool) -> None:
    """What every player may rely on."""
    assert result.seconds == pytest.approx(seconds, abs=0.1)
    durations = segments_s(target)
    assert sum(durations) == pytest.approx(seconds, abs=0.1)
    assert len(durations) == math.ceil(round(seconds / 2, 2)) == len(list(target.glob("*.ts")))
    assert result.bytes == sum(file.stat().st_size for file in target.iterdir())
    with av.open(str(target / "index.m3u8")) as opened:
        context = opened.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.width, context.height) == (result.width, result.height)
        assert [s.codec_context.name for s in opened.streams.audio] == ["aac"] * sound
        frames = list(opened.decode(video=0))
        assert frames[-1].time - frames[0].time == pytest.approx(seconds, abs=0.15)
    for segment in target.glob("*.ts"):
        with av.open(str(segment)) as opened:
            assert next(opened.demux(video=0)).is_keyframe
    with Image.open(target / "poster.jpg") as poster:
        assert (poster.format, poster.getexif()) == ("JPEG", {})
        assert max(ImageStat.Stat(poster).mean) > 40
        assert poster.width <= 720


async def test_a_fit_video_is_copied(tmp_path: Path) -> None:
    tone = (struct.pack("<441f", *[0.1] * 441) for _ in range(1_000))
    frames = hostile.moving(100)
    encode_frames(frames, path=tmp_path / "a", fps=20, width=64, height=48, audio=tone)
    result = await transcode_to_hls(tmp_path / "a", tmp_path / "out", limits=LIMITS)
    assert result.copied
    check_output(tmp_path / "out", result, seconds=5.0, sound=True)


@pytest.mark.parametrize(
    ("codec", "container", "sound"),
    [
        ("libx264", "mp4", "aac"),
        ("libx264", "mp4", None),
        ("mpeg4", "mp4", "aac"),
        ("libvpx", "webm", "libopus"),
        ("libx264", "matroska", None),
    ],
)
async def test_other_videos_are_encoded_again(
    tmp_path: Path, codec: str, container: str, sound: str | None
) -> None:
    source = a_clip(tmp_path / "a", codec=codec, container=container, sound=sound)
    result = await transcode_to_hls(source, tmp_path / "out", limits=LIMITS)
    assert not result.copied
    check_output(tmp_path / "out", result, seconds=3.0, sound=sound is not None)


@pytest.mark.parametrize(("rotation", "corner"), [(90, "bl"), (180, "br"), (-90, "tr")])
async def test_a_turned_video_comes_out_upright(tmp_path: Path, rotation: int, corner: str) -> None:
    source = a_clip(tmp_path / "a", rotation=rotation, frames=10)
    result = await transcode_to_hls(source, tmp_path / "out", limits=LIMITS)
    assert (result.width, result.height) == ((96, 64) if rotation == 180 else (64, 96))
    with av.open(str(tmp_path / "out" / "index.m3u8")) as opened:
        shown = next(opened.decode(video=0)).to_image()
    with Image.open(tmp_path / "out" / "poster.jpg") as poster:
        for picture in (shown, poster):
            x = 4 if corner[1] == "l" else picture.width - 4
            y = 4 if corner[0] == "t" else picture.height - 4
            red, _, blue = picture.getpixel((x, y))
            assert red > 200 > 100 > blue


async def test_a_large_video_is_scaled_down(tmp_path: Path) -> None:
    source = a_clip(tmp_path / "a", size=(1600, 902), frames=3)
    result = await transcode_to_hls(source, tmp_path / "out", limits=LIMITS)
    assert (result.width, result.height) == (1280, 722)


async def test_the_poster_is_not_the_black_start(tmp_path: Path) -> None:
    black = [Image.new("RGB", (64, 48))] * 20
    frames = [*black, *hostile.moving(20)]
    encode_frames(frames, path=tmp_path / "a", fps=10, width=64, height=48)
    await transcode_to_hls(tmp_path / "a", tmp_path / "out", limits=LIMITS)
    with Image.open(tmp_path / "out" / "poster.jpg") as poster:
        assert max(ImageStat.Stat(poster).mean) > 40


@pytest.mark.parametrize("group", [10, 250])
async def test_progress_rises_to_one(tmp_path: Path, group: int) -> None:
    shares: list[float] = []

    async def note(share: float) -> None:
        shares.append(share)

    source = a_clip(tmp_path / "a", group=group)
    await transcode_to_hls(source, tmp_path / "out", limits=LIMITS, progress=note)
    assert len(shares) > 5
    assert shares == sorted(set(shares))
    assert shares[-1] == 1.0


async def test_an_error_in_the_listener_ends_the_worker(tmp_path: Path) -> None:
    async def fail(share: float) -> None:
        raise ValueError("the listener's own")

    source = a_clip(tmp_path / "a")
    with pytest.raises(ValueError, match="own"):
        await transcode_to_hls(source, tmp_path / "out", limits=LIMITS, progress=fail)
    assert nothing_left(tmp_path / "out")


async def test_an_existing_target_is_left_alone(tmp_path: Path) -> None:
    source = a_clip(tmp_path / "a", frames=2)
    (tmp_path / "out").mkdir()
    with pytest.raises(FileExistsError):
        await transcode_to_hls(source, tmp_path / "out", limits=LIMITS)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (replace(LIMITS, max_bytes=100), "too_big"),
        (replace(LIMITS, max_seconds=1), "too_long"),
        (replace(LIMITS, max_pixels=96 * 64 - 1), "too_many_pixels"),
        (replace(LIMITS, max_total_pixels=96 * 64 * 29), "too_many_pixels"),
        (replace(LIMITS, max_streams=1), "too_many_streams"),
        (replace(LIMITS, wall_s=0.05), "took_too_long"),
    ],
)
@pytest.mark.parametrize("group", [10, 250])
async def test_limits(tmp_path: Path, limits: MediaLimits, code: str, group: int) -> None:
    source = a_clip(tmp_path / "a", sound="aac", group=group)
    assert await refusal(source, tmp_path / "out", limits) == code


async def test_processor_time_is_bounded(tmp_path: Path) -> None:
    data = hostile.inflating(tmp_path / "a", side=1440, frames=12, times=40)
    assert len(data) < 100_000
    limits = replace(LIMITS, cpu_s=1, max_total_pixels=10**12)
    assert await refusal(tmp_path / "a", tmp_path / "out", limits) == "took_too_long"


async def test_memory_is_bounded(tmp_path: Path) -> None:
    hostile.inflating(tmp_path / "a", side=2880, frames=3)
    limits = replace(LIMITS, memory_bytes=220 * 1024 * 1024)
    assert await refusal(tmp_path / "a", tmp_path / "out", limits) == "out_of_memory"


async def test_a_small_file_of_many_pixels_is_stopped(tmp_path: Path) -> None:
    hostile.inflating(tmp_path / "a", side=720, frames=60)
    limits = replace(LIMITS, max_total_pixels=720 * 720 * 30)
    assert await refusal(tmp_path / "a", tmp_path / "out", limits) == "too_many_pixels"


async def test_no_picture_and_too_many_streams(tmp_path: Path) -> None:
    hostile.audio_only(tmp_path / "a")
    hostile.many_streams(tmp_path / "b", 20)
    hostile.many_streams(tmp_path / "c", 300)
    assert await refusal(tmp_path / "a", tmp_path / "out") == "no_video"
    assert await refusal(tmp_path / "b", tmp_path / "out") == "too_many_streams"
    assert await refusal(tmp_path / "c", tmp_path / "out") == "too_many_streams"


async def test_a_cancelled_job_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[asyncio.subprocess.Process] = []
    running = asyncio.Event()
    start = media._start_worker

    async def remember(job: str, log_path: Path) -> asyncio.subprocess.Process:
        started.append(await start(job, log_path))
        running.set()
        return started[0]

    monkeypatch.setattr(media, "_start_worker", remember)
    source = a_clip(tmp_path / "a", size=(640, 480), frames=200)
    task = asyncio.create_task(transcode_to_hls(source, tmp_path / "out", limits=LIMITS))
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert started[0].returncode == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.killpg(started[0].pid, 0)
    assert nothing_left(tmp_path / "out")


async def test_a_worker_that_cannot_start_is_our_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "WORKER", "raise SystemExit('no such library')")
    source = a_clip(tmp_path / "a", frames=2)
    with pytest.raises(media.MediaWorkerFailed, match="no such library"):
        await transcode_to_hls(source, tmp_path / "out", limits=LIMITS)


@pytest.mark.parametrize(
    "says", ['print("x" * 200_000)', 'print("[]")', 'print("{}")', "print('{\"refused\": 1}')"]
)
async def test_a_worker_taken_over_can_only_be_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    monkeypatch.setattr(media, "WORKER", says)
    source = a_clip(tmp_path / "a", frames=2)
    assert await refusal(source, tmp_path / "out") == "damaged"


async def test_the_worker_has_no_network(tmp_path: Path, canary: Canary) -> None:
    """Where the kernel allows it; elsewhere the reader's own refusals have to do."""
    port = canary.address.rpartition(":")[2]
    code = (
        f"import sys, os, socket; sys.path.insert(0, {str(media.PACKAGE_ROOT)!r})\n"
        "from dougong.infra.media_sandbox import enter_sandbox\n"
        "if not enter_sandbox(cpu_s=5, memory_bytes=2**30, parent_pid=os.getppid()): sys.exit(77)\n"
        f"try: socket.create_connection(('127.0.0.1', {port}), 2)\n"
        "except OSError: sys.exit(0)\n"
        "sys.exit(1)\n"
    )
    process = await asyncio.create_subprocess_exec(media.sys.executable, "-I", "-c", code, env={})
    returncode = await process.wait()
    if returncode == 77:
        pytest.skip("the kernel refuses network namespaces here")
    assert (returncode, canary.hits) == (0, 0)


async def test_the_canary_would_be_called(canary: Canary) -> None:
    """Without our guard it is: by a file object whose name ends in .m3u8."""
    playlist = io.BytesIO(hostile.playlist(f"{canary.address}/a.ts"))
    playlist.name = "a.m3u8"
    with pytest.raises(av.FFmpegError):
        await asyncio.to_thread(av.open, playlist, timeout=5)
    assert canary.hits > 0


async def test_hostile_files_harm_nothing(tmp_path: Path, canary: Canary) -> None:
    good = hostile.good_clip(tmp_path / "good")
    webm = a_clip(tmp_path / "w", codec="libvpx", container="webm", frames=10).read_bytes()
    names = []
    for name, data in hostile.corpus(good, webm, canary=canary.address):
        # The name of finding 2: a playlist is recognised by it when nothing is forced.
        source = tmp_path / f"{name}.m3u8"
        source.write_bytes(data)
        target = tmp_path / f"out-{name}"
        try:
            result = await transcode_to_hls(source, target, limits=LIMITS)
        except MediaRefused as refused:
            assert refused.code, name
            assert not target.exists(), name
        else:
            assert 0 < result.seconds <= LIMITS.max_seconds, name
            assert max(result.width, result.height) <= 1280, name
        names.append(name)
    assert len(set(names)) == len(names) >= 80
    assert canary.hits == 0
    assert nothing_left(tmp_path / "none")
    result = await transcode_to_hls(tmp_path / "good", tmp_path / "again", limits=LIMITS)
    assert result.seconds == pytest.approx(1.0, abs=0.1)


async def test_a_good_job_works_after_each_kind_of_refusal(tmp_path: Path) -> None:
    good = hostile.good_clip(tmp_path / "good", seconds=4)
    bad = {
        "damaged": good[: len(good) // 2],
        "too_long": hostile.with_table_entry(good, b"stts", 12, 0x0FFF_FFFF),
        "unknown_container": b"#EXTM3U\n",
    }
    for code, data in bad.items():
        (tmp_path / "bad").write_bytes(data)
        assert await refusal(tmp_path / "bad", tmp_path / "none") == code
        await transcode_to_hls(tmp_path / "good", tmp_path / code, limits=LIMITS)


async def test_jobs_run_side_by_side(tmp_path: Path) -> None:
    hostile.good_clip(tmp_path / "good")
    targets = [tmp_path / str(number) for number in range(4)]
    jobs = (transcode_to_hls(tmp_path / "good", target, limits=LIMITS) for target in targets)
    assert {result.copied for result in await asyncio.gather(*jobs)} == {True}
