"""What the shopper left for later: a cart of several stores, and addresses beside the first."""

from datetime import datetime, timedelta

from dougong.accounts.address_commands import AddressFields, add_address
from dougong.base.ids import SkuId
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece
from dougong.infra.db import transaction
from dougong.orders.cart_commands import put_in_cart

# store, product, the nth of its variants, units, hours ago
CART = (
    ("mist-tea", "mist-tea-15", 0, 1, 3),
    ("mist-tea", "mist-tea-05", 1, 2, 3),
    ("mist-tea", "mist-tea-09", 0, 1, 30),  # sold out meanwhile
    ("river-kiln", "river-kiln-03", 0, 1, 20),
    ("lamp-page", "lamp-page-02", 0, 1, 44),
    ("lamp-page", "lamp-page-07", 0, 1, 44),
)
ADDRESSES = (
    AddressFields(
        recipient="许佳",
        phone="13805710426",
        country="CN",
        province="浙江省",
        city="杭州",
        district="上城区",
        line="学院路小学 教务处",
        postcode="310006",
    ),
    AddressFields(
        recipient="许建国（爸妈家）",
        phone="13957100188",
        country="CN",
        province="浙江省",
        city="绍兴",
        district="越城区",
        line="鲁迅中路 26 号 3 幢 502",
        postcode="312000",
    ),
)


async def write_shopper(market: Market, *, now: datetime) -> None:
    person_id = market.people["shopper"]
    async with transaction() as conn:
        if not await begin_piece(conn, "shopper", at=now):
            return
        for fields in ADDRESSES:
            await add_address(conn, person_id=person_id, fields=fields, is_default=False)
        for store, product, nth, quantity, hours in CART:
            links = [link for link, code, _ in market.links if code == product]
            await put_in_cart(
                conn,
                person_id=person_id,
                store_id=market.stores[store],
                sku_id=SkuId(list(market.products[product][2].values())[nth]),
                quantity=quantity,
                link_id=links[0] if links else None,
                at=now - timedelta(hours=hours),
            )
