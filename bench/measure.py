"""The measurements, by name."""

import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from bench import prepare
from bench.consoles import TARGET_MS, console_times
from bench.live import live_times
from bench.load import Load, wrk
from bench.policy import measure as verdicts
from bench.reconcile import reconcile_times
from bench.server import data_dir, dougong, server
from bench.sockets import TARGET_MS as FAN_OUT_MS
from bench.sockets import measure as room_sockets
from bench.sweep import sweep_times

CONNECTIONS = 128
ROUNDS = 3
BUYERS, UNITS = 20_000, 5_000
RESULTS = Path(__file__).parent / "results"


class Figure(msgspec.Struct):
    """One figure beside its floor; `ratio` is what counts."""

    name: str
    per_second: float
    floor_per_second: float
    ratio: float
    target: float
    p99_ms: float
    p99_half_load_ms: float | None = None
    facts: dict[str, Any] = {}


def empty_post(address: str) -> Load:
    return wrk(f"{address}/api/v1/empty", connections=CONNECTIONS, script="empty_post.lua")


def empty_get(address: str) -> Load:
    return wrk(f"{address}/api/v1/empty", connections=CONNECTIONS)


def flash_sale() -> Figure:
    """Everybody at once wants the one SKU; each round has a fresh server and fresh stock."""
    sold: list[Load] = []
    floors: list[Load] = []
    doctor: dict[str, Any] = {}
    for _ in range(ROUNDS):
        with data_dir() as home:
            store, prepared = prepare.flash_sale(home, buyers=BUYERS, units=UNITS)
            with server(home) as address:
                floors.append(empty_post(address))
                run = wrk(
                    address,
                    connections=CONNECTIONS,
                    seconds=40,
                    script="flash_sale.lua",
                    args=[str(prepared), str(BUYERS), prepare.order_body(store)],
                )
                floors.append(empty_post(address))
            doctor = msgspec.json.decode(dougong(home, "doctor", "--json"))
            made = prepare.sold(store)
        _check_sale(run, made, doctor)
        sold.append(run)
    return _figure(
        "flash_sale",
        sold,
        floors,
        target=0.35,
        facts={"statuses": sold[-1].statuses, "doctor": doctor},
    )


def _check_sale(run: Load, made: int, doctor: dict[str, Any]) -> None:
    """Every unit is sold, and once; whoever got none was told "sold out"."""
    others = {s: n for s, n in run.statuses.items() if s not in ("201", "409")}
    # A request or two may be sent again at the very end: the same key, the same answer.
    if run.errors or others or made != UNITS or sum(run.statuses.values()) < BUYERS:
        raise RuntimeError(f"the sale went wrong: {made} sold, {run}")
    wrong = {name: n for name, n in doctor.items() if isinstance(n, int) and n}
    if wrong:
        raise RuntimeError(f"the doctor says {wrong}")


def feed() -> Figure:
    return _reads("feed", lambda _: "/api/v1/feed")


def sheet() -> Figure:
    return _reads("sheet", _a_sheet)


def _a_sheet(home: Path) -> str:
    import asyncio

    from sqlalchemy import text

    from dougong.infra.db import dispose, transaction

    async def find() -> str:
        async with transaction() as conn:
            row = (await conn.execute(text("SELECT store_id, id FROM products LIMIT 1"))).one()
        await dispose()
        return f"/sheet/{row.store_id}/{row.id}"

    return asyncio.run(find())


def _reads(name: str, path: Callable[[Path], str]) -> Figure:
    read: list[Load] = []
    floors: list[Load] = []
    with data_dir() as home:
        dougong(home, "seed", "demo")
        where = path(home)
        with server(home) as address:
            wrk(f"{address}{where}", connections=8, seconds=2)  # warm
            for _ in range(ROUNDS):
                floors.append(empty_get(address))
                read.append(wrk(f"{address}{where}", connections=CONNECTIONS))
            # Half load: as many connections as keep the server half busy.
            half = wrk(f"{address}{where}", connections=8)
    found = _figure(name, read, floors, target=0.30, facts={})
    found.p99_half_load_ms = half.p99_ms
    return found


