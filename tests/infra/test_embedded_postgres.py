"""Only the user that runs Dougong reaches the embedded server, whatever lies in /tmp."""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dougong.infra.embedded_postgres import APP, POSTGRES_BIN_PATH, DatabaseDown, EmbeddedPostgres

ME = pwd.getpwuid(os.geteuid()).pw_name
STRANGER = "root" if ME == "nobody" else "nobody"
LET_ALL_IN = "local all all trust\nhost all all all trust\n"


@pytest.fixture
def home() -> Iterator[Path]:
    """Not below pytest's own directory: another session of pytest closes that to other users."""
    made = Path(tempfile.mkdtemp(prefix="dougong-test-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(home)
    yield made
    made.stop(mode="immediate")
    if made.socket_dir.is_symlink():
        made.socket_dir.unlink()
    elif made.socket_dir.exists():
        made.socket_dir.rmdir()


def rows_as(user: str, server: EmbeddedPostgres) -> "subprocess.CompletedProcess[str]":
    """What psql says when a user of this machine asks as the superuser."""
    return subprocess.run(
        [
            *(str(POSTGRES_BIN_PATH / "psql"), "-h", str(server.socket_dir)),
            *("-U", "postgres", "-Atc", "SELECT 'in'"),
        ],
        user=user if os.geteuid() == 0 else None,
        capture_output=True,
        text=True,
        cwd="/",
        env={},
        check=False,
    )


def test_we_get_in_as_every_role(server: EmbeddedPostgres) -> None:
    server.ensure_running()
    for role in ("postgres", APP):
        with psycopg.connect(server.url(role)) as conn:
            assert conn.execute("SELECT current_user").fetchone() == (role,)
    assert rows_as(ME, server).stdout == "in\n"


def test_the_socket_is_behind_a_closed_directory(server: EmbeddedPostgres) -> None:
    server.socket_dir.mkdir(mode=0o777)
    server.ensure_running()
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    # Only root can be somebody else for a moment; the modes are the same for everybody.
    if os.geteuid() == 0:
        refused = rows_as(STRANGER, server)
        assert refused.returncode == 2
        assert "Permission denied" in refused.stderr


def test_a_stranger_at_the_socket_is_refused_by_the_server(server: EmbeddedPostgres) -> None:
    server.ensure_running()
    server.socket_dir.chmod(0o711)
    next(server.socket_dir.glob(".s.PGSQL.*[0-9]")).chmod(0o777)
    if os.geteuid() == 0:
        refused = rows_as(STRANGER, server)
        assert refused.returncode == 2
        assert "Peer authentication failed" in refused.stderr
    else:
        (server.pgdata / "pg_ident.conf").write_text(f'dougong "{STRANGER}" all\n')
        server._run("pg_ctl", "-D", str(server.pgdata), "reload")
        assert "Peer authentication failed" in rows_as(ME, server).stderr
    server.ensure_running()
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700


def test_a_data_directory_that_let_everybody_in_is_closed(server: EmbeddedPostgres) -> None:
    server.ensure_running()
    server.stop()
    (server.pgdata / "pg_hba.conf").write_text(LET_ALL_IN)
    server.ensure_running()
    with psycopg.connect(server.url("postgres", "postgres")) as conn:
        methods = conn.execute("SELECT DISTINCT type, auth_method FROM pg_hba_file_rules")
        assert methods.fetchall() == [("local", "peer")]


def test_a_running_server_that_let_everybody_in_is_closed(server: EmbeddedPostgres) -> None:
    server.ensure_running()
    (server.pgdata / "pg_hba.conf").write_text(LET_ALL_IN)
    pid = server.postmaster_pid()
    server.ensure_running()
    assert (server.postmaster_pid(), "trust" in (server.pgdata / "pg_hba.conf").read_text()) == (
        pid,
        False,
    )


def test_a_link_in_the_socket_directory_s_place_is_refused(
    server: EmbeddedPostgres, home: Path
) -> None:
    (home / "elsewhere").mkdir()
    server.socket_dir.symlink_to(home / "elsewhere")
    with pytest.raises(DatabaseDown, match="no directory of ours"):
        server.ensure_running()
    assert not server.pgdata.exists()


def test_a_directory_of_somebody_else_is_refused(home: Path) -> None:
    server = EmbeddedPostgres(home)
    if os.geteuid() == 0:
        server.socket_dir = home / "socket"
        server.socket_dir.mkdir()
        os.chown(server.socket_dir, pwd.getpwnam(STRANGER).pw_uid, -1)
    else:
        server.socket_dir = Path("/")  # root's
    with pytest.raises(DatabaseDown, match="belongs to user"):
        server.ensure_running()
    assert not server.pgdata.exists()


def test_a_client_answers_to_no_server_of_somebody_else(server: EmbeddedPostgres) -> None:
    server.ensure_running()
    url = server.url("postgres").split("&requirepeer=")[0]
    with pytest.raises(psycopg.OperationalError, match="requirepeer"):
        psycopg.connect(f"{url}&requirepeer={STRANGER}")
    server.stop()
