"""A room with thousands of sockets: how long one chat message takes to all of them."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.server import data_dir, environment, free_port, server
from dougong.infra.embedded_postgres import EmbeddedPostgres

SOCKETS, MESSAGES, WRITERS = 5_000, 20, 10
TARGET_MS = 250.0
SETTLE_S = 4.0  # visits are written, counts are told
CLIENT = Path(__file__).with_name("socket_client.py")


def _client(server_pid: int, home: Path | None, **asked: Any) -> dict[str, Any]:
    """What the client has seen, and what CPU the server has used for its messages, by part."""
    running = subprocess.Popen(
        [sys.executable, str(CLIENT), json.dumps(asked)], stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    if running.stdout.readline() != "ready\n":
        raise RuntimeError("the sockets did not open")
    before = cpu_s(server_pid, home)
    found: dict[str, Any] = json.loads(running.stdout.readline())
    found["cpu_s"] = {part: s - before[part] for part, s in cpu_s(server_pid, home).items()}
    running.wait(timeout=60)
    if found["missing"] or found["lost"]:
        raise RuntimeError(f"{found['missing']} messages missing, {found['lost']} sockets lost")
    return found


async def _prepare() -> tuple[str, list[str]]:
    """A room on air, and the sessions of some who write."""
    from sqlalchemy import text

    from dougong.accounts.commands import start_session
    from dougong.base.ids import PersonId, new_id
    from dougong.flows.live_on_air import media_arrived
    from dougong.flows.plan_room import plan_room
    from dougong.infra import clock
    from dougong.infra.db import dispose, transaction

    async with transaction() as conn:
        at = await clock.refresh(conn)
        creator_id = new_id()
        await conn.execute(
            text("""
                INSERT INTO organisations (id, kind, name, handle, created_at)
                VALUES (:id, 'creator', 'Bench', 'bench', :at)
            """),
            {"id": creator_id, "at": at},
        )
        people = [PersonId(new_id()) for _ in range(WRITERS)]
        for one in people:
            await conn.execute(
                text("""
                    INSERT INTO people (id, email, name, password_hash, locale, created_at)
                    VALUES (:id, :email, 'Bench', '-', 'en', :at)
                """),
                {"id": one, "email": f"{one.hex}@example.com", "at": at},
            )
        tokens = [
            await start_session(conn, person_id=one, at=at, user_agent="bench") for one in people
        ]
        room_id = await plan_room(
            conn, creator_id=creator_id, title_zh="", title_en="Bench", announced_for=at, at=at
        )
        await media_arrived(conn, room_id=room_id, at=at)
    await dispose()
    return str(room_id), tokens


@contextmanager
def _echo_server() -> Iterator[tuple[str, int]]:
    """The same server with the same number of workers, and nothing of ours."""
    port = free_port()
    code = (
        "import resource; from granian import Granian; from granian.constants import *; "
        "most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)); "
        f"Granian('bench.echo_app:app', port={port}, interface=Interfaces.ASGI, workers=2, "
        "loop=Loops.uvloop, backlog=4096, log_enabled=False).serve()"
    )
    running = subprocess.Popen([sys.executable, "-c", code], cwd=CLIENT.parents[1])
    try:
        time.sleep(3)
        yield f"http://127.0.0.1:{port}", running.pid
    finally:
        running.terminate()
        running.wait(timeout=30)


def cpu_s(server_pid: int, home: Path | None) -> dict[str, float]:
    """CPU seconds of the server's web workers, and of its database."""
    top = psutil.Process(server_pid)
    workers = [one for one in top.children(recursive=True) if "spawn_main" in str(one.cmdline())]
    database: list[psutil.Process] = []
    if home:
        postmaster = psutil.Process(EmbeddedPostgres(home).postmaster_pid())
        database = [postmaster, *postmaster.children(recursive=True)]
    return {"workers": _sum(workers or top.children()), "database": _sum(database)}


def _sum(processes: list[psutil.Process]) -> float:
    times = [one.cpu_times() for one in processes]
    return float(sum(one.user + one.system for one in times))


def p(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def measure() -> dict[str, Any]:
    """Milliseconds from the writer's send to each socket; beside the bare echo of the server."""
    common = {"sockets": SOCKETS, "settle_s": SETTLE_S, "messages": MESSAGES}
    with _echo_server() as (address, pid):
        bare = _client(pid, None, kind="echo", address=address, path="/", **common)
    with data_dir() as home:
        subprocess.run(
            [sys.executable, "-m", "dougong", "migrate"], env=environment(home), check=True,
            capture_output=True,
        )  # fmt: skip
        room_id, tokens = asyncio.run(_prepare())
        with server(home) as address:
            [pid] = [one.pid for one in psutil.Process().children() if "serve" in one.cmdline()]
            path = f"/live/{room_id}/socket"
            found = _client(
                pid, home, kind="fan_out", address=address, path=path, tokens=tokens, **common
            )
    return {
        "sockets": SOCKETS,
        "messages": MESSAGES,
        "p50_ms": round(p(found["ms"], 0.5), 1),
        "p99_ms": round(p(found["ms"], 0.99), 1),
        "echo_p50_ms": round(p(bare["ms"], 0.5), 1),
        "echo_p99_ms": round(p(bare["ms"], 0.99), 1),
        "all_joined_s": round(found["joined_s"], 1),
        # Of a thousand messages delivered to one socket each.
        "cpu_ms_per_1000": _per_1000(found),
        "echo_cpu_ms_per_1000": _per_1000(bare),
    }


def _per_1000(found: dict[str, Any]) -> dict[str, float]:
    parts = found["cpu_s"] | {"client": found["client_cpu_s"]}
    return {part: round(s * 1_000_000 / SOCKETS / MESSAGES, 2) for part, s in parts.items() if s}
