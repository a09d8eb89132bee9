"""The shapes of the demo market. Money is in fen, weights in grams, rates in basis points."""

from typing import Literal, NamedTuple

import msgspec


class Text(msgspec.Struct, frozen=True):
    zh: str
    en: str


class Art(msgspec.Struct, frozen=True):
    """How to draw a thing: the kind of drawing, three colours as #rrggbb, the words on it."""

    kind: str
    palette: tuple[str, str, str]
    label: str
    seed: int


class Store(msgspec.Struct, frozen=True):
    code: str
    name: Text
    tagline: Text
    category: str  # the path's first two steps, such as beauty/skincare
    colour: str
    art: Art


class Variant(msgspec.Struct, frozen=True):
    sku: str
    name: Text
    price_minor: int
    stock: int
    weight_g: int
    gtin: str  # thirteen digits in the range 2xx, which GS1 leaves for internal use


class Product(msgspec.Struct, frozen=True):
    code: str
    store_code: str
    name: Text
    description: Text
    price_minor: int  # the cheapest variant
    category: str
    variants: tuple[Variant, ...]
    commission_bp: int
    art: Art


class Creator(msgspec.Struct, frozen=True):
    handle: str
    name: Text
    bio: Text
    stores: tuple[str, ...]  # codes of the stores whose goods this creator shows
    palette: tuple[str, str, str]


class Video(msgspec.Struct, frozen=True):
    code: str
    creator: str  # handle
    clip: int  # 1 to 30
    caption: Text
    products: tuple[str, ...]  # product codes
    published_days_ago: int


class Comment(msgspec.Struct, frozen=True):
    video: str
    author: Text
    text: Text


Funder = Literal["merchant", "platform", "creator"]


class Coupon(msgspec.Struct, frozen=True):
    """An amount off an order of at least the threshold, both in fen."""

    code: str
    funder: Funder
    owner: str  # store code, creator handle, or "platform"
    name: Text
    off_minor: int
    threshold_minor: int
    quantity: int


Role = Literal["shopper", "creator", "merchant", "advertiser", "partner", "operator"]


class Person(msgspec.Struct, frozen=True):
    role: Role
    login: str
    name: Text
    organisation: Text
    about: Text


class Axis(NamedTuple):
    """One choice among a product's variants: code, name, price in per cent, weight in grams."""

    code: str
    name: Text
    price_percent: int
    weight_g: int
