"""Who may call which route: `python tools/matrix.py` writes tests/web/matrix.toml anew.

One line a route. A line whose permission has not changed stays as it was reviewed; a new route gets
a line derived from its permission, to be read before it is committed; a gone one loses its line.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from litestar import Litestar

from dougong.base.access import ROLE_PERMISSIONS, Permission, Role

GOLDEN = Path(__file__).resolve().parents[1] / "tests/web/matrix.toml"
HEAD = """\
# Who may call which route, and everybody else is refused (tests/web/test_matrix.py).
# Subjects: anonymous, shopper, other_shopper, creator, other_creator, merchant, other_merchant,
# advertiser, partner, other_partner, operator, suspended, ended (session), narrow (an API key of
# the shopper that may only read the account). Objects in a path belong to shopper, creator,
# merchant, advertiser and partner.
# everyone: all of them; signed_in: all with a session that is alive.
# Written by `python tools/matrix.py`; a reviewed line stays while its permission does.

"""
SIGNED_IN = (
    "shopper",
    "other_shopper",
    "creator",
    "other_creator",
    "merchant",
    "other_merchant",
    "advertiser",
    "partner",
    "other_partner",
    "operator",
)
NOBODY = ("anonymous", "suspended", "ended")
SUBJECTS = (*SIGNED_IN, *NOBODY, "narrow")
NARROW = {Permission.SELF_READ, Permission.PUBLIC}
# Path parameters that name something of one person's own.
PERSONAL = {"address_id", "key_id", "session", "order_id", "checkout_id", "comment_id", "case_id"}
# A WebSocket, beside the methods of HTTP.
SOCKET = "SOCKET"
PARAMETER = re.compile(r"\{(\w+):\w+\}")


class Route(NamedTuple):
    """One method of one path."""

    name: str  # "GET /me"
    method: str
    path: str
    permission: Permission
    any_org: bool
    takes_body: bool

    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.path)


def routes(app: Litestar) -> Iterator[Route]:
    """Every route of the application's own table, by path and method."""
    from dougong.web.app import routes_of, sockets_of

    found: list[tuple[str, str, Any]] = [
        (path, str(method), handler)
        for path, handler in routes_of(app)
        for method in handler.http_methods - {"OPTIONS"}
    ]
    found += [(path, SOCKET, handler) for path, handler in sockets_of(app)]
    for path, method, handler in sorted(found, key=lambda one: one[:2]):
        yield Route(
            f"{method} {path}",
            method,
            path,
            handler.opt["permission"],
            bool(handler.opt.get("any_org")),
            method != SOCKET and handler.parsed_data_field is not None,
        )


def derived(route: Route) -> list[str]:
    """Whom a route lets in, by its permission and the owner in its path."""
    permission, names = route.permission, route.parameters()
    if permission is Permission.PUBLIC:
        return ["everyone"]
    if permission.startswith("own:"):
        allowed = ["shopper"] if PERSONAL & set(names) else ["signed_in"]
        by_key = route.path.startswith("/api/") and permission in NARROW
        return [*allowed, "narrow"] if by_key else allowed
    if permission.startswith("platform:"):
        return ["operator"]
    roles = (Role.PARTNER,) if "partner_id" in names else (Role.CREATOR, Role.MERCHANT)
    roles = (Role.ADVERTISER,) if "brand_id" in names else roles
    asked = (Role.CREATOR, Role.MERCHANT, Role.PARTNER) if route.any_org else roles
    holders = [str(role) for role in asked if permission in ROLE_PERMISSIONS[role]]
    return [*holders, *(f"other_{one}" for one in holders)] if route.any_org else holders


def expanded(allowed: list[str]) -> frozenset[str]:
    """The subjects behind the names. Raises KeyError for an unknown one."""
    words = {"everyone": SUBJECTS, "signed_in": SIGNED_IN} | {one: (one,) for one in SUBJECTS}
    return frozenset(subject for word in allowed for subject in words[word])


def golden() -> dict[str, Any]:
    """Route name to its reviewed `permission` and `allowed`."""
    return tomllib.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}


def line(route: Route, allowed: list[str]) -> str:
    names = ", ".join(f'"{one}"' for one in allowed)
    return f'"{route.name}" = {{ permission = "{route.permission}", allowed = [{names}] }}'


def main() -> int:
    from dougong.web.app import create_app

    known = golden()
    lines = []
    for route in routes(create_app()):
        reviewed = known.get(route.name, {})
        kept = reviewed.get("permission") == str(route.permission)
        lines.append(line(route, reviewed["allowed"] if kept else derived(route)))
        if not kept:
            print(f"to review: {lines[-1]}")
    GOLDEN.write_text(HEAD + "\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
