"""The API against its own document: schemathesis in all phases with its checks, in process.

Three callers: nobody, a shopper's API key, a merchant's. Deterministic: no seed to note. What it
found once is kept as examples of other tests; here nothing is expected to fail.
"""

import asyncio
import copy
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import schemathesis
from litestar import Litestar
from litestar.testing import AsyncTestClient
from schemathesis import openapi
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from tests.web.schema_world import SchemaWorld, a_schema_world, plain

from dougong.web.app import create_app

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
CALLERS = ("anonymous", "shopper", "merchant", "operator")
REACHED_BP = 9_000  # of the operations reach a 2xx
EXAMPLES = 4

Message = dict[str, Any]


# Reasons of a 400 that a schema cannot say: what is asked for is of the right shape, but names
# something that is not there, or two fields do not fit together.
BY_RULE = {
    "bad_cursor",
    "unknown",
    "unknown_category",
    "unknown_value",
    "bad_encoding",
    "bad_gtin",
    "list_price_not_above_price",
    "one_of_amount_and_percent",
    "one_of_cost_and_value",
    "ends_before_it_starts",
    "duplicate_id",
    "control_character",
    "window",
    "nothing_to_move",
    "unknown_line",
    "more_than_sent",
    "missing",
    "missing_event_column",
    "no_parcel",
    "no_price",
    "too_much_in_all",
    "nothing_billed",
    "nothing_received",
    "before_bill",
    "dropshipped_by_another",
    "no_weight",
    "no_value",
    "no_quantity",
    "year_out_of_range",
    "in_future",
    "bad_account_number",
    "same_account",
    "unknown_order",
    "nothing_to_return",
    "choose_warehouse",
}


@schemathesis.check
def good_data_is_taken(ctx: Any, response: Any, case: Any) -> None:
    """`positive_data_acceptance`, but for 422 (possible in shape only) and the reasons above."""
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive or response.status_code != 400:
        return
    told = msgspec.json.decode(response.content)
    reason = str(told["facts"].get("reason"))
    # JSON Schema calls 12.0 an integer; amounts and counts are taken without a fraction only.
    if reason not in BY_RULE and not reason.endswith("got `float`"):
        raise AssertionError(f"good data refused: {told}")


class OneLoop:
    """The application on the loop of the test, called from the loops that schemathesis makes: the
    connections of the pool belong to one loop."""

    def __init__(self, app: Litestar) -> None:
        self.app = app
        self.loop = asyncio.get_running_loop()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":  # the pool's life is the test session's
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        here = asyncio.get_running_loop()

        async def receive_there() -> Message:
            asked = asyncio.run_coroutine_threadsafe(receive(), here)
            return await asyncio.wrap_future(asked)

        async def send_there(message: Message) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(send(message), here))

        done = asyncio.run_coroutine_threadsafe(
            self.app(scope, receive_there, send_there), self.loop
        )
        await asyncio.wrap_future(done)


class Found(msgspec.Struct):
    """What a run brought: failures as text, statuses by operation."""

    failures: dict[str, str]
    statuses: dict[str, set[int]]


def with_examples(document: dict[str, Any], world: SchemaWorld) -> dict[str, Any]:
    """The document with real objects as examples: what a fuzzer cannot guess."""
    made = copy.deepcopy(document)
    for methods in made["paths"].values():
        for operation in methods.values():
            values = world.examples["*"] | world.examples.get(operation["operationId"], {})
            for parameter in operation.get("parameters", []):
                if parameter["name"] in values:
                    parameter["example"] = plain(values[parameter["name"]])
                elif parameter["name"] == "Idempotency-Key":
                    parameter["example"] = f"example-{operation['operationId']}"
            if "body" in values:
                operation["requestBody"]["content"]["application/json"]["example"] = values["body"]
    return made


def config(caller: str, world: SchemaWorld) -> SchemathesisConfig:
    key = world.keys.get(caller)
    return SchemathesisConfig.from_dict(
        {
            "headers": {"Authorization": f"Bearer {key}"} if key else {},
            "generation": {"deterministic": True, "max-examples": EXAMPLES, "database": "none"},
            "phases": {"examples": {"fill-missing": True}},
            "continue-on-failure": True,
            "request-timeout": 60,  # a document on a busy machine
            # Ours, `good_data_is_taken`, stands for it.
            "checks": {"positive_data_acceptance": {"enabled": False}},
        }
    )


def run(app: OneLoop, document: dict[str, Any], settings: SchemathesisConfig) -> Found:
    schema = openapi.from_dict(document, config=settings)
    schema.app = app
    found = Found({}, defaultdict(set))
    for event in from_schema(schema).execute():
        if isinstance(event, NonFatalError | FatalError):
            found.failures[str(event)] = repr(getattr(event, "value", event))
        if not isinstance(event, ScenarioFinished):
            continue
        for case_id, node in event.recorder.cases.items():
            met = event.recorder.interactions.get(case_id)
            if met is not None and met.response is not None:
                found.statuses[node.value.operation.label].add(met.response.status_code)
        for checks in event.recorder.checks.values():
            for check in checks:
                if check.failure_info is not None:
                    failure = check.failure_info.failure
                    code = check.failure_info.code_sample
                    name = f"{failure.operation}: {check.name}: {failure.title}"
                    found.failures.setdefault(name, f"{failure.message}\n{code}")
    return found


@pytest.fixture(scope="module")
async def world(connections: None) -> AsyncIterator[SchemaWorld]:
    yield await a_schema_world()


@pytest.fixture(scope="module")
async def app(connections: None) -> Litestar:
    return create_app()


@pytest.fixture(scope="module")
async def document(app: Litestar) -> dict[str, Any]:
    async with AsyncTestClient(app) as client:
        return msgspec.json.decode((await client.get("/api/docs/openapi.json")).content)


@pytest.fixture(scope="module")
def reached() -> dict[str, dict[str, set[int]]]:
    """Caller to operation to statuses, of the callers that are through."""
    return {}


@pytest.mark.parametrize("caller", CALLERS)
async def test_the_api_does_what_its_document_says(
    caller: str,
    app: Litestar,
    document: dict[str, Any],
    world: SchemaWorld,
    reached: dict[str, dict[str, set[int]]],
) -> None:
    prepared = with_examples(document, world)
    found = await asyncio.to_thread(run, OneLoop(app), prepared, config(caller, world))
    reached[caller] = found.statuses
    assert not found.failures, "\n\n".join(f"{k}\n{v}" for k, v in found.failures.items())
    if len(reached) == len(CALLERS):
        missed = never_good(document, reached)
        every = sum(len(methods) for methods in document["paths"].values())
        assert (every - len(missed)) * 10_000 >= REACHED_BP * every, f"no 2xx of: {missed}"


def never_good(document: dict[str, Any], reached: dict[str, dict[str, set[int]]]) -> list[str]:
    """The operations that answered no caller with a 2xx."""
    every = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    good = {
        label
        for statuses in reached.values()
        for label, met in statuses.items()
        if any(200 <= status < 300 for status in met)
    }
    return sorted(every - good)
