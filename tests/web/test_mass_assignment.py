"""Every column of every table, sent to every route of the API that writes: nothing changes.

The routes come from the application, the columns from the database, the good bodies from
`schema_world`: a new route or table is in the test by being there.
"""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import msgspec
import pytest
from sqlalchemy import text
from tests.web.matrix_world import digests
from tests.web.schema_world import SchemaWorld, a_schema_world, plain
from tests.web.site import Client, app

from dougong.infra.db import transaction
from dougong.web.api_document import operation_id, operations

pytestmark = pytest.mark.timeout(300)
APP = app()
COLUMNS = text("""
    SELECT DISTINCT column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name NOT LIKE 'procrastinate%' ORDER BY 1
""")
# What a caller must never set; `id` and the like are ours, money follows from rules and books.
OURS = {
    *("id", "person_id", "buyer_id", "owner_id", "org_id", "creator_id", "role", "kind", "funder"),
    *("currency", "merchant_class", "origin", "reserved", "used", "created_at", "placed_at"),
    *("paid_at", "paid_minor", "refunded_minor", "total_minor", "discount_minor", "gateway"),
    *("service_fee_bp", "secret", "attempts", "delivered", "password_hash", "is_demo"),
}
# What has such a name and is the caller's own to say: kinds of invoices, carriers, cases.
THEIRS = {"InvoiceShown.kind", "CarrierInput.kind", "CaseInput.kind"}
VALUES: tuple[Any, ...] = (1, "x")
CALLERS = {"org": "merchant", "platform": "operator"}  # by whom a permission is for


class Write(NamedTuple):
    """A route that writes, with a caller who may and, where it takes a body, a good one."""

    name: str
    method: str
    path: str
    caller: str
    body: dict[str, Any] | None
    shape: Any


def writes(world: SchemaWorld) -> Iterator[Write]:
    for path, method, handler in operations(APP):
        if method == "get":
            continue
        operation = operation_id(handler)
        values = world.examples["*"] | world.examples.get(operation, {})
        filled = re.sub(r"\{(\w+)\}", lambda found: plain(values[found[1]]), path)  # noqa: B023
        field = handler.parsed_data_field
        permission = str(handler.opt["permission"])
        caller = CALLERS.get(permission.partition(":")[0], "shopper")
        shape = field.annotation if field else None
        body = values.get("body", {}) if field else None
        yield Write(operation, method.upper(), filled, caller, body, shape)


def structs(shape: Any) -> set[type[msgspec.Struct]]:
    """The input types that a type is made of."""
    found: set[type[msgspec.Struct]] = set()

    def walk(one: Any) -> None:
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            if one not in found:
                found.add(one)
                for field in msgspec.structs.fields(one):
                    walk(field.type)
        else:
            for part in getattr(one, "__args__", ()):
                walk(part)

    walk(shape)
    return found


def nested(body: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a body, outermost first."""
    if isinstance(body, dict):
        yield body
        for value in body.values():
            yield from nested(value)
    elif isinstance(body, list):
        for value in body:
            yield from nested(value)


class Sender:
    def __init__(self, client: Client, world: SchemaWorld) -> None:
        self.client, self.world = client, world

    async def send(self, write: Write, body: Any, query: str = "") -> Any:
        headers = {
            "authorization": f"Bearer {self.world.keys[write.caller]}",
            "idempotency-key": "mass-assignment",
        }
        content = {"json": body} if body is not None else {}
        return await self.client.request(
            write.method, write.path + query, headers=headers, **content
        )


@pytest.fixture(scope="module")
async def sender(connections: None) -> AsyncIterator[Sender]:
    world = await a_schema_world()
    async with Client() as client:
        yield Sender(client, world)


async def columns() -> list[str]:
    async with transaction() as conn:
        return list((await conn.execute(COLUMNS)).scalars())


@pytest.mark.slow
async def test_no_column_is_taken_where_it_is_not_asked_for(sender: Sender) -> None:
    names, wrong = await columns(), []
    assert len(names) > 150
    singly = sorted(OURS & {*names} | {*names[::20]})
    before = await digests()
    for write in writes(sender.world):
        known = set(write.shape.__struct_fields__) if write.shape else set()
        if write.body is not None:  # every one, together: the first is refused
            more = {name: VALUES[len(name) % 2] for name in names if name not in known}
            answer = await sender.send(write, write.body | more)
            if answer.status_code != 400 or answer.json()["field"] not in more:
                wrong.append(f"{write.name}: {answer.status_code} {answer.text[:100]}")
        for name in names[::20] if write.body is None else singly:
            if write.body is None:
                answer = await sender.send(write, None, f"?{name}=1")
            elif name in known:
                continue
            else:
                answer = await sender.send(write, write.body | {name: VALUES[len(name) % 2]})
            if answer.status_code != 400 or answer.json()["field"] != name:
                wrong.append(f"{write.name}: {name}: {answer.status_code} {answer.text[:100]}")
    after = await digests()
    assert not wrong, "\n".join(wrong[:50])
    assert {name for name in before if before[name] != after[name]} == set()


async def test_nor_deeper_in_a_body(sender: Sender) -> None:
    names = await columns()
    before, sent = await digests(), 0
    for write in writes(sender.world):
        count = len(list(nested(write.body or {})))
        for place in range(1, count):
            body = msgspec.json.decode(msgspec.json.encode(write.body))
            inner = list(nested(body))[place]
            inner |= {name: 1 for name in names if name not in inner}
            answer = await sender.send(write, body)
            assert answer.status_code == 400, f"{write.name}: {answer.text}"
            sent += 1
    assert sent >= 5
    after = await digests()
    assert {name for name in before if before[name] != after[name]} == set()


async def test_what_is_ours_is_in_no_body(sender: Sender) -> None:
    taken = {
        f"{one.__name__}.{field}"
        for write in writes(sender.world)
        for one in structs(write.shape)
        for field in one.__struct_fields__
        if field in OURS
    }
    assert taken - THEIRS == set()
