"""Brings the database to head, as the role that owns the tables."""

import re
from pathlib import Path

import psycopg

from dougong.infra.db_server import ensure_server, owner_url

MIGRATIONS = Path(__file__).resolve().parents[3] / "migrations"
NAMED = re.compile(r'^(down_revision|revision) = (?:"(\w+)"|None)$', re.MULTILINE)


def migrate(url: str | None = None) -> str:
    """Run what is missing; answers the revision. Raises what Alembic and PostgreSQL raise."""
    if url is None:
        ensure_server()
        url = owner_url()
    if revisions(url) != [head()]:
        _upgrade(url)
    return head()


def head() -> str:
    """The revision that this code was written for: the one that no other comes after."""
    named: set[str] = set()
    followed: set[str] = set()
    for file in (MIGRATIONS / "versions").glob("*.py"):
        found = dict(NAMED.findall(file.read_text()))
        named.add(found["revision"])
        followed.add(found["down_revision"])
    (last,) = named - followed
    return last


def revisions(url: str) -> list[str]:
    """What the database says of itself: one revision, or [] where no migration ever ran.

    Raises psycopg.OperationalError when the server is away.
    """
    with psycopg.connect(url, options="-c lock_timeout=2s") as conn:
        if conn.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return []
        return [row[0] for row in conn.execute("SELECT version_num FROM alembic_version")]


def _upgrade(url: str) -> None:
    # Most starts find the database at head: they need neither Alembic nor SQLAlchemy (0.4 s).
    from alembic import command
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["url"] = url
    command.upgrade(made, "head")
