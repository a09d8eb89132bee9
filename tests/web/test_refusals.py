"""What a request answers when the database goes away under it, in the handler or at its end."""

import pytest
from litestar import Litestar, get
from psycopg import OperationalError as DriverError
from sqlalchemy.exc import OperationalError
from tests.web.site import Client

from dougong.base.errors import Conflict
from dougong.web import refusals


def gone() -> OperationalError:
    return OperationalError("COMMIT", None, DriverError("the connection is lost"))


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (gone(), 503, "unavailable"),
        (ExceptionGroup("both", [gone(), gone()]), 503, "unavailable"),
        (ExceptionGroup("both", [ExceptionGroup("end", [gone()]), Conflict()]), 503, "unavailable"),
        (ExceptionGroup("both", [gone(), ValueError("ours")]), 500, "fault"),
        (ExceptionGroup("both", [Conflict(), Conflict()]), 500, "fault"),
    ],
)
async def test_a_database_that_is_away_is_never_a_fault(
    error: Exception, status: int, code: str
) -> None:
    @get("/api/v1/thing")
    async def handler() -> None:
        raise error

    app = Litestar([handler], exception_handlers=refusals.ANSWERS, openapi_config=None)
    async with Client(app) as client:
        answer = await client.get("/api/v1/thing")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
