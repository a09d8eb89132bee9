"""The reconciliation desk over HTTP: pages, files, refusals, two persons."""

from typing import Any

import pytest
from tests.factories import a_person
from tests.settlement.outside import ASource, a_run, a_source, an_order, case_of, money_came
from tests.web.test_operator import Client, Desk, as_, client, desk

from dougong.infra.db import transaction

__all__ = ["client", "desk"]  # fixtures of the operator's tests
HOME = "/operator/reconciliation"


@pytest.fixture
async def run(desk: Desk) -> tuple[ASource, Any]:
    """Two orders with a difference each: one is not reported, one is paid and not reported."""
    async with transaction() as conn:
        source = await a_source(conn)
        person = await a_person(conn)
        for ref in ("o1", "o2"):
            await an_order(conn, source, ref)
    lines = "P1,o2,,,CNY,3.00,2020-09-05\nP1,o2,,,CNY,x,2020-09-05\n"
    await money_came(source, lines, person_id=person)
    return source, await a_run(source, person_id=person)


@pytest.mark.parametrize("locale", ["zh", "en"])
async def test_every_page_answers(
    client: Client, desk: Desk, run: tuple[ASource, Any], locale: str
) -> None:
    source, made = run
    as_(client, desk.one, locale)
    case = await case_of(source, "o1")
    words = {"zh": "对方报告中没有", "en": "Not in their report"}[locale]
    for path, part in (
        (HOME, str(made.id)),
        (f"{HOME}?source={source.code}", str(made.id)),
        (f"{HOME}/payments", "amount"),
        (f"{HOME}/terms", 'name="tolerance"'),
        (f"{HOME}/{made.id}", words),
        (f"{HOME}/{made.id}?outcome=only_ours&age=2&case_state=open&q=o", "o1"),
        (f"{HOME}/cases/{case.id}", words),
    ):
        answer = await client.get(path)
        assert (path, answer.status_code) == (path, 200)
        assert part in answer.text, path


async def test_filters_and_files_say_the_same(
    client: Client, desk: Desk, run: tuple[ASource, Any]
) -> None:
    _, made = run
    as_(client, desk.one)
    path = f"{HOME}/{made.id}?outcome=unreported"
    page = await client.get(path)
    assert ">o2<" in page.text and ">o1<" not in page.text
    csv = (await client.get(path + "&file=csv")).content.decode("utf-8-sig").splitlines()
    assert csv[1].startswith("o2,CNY,unreported,not_reported,,1000,1000,,300,-700,2020-08-10")
    assert len(csv) == 2
    book = await client.get(path + "&file=xlsx")
    assert book.content.startswith(b"PK") and "spreadsheetml" in book.headers["content-type"]


async def step(client: Client, case_id: object, act: str, note: str = "why") -> Any:
    where = f"{HOME}/cases/{case_id}"
    return await client.post(where, data={"act": act, "note": note}, follow_redirects=False)


async def test_two_persons_write_off(client: Client, desk: Desk, run: tuple[ASource, Any]) -> None:
    source, _ = run
    case = await case_of(source, "o1")
    as_(client, desk.one)
    refused = await step(client, case.id, "claimed", " ")
    assert refused.status_code == 422 and "Say why" in refused.text
    assert (await step(client, case.id, "accept")).status_code == 303
    own = await step(client, case.id, "approve")
    assert own.status_code == 403 and "A second person has to approve this." in own.text
    as_(client, desk.two)
    assert (await step(client, case.id, "approve")).status_code == 303
    page = await client.get(f"{HOME}/cases/{case.id}")
    assert "Accepted" in page.text and "/operator/entries/" in page.text
    again = await step(client, case.id, "approve")
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("", {"source": "nowhere", "first": "2020-08-01", "last": "2020-08-31"}, 404),
        ("", {"source": "SOURCE", "first": "2020-08-31", "last": "2020-08-01"}, 400),
        ("", {"source": "SOURCE", "first": "august", "last": "2020-08-01"}, 400),
        ("/payments", {"source": "SOURCE", "mapping": "payments"}, 400),
        ("/terms", {"source": "SOURCE", "currency": "CNY", "tolerance": "-1"}, 400),
        ("/terms", {"source": "SOURCE", "currency": "CNY", "starts": "2020-01-01T00:00",
                    "reason": "late"}, 400),
    ],
)  # fmt: skip
async def test_what_is_refused_stays_on_its_page(
    client: Client, desk: Desk, run: tuple[ASource, Any], path: str, form: dict[str, str],
    status: int,
) -> None:  # fmt: skip
    source, _ = run
    as_(client, desk.one)
    data = {key: source.code if value == "SOURCE" else value for key, value in form.items()}
    if path == "/terms":
        answer = await client.post(HOME + path, data=data)
    else:  # as a form with files sends its fields
        parts = [(name, (None, value)) for name, value in data.items()]
        answer = await client.post(HOME + path, files=parts)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text or "invalid-feedback" in answer.text


async def test_a_file_that_is_none_is_told(
    client: Client, desk: Desk, run: tuple[ASource, Any]
) -> None:
    source, _ = run
    as_(client, desk.one)
    answer = await client.post(
        f"{HOME}/payments",
        data={"source": source.code, "mapping": "payments"},
        files={"payments": ("x.csv", b"a,b\n1,2\n")},
        follow_redirects=False,
    )
    assert answer.status_code == 303
    form = {"source": source.code, "mapping": "none"}
    wrong = await client.post(f"{HOME}/payments", data=form, files={"payments": ("x.csv", b"a")})
    assert wrong.status_code == 404 and "no such list of columns" in wrong.text
