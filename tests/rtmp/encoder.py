"""An encoder that speaks RTMP, as OBS does: H.264 with AAC, a clock painted into its pictures."""

import threading
import time
from fractions import Fraction

import av
from tests.live.publisher import clock_ms, painted

WIDTH, HEIGHT, FPS, SOUND_RATE = 320, 240, 25, 44_100
SOUND_FRAME = 1024


class Encoder(threading.Thread):
    """Sends in real time until it is told to stop, or is cut off. `stalls`: it stays connected and
    sends nothing."""

    def __init__(self, url: str) -> None:
        super().__init__(name="encoder", daemon=True)
        self.url = url
        self.error: Exception | None = None
        self.is_taken = threading.Event()
        self.stalls = threading.Event()
        self._stopping = threading.Event()

    def run(self) -> None:
        try:
            with av.open(self.url, "w", format="flv", timeout=(30, 30)) as target:
                self._send(target)
        except (av.FFmpegError, OSError) as error:
            self.error = error

    def _send(self, target: av.container.OutputContainer) -> None:
        video = target.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "g": "25"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = target.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        target.start_encoding()
        self.is_taken.set()
        began_at, number, samples = time.monotonic(), 0, 0
        while not self._stopping.is_set():
            if self.stalls.is_set():
                time.sleep(0.05)
                continue
            frame = painted(clock_ms(), width=WIDTH, height=HEIGHT)
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            target.mux(video.encode(frame))
            number += 1
            while samples < number * SOUND_RATE // FPS:
                target.mux(sound.encode(silence(samples)))
                samples += SOUND_FRAME
            time.sleep(max(0.0, began_at + number / FPS - time.monotonic()))

    def stop(self) -> None:
        self._stopping.set()
        self.join(timeout=15)


def silence(at: int) -> av.AudioFrame:
    frame = av.AudioFrame(format="fltp", layout="stereo", samples=SOUND_FRAME)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.sample_rate, frame.pts = SOUND_RATE, at
    frame.time_base = Fraction(1, SOUND_RATE)
    return frame
