"""The application as a whole: every route names a permission, faults are told apart."""

from tests.web.site import Client, app

from dougong.base.access import Permission
from dougong.web.app import routes_of


def test_every_route_names_a_permission() -> None:
    for path, handler in routes_of(app()):
        assert isinstance(handler.opt["permission"], Permission), path


async def test_ready_names_the_revision() -> None:
    async with Client() as client:
        answer = await client.get("/readyz")
    assert answer.json()["status"] == "ok"


async def test_missing_page_is_refused_with_a_code() -> None:
    async with Client() as client:
        answer = await client.get("/api/v1/nothing-here")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
