"""Many ask, few batches run; everybody gets an answer of his own."""

import asyncio

import pytest

from dougong.infra.coalesce import Coalescer


class Runs:
    """Doubles numbers, batch by batch; each batch waits until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()

    async def __call__(self, asked: list[int]) -> list[int | Exception]:
        self.batches.append(asked)
        await self.gate.wait()
        return [ValueError(n) if n < 0 else 2 * n for n in asked]


async def asked_after(coalescer: Coalescer[int, int], n: int) -> "asyncio.Task[int]":
    task = asyncio.create_task(coalescer.ask(n))
    await asyncio.sleep(0)
    return task


async def test_what_is_asked_while_a_batch_runs_is_the_next_batch() -> None:
    runs = Runs()
    coalescer = Coalescer(runs, most=10, wait_s=0.001)
    first = [await asked_after(coalescer, n) for n in (1, 2)]
    await asyncio.sleep(0.01)
    later = [await asked_after(coalescer, n) for n in (3, 4, 5)]
    await asyncio.sleep(0.01)
    assert runs.batches == [[1, 2]]
    runs.gate.set()
    assert await asyncio.gather(*first, *later) == [2, 4, 6, 8, 10]
    assert runs.batches == [[1, 2], [3, 4, 5]]
    assert coalescer.is_idle


async def test_a_full_batch_does_not_wait_and_the_rest_follows() -> None:
    runs = Runs()
    runs.gate.set()
    coalescer = Coalescer(runs, most=2, wait_s=60)
    assert await asyncio.gather(*(coalescer.ask(n) for n in range(4))) == [0, 2, 4, 6]
    assert runs.batches == [[0, 1], [2, 3]]


async def test_one_refusal_is_its_askers_alone() -> None:
    runs = Runs()
    runs.gate.set()
    coalescer = Coalescer(runs, most=3, wait_s=60)
    answers = await asyncio.gather(*map(coalescer.ask, (1, -1, 2)), return_exceptions=True)
    assert (answers[0], str(answers[1]), answers[2]) == (2, "-1", 4)


async def test_a_refusal_can_be_had_as_an_answer() -> None:
    runs = Runs()
    runs.gate.set()
    coalescer = Coalescer(runs, most=2, wait_s=60)
    kept, refused = await asyncio.gather(*map(coalescer.answer, (1, -1)))
    assert (kept, str(refused)) == (2, "-1") and isinstance(refused, ValueError)


async def test_a_batch_that_fails_is_everybodys_and_not_the_next_ones() -> None:
    broken = True

    async def run(asked: list[int]) -> list[int | Exception]:
        if broken:
            raise OSError("away")
        return [*asked]

    coalescer: Coalescer[int, int] = Coalescer(run, most=2, wait_s=60)
    with pytest.raises(OSError, match="away"):
        await asyncio.gather(coalescer.ask(1), coalescer.ask(2))
    broken = False
    assert await asyncio.gather(coalescer.ask(1), coalescer.ask(2)) == [1, 2]


async def test_who_goes_away_takes_nobody_along() -> None:
    runs = Runs()
    coalescer = Coalescer(runs, most=2, wait_s=60)
    stays, leaves = [await asked_after(coalescer, n) for n in (1, 2)]
    await asyncio.sleep(0.01)
    leaves.cancel()
    runs.gate.set()
    assert await stays == 2
