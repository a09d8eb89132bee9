"""The studio's selling panel and the API of rooms, over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from tests.factories import a_coupon, a_store, the_rules
from tests.live.rooms import ARoom, a_room, visits
from tests.web.accounts import Client, a_client, a_person, a_session, send

from dougong.base.ids import PersonId, ProductId
from dougong.flows.run_draw import draw_one
from dougong.infra import clock
from dougong.infra.db import transaction


class Scene(msgspec.Struct):
    """A person who runs the room; with `sells` also the store whose goods are in it."""

    client: Client
    room: ARoom
    person: PersonId
    token: str

    @property
    def base(self) -> str:
        return f"/creator/{self.room.creator_id}/live/{self.room.room_id}"

    @property
    def api(self) -> str:
        return f"/api/v1/creators/{self.room.creator_id}/live/{self.room.room_id}"

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    async def do(self, path: str, **fields: Any) -> Any:
        return await send(self.client, self.base + path, **fields)


async def scenes(*, sells: bool) -> AsyncIterator[Scene]:
    person = await a_person()
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await the_rules(conn)
        owner = person if sells else None
        store = await a_store(conn, prices=(9_900, 5_000), on_hand=50, owner_id=owner)
        await a_coupon(conn, store, funder="merchant", funder_org_id=store.org_id, quota=9)
        room = await a_room(conn, store, at=at, owner_id=person)
    token = await a_session(person)
    async with a_client(token) as client:
        yield Scene(client, room, person, token)


@pytest.fixture
async def scene(connections: None) -> AsyncIterator[Scene]:
    async for made in scenes(sells=True):
        yield made


@pytest.fixture
async def without_store(connections: None) -> AsyncIterator[Scene]:
    async for made in scenes(sells=False):
        yield made


async def rows(statement: str, **values: Any) -> list[Any]:
    async with transaction() as conn:
        return list((await conn.execute(text(statement), values)).all())


async def test_the_panel_shows_the_cart_and_pins_from_it(scene: Scene) -> None:
    page = await scene.client.get(scene.base + "/selling")
    assert page.status_code == 200
    assert page.text.count('class="shelf-link') == 2
    first, second = scene.room.links
    assert (await scene.do(f"/links/{first}/pin")).status_code == 303
    page = await scene.client.get(scene.base + "/selling", headers={"HX-Request": "true"})
    assert page.text.count("is-pinned") == 1
    assert "<html" not in page.text
    await scene.do(f"/links/{second}/move", to="up")
    await scene.do(f"/links/{first}/remove")
    await scene.do("/unpin")
    found = await rows(
        "SELECT id FROM product_links WHERE creator_id = :c AND removed_at IS NULL",
        c=scene.room.creator_id,
    )
    assert [row.id for row in found] == [second]
    product = f"{scene.room.store.store_id}:{ProductId(scene.room.store.products[0])}"
    assert (await scene.do("/links", product=product)).status_code == 303


async def test_an_offer_a_coupon_and_a_draw(scene: Scene) -> None:
    item = f"{scene.room.links[0]}:{scene.room.store.skus[0]}"
    offer = await scene.do("/offers", item=item, price="49.50", quota=5, per_buyer=2, minutes=3)
    assert offer.status_code == 303
    found = await rows("SELECT * FROM live_offers WHERE room_id = :r", r=scene.room.room_id)
    assert [(o.price_minor, o.quota, o.per_buyer) for o in found] == [(4_950, 5, 2)]
    coupon = await rows("SELECT id FROM coupons WHERE store_id = :s", s=scene.room.store.store_id)
    both = f"{scene.room.store.store_id}:{coupon[0].id}"
    assert (await scene.do("/coupons", coupon=both, quota=3, minutes=5)).status_code == 303
    assert (await scene.do("/draws", prize_zh="面霜", winners=1, minutes=1)).status_code == 303
    page = await scene.client.get(scene.base + "/selling")
    assert "5 of 5 left" in page.text or "剩 5/5" in page.text
    await scene.do(f"/offers/{found[0].id}/stop")
    found = await rows("SELECT * FROM live_offers WHERE room_id = :r", r=scene.room.room_id)
    assert found[0].stopped_at is not None


async def test_only_who_sets_the_prices_opens_an_offer(without_store: Scene) -> None:
    scene = without_store
    item = f"{scene.room.links[0]}:{scene.room.store.skus[0]}"
    refused = await scene.do("/offers", item=item, price="49.50", quota=5, per_buyer=2, minutes=3)
    assert refused.status_code == 403
    body = {
        "link_id": str(scene.room.links[0]), "sku_id": str(scene.room.store.skus[0]),
        "price_minor": 5_000, "quota": 1, "minutes": 1,
    }  # fmt: skip
    answer = await scene.client.post(
        scene.api + "/offers", json=body,
        headers=scene.bearer | {"idempotency-key": "offer-of-this-test"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (403, "offer_needs_store")


async def test_what_people_take_over_the_api(scene: Scene) -> None:
    """In the room: one coupon each, one ticket each; afterwards anybody checks the draw."""
    room = f"/api/v1/live/{scene.room.room_id}"
    await scene.do("/draws", prize_zh="面霜", winners=1, minutes=1)
    coupon = await rows("SELECT id FROM coupons WHERE store_id = :s", s=scene.room.store.store_id)
    both = f"{scene.room.store.store_id}:{coupon[0].id}"
    await scene.do("/coupons", coupon=both, quota=1, minutes=5)
    drop = (await rows("SELECT id FROM live_coupon_drops WHERE room_id = :r",
                       r=scene.room.room_id))[0].id  # fmt: skip
    draw = (await rows("SELECT id FROM live_draws WHERE room_id = :r",
                       r=scene.room.room_id))[0].id  # fmt: skip
    headers = scene.bearer
    claim = f"{room}/coupon-drops/{drop}/claims"
    outside = await scene.client.post(claim, headers=headers)
    assert (outside.status_code, outside.json()["code"]) == (403, "not_in_room")
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await visits(conn, scene.room, [scene.person], at=at)
    for _ in range(2):
        got = await scene.client.post(claim, headers=headers)
        assert (got.status_code, got.json()["code"], got.json()["left"]) == (201, "SAVE10", 0)
    ticket = await scene.client.post(f"{room}/draws/{draw}/entries", headers=headers)
    assert ticket.status_code == 201
    before = (await scene.client.get(f"{room}/draws/{draw}")).json()
    assert (before["seed"], before["tickets"]) == (None, [])
    async with transaction() as conn:
        closes = await conn.scalar(
            text("SELECT closes_at FROM live_draws WHERE id = :d"), {"d": draw}
        )
        await draw_one(conn, room_id=scene.room.room_id, draw_id=draw, at=closes)
    after = (await scene.client.get(f"{room}/draws/{draw}")).json()
    assert after["winners"] == after["tickets"] == [ticket.json()["ticket"]]
    assert after["seed_hash"] == before["seed_hash"]


async def test_what_people_take_on_the_page(scene: Scene) -> None:
    await scene.do("/draws", prize_zh="面霜", winners=1, minutes=1)
    draw = (await rows("SELECT id FROM live_draws WHERE room_id = :r", r=scene.room.room_id))[0].id
    path = f"/live/{scene.room.room_id}/draws/{draw}"
    refused = await send(scene.client, path + "/enter")
    assert refused.status_code == 403
    async with transaction() as conn:
        await visits(conn, scene.room, [scene.person], at=await clock.refresh(conn))
    assert len((await send(scene.client, path + "/enter")).json()["ticket"]) == 16
    assert (await scene.client.get(path)).status_code == 200


async def test_pins_over_the_api(scene: Scene) -> None:
    headers = scene.bearer
    body = {"link_id": str(scene.room.links[0])}
    made = [await scene.client.put(scene.api + "/pin", json=body, headers=headers)
            for _ in range(2)]  # fmt: skip
    assert [one.status_code for one in made] == [200, 200]
    assert made[0].json() == made[1].json()
    assert (await scene.client.delete(scene.api + "/pin", headers=headers)).status_code == 204


async def test_the_checkout_has_the_offers_price(scene: Scene) -> None:
    item = f"{scene.room.links[0]}:{scene.room.store.skus[0]}"
    await scene.do("/offers", item=item, price="49.50", quota=5, per_buyer=2, minutes=3)
    offer = (await rows("SELECT id FROM live_offers WHERE room_id = :r", r=scene.room.room_id))[0]
    ask = {"store": scene.room.store.store_id, "sku": scene.room.store.skus[0],
           "link": scene.room.links[0], "offer": offer.id}  # fmt: skip
    page = await scene.client.get("/checkout", params={k: str(v) for k, v in ask.items()})
    assert page.status_code == 200
    assert "49.50" in page.text
    assert str(offer.id) in page.text
