"""`dougong serve`: web workers, the job worker, live media and the embedded database, watched
together."""

import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import click
from granian import Granian
from granian.constants import Interfaces, Loops
from granian.log import LogLevels

from dougong.infra.db_server import embedded
from dougong.infra.migrate import migrate
from dougong.infra.port import is_open
from dougong.infra.settings import note_serving, settings

WATCH_EVERY_S = 0.5
# The pages come up first: on few cores each start takes from the others. A web worker listens when
# it is ready to serve. Where none ever is, the jobs run all the same.
JOBS_WITHIN_S = 15
STOP_WITHIN_S = 12  # of the job worker and the ingest: together, from when they were told
GIVE_UP_AFTER = 5  # times that the web workers died together,
GIVE_UP_WITHIN_S = 60  # within so many seconds


class Watch(threading.Thread):
    """Starts the job worker and the ingest of live media, and starts them and the embedded
    database again when one dies."""

    def __init__(self, *, host: str, port: int, commands: Sequence[Sequence[str]]) -> None:
        super().__init__(name="watch", daemon=True)
        self.stopping = threading.Event()
        self.commands = [tuple(command) for command in commands]
        self.children: dict[tuple[str, ...], subprocess.Popen[bytes]] = {}
        self.host, self.port = host, port
        self.jobs_from = time.monotonic() + JOBS_WITHIN_S

    def run(self) -> None:
        while not self.stopping.wait(WATCH_EVERY_S):
            try:
                self.look()
            except Exception as error:  # whatever it was, the next look may find it mended
                click.echo(f"watch: {str(error)[-300:]}", err=True)

    def look(self) -> None:
        """Start again what has died since the last look."""
        if not settings().database_url and not embedded().is_running():
            click.echo("the embedded database is away: starting it again", err=True)
            embedded().ensure_running()
        if self.stopping.is_set():
            return
        away = [command for command in self.commands if not self._is_running(command)]
        if away and (time.monotonic() >= self.jobs_from or is_open(self.host, self.port)):
            for command in away:
                self.children[command] = subprocess.Popen(
                    [sys.executable, "-m", "dougong", *command], stdin=subprocess.DEVNULL
                )

    def _is_running(self, command: tuple[str, ...]) -> bool:
        child = self.children.get(command)
        return child is not None and child.poll() is None

    def stop(self) -> None:
        """Tell all of them at once, and wait for all of them at once; the database goes last, when
        nobody needs it any more: how long it takes to write what it holds, the disk says."""
        self.stopping.set()
        told = self._tell(())
        until = time.monotonic() + STOP_WITHIN_S
        self.join(timeout=5)
        told += self._tell(told)  # what the last look has started
        for child in told:
            try:
                child.wait(timeout=max(until - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                child.kill()
        if not settings().database_url:
            embedded().stop()

    def _tell(self, told: Sequence["subprocess.Popen[bytes]"]) -> list["subprocess.Popen[bytes]"]:
        """Those that were not told yet."""
        running = [one for one in list(self.children.values()) if one.poll() is None]
        for child in (new := [one for one in running if one not in told]):
            child.send_signal(signal.SIGTERM)
        return new


def serve_until_told(*, host: str, port: int, workers: int) -> None:
    """Serve until a signal ends it.

    Granian itself starts a dead worker again, but leaves when one dies twice within seconds. A
    shop comes back then too, unless that goes on: then it is no accident.
    """
    # A fork would copy this process while its watch thread holds who knows which lock.
    multiprocessing.set_start_method("spawn", force=True)
    left_at: deque[float] = deque(maxlen=GIVE_UP_AFTER)
    while True:
        server = Granian(
            "dougong.web.asgi:app",
            address=host,
            port=port,
            interface=Interfaces.ASGI,
            workers=workers,
            loop=Loops.uvloop,
            log_level=LogLevels.warning,
            respawn_failed_workers=True,
            workers_kill_timeout=10,
            backlog=4096,
        )
        with suppress(SystemExit):
            server.serve()
        if server.interrupt_signal:
            return
        left_at.append(time.monotonic())
        if len(left_at) == GIVE_UP_AFTER and left_at[-1] - left_at[0] < GIVE_UP_WITHIN_S:
            raise click.ClickException("the web workers keep dying: see the lines above")
        click.echo("the web workers died: starting them again", err=True)


def open_many_files() -> None:
    """As many open sockets as the system lets this process have: a live room takes thousands."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # not more than there is
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def share_figures(port: int) -> None:
    """Let the web workers count in files of one directory, so that each answers for all."""
    place = settings().data_dir.resolve() / "metrics" / str(port)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(place)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
@click.option("--workers", default=os.cpu_count() or 1, show_default="cores", help="Web workers.")
@click.option("--without-jobs", is_flag=True, help="Leave the jobs to `dougong worker`.")
@click.option("--without-live", is_flag=True, help="Leave live media to `dougong ingest`.")
def command(host: str, port: int, workers: int, without_jobs: bool, without_live: bool) -> None:
    """Serve the site, run the jobs and take live media."""
    migrate()
    settings().secret()
    open_many_files()
    share_figures(port)
    note_serving(host=host, port=port)
    commands = [["worker", "--skip-migrate"]] if not without_jobs else []
    commands += [["ingest"]] if not without_live else []
    watch = Watch(host=host, port=port, commands=commands) if commands else None
    if watch:
        watch.start()
    click.echo(f"Dougong answers on http://{host}:{port}", err=True)
    try:
        serve_until_told(host=host, port=port, workers=workers)
    finally:
        if watch:
            watch.stop()
