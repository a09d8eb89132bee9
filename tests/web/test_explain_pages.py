"""Explanations over HTTP: each asks for an order and gets its own part of it."""

import pytest
from tests.web.test_operator import Client, Desk, as_, client, desk

from dougong.base.ids import new_id
from dougong.web.operator.common import cell

__all__ = ["client", "desk"]  # fixtures of the operator's tests


@pytest.mark.parametrize(
    ("who", "sees", "not_sees"),
    [
        ("one", "Platform service fee", "Your commission"),
        ("merchant", "Platform service fee", "Your commission"),
        ("buyer", "Paid by the buyer", "Platform service fee"),
        ("creator", "Commission", "Paid by the buyer"),
    ],
)
async def test_each_sees_its_own_part(
    client: Client, desk: Desk, who: str, sees: str, not_sees: str
) -> None:
    path = f"/explain/{desk.market.store_id}/{desk.story.order_id}"
    answer = await as_(client, getattr(desk, who)).get(path)
    assert answer.status_code == 200
    assert "Every fen is explained." in answer.text
    assert sees in answer.text
    assert not_sees not in answer.text


async def test_the_page_stands_in_the_console_of_who_looks(client: Client, desk: Desk) -> None:
    store_id, order_id = desk.market.store_id, desk.story.order_id
    ways = {
        "one": "/operator/ledger",
        "merchant": f"/merchant/stores/{store_id}/orders/{order_id}",
        "creator": f"/creator/{desk.market.creator_id}/earnings",
        "buyer": f"/orders/{store_id}/{order_id}",
    }
    for who, way in ways.items():
        page = await as_(client, getattr(desk, who)).get(f"/explain/{store_id}/{order_id}")
        assert f'href="{way}"' in page.text
        others = [other for name, other in ways.items() if name != who]
        assert not any(f'href="{other}"' in page.text for other in others)


@pytest.mark.parametrize("who", ["stranger", "shopper"])
async def test_a_stranger_finds_nothing(client: Client, desk: Desk, who: str) -> None:
    path = f"/explain/{desk.market.store_id}/{desk.story.order_id}"
    assert (await as_(client, getattr(desk, who)).get(path)).status_code == 404
    other = f"/explain/{desk.market.store_id}/{new_id()}"
    assert (await as_(client, desk.one).get(other)).status_code == 404


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_the_api_tells_the_same_tree(client: Client, desk: Desk) -> None:
    path = f"/api/v1/stores/{desk.market.store_id}/orders/{desk.story.order_id}/explanation"
    tree = (await client.get(path, headers=bearer(desk.merchant))).json()
    assert tree["amount"] == {"minor": 20_000, "currency": "CNY"}
    assert tree["residual"] == {"minor": 0, "currency": "CNY"}
    assert sum(source["amount"]["minor"] for source in tree["sources"]) == 20_000
    line = (await client.get(path, params={"line_no": 2}, headers=bearer(desk.merchant))).json()
    assert (line["label"], line["amount"]["minor"]) == ("line", 10_000)
    gone = await client.get(path, params={"line_no": 9}, headers=bearer(desk.merchant))
    stranger = await client.get(path, headers=bearer(desk.stranger))
    nobody = await client.get(path)
    codes = (gone.status_code, stranger.status_code, nobody.status_code)
    assert codes == (404, 404, 401)


async def test_payees_are_explained_to_themselves_only(client: Client, desk: Desk) -> None:
    window = {"since": "2026-02-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"}
    creator = f"/api/v1/creators/{desk.market.creator_id}/explanation"
    merchant = f"/api/v1/merchants/{desk.market.merchant_id}/explanation"
    earned = (await client.get(creator, params=window, headers=bearer(desk.creator))).json()
    assert (earned["amount"]["minor"], earned["residual"]["minor"]) == (1_800, 0)
    sold = await client.get(merchant, params=window, headers=bearer(desk.merchant))
    assert sold.json()["residual"]["minor"] == 0
    other = await client.get(creator, params=window, headers=bearer(desk.merchant))
    bad = await client.get(
        creator,
        params={"since": window["until"], "until": window["since"]},
        headers=bearer(desk.creator),
    )
    assert (other.status_code, bad.status_code) == (404, 400)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_a_spreadsheet_runs_nothing(text: str) -> None:
    assert cell(text) == "'" + text
    assert cell(-5) == "-5"