def import_orders() -> Figure:
    """Lines a second, as the command itself reports; half as many unpaid ones as there are."""
    shared = Path(__file__).resolve().parents[2] / "shared" / "data" / "tmall_orders_2020_02.csv"
    if not shared.exists():
        raise RuntimeError(f"needs {shared.name} beside the project, in shared/data")
    rates: list[float] = []
    report: dict[str, Any] = {}
    for _ in range(ROUNDS):
        with data_dir() as home:
            dougong(home, "migrate")
            said = dougong(
                home, "import", "orders", str(shared), "--format", "tmall", "--store",
                "tmall-2020", "--json",
            )  # fmt: skip
            report = msgspec.json.decode(said)
            rates.append(float(report["lines_per_second"]))
    rate = statistics.median(rates)
    return Figure("import", rate, 20_000, rate / 20_000, 1.0, 0.0, None, report)


def _figure(
    name: str, runs: list[Load], floors: list[Load], *, target: float, facts: dict[str, Any]
) -> Figure:
    rate = statistics.median(run.per_second for run in runs)
    floor = statistics.median(run.per_second for run in floors)
    p99 = statistics.median(run.p99_ms for run in runs)
    return Figure(name, rate, floor, rate / floor, target, p99, None, facts)


def consoles() -> Figure:
    """The slowest screen with a million orders; `facts` have every screen's milliseconds."""
    found, floor_ms, facts = console_times()
    worst = max(found, key=lambda name: found[name])
    screens = {name: round(ms, 1) for name, ms in found.items()}
    facts |= {"slowest": worst, "floor_ms": round(floor_ms, 1), "screens_ms": screens}
    a_second, floor = 1_000 / found[worst], 1_000 / floor_ms
    ratio = TARGET_MS / found[worst]  # how often the slowest fits into the target
    return Figure("consoles", a_second, floor, ratio, 1.0, found[worst], None, facts)


def sweep() -> Figure:
    """Links a second while a ban hides a quarter of a million, beside one bare UPDATE of it."""
    with data_dir():
        banned_s, back_s, bare_s, facts = sweep_times()
    rate = facts["links"] / max(banned_s, back_s)
    facts |= {"banned_s": round(banned_s, 1), "back_s": round(back_s, 1)}
    target = facts["links"] / 60
    floor = facts["hidden"] / bare_s
    return Figure("sweep", rate, floor, rate / target, 1.0, 0.0, None, facts)


def policy() -> Figure:
    """Verdicts a second by the median case; the target is one in 20 microseconds."""
    facts = verdicts()
    a_second = 1_000_000 / facts["median_us"]
    p99_ms = facts["p99_us"] / 1_000
    return Figure("policy", a_second, 50_000, a_second / 50_000, 1.0, p99_ms, None, facts)


def reconciliation() -> Figure:
    """Rows of a report a second, all of a run: read, compared, kept; beside merely reading."""
    with data_dir() as home:
        facts = reconcile_times(home)
    rows, target = facts["rows"], facts["rows"] / 60
    rate = rows / max(facts["from_database_s"], facts["from_file_s"])
    floor = rows / max(facts["read_rows_s"], facts["read_file_s"])
    told = {name: round(n, 2) if isinstance(n, float) else n for name, n in facts.items()}
    return Figure("reconcile", rate, floor, rate / target, 1.0, 0.0, None, told)


def sockets() -> Figure:
    """How often a chat message to a full room fits into the target; the floor is a bare echo."""
    facts = room_sockets()
    rate, floor = 1_000 / facts["p99_ms"], 1_000 / facts["echo_p99_ms"]
    ratio = FAN_OUT_MS / facts["p99_ms"]
    return Figure("sockets", rate, floor, ratio, 1.0, facts["p99_ms"], None, facts)


def live() -> Figure:
    """Rooms of 720 × 1280 at 25 frames a second that one core carries, beside how many it would
    without WebRTC; the target is two rooms on two cores. `facts` say how late viewers see it."""
    with data_dir() as home:
        facts = live_times(home)
    told = {name: round(n, 2) if isinstance(n, float) else n for name, n in facts.items()}
    rate, floor = 1 / facts["cores"], 1 / facts["floor_cores"]
    late_ms = facts["glass_to_glass_s"] * 1_000
    return Figure("live", rate, floor, facts["rooms_on_two_cores"] / 2, 1.0, late_ms, None, told)


FIGURES: dict[str, Callable[[], Figure]] = {
    "flash_sale": flash_sale,
    "feed": feed,
    "sheet": sheet,
    "import": import_orders,
    "consoles": consoles,
    "sweep": sweep,
    "policy": policy,
    "reconcile": reconciliation,
    "sockets": sockets,
    "live": live,
}


def save(figures: list[Figure]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%S}.local.json"
    target.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2))
    return target
