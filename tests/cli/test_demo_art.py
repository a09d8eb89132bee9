"""The demo market reads like a real one, in two languages, and its pictures and clips differ."""

import itertools
import re
from collections import Counter

import pytest
from PIL import Image, ImageChops
from stdnum import ean

from dougong.cli.demo import pictures, scenes, story
from dougong.cli.demo.scene_objects import KINDS
from dougong.cli.demo.story import Text
from dougong.infra.fonts import FontsMissing, fonts_dir

TINY = {"width": 108, "height": 192, "fps": 1}
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def fonts() -> None:
    try:
        fonts_dir()
    except FontsMissing as missing:
        pytest.skip(str(missing))


def every_text() -> list[Text]:
    named = [*story.STORES, *story.PRODUCTS, *story.CREATORS, *story.COUPONS, *story.PEOPLE]
    texts = [item.name for item in named]
    texts += [product.description for product in story.PRODUCTS]
    texts += [store.tagline for store in story.STORES]
    texts += [creator.bio for creator in story.CREATORS]
    texts += [video.caption for video in story.VIDEOS]
    texts += [text for said in story.COMMENTS for text in (said.author, said.text)]
    texts += [text for person in story.PEOPLE for text in (person.organisation, person.about)]
    return texts


def test_the_market_has_its_full_size() -> None:
    sizes = [len(part) for part in (story.STORES, story.PRODUCTS, story.CREATORS, story.VIDEOS)]
    assert sizes == [20, 300, 40, 80]
    assert set(Counter(p.store_code for p in story.PRODUCTS).values()) == {15}
    assert len(story.COMMENTS) >= 36


def test_codes_and_names_are_unique() -> None:
    variants = [variant for product in story.PRODUCTS for variant in product.variants]
    for values in (
        [store.code for store in story.STORES],
        [product.code for product in story.PRODUCTS],
        [product.name.zh for product in story.PRODUCTS],
        [product.name.en for product in story.PRODUCTS],
        [variant.sku for variant in variants],
        [variant.gtin for variant in variants],
        [creator.handle for creator in story.CREATORS],
        [video.code for video in story.VIDEOS],
        [coupon.code for coupon in story.COUPONS],
    ):
        assert len(values) == len(set(values))


def test_product_numbers_are_in_range() -> None:
    for product in story.PRODUCTS:
        assert 1 <= len(product.variants) <= 6
        assert 500 <= product.commission_bp <= 3000
        assert product.art.kind in KINDS
        assert product.price_minor == min(v.price_minor for v in product.variants) > 0
        for variant in product.variants:
            assert len(variant.gtin) == 13
            assert variant.gtin[0] == "2"
            assert ean.is_valid(variant.gtin)
            assert variant.stock >= 0 < variant.weight_g


def test_every_text_is_in_both_languages() -> None:
    for text in every_text():
        assert HAN.search(text.zh), text
        assert re.search(r"[A-Za-z]", text.en), text
        assert not HAN.search(text.en), text
    for script in scenes.SCRIPTS.values():
        assert all(HAN.search(zh) and not HAN.search(en) for zh, en in script.lines)


def test_descriptions_have_two_or_three_sentences() -> None:
    for product in story.PRODUCTS:
        assert 2 <= product.description.zh.count("。") <= 3
        assert "#" not in product.description.zh


def test_videos_point_at_what_exists() -> None:
    codes = {product.code for product in story.PRODUCTS}
    handles = {creator.handle for creator in story.CREATORS}
    for video in story.VIDEOS:
        assert video.creator in handles
        assert 1 <= len(video.products) <= 3
        assert codes.issuperset(video.products)
        assert video.clip in scenes.NUMBERS
        assert 0 <= video.published_days_ago <= 60
        assert "#" in video.caption.zh
        assert "#" in video.caption.en
    assert len({video.clip for video in story.VIDEOS}) >= 24
    assert {said.video for said in story.COMMENTS} <= {video.code for video in story.VIDEOS}


def test_each_funder_and_role_has_someone() -> None:
    assert {coupon.funder for coupon in story.COUPONS} == {"merchant", "platform", "creator"}
    roles = [person.role for person in story.PEOPLE]
    wanted = ["advertiser", "creator", "merchant", "operator", "partner", "shopper"]
    assert sorted(roles) == wanted


@pytest.mark.usefixtures("fonts")
def test_every_kind_of_picture_is_drawn_at_the_size_asked() -> None:
    first = {product.art.kind: product for product in story.PRODUCTS}
    assert len(first) >= 40
    drawn = set()
    for product in first.values():
        picture = pictures.product_picture(product, 120)
        assert (picture.mode, picture.size) == ("RGB", (120, 120))
        drawn.add(picture.tobytes())
    assert len(drawn) == len(first)


@pytest.mark.usefixtures("fonts")
def test_pictures_repeat_exactly() -> None:
    product, creator, store = story.PRODUCTS[7], story.CREATORS[7], story.STORES[7]
    for once, again in (
        (pictures.product_picture(product, 96), pictures.product_picture(product, 96)),
        (pictures.avatar(creator, 96), pictures.avatar(creator, 96)),
        (pictures.store_logo(store, 96), pictures.store_logo(store, 96)),
    ):
        assert once.size == (96, 96)
        assert once.tobytes() == again.tobytes()
    assert pictures.product_picture(product).size == (800, 800)


def differ(one: Image.Image, other: Image.Image) -> bool:
    """Whether more than a hundredth of the pixels differ visibly."""
    shown = ImageChops.difference(one, other).convert("L").histogram()
    return sum(shown[12:]) * 100 > one.width * one.height


@pytest.mark.usefixtures("fonts")
def test_clips_move_and_no_two_are_alike() -> None:
    middles = []
    for number in scenes.NUMBERS:
        frames = list(scenes.scene(number, **TINY))
        assert 5 <= len(frames) <= 8
        assert {(frame.mode, frame.size) for frame in frames} == {("RGB", (108, 192))}
        assert differ(frames[0], frames[len(frames) // 2]), number
        middles.append(frames[len(frames) // 2])
    assert len(middles) == 30
    assert all(differ(one, other) for one, other in itertools.combinations(middles, 2))


def test_missing_fonts_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOUGONG_FONTS_DIR", "/nonexistent")
    with pytest.raises(FontsMissing, match="noto-sans-sc"):
        fonts_dir()
