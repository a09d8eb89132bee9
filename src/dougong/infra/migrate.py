"""Brings the database to head, as the role that owns the tables."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from dougong.infra.db import ensure_server, owner_url

MIGRATIONS = Path(__file__).resolve().parents[3] / "migrations"


def config(url: str) -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["url"] = url
    return made


def migrate(url: str | None = None) -> str:
    """Run what is missing; answers the revision. Raises what Alembic and PostgreSQL raise."""
    if url is None:
        ensure_server()
    made = config(url or owner_url())
    command.upgrade(made, "head")
    return head()


def head() -> str:
    """The revision that this code was written for."""
    return str(ScriptDirectory.from_config(config("")).get_current_head())
