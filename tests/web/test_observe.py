"""What an operator sees: readiness, figures, logs with a request id and nothing secret in them."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from tests.web.accounts import a_client, a_person, a_session, an_email, send
from tests.web.site import Client

from dougong.infra.db import side_engine, transaction
from dougong.infra.settings import settings
from dougong.web import health
from dougong.web.security import SESSION_COOKIE

PASSWORD = "a long enough pass phrase"


@pytest.fixture
def logged(capfd: pytest.CaptureFixture[str]) -> Any:
    """What stood on both streams so far."""
    return lambda: "".join(capfd.readouterr())


async def test_ready_says_whether_a_job_worker_was_seen() -> None:
    async with a_client() as client:
        assert (await client.get("/readyz")).json()["jobs"] == "away"
        async with transaction() as conn:
            await conn.execute(
                text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())")
            )
        assert (await client.get("/readyz")).json()["jobs"] == "seen"
        async with transaction() as conn:
            await conn.execute(text("DELETE FROM procrastinate_workers"))


async def test_not_ready_at_another_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_wanted", lambda: "9999")
    async with a_client() as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_migrated")


async def scrape(client: Any, *, host: str = "127.0.0.1", **headers: str) -> Any:
    """The figures, asked for from an address."""
    there = httpx.ASGITransport(app=client.app, client=(host, 50_000))
    async with httpx.AsyncClient(transport=there, base_url="http://testserver") as asked:
        return await asked.get("/metrics", headers=headers)


async def test_figures_are_for_this_machine_only() -> None:
    async with a_client() as client:
        answer = await scrape(client)
        assert answer.status_code == 200
        for name in ("dougong_requests_total", "dougong_database_up 1.0", "dougong_waiting_events"):
            assert name in answer.text
        for host in ("203.0.113.9", "192.168.1.4"):
            assert (await scrape(client, host=host)).status_code == 404
        forwarded = await scrape(client, **{"x-forwarded-for": "203.0.113.9"})
        assert forwarded.status_code == 404


async def test_a_token_lets_a_scraper_in(monkeypatch: pytest.MonkeyPatch) -> None:

    with_token = msgspec.structs.replace(settings(), metrics_token="t0ken")
    monkeypatch.setattr(health, "settings", lambda: with_token)
    async with a_client() as client:
        assert (await scrape(client)).status_code == 404
        assert (await scrape(client, authorization="Bearer wrong")).status_code == 404
        told = await scrape(client, host="203.0.113.9", authorization="Bearer t0ken")
        assert told.status_code == 200


async def test_a_refusal_names_its_request(logged: Any) -> None:
    async with a_client() as client:
        for path in ("/api/v1/me", "/api/v1/nothing-here", "/nothing-here"):
            answer = await client.get(path, headers={"accept": "application/json"})
            request_id = answer.headers["x-request-id"]
            if path.startswith("/api/"):
                assert answer.json()["request_id"] == request_id
            assert f'"request_id": "{request_id}"' in logged()
        mine = await client.get("/api/v1/me", headers={"x-request-id": "caller-chose-this"})
        assert mine.json()["request_id"] == "caller-chose-this"
        forged = await client.get("/api/v1/me", headers={"x-request-id": 'x" injected="1'})
        assert forged.headers["x-request-id"] != 'x" injected="1'


async def test_an_everyday_refusal_is_counted_and_makes_no_line(logged: Any) -> None:
    common = {"email": an_email(), "password": "1234567890", "name": "Li"}
    async with a_client() as client:
        before = _refused("password_too_common")
        answer = await client.post("/api/v1/people", json=common)
        assert (answer.status_code, answer.json()["code"]) == (422, "password_too_common")
        assert answer.json()["request_id"] not in logged()
    assert _refused("password_too_common") == before + 1


def _refused(code: str) -> float:
    return REGISTRY.get_sample_value("dougong_refusals_total", {"code": code}) or 0


async def test_nothing_secret_is_logged(
    logged: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Signing up, failing to sign in, a fault and a broken statement while everything is logged."""
    caplog.set_level(logging.DEBUG)
    email = an_email()
    person_id = await a_person()
    token = await a_session(person_id)
    async with a_client(token) as client:
        await client.get("/api/v1/me", headers={"authorization": f"Bearer {token}"})
        await send(client, "/sign-up", name="Li", email=email, password=PASSWORD)
        wrong = await client.post(
            "/api/v1/sessions", json={"email": email, "password": PASSWORD + "!"}
        )
        assert wrong.status_code == 401
        await client.post("/api/v1/sessions", content=f'{{"password": "{PASSWORD}",')

        async def broken(*_: object, **given: object) -> None:
            kept = PASSWORD, token  # local variables of a frame that fails
            async with side_engine().connect() as conn:
                await conn.execute(text("SELECT CAST(:secret AS int)"), {"secret": kept[0]})

        monkeypatch.setattr("dougong.web.api.sessions.flow.sign_in", broken)
        client.cookies.set(SESSION_COOKIE, token)
    async with Client() as client:
        answer = await client.post("/api/v1/sessions", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 500
        assert PASSWORD not in answer.text
    told = logged() + caplog.text
    assert "fault" in told
    for secret in (PASSWORD, token, settings().secret().decode()):
        assert secret not in told


def test_every_worker_counts_into_one_directory(tmp_path: Path) -> None:
    """Two processes count as two web workers do; a third one answers for both."""
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    count = "from dougong.web.observe import REQUESTS as r; r.labels('GET', '200').inc()"
    for _ in range(2):
        subprocess.run([sys.executable, "-c", count], env=environ, check=True)
    tell = (
        "import asyncio; from prometheus_client import generate_latest;"
        "from dougong.web.health import _registry;"
        "print(generate_latest(asyncio.run(_registry())).decode())"
    )
    told = subprocess.run(
        [sys.executable, "-c", tell], env=environ, check=True, capture_output=True, text=True
    )
    assert 'dougong_requests_total{method="GET",status="200"} 2.0' in told.stdout
    told_once = [line for line in told.stdout.splitlines() if "database_up" in line]
    assert told_once[-1:] == ["dougong_database_up 1.0"]
    assert len(told_once) == 3  # with its help and its type
