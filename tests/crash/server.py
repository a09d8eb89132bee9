"""A real `dougong serve` in a data directory of its own, and the ways to hurt it."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

from dougong.infra.embedded_postgres import EmbeddedPostgres

SECRET = "a-secret-of-the-crash-run-and-of-nothing-else"
START_WITHIN_S = 120
DOCTOR_SAYS = {
    "trial_balance_minor",
    "unexplained_minor",
    "broken_seals",
    "overdue_deadlines",
    "oversold_skus",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """Starts, kills, freezes and starts again."""

    def __init__(self, data_dir: Path, *, workers: int = 2, **settings: str) -> None:
        self.data_dir = data_dir
        self.workers, self.settings = workers, settings
        self.port = free_port()
        self.postgres = EmbeddedPostgres(data_dir)
        self.log = data_dir / "serve.log"
        self.main: subprocess.Popen[bytes] | None = None
        self.frozen: list[psutil.Process] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        left_out = ("DOUGONG_", "PYTHONDONTWRITEBYTECODE")
        mine = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
        return mine | {
            "DOUGONG_MODE": "test",
            "DOUGONG_DATA_DIR": str(self.data_dir),
            "DOUGONG_SECRET_KEY": SECRET,
            "DOUGONG_LOG_LEVEL": "warning",
            **self.settings,
        }

    def start(self) -> None:
        """Start it; its output goes to serve.log."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self.main = subprocess.Popen(
                [
                    *(sys.executable, "-m", "dougong", "serve"),
                    *("--port", str(self.port), "--workers", str(self.workers)),
                ],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def wait_ready(self, within_s: float = START_WITHIN_S) -> float:
        """Seconds until the first good answer. Raises AssertionError with the log's end."""
        started = time.monotonic()
        while not self.is_ready():
            if time.monotonic() - started > within_s:
                raise AssertionError(self.log.read_text()[-4000:])
            time.sleep(0.05)
        return time.monotonic() - started

    def stop(self) -> None:
        """As an operator stops it; what does not leave is killed."""
        self.thaw()
        if self.main and self.main.poll() is None:
            self.main.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.main.wait(timeout=25)
        self.kill_tree()
        self.kill_postgres()

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """A command beside the running server."""
        return subprocess.run(
            [sys.executable, *command], env=self.environment(), capture_output=True, text=True
        )

    def doctor_finds(self) -> dict[str, Any]:
        """What `dougong doctor` says is not zero, with its examples. {} when all is well."""
        done = self.run("-m", "dougong", "doctor", "--json")
        assert done.stdout, done.stderr[-4000:]
        said = json.loads(done.stdout)
        assert said.keys() >= DOCTOR_SAYS
        return {name: said["examples"][name] for name in said["examples"]}

    # who is who --------------------------------------------------------------------------

    def _below_main(self) -> list[psutil.Process]:
        if self.main is None or self.main.poll() is not None:
            return []
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.main.pid).children(recursive=True)
        return []

    def _that_say(self, word: str) -> list[psutil.Process]:
        found = []
        for process in self._below_main():
            with suppress(psutil.Error):
                if word in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def web_workers(self) -> list[psutil.Process]:
        return self._that_say("spawn_main")

    def job_worker(self) -> list[psutil.Process]:
        return self._that_say("--skip-migrate")

    def room_processes(self) -> list[psutil.Process]:
        return self._that_say("live_room_process")

    def ingest(self) -> list[psutil.Process]:
        """The supervisor of live media."""
        return [one for one in self._that_say("ingest") if "ingest" in one.cmdline()]

    def postgres_tree(self) -> list[psutil.Process]:
        pid = self.postgres.postmaster_pid()
        with suppress(psutil.NoSuchProcess, TypeError):
            top = psutil.Process(pid)
            if "postgres" in top.name():
                return [top, *top.children(recursive=True)]
        return []

    # what happens to it -------------------------------------------------------------------

    def kill_web_worker(self) -> None:
        workers = self.web_workers()
        _kill(random.sample(workers, k=min(1, len(workers))))

    def kill_job_worker(self) -> None:
        _kill(self.job_worker())

    def kill_ingest(self) -> None:
        _kill(self.ingest())

    def kill_postgres(self) -> None:
        _kill(self.postgres_tree())

    def kill_postmaster(self) -> None:
        _kill(self.postgres_tree()[:1])

    def kill_tree(self) -> None:
        """The main process with all below it, at once; the database stays."""
        below = self._below_main()
        if self.main and self.main.poll() is None:
            self.main.kill()
            _kill(below)
            self.main.wait(timeout=10)

    def kill_all_and_start(self) -> None:
        if random.random() < 0.5:
            self.kill_postgres()
        self.kill_tree()
        self.start()

    def freeze(self, processes: list[psutil.Process]) -> None:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)
                self.frozen.append(process)

    def thaw(self) -> None:
        for process in self.frozen:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)
        self.frozen.clear()

    def freezable(self) -> list[Callable[[], list[psutil.Process]]]:
        return [self.web_workers, self.job_worker, self.postgres_tree]


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


@contextmanager
def a_server(data_dir: Path, **settings: str) -> Iterator[Server]:
    """A running one; `settings`: DOUGONG_… of its own."""
    server = Server(data_dir, **settings)
    server.start()
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()
