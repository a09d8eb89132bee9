"""Runs the migrations as the role that owns the tables, with a lock timeout."""

from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

url = context.config.attributes["url"]
engine = create_engine(
    make_url(url).set(drivername="postgresql+psycopg"),
    connect_args={"options": "-c lock_timeout=2s -c timezone=UTC"},
    poolclass=NullPool,
)
with engine.connect() as connection:
    # Two servers that start at once take turns, over all migrations; tables are never waited for
    # that long.
    connection.execute(text("SET lock_timeout = '60s'"))
    connection.execute(text("SELECT pg_advisory_lock(7300001)"))
    connection.execute(text("SET lock_timeout = '2s'"))
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
