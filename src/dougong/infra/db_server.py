"""Where the database is: known without SQLAlchemy, which a start would wait half a second for."""

from functools import cache

from dougong.infra.embedded_postgres import APP, OWNER, EmbeddedPostgres
from dougong.infra.settings import settings


@cache
def embedded() -> EmbeddedPostgres:
    """The embedded server of this data directory (used only without a database_url)."""
    return EmbeddedPostgres(settings().data_dir)


def app_url() -> str:
    """libpq address of the app's role, which owns nothing."""
    return settings().database_url or embedded().url(APP)


def owner_url() -> str:
    """libpq address of the role that owns the tables: migrations only."""
    if settings().database_url:
        return settings().database_owner_url or settings().database_url
    return embedded().url(OWNER)


def ensure_server() -> None:
    """Start the embedded server where it is the one in use."""
    if not settings().database_url:
        embedded().ensure_running()
