"""Password hashes (argon2id), made and checked in two threads so that the event loop never waits.

Two at a time bound the memory too (64 MiB each). A check costs the same for an unknown person.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dougong.accounts.rules import NO_PASSWORD

AT_ONCE = 2

# RFC 9106, second recommended option: 64 MiB, three passes, four lanes.
_hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="password")


@cache
def _nobody() -> str:
    """The hash that an unknown e-mail is checked against."""
    return _hasher.hash("nobody knows this")


def _fits(kept: str, password: str) -> bool:
    known = kept != NO_PASSWORD
    try:
        return _hasher.verify(kept if known else _nobody(), password) and known
    except (VerificationError, InvalidHashError):
        return False


async def make_hash(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_threads(), _hasher.hash, password)


async def fits(kept: str | None, password: str) -> bool:
    """Whether the password makes the kept hash. None: nobody; as slow, and False."""
    run = asyncio.get_running_loop().run_in_executor
    return await run(_threads(), _fits, kept or NO_PASSWORD, password)


def is_outdated(kept: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(kept)
