"""Each check of tidy on a good and a bad sample."""

from collections.abc import Callable, Iterable

import pytest

import tidy
import tidy_code
import tidy_shape
import tidy_sql
from tidy_files import Finding, SourceFile, read_tree

# Only ever lowered: a new exception is a decision to be seen in a review.
MOST_EXCUSED = 2

SAMPLES: list[tuple[Callable[[list[SourceFile]], Iterable[Finding]], str, str, str, str]] = [
    (
        tidy_sql.no_writes_in_reads,
        "reads_write",
        "src/dougong/reads/x.py",
        "from sqlalchemy import text\nROWS = text('SELECT updated_at FROM orders')",
        "from sqlalchemy import text\nROWS = text('WITH a AS (DELETE FROM orders) SELECT 1')",
    ),
    (
        tidy_sql.no_writes_in_reads,
        "reads_write",
        "src/dougong/reads/x.py",
        "seen = {}\nseen.update(a=1)",
        "from sqlalchemy import update\nchange = update(orders)",
    ),
    (
        tidy_sql.no_sql_from_strings,
        "built_sql",
        "src/dougong/orders/queries.py",
        "from sqlalchemy import text\nROWS = text('SELECT 1 WHERE id = :id')",
        "from sqlalchemy import text\nROWS = text(f'SELECT 1 WHERE id = {asked}')",
    ),
    (
        tidy_sql.no_sql_from_strings,
        "built_sql",
        "src/dougong/orders/queries.py",
        "SQL = 'SELECT 1'\nconn.execute(SQL)",
        "SQL = 'SELECT %s' % asked\nconn.execute(SQL)",
    ),
    (
        tidy_sql.no_sql_from_strings,
        "built_sql",
        "src/dougong/orders/queries.py",
        "conn.execute('SELECT %s', (asked,))",
        "conn.execute('SELECT ' + asked)",
    ),
    (
        tidy_sql.no_outside_call_in_transaction,
        "outside_call",
        "src/dougong/flows/x.py",
        (
            "import httpx\nfrom dougong.infra.db import transaction\n"
            "async def f():\n    async with transaction() as conn:\n        await conn.commit()\n"
            "    httpx.get('x')"
        ),
        (
            "import httpx\nfrom dougong.infra.db import transaction\n"
            "async def f():\n    async with transaction() as conn:\n        httpx.get('x')"
        ),
    ),
    (
        tidy_sql.no_outside_call_in_transaction,
        "outside_call",
        "src/dougong/flows/x.py",
        (
            "from dougong.infra.db import transaction\n"
            "async def f():\n    async with transaction() as conn:\n        pass\n"
            "    await gateway.refund()"
        ),
        (
            "from dougong.infra import db\n"
            "async def f():\n    async with db.transaction():\n        await gateway.refund()"
        ),
    ),
    (
        tidy_sql.no_now_in_sql,
        "sql_now",
        "src/dougong/orders/queries.py",
        "from sqlalchemy import text\nROWS = text('SELECT 1 WHERE due_at <= :at')",
        "from sqlalchemy import text\nROWS = text('SELECT 1 WHERE due_at <= now()')",
    ),
    (tidy_code.sizes, "file_lines", "src/a.py", "x = 1\n" * 400, "x = 1\n" * 401),
    (
        tidy_code.sizes,
        "function_lines",
        "src/a.py",
        "def f():\n" + "    x = 1\n" * 49,
        "def f():\n" + "    x = 1\n" * 50,
    ),
    (
        tidy_code.one_clock,
        "clock",
        "src/dougong/orders/rules.py",
        "import time\nstarted = time.monotonic()",
        "from datetime import datetime, UTC\nat = datetime.now(UTC)",
    ),
    (
        tidy_code.one_clock,
        "clock",
        "src/dougong/orders/rules.py",
        "from dougong.infra import clock\nat = clock.now()",
        "from time import time\nat = time()",
    ),
    (
        tidy_code.no_swallowed_errors,
        "swallowed",
        "src/a.py",
        "try:\n    f()\nexcept KeyError:\n    pass",
        "try:\n    f()\nexcept Exception:\n    pass",
    ),
    (
        tidy_code.no_swallowed_errors,
        "swallowed",
        "src/a.py",
        "from contextlib import suppress\nwith suppress(KeyError):\n    f()",
        "from contextlib import suppress\nwith suppress(Exception):\n    f()",
    ),
    (
        tidy_code.places,
        "address",
        "requirements/base.txt",
        "a==1 --hash=sha256:00",
        "a @ https://files.pythonhosted.org/a",
    ),
    (
        tidy_code.places,
        "address",
        "frontend/package-lock.json",
        '"integrity": "sha512-x"',
        '"resolved": "x"',
    ),
    (
        tidy_code.places,
        "machine_path",
        "src/a.py",
        "url = '/merchant/home/x'",
        "file = '/home/somebody/x'",
    ),
    (tidy_code.places, "open_end", "src/a.py", "# why it is so", "# TODO later"),
    (
        tidy_shape.permissions,
        "permission",
        "src/dougong/web/x.py",
        "from litestar import get\n@get('/', permission=Permission.PUBLIC)\nasync def a(): ...",
        "from litestar import get\n@get('/')\nasync def a(): ...",
    ),
]


