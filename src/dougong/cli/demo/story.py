"""The demo market as plain data: one story that screens, tutorials and browser tests share."""

from dougong.cli.demo.story_goods import PRODUCTS
from dougong.cli.demo.story_people import COMMENTS_SAID as COMMENTS
from dougong.cli.demo.story_people import COUPONS, CREATORS, PEOPLE, VIDEOS
from dougong.cli.demo.story_stores import STORES
from dougong.cli.demo.story_types import (
    Art,
    Comment,
    Coupon,
    Creator,
    Person,
    Product,
    Store,
    Text,
    Variant,
    Video,
)

__all__ = [
    "COMMENTS",
    "COUPONS",
    "CREATORS",
    "PEOPLE",
    "PRODUCTS",
    "STORES",
    "VIDEOS",
    "Art",
    "Comment",
    "Coupon",
    "Creator",
    "Person",
    "Product",
    "Store",
    "Text",
    "Variant",
    "Video",
]
