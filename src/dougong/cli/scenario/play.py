"""Plays the days one after the other on the business clock, and tells what came of each."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import structlog

import dougong.cli.demo
from dougong.base.errors import NotAllowed
from dougong.cli.scenario.cast import Cast, open_platform
from dougong.cli.scenario.days import DAYS
from dougong.cli.scenario.told import tell, tell_creators, yuan
from dougong.cli.scenario.traffic import Bought, live_between
from dougong.flows.count_round import count_rounds
from dougong.flows.deadlines import act_on_due
from dougong.flows.load_rules import load_rules
from dougong.flows.seal_books import seal_books
from dougong.flows.sweep_links import sweep_due
from dougong.infra import clock
from dougong.infra.db import dispose, snapshot, transaction
from dougong.policy.commands import install_default_rules
from dougong.reads.doctor import examine

BOOK = Path(dougong.cli.demo.__file__).parent / "douyin_taobao.toml"
GOLDEN = Path(__file__).parent / "douyin_taobao.txt"


class AlreadyLived(NotAllowed):
    """Something has happened on this platform already: history needs a fresh one."""


async def play_douyin_taobao(*, on_day: Callable[[str], None] = lambda _: None) -> list[str]:
    """The story as it is told, line by line. Raises AlreadyLived."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        cast, lines = await _open(), []
        waiting: list[Bought] = []
        since = DAYS[0].at
        for day in DAYS:
            on_day(f"{day.at:%Y-%m-%d} {day.title}")
            if day.at > since:
                await _move_clock(to=day.at)
                await live_between(cast, waiting, since=since, until=day.at, name=day.title)
                await act_on_due(at=None)
            async with transaction() as conn:
                said = await day.act(conn, cast, await clock.refresh(conn))
            await sweep_due()
            await count_rounds()
            lines += ["", f"{day.at:%Y-%m-%d %H:%M}  {day.title}", *(f"  {one}" for one in said)]
            async with transaction() as conn:
                lines += await tell(conn, cast, since=since, at=day.at)
            since = day.at
        lines += ["", "What each creator has earned", *await _ending()]
        return lines
    finally:
        await dispose()


async def _open() -> Cast:
    """A platform that begins in March 2018, with its rule book."""
    first = DAYS[0].at
    async with transaction(slow=True) as conn:
        try:
            at = await clock.begin_at(conn, at=first)
        except NotAllowed as error:
            raise AlreadyLived from error
        cast = await open_platform(conn, at=at)
        people = {"author_id": cast.people["operator"], "approver_id": cast.people["second"]}
        await install_default_rules(conn, at=at, **people)
        loaded = await load_rules(conn, data=BOOK.read_bytes(), at=at, is_history=True, **people)
        if loaded.bad:
            raise ValueError(loaded.bad)
    return cast


async def _move_clock(*, to: datetime) -> None:
    async with transaction() as conn:
        now = await clock.refresh(conn)
        ahead = to - now
        if ahead > timedelta(0):
            await clock.advance(conn, by=ahead)


async def _ending() -> list[str]:
    """The books as a whole: nothing is left unexplained."""
    await seal_books()
    async with snapshot(slow=True) as conn:
        lines = await tell_creators(conn)
        checks = await examine(
            conn, business_now=clock.now(), wall_now=clock.wall_now(), published=()
        )
        found = {check.name: check.value for check in checks}
    sums = [yuan(found[name]) for name in ("trial_balance_minor", "unexplained_minor")]
    lines += ["", "trial balance {}, unexplained {}".format(*sums)]
    wrong = [f"{name} {value}" for name, value in found.items() if value]
    return [*lines, "the doctor finds " + (", ".join(wrong) or "nothing wrong")]
