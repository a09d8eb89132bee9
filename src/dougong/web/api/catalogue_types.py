"""What the catalogue API takes and gives. Money is {"minor", "currency"}, weights are grams."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from dougong.base.money import Money
from dougong.web.api.common import Filled, Lines, OneLine
from dougong.web.forms import Input

Code = Annotated[
    Filled, Meta(min_length=1, max_length=80, description="Yours, unique in the store.")
]
Title = Annotated[Filled, Meta(min_length=1, max_length=200)]
OtherTitle = Annotated[OneLine, Meta(max_length=200)]
Words = Annotated[Lines, Meta(max_length=20_000)]
Brand = Annotated[OneLine, Meta(max_length=80)]
Category = Annotated[
    str,
    Meta(pattern=r"^[a-z0-9-]+(/[a-z0-9-]+)*$", max_length=200, description="Such as food/tea."),
]
Options = Annotated[
    dict[
        Annotated[Filled, Meta(min_length=1, max_length=40)],
        Annotated[Filled, Meta(min_length=1, max_length=80)],
    ],
    Meta(max_length=6),
]
Rate = Annotated[
    int, Meta(ge=0, le=9_000, description="Basis points (1250 = 12.5 %) offered to creators.")
]
Minor = Annotated[int, Meta(ge=1, le=100_000_000_000, description="Minor units, such as fen.")]
Units = Annotated[int, Meta(ge=0, le=10_000_000)]
State = Literal["draft", "active", "archived"]


class SkuInput(Input):
    """A variant. `quantity` left out leaves the stock as it is."""

    code: Code
    price_minor: Minor
    options: Options = msgspec.field(default_factory=dict)
    list_price_minor: Minor | None = None
    gtin: Annotated[str, Meta(max_length=20, pattern=r"^[0-9 -]*$")] = ""
    weight_g: Units = 0
    quantity: Units | None = None


class ProductInput(Input):
    code: Code
    title_zh: Title
    category: Category
    skus: Annotated[list[SkuInput], Meta(min_length=1, max_length=200)]
    title_en: OtherTitle = ""
    description_zh: Words = ""
    description_en: Words = ""
    brand: Brand = ""
    commission_bp: Rate | None = None
    state: State = "draft"


class ProductChange(Input):
    """What is left out stays as it is."""

    code: Code | UnsetType = UNSET
    title_zh: Title | UnsetType = UNSET
    title_en: OtherTitle | UnsetType = UNSET
    description_zh: Words | UnsetType = UNSET
    description_en: Words | UnsetType = UNSET
    brand: Brand | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    commission_bp: Rate | UnsetType | None = UNSET
    state: State | UnsetType = UNSET
    skus: Annotated[list[SkuInput], Meta(min_length=1, max_length=200)] | UnsetType = UNSET


class LevelInput(Input):
    sku_id: UUID
    on_hand: Units


class StockInput(Input):
    levels: Annotated[list[LevelInput], Meta(min_length=1, max_length=1_000)]


class FeedInput(Input):
    """A feed as text: TSV, CSV or RSS XML."""

    content: Annotated[str, Meta(min_length=1, max_length=9_000_000)]
    file_name: Annotated[OneLine, Meta(max_length=200)] = "feed"
    all_or_nothing: bool = False
    assumed_quantity: Units = 0


class Sku(msgspec.Struct):
    """`free`: units that can be sold now; `reserved`: held by open orders."""

    id: UUID
    code: str
    options: dict[str, str]
    price: Money
    list_price: Money | None
    gtin: str | None
    weight_g: int
    on_hand: int
    reserved: int
    free: int


class Product(msgspec.Struct):
    id: UUID
    store_id: UUID
    code: str
    title_zh: str
    title_en: str
    description_zh: str
    description_en: str
    brand: str
    category: str
    state: str
    commission_bp: int | None
    image_urls: list[str]
    skus: list[Sku]
    updated_at: datetime


class ProductRow(msgspec.Struct):
    id: UUID
    code: str
    title_zh: str
    title_en: str
    state: str
    category: str
    price_from: Money
    free: int
    image_url: str | None


class ProductPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[ProductRow]
    after: str | None


class StockRow(msgspec.Struct):
    sku_id: UUID
    code: str
    on_hand: int
    reserved: int
    free: int


class StockPage(msgspec.Struct):
    items: list[StockRow]
    after: str | None


class ImportRun(msgspec.Struct):
    """`state`: waiting, running, done or failed; `report` is empty until it is over."""

    id: UUID
    state: str
    file_name: str
    rows_total: int
    rows_done: int
    rows_bad: int
    report: dict[str, Any]


class StoreAnswer(msgspec.Struct):
    """Shipping is free from `free_shipping_from` on; null: never."""

    id: UUID
    code: str
    name_zh: str
    name_en: str
    tagline_zh: str
    tagline_en: str
    logo_url: str | None
    currency: str
    shipping_fee: Money
    free_shipping_from: Money | None


class OfferedSku(msgspec.Struct):
    id: UUID
    options: dict[str, str]
    price: Money
    list_price: Money | None
    free: int


class OfferedCoupon(msgspec.Struct):
    """`amount_off` or `percent_off_bp` (basis points), from `min_spend` on."""

    code: str
    name_zh: str
    name_en: str
    amount_off: Money | None
    percent_off_bp: int | None
    min_spend: Money


class OfferedProduct(msgspec.Struct):
    id: UUID
    store_id: UUID
    title_zh: str
    title_en: str
    description_zh: str
    description_en: str
    brand: str
    category: str
    image_urls: list[str]
    skus: list[OfferedSku]
    coupons: list[OfferedCoupon]
    url: str


class FoundProduct(msgspec.Struct):
    id: UUID
    store_id: UUID
    title_zh: str
    title_en: str
    price_from: Money
    is_sold_out: bool
    image_url: str | None


class FoundPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[FoundProduct]
    after: str | None


class CategoryAnswer(msgspec.Struct):
    path: str
    parent: str | None
    name_zh: str
    name_en: str
