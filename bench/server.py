"""A server of its own for a measurement: own data directory, own port, two web workers."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WORKERS = 2
START_TIMEOUT_S = 60
# Web workers and jobs leave within half a minute; then the database writes what a measurement has
# left in its memory, file by file: on a busy disk that takes as long again.
STOP_TIMEOUT_S = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def dougong(data_dir: Path, *args: str) -> str:
    """Run the console script on a data directory; answers what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "dougong", *args],
        env=environment(data_dir),
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode and not done.stdout:  # the doctor has something to say even when it fails
        raise RuntimeError(f"dougong {' '.join(args)}: {done.stderr[-2000:]}")
    return done.stdout


def environment(data_dir: Path) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("DOUGONG_")}
    return plain | {
        "DOUGONG_DATA_DIR": str(data_dir),
        "DOUGONG_MODE": "test",
        "DOUGONG_LIVE_RETURN_S": "86400",  # nobody broadcasts into the rooms of a measurement
    }


@contextmanager
def data_dir() -> Iterator[Path]:
    """A data directory that is gone afterwards, with its database stopped."""
    home = Path(tempfile.mkdtemp(prefix="dougong-bench-"))
    home.chmod(0o755)
    os.environ["DOUGONG_DATA_DIR"], os.environ["DOUGONG_MODE"] = str(home), "test"
    from dougong.infra.db_server import embedded
    from dougong.infra.settings import settings

    settings.cache_clear()  # of the round before
    embedded.cache_clear()
    try:
        yield home
    finally:
        embedded().stop(mode="immediate")
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def server(home: Path, *, workers: int = WORKERS) -> Iterator[str]:
    """The address of a running server."""
    port = free_port()
    log = (home / "server.log").open("w")
    running = subprocess.Popen(
        [sys.executable, "-m", "dougong", "serve", "--port", str(port), "--workers", str(workers)],
        env=environment(home),
        stdout=log,
        stderr=log,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _await(address, running, home)
        yield address
    finally:
        running.terminate()
        running.wait(timeout=STOP_TIMEOUT_S)
        log.close()


def _await(address: str, running: "subprocess.Popen[Any]", home: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and running.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=2):  # noqa: S310
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError((home / "server.log").read_text()[-2000:])
