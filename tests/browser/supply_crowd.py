"""Run as a program: two buyers, one after the other, then all others at once, each for one unit of
a flash offer; whoever has one pays. Prints how many have one."""

import asyncio
import sys
from pathlib import Path

import httpx
import msgspec
from tests.crash.buyers import Customer, Plan, World


async def run(plan: Plan) -> int:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        world = World(plan, client)
        crowd = [Customer(world, n) for n in range(len(plan.buyers))]
        placed = [await one.buy(quantity=1) for one in crowd[:2]]
        assert all(placed)
        placed += await asyncio.gather(*(one.buy(quantity=1) for one in crowd[2:]))
        for one, order in zip(crowd, placed, strict=True):
            if order is not None:
                await one.pay(order)
    return sum(order is not None for order in placed)


if __name__ == "__main__":
    found = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)
    print(asyncio.run(run(found)))
