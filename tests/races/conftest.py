"""Sessions that wait longer than the site's: a busy machine is no fault of a flow."""

from collections.abc import AsyncIterator

import pytest

from dougong.infra import db
from dougong.infra.embedded_postgres import APP

PATIENCE_S = 40


@pytest.fixture(scope="module")
async def patient(own_database: None) -> AsyncIterator[None]:
    """Steps stand still with a lock in hand while the other flow has its turn, for as long as the
    machine likes. Flows that wait for each other still fail: PostgreSQL tells of the circle after a
    second, and of what it cannot see after `PATIENCE_S`."""
    limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    waits = " ".join(f"-c {limit}={PATIENCE_S}s" for limit in limits)
    await db.dispose()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "session_options", lambda *_: f"-c role={APP} -c timezone=UTC {waits}")
        yield
        await db.dispose()
