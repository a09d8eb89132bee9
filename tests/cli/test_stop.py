"""`dougong serve` ends: all that it has started is told at once, and has one time in common."""

import subprocess
import sys
import time

import msgspec
import pytest

from dougong.cli import serve_command
from dougong.infra.settings import settings

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True)"


def deaf() -> "subprocess.Popen[bytes]":
    """A process that does not leave when it is told to."""
    child = subprocess.Popen(
        [sys.executable, "-c", f"{DEAF}; time.sleep(600)"], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    return child


def test_who_does_not_leave_is_ended_and_nobody_waits_for_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outside = msgspec.structs.replace(settings(), database_url="postgresql:///elsewhere")
    monkeypatch.setattr(serve_command, "settings", lambda: outside)
    monkeypatch.setattr(serve_command, "STOP_WITHIN_S", 3)
    watch = serve_command.Watch(host="127.0.0.1", port=1, commands=[])
    watch.children = {(str(n),): deaf() for n in range(8)}
    watch.start()
    started = time.monotonic()
    watch.stop()
    seconds = time.monotonic() - started
    assert [child.wait(timeout=30) for child in watch.children.values()] == [-9] * 8
    assert 3 <= seconds < 20  # one after the other: 24
    assert not watch.is_alive()
