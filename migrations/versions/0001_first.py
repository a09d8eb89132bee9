"""The closed loop: accounts, catalogue, content, orders, payments, ledger, and the job queue."""

from pathlib import Path

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0001"
down_revision = None


def upgrade() -> None:
    connection = op.get_bind()
    cursor = connection.connection.cursor()  # plain text: no parameters to read in it
    cursor.execute(SchemaManager.get_schema())
    cursor.execute(Path(__file__).with_suffix(".sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("restore a backup: books are not taken down")
