"""Every route × every subject, from the application's own route table and one reviewed list.

Refused means: sign-in (401, or the way to it), or 404 that says no more than for what is not there;
and no table has changed. `python tools/matrix.py` writes the lines for new routes.
"""

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tests.web.matrix_world import World, a_world, digests, fresh
from tests.web.site import Client, app
from tools.matrix import NOBODY, SUBJECTS, Route, derived, expanded, golden, line, routes

from dougong.base.access import Permission

APP = app()
ROUTES = list(routes(APP))
REVIEWED = golden()
COUNTERPARTS = ("other_shopper", "other_merchant", "other_creator", "other_partner")
ADDRESS = {"recipient": "x", "phone": "1234567", "province": "x", "city": "x", "line": "x"}
# Enough to see that a public page is one.
SOME = {"anonymous", "ended", "narrow", "other_shopper", "merchant"}
# What a refused subject sends where an empty body would be refused for itself.
BODIES: dict[str, dict[str, Any]] = {
    "POST /me/addresses/{address_id:uuid}": ADDRESS,
    "PUT /api/v1/me/addresses/{address_id:uuid}": ADDRESS,
}
VARYING = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32,}")


class Door:
    """Sends requests as any subject, over one application."""

    def __init__(self, client: Client, world: World, csrf: str) -> None:
        self.client, self.world, self.csrf = client, world, csrf

    async def ask(
        self, route: Route, subject: str, *, body: dict[str, Any], missing: bool = False
    ) -> Any:
        path = self._path(route, (lambda name: fresh(name)) if missing else self._object)
        is_api = path.startswith(("/api/", "/gateways/"))
        token = self.world.tokens[subject]
        headers = {"cookie": f"csrftoken={self.csrf}"}
        if is_api and token:
            headers["authorization"] = f"Bearer {token}"
        elif token:
            headers["cookie"] += f"; dougong_session={token}"
        content: dict[str, Any] = {}
        if route.method not in {"GET", "HEAD"}:
            headers["x-csrftoken"] = self.csrf
            if route.takes_body:
                content = {"json": body} if is_api else {"data": {"_csrf_token": self.csrf, **body}}
        self.client.cookies.clear()
        return await self.client.request(
            route.method, path, headers=headers, follow_redirects=False, **content
        )

    def _object(self, name: str) -> object:
        return self.world.objects.get(name) or fresh(name)

    def _path(self, route: Route, of: Callable[[str], object]) -> str:
        return re.sub(r"\{(\w+):\w+\}", lambda found: str(of(found[1])), route.path)

    def knows(self, route: Route) -> bool:
        return all(name in self.world.objects for name in route.parameters())


pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
async def door(connections: None) -> AsyncIterator[Door]:
    world = await a_world()
    async with Client() as client:
        await client.get("/sign-in")
        yield Door(client, world, client.cookies["csrftoken"])


def to_sign_in(answer: Any) -> bool:
    where = answer.headers.get("location", "")
    return answer.status_code == 303 and where.startswith("/sign-in")


def allowed(route: Route) -> frozenset[str]:
    return expanded(REVIEWED[route.name]["allowed"])


def test_every_route_has_a_reviewed_line() -> None:
    missing = [line(one, derived(one)) for one in ROUTES if one.name not in REVIEWED]
    assert not missing, "add to tests/web/matrix.toml:\n" + "\n".join(missing)


def test_every_line_has_a_route_of_that_permission() -> None:
    there = {one.name: str(one.permission) for one in ROUTES}
    assert {name: row["permission"] for name, row in REVIEWED.items()} == there


async def test_whoever_is_refused_changes_nothing_and_learns_nothing(door: Door) -> None:
    before, wrong = await digests(), []
    for route in (one for one in ROUTES if one.name in REVIEWED):
        for subject in sorted(set(SUBJECTS) - allowed(route)):
            answer = await door.ask(route, subject, body=BODIES.get(route.name, {}))
            nobody = subject in NOBODY or (subject == "narrow" and "/api/" not in route.path)
            if nobody:
                refused = answer.status_code == 401 or to_sign_in(answer)
            else:
                refused = answer.status_code in refusals(route)
            if not refused:
                wrong.append(f"{subject}: {route.name}: {answer.status_code}")
            elif subject in COUNTERPARTS and route.parameters():
                body = BODIES.get(route.name, {})
                other = await door.ask(route, subject, body=body, missing=True)
                if plain(answer) != plain(other):
                    wrong.append(f"{subject}: {route.name}: foreign is not like missing")
    after = await digests()
    assert not wrong, "\n".join(wrong)
    assert {name for name in before if before[name] != after[name]} == set()


def refusals(route: Route) -> set[int]:
    """404; of a person's own things also 409 (nothing to do there) and, where a body is read first,
    400: what must then be said of a missing one as well."""
    if not route.permission.startswith("own:"):
        return {404}
    return {404, 409, 400} if route.takes_body else {404, 409}


def plain(answer: Any) -> tuple[int, str]:
    return answer.status_code, VARYING.sub("-", answer.text)


def is_public(route: Route) -> bool:
    return route.permission is Permission.PUBLIC


async def test_whoever_is_allowed_gets_in(door: Door) -> None:
    wrong = []
    for route in (one for one in ROUTES if one.name in REVIEWED):
        reads = route.method in {"GET", "HEAD"}
        if not reads and not route.takes_body:
            continue  # it would happen; whom it refuses is tested above
        for subject in sorted(allowed(route) & SOME if is_public(route) else allowed(route)):
            answer = await door.ask(route, subject, body={"no_such_field": "1"})
            shut = answer.status_code in {401, 403} or (to_sign_in(answer) and not is_public(route))
            lost = answer.status_code == 404 and reads and door.knows(route)
            lost = lost and not is_public(route)
            if shut or lost or answer.status_code >= 500:
                wrong.append(f"{subject}: {route.name}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
