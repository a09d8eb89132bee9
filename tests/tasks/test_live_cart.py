"""A task from a brief lets one product into the live cart, in its window, and nothing else."""

import pytest
from tests.factories import a_store
from tests.tasks.market import DAY, T0, AMarket

from dougong.base.ids import ProductId, StoreId
from dougong.flows.fill_live_cart import put_own_in_live_cart
from dougong.tasks.rules import TaskDoesNotCover


async def test_only_its_product_in_its_window(market: AMarket) -> None:
    conn = market.conn
    task_id = await market.a_task(source="own", surface="live")
    store_id, product_id = market.own
    other = await a_store(conn)
    for store, product, at, field in (
        (other.store_id, other.products[0], T0 + 2 * DAY, "product"),
        (store_id, product_id, T0 + DAY / 2, "at"),
        (store_id, product_id, T0 + 10 * DAY, "at"),
    ):
        with pytest.raises(TaskDoesNotCover) as caught:
            await put_own_in_live_cart(
                conn, creator_id=market.creator, store_id=StoreId(store),
                product_id=ProductId(product), task_id=task_id, at=at,
            )  # fmt: skip
        assert caught.value.field == field
    await put_own_in_live_cart(
        conn, creator_id=market.creator, store_id=StoreId(store_id),
        product_id=ProductId(product_id), task_id=task_id, at=T0 + 2 * DAY,
    )  # fmt: skip
