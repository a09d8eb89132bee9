"""A real `dougong serve` beside a media server, rooms opened by its command, and what becomes of
them."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from tests.crash.server import Server, free_port
from tests.factories import a_person, an_org
from tests.rtmp.encoder import Encoder

from dougong.accounts.rules import token_hash
from dougong.infra.clock import wall_now
from dougong.infra.db import make_engine
from dougong.infra.embedded_postgres import APP
from dougong.infra.live_segments import Segment, segments_of

SECRET = "a secret of the hooks; and of nothing else"


def until(is_so: Callable[[], bool], *, within_s: float = 60) -> None:
    last = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < last, f"not within {within_s} s"
        time.sleep(0.1)


class Site(Server):
    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir, workers=1)
        self.rtmp_port = free_port()

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "DOUGONG_RTMP_HOOK_SECRET": SECRET,
            "DOUGONG_RTMP_PULL_URL": f"rtmp://127.0.0.1:{self.rtmp_port}/live/{{room_id}}",
        }

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.url(APP)) as conn:
            return conn.execute(statement.encode(), values).fetchall()

    def write(self, statement: str, *values: Any) -> None:
        with psycopg.connect(self.postgres.url(APP)) as conn:
            conn.execute(statement.encode(), values)


@dataclass
class ARoom:
    """A room of a creator of its own, who is signed in."""

    site: Site
    id: str
    creator_id: str
    key: str
    client: httpx.Client

    def encoder(self, *, key: str = "") -> Encoder:
        """One that has begun to send; the caller stops it."""
        port = self.site.rtmp_port
        made = Encoder(f"rtmp://127.0.0.1:{port}/live/{self.id}?key={key or self.key}")
        made.start()
        return made

    @property
    def state(self) -> str:
        return str(self.site.rows("SELECT state FROM live_rooms WHERE id = %s", self.id)[0][0])

    def becomes(self, state: str) -> None:
        until(lambda: self.state == state)

    def publishers(self) -> list[tuple[str, str | None]]:
        """Protocol and why it left, of each in order."""
        found = self.site.rows(
            "SELECT protocol, end_reason FROM live_publishers WHERE room_id = %s ORDER BY id",
            self.id,
        )
        return [(protocol, reason) for protocol, reason in found]

    @property
    def folder(self) -> Path:
        return self.site.data_dir / "media" / "live" / self.id

    def segments(self, count: int) -> list[Segment]:
        """All of them, as soon as there are so many."""
        until(lambda: len(segments_of(self.folder)) >= count)
        return segments_of(self.folder)

    def post(self, path: str) -> httpx.Response:
        """A form of the studio."""
        studio = f"/creator/{self.creator_id}/live/{self.id}"
        assert self.client.get(studio).status_code == 200
        answered = self.client.post(
            studio + path,
            headers={"x-csrftoken": self.client.cookies["csrftoken"]},
        )
        assert answered.status_code in (201, 302, 303), answered.text
        return answered


async def a_creator(site: Site) -> tuple[str, str]:
    """A creator, and the session of its person."""
    engine, token = make_engine(site.postgres.url(APP), pool_size=1), uuid4().hex
    async with engine.begin() as conn:
        person_id = await a_person(conn)
        creator_id = await an_org(conn, kind="creator", person_id=person_id)
    await engine.dispose()
    site.write(
        "INSERT INTO sessions (token_hash, person_id, created_at, expires_at)"
        " VALUES (%s, %s, %s, %s::timestamptz + interval '1 day')",
        *(token_hash(token), person_id, wall_now(), wall_now()),
    )
    return str(creator_id), token


async def a_room(site: Site) -> ARoom:
    creator_id, token = await a_creator(site)
    (handle,) = site.rows("SELECT handle FROM organisations WHERE id = %s", creator_id)[0]
    made = site.run("-m", "dougong", "live", "open", "--creator", handle, "--json")
    assert made.returncode == 0, made.stderr
    said = json.loads(made.stdout)
    client = httpx.Client(base_url=site.url, cookies={"dougong_session": token})
    return ARoom(site, said["room_id"], creator_id, said["stream_key"], client)
