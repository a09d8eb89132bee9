"""A room's stream on disk: MPEG-TS segments, a journal of them, and the playlists made from it.

Everything can be killed at any moment: a segment appears whole or not at all, a line of the journal
says that it is there, and the playlists are written anew from the journal.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

SEGMENT_S = 2
WINDOW = 6  # segments in the sliding playlist
PLAYLIST = "index.m3u8"
POSTER = "poster.jpg"
JOURNAL = "segments.txt"
TS_PACKET = 188


class Segment(NamedTuple):
    """One line of the journal. `is_new`: what comes before does not continue in it."""

    number: int
    duration_ms: int
    is_new: bool
    started_at: datetime

    @property
    def file(self) -> str:
        return f"{self.number:06d}.ts"

    def line(self) -> str:
        new = int(self.is_new)
        return f"{self.number} {self.duration_ms} {new} {self.started_at.isoformat()}\n"


def _parsed(line: str) -> Segment:
    number, duration_ms, is_new, at = line.split(" ")
    return Segment(int(number), int(duration_ms), is_new == "1", datetime.fromisoformat(at))


def segments_of(folder: Path) -> list[Segment]:
    """What the journal of a room's folder tells; a line cut off by a crash does not count."""
    path = folder / JOURNAL
    if not path.exists():
        return []
    *whole, _ = path.read_text().split("\n")
    found: list[Segment] = []
    for line in whole:
        one = _parsed(line)
        if (folder / one.file).exists():
            found.append(one)
    return found


def playlist(segments: Sequence[Segment], *, over: bool, whole: bool) -> str:
    """The text of a playlist: of the last `WINDOW` segments, or of all of them (RFC 8216)."""
    shown = segments if whole else segments[-WINDOW:]
    hidden = segments[: len(segments) - len(shown)]
    target_s = max([SEGMENT_S, *(math.ceil(one.duration_ms / 1000) for one in segments)])
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:6",
        f"#EXT-X-TARGETDURATION:{target_s}",
        f"#EXT-X-MEDIA-SEQUENCE:{shown[0].number if shown else 0}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{sum(one.is_new for one in hidden)}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    if whole and over:
        lines.append("#EXT-X-PLAYLIST-TYPE:VOD")
    for one in shown:
        if one.is_new and one is not segments[0]:
            lines.append("#EXT-X-DISCONTINUITY")
        at = one.started_at.isoformat(timespec="milliseconds")
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{at}")
        lines += [f"#EXTINF:{one.duration_ms / 1000:.3f},", one.file]
    if over:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def write_whole(path: Path, data: bytes) -> None:
    """A reader sees the old file or the new one."""
    draft = path.with_suffix(path.suffix + ".part")
    draft.write_bytes(data)
    draft.replace(path)


class Recorder:
    """The only writer of a room's folder. Goes on where an earlier one was stopped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.segments = segments_of(folder)
        # What the crash left half written goes, the line of the journal and the segment alike.
        write_whole(folder / JOURNAL, "".join(s.line() for s in self.segments).encode())
        self.next_number = self.segments[-1].number + 1 if self.segments else 0
        self._counters: dict[int, int] = {}

    @property
    def seconds(self) -> float:
        return sum(one.duration_ms for one in self.segments) / 1000

    def add(self, data: bytes, *, duration_ms: int, is_new: bool, started_at: datetime) -> None:
        """Take one segment into the stream."""
        one = Segment(self.next_number, duration_ms, is_new, started_at)
        counted = bytearray(data)
        continue_counters(counted, self._counters)
        write_whole(self.folder / one.file, bytes(counted))
        with (self.folder / JOURNAL).open("a") as journal:
            journal.write(one.line())
        self.segments.append(one)
        self.next_number += 1
        self.write_playlist(over=False)

    def write_playlist(self, *, over: bool) -> None:
        text = playlist(self.segments, over=over, whole=False)
        write_whole(self.folder / PLAYLIST, text.encode())

    def end(self) -> float:
        """Say that nothing more comes; the seconds in all."""
        if self.segments:
            self.write_playlist(over=True)
        return self.seconds


class Recording(NamedTuple):
    """A whole room: seconds, and the size of its first picture."""

    seconds: float
    width: int
    height: int


def copy_recording(folder: Path, target: Path) -> Recording | None:
    """Make a folder that a video can be played from: the segments as links, a playlist of all of
    them, the poster. None where nothing was recorded. Raises FileExistsError for the target."""
    import av  # not for every web worker that only names a folder

    segments = segments_of(folder)
    if not segments:
        return None
    target.mkdir(parents=True)
    for one in segments:
        os.link(folder / one.file, target / one.file)
    if (folder / POSTER).exists():
        os.link(folder / POSTER, target / POSTER)
    write_whole(target / PLAYLIST, playlist(segments, over=True, whole=True).encode())
    with av.open(str(folder / segments[0].file), format="mpegts") as first:
        picture = first.streams.video[0].codec_context
        seconds = sum(one.duration_ms for one in segments) / 1000
        return Recording(seconds, picture.width, picture.height)


def continue_counters(data: bytearray, last: dict[int, int]) -> None:
    """Let the continuity counters of a segment go on from those of the one before.

    last: the last counter of each stream (PID); changed in place.
    """
    shifts: dict[int, int] = {}
    for at in range(0, len(data), TS_PACKET):
        pid = (data[at + 1] & 0x1F) << 8 | data[at + 2]
        flags = data[at + 3]
        shift = shifts.get(pid)
        if shift is None:
            # The first one has a payload, so it counts up.
            shift = (last[pid] + 1 - flags) & 0x0F if pid in last else 0
            shifts[pid] = shift
        counter = (flags + shift) & 0x0F
        data[at + 3] = flags & 0xF0 | counter
        last[pid] = counter
