"""The load client: wrk, with a script where requests differ."""

import re
import shutil
import subprocess
from pathlib import Path

import msgspec

SECONDS = 6
SCRIPTS = Path(__file__).parent


class Load(msgspec.Struct):
    """What one run of wrk has seen: requests a second, p50 and p99 in ms, answers by status."""

    per_second: float
    p50_ms: float
    p99_ms: float
    requests: int
    statuses: dict[str, int] = {}
    errors: int = 0


class NoLoadClient(RuntimeError):
    """wrk is not on this machine: `apt-get install wrk`."""


def wrk(
    url: str,
    *,
    connections: int,
    seconds: int = SECONDS,
    script: str | None = None,
    args: list[str] | None = None,
) -> Load:
    """One run. Raises NoLoadClient."""
    program = shutil.which("wrk")
    if program is None:
        raise NoLoadClient(NoLoadClient.__doc__)
    command = [program, "-t2", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "30s"]
    if script:
        command += ["-s", str(SCRIPTS / script)]
    done = subprocess.run(
        [*command, url, *(["--", *args] if args else [])],
        capture_output=True,
        text=True,
        check=True,
    )
    return _read(done.stdout)


def _read(said: str) -> Load:
    statuses = dict(re.findall(r"^status (\d+) (\d+)$", said, re.M))
    found = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    made = re.search(r"(\d+) requests in", said)
    rate = re.search(r"^rate ([\d.]+)$", said, re.M) or re.search(r"Requests/sec: +([\d.]+)", said)
    if made is None or rate is None:
        raise RuntimeError(said)
    return Load(
        per_second=float(rate[1]),
        p50_ms=_ms(said, "50%"),
        p99_ms=_ms(said, "99%"),
        requests=int(made[1]),
        statuses={status: int(count) for status, count in statuses.items()},
        errors=sum(map(int, found.groups())) if found else 0,
    )


def _ms(said: str, percentile: str) -> float:
    found = re.search(rf"^ +{percentile} +([\d.]+)(us|ms|s)$", said, re.M)
    if found is None:
        return 0.0
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]
