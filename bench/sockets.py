"""A room with thousands of sockets: how long one chat message takes to all of them."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.server import data_dir, environment, free_port, server

SOCKETS, MESSAGES, WRITERS = 5_000, 20, 10
TARGET_MS = 250.0
SETTLE_S = 4.0  # visits are written, counts are told
CLIENT = Path(__file__).with_name("socket_client.py")


def _client(home: Path | None, **asked: Any) -> dict[str, Any]:
    """What the client has seen; with a data directory also the server's CPU for its messages."""
    running = subprocess.Popen(
        [sys.executable, str(CLIENT), json.dumps(asked)], stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    if running.stdout.readline() != "ready\n":
        raise RuntimeError("the sockets did not open")
    before = cpu_s(home) if home else 0.0
    found: dict[str, Any] = json.loads(running.stdout.readline())
    found["cpu_s"] = cpu_s(home) - before if home else 0.0
    running.wait(timeout=60)
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
def _echo_server() -> Iterator[str]:
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
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(timeout=30)


def cpu_s(home: Path) -> float:
    """CPU seconds of every process with this data directory, the database's among them."""
    ticks = 0
    for one in Path("/proc").iterdir():
        if not one.name.isdigit():
            continue
        try:
            told = (one / "environ").read_bytes() + (one / "cmdline").read_bytes()
            if str(home).encode() in told:
                fields = (one / "stat").read_text().rsplit(")", 1)[1].split()
                ticks += int(fields[11]) + int(fields[12])
        except OSError:
            continue  # gone meanwhile, or not ours
    return ticks / os.sysconf("SC_CLK_TCK")


def p(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def measure() -> dict[str, Any]:
    """Milliseconds from the writer's send to each socket; beside the bare echo of the server."""
    common = {"sockets": SOCKETS, "settle_s": SETTLE_S, "messages": MESSAGES}
    with _echo_server() as address:
        bare = _client(None, kind="echo", address=address, path="/", **common)
    with data_dir() as home:
        subprocess.run(
            [sys.executable, "-m", "dougong", "migrate"], env=environment(home), check=True,
            capture_output=True,
        )  # fmt: skip
        room_id, tokens = asyncio.run(_prepare())
        with server(home) as address:
            path = f"/live/{room_id}/socket"
            found = _client(
                home, kind="fan_out", address=address, path=path, tokens=tokens, **common
            )
    if found["missing"] or found["lost"]:
        raise RuntimeError(f"{found['missing']} messages missing, {found['lost']} sockets lost")
    return {
        "sockets": SOCKETS,
        "messages": MESSAGES,
        "p50_ms": round(p(found["ms"], 0.5), 1),
        "p99_ms": round(p(found["ms"], 0.99), 1),
        "echo_p50_ms": round(p(bare["ms"], 0.5), 1),
        "echo_p99_ms": round(p(bare["ms"], 0.99), 1),
        "all_joined_s": round(found["joined_s"], 1),
        "server_cpu_ms_a_message": round(found["cpu_s"] * 1_000 / MESSAGES, 1),
    }