@pytest.mark.parametrize(("check", "name", "path", "good", "bad"), SAMPLES)
def test_check_tells_good_from_bad(
    check: Callable[[list[SourceFile]], Iterable[Finding]],
    name: str,
    path: str,
    good: str,
    bad: str,
) -> None:
    assert list(check([SourceFile(path, good)])) == []
    assert {finding.check for finding in check([SourceFile(path, bad)])} == {name}


def test_the_clock_itself_may_ask_for_now() -> None:
    text = "import datetime\nat = datetime.datetime.now()"
    assert list(tidy_code.one_clock([SourceFile("src/dougong/infra/clock.py", text)])) == []


def test_routes_may_share_a_permission() -> None:
    route = "from litestar import get\n@get('/', **OPEN)\nasync def a(): ...\n"
    with_it = "OPEN = {'permission': Permission.PUBLIC}\n"
    without = "OPEN = {'include_in_schema': False}\n"
    path = "src/dougong/web/x.py"
    assert list(tidy_shape.permissions([SourceFile(path, with_it + route)])) == []
    assert len(list(tidy_shape.permissions([SourceFile(path, without + route)]))) == 1


def test_area_needs_a_readme_and_known_file_names() -> None:
    home = "src/dougong/orders/"
    good = [SourceFile(home + n, "") for n in ("README.md", "rules.py", "intake_commands.py")]
    assert list(tidy_shape.areas(good)) == []
    assert len(list(tidy_shape.areas([*good, SourceFile(home + "helpers.py", "")]))) == 1
    assert len(list(tidy_shape.areas(good[1:]))) == 1
    named = [SourceFile(home + "README.md", "`helpers.py` holds"), *good[1:]]
    assert list(tidy_shape.areas([*named, SourceFile(home + "helpers.py", "")])) == []


def test_refusal_needs_a_text() -> None:
    rules = SourceFile(
        "src/dougong/orders/rules.py",
        "class SoldOut(Conflict):\n    code = 'sold_out'\nclass Conflict(Refusal):\n    pass",
    )
    words = SourceFile("src/dougong/web/words.py", "REFUSALS = {'sold_out': mark('Sold out.')}")
    assert list(tidy_shape.refusals([rules, words])) == []
    assert [f.check for f in tidy_shape.refusals([rules])] == ["refusal_text"]


def test_exceptions_cover_what_is_known_and_no_more() -> None:
    found = [Finding("clock", "a.py", 1, "x"), Finding("clock", "a.py", 2, "x")]
    assert list(tidy.after_exceptions(found, {"clock": {"a.py": 2}})) == []
    assert len(list(tidy.after_exceptions(found, {"clock": {"a.py": 1}}))) == 2
    assert len(list(tidy.after_exceptions(found, {"clock": {"a.py": 3}}))) == 1


def test_exceptions_only_shrink() -> None:
    assert sum(sum(paths.values()) for paths in tidy.excused().values()) <= MOST_EXCUSED


def test_every_check_has_a_sample() -> None:
    by_hand = {tidy_shape.areas, tidy_shape.refusals, tidy_shape.translations}
    assert set(tidy.CHECKS) == {sample[0] for sample in SAMPLES} | by_hand


@pytest.mark.timeout(300)  # all CPU, and much of it: a machine that is shared takes long
def test_the_tree_is_tidy() -> None:
    assert list(tidy.after_exceptions(tidy.findings(read_tree()), tidy.excused())) == []
