"""What is written reads back to the same, and every hostile row is named by line and field."""

import gzip
import random
import string
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dougong.catalog.feed_export import Format, safe_cell, write_feed
from dougong.catalog.feed_rules import Reader, read_feed
from dougong.catalog.feed_types import Categories, FeedItem, FeedRow
from dougong.infra.feed_text import decode
from dougong.infra.feed_xml import FeedRefused

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CATEGORIES = Categories(
    [
        ("food", "食品", "Food"),
        ("food/tea", "茶叶", "Tea"),
        ("wear", "服饰", "Clothing"),
        ("wear/shirts", "衬衫", "Shirts"),
        ("other", "其他", "Other"),
    ]
)


def read(data: bytes | str, *, assumed: int = 0) -> list[FeedRow]:
    reader = Reader(currency="CNY", categories=CATEGORIES, assumed_quantity=assumed, at=AT)
    return list(read_feed(data.encode() if isinstance(data, str) else data, reader))


def items(data: bytes | str) -> list[FeedItem]:
    rows = read(data)
    assert [row.problems for row in rows if row.problems] == []
    return [row.item for row in rows if row.item is not None]


def problems(data: bytes | str) -> list[tuple[int, str, str]]:
    return [(p.line, p.field, p.reason) for row in read(data) for p in row.problems]


def a_row(**fields: str) -> str:
    """A CSV of one row; every cell quoted."""
    row = {"id": "A1", "title": "Tea", "price": "12.30 CNY"} | fields
    cells = ",".join('"' + value.replace('"', '""') + '"' for value in row.values())
    return ",".join(row) + "\n" + cells + "\n"


# round trips ----------------------------------------------------------------------------------

nasty = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
    | st.sampled_from(list("\t\n\"',;=+-@<>&")),
    max_size=40,
)
words = nasty.map(lambda text: text.strip())
needed = words.filter(bool)
codes = st.text(string.ascii_letters + string.digits + "-_.=+@'", min_size=1, max_size=20)
options = st.dictionaries(
    st.sampled_from(["color", "size", "material", "pattern", "规格", "口味", "=x"]),
    needed,
    max_size=5,
)
feed_items = st.builds(
    FeedItem,
    line=st.just(0),
    code=codes,
    group=codes,
    title=needed,
    title_en=words,
    description=words,
    description_en=words,
    price_minor=st.integers(1, 10**11),
    list_price_minor=st.none(),
    options=options,
    brand=words,
    category=st.sampled_from(["food", "food/tea", "wear/shirts", "other"]),
    gtin=st.sampled_from(["", "2000000000015"]),
    weight_g=st.integers(0, 10_000_000),
    quantity=st.integers(0, 10_000_000),
    attributes=st.dictionaries(st.sampled_from(["mpn", "custom_label_0"]), needed, max_size=2),
    image_links=st.lists(
        st.sampled_from(["a.jpg", "b c.png", "https://example.org/x?a=1&b=2"]), unique=True
    ).map(tuple),
    commission_bp=st.none() | st.integers(0, 9_000),
    state=st.sampled_from(["draft", "active", "archived"]),
)


@pytest.mark.parametrize("how", ["tsv", "csv", "xml"])
@settings(max_examples=150, deadline=None)
@given(drawn=st.lists(feed_items, min_size=1, max_size=5, unique_by=lambda item: item.code))
def test_a_feed_reads_back_to_the_same(how: Format, drawn: list[FeedItem]) -> None:
    wrote = b"".join(
        write_feed(drawn, how=how, currency="CNY", link_of=lambda item: "x", title="茶 <&>")
    )
    assert [msgspec.structs.replace(item, line=0) for item in items(wrote)] == drawn


def test_a_price_before_reads_back() -> None:
    item = items(a_row(price="20.00 CNY", sale_price="15.00 CNY"))[0]
    assert (item.price_minor, item.list_price_minor) == (1500, 2000)
    wrote = b"".join(
        write_feed([item], how="csv", currency="CNY", link_of=lambda item: "", title="")
    )
    again = items(wrote)[0]
    assert (again.price_minor, again.list_price_minor) == (1500, 2000)


@pytest.mark.parametrize(
    ("dates", "now"),
    [
        ("2026-03-01T00:00+0800/2026-03-08T00:00+0800", (1500, 2000)),
        ("2026-03-01T12:00Z/2026-03-01T12:01Z", (1500, 2000)),
        ("2026-02-01T00:00/2026-03-01T12:00", (2000, None)),
        ("2026-03-02T00:00+08:00 / 2026-03-08T00:00+08:00", (2000, None)),
        ("", (1500, 2000)),
    ],
)
def test_a_sale_price_has_its_dates(dates: str, now: tuple[int, int | None]) -> None:
    row = a_row(price="20.00", sale_price="15.00", sale_price_effective_date=dates)
    item = items(row)[0]
    assert (item.price_minor, item.list_price_minor) == now


@pytest.mark.parametrize("dates", ["soon", "2026-03-01", "a/b", "2026-03-01/2026-03-02/2026-03-03"])
def test_dates_that_are_none_are_named(dates: str) -> None:
    row = a_row(price="20.00", sale_price="15.00", sale_price_effective_date=dates)
    assert problems(row) == [(2, "sale_price_effective_date", "bad_dates")]


@given(nasty)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert safe_cell(text)[:1] not in tuple("=+-@\t\r")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
def test_the_encoding_is_found(encoding: str) -> None:
    text = "id,title,price\nA1,明前龙井茶叶,12.30\n"
    assert items(text.encode(encoding))[0].title == "明前龙井茶叶"
    assert decode(text.encode(encoding)).lstrip("\ufeff") == text


def test_a_compressed_file_is_read() -> None:
    text = "id,title,price\nA1,明前龙井茶叶,12.30\n"
    assert items(gzip.compress(text.encode()))[0].title == "明前龙井茶叶"


@pytest.mark.parametrize("harm", [lambda d: d[:-4], lambda d: d + b"x", lambda d: d[:2] + b"x" * 9])
def test_a_damaged_compressed_file_is_refused(harm: Callable[[bytes], bytes]) -> None:
    data = gzip.compress(b"id,title,price\n" + b"A1,Tea,12.30\n" * 100)
    with pytest.raises(FeedRefused) as refused:
        read(harm(data))
    assert refused.value.facts["why"] == "bad_gzip"


def test_a_compressed_file_that_swells_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dougong.infra.feed_text.MAX_BYTES", 100_000)
    with pytest.raises(FeedRefused) as refused:
        read(gzip.compress(b"id,title,price\n" + b" " * 10_000_000))
    assert refused.value.facts["why"] == "too_big"


def test_xml_in_gb18030_says_so_and_is_read() -> None:
    text = (
        '<?xml version="1.0" encoding="GB18030"?><rss xmlns:g="http://base.google.com/ns/1.0">'
        "<channel><item><g:id>1</g:id><title>龙井</title><g:price>5 CNY</g:price></item>"
        "</channel></rss>"
    )
    assert items(text.encode("gb18030"))[0].title == "龙井"


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    text = "ID\tTitle\tPrice\tg:Item Group Id\nA\tTea\t1.00\tG\n".replace("\t", delimiter)
    assert [(i.code, i.group, i.price_minor) for i in items(text)] == [("A", "G", 100)]


# fields ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("food/tea", "food/tea"),
        ("Tea", "food/tea"),
        ("茶叶", "food/tea"),
        ("Food > Tea", "food/tea"),
        ("Food, Beverages & Tobacco > FOOD > Unheard of", "food"),
        ("shirts", "wear/shirts"),
        ("Furniture", "other"),
    ],
)
def test_a_category_is_found_by_path_or_name(words: str, path: str) -> None:
    assert items(a_row(product_type=words))[0].category == path


def test_an_unknown_category_is_noted() -> None:
    notes = read(a_row(product_type="Furniture"))[0].notes
    assert [(n.field, n.reason, n.value) for n in notes] == [
        ("product_type", "unknown_category", "Furniture")
    ]


@pytest.mark.parametrize(
    ("fields", "quantity", "assumed"),
    [
        ({"quantity": "7"}, 7, None),
        ({"sell_on_google_quantity": "7"}, 7, None),
        ({"availability": "out of stock", "quantity": "7"}, 0, None),
        ({"availability": "out_of_stock"}, 0, None),
        ({"availability": "in stock"}, None, 5),
        ({"availability": "preorder"}, None, None),
        ({}, None, None),
    ],
)
def test_quantity_and_availability(
    fields: dict[str, str], quantity: int | None, assumed: int | None
) -> None:
    item = read(a_row(**fields), assumed=5)[0].item
    assert item is not None
    assert (item.quantity, item.assumed_quantity) == (quantity, assumed)


@pytest.mark.parametrize(
    ("text", "grams"), [("500 g", 500), ("1.2kg", 1200), ("1 lb", 454), ("0.5 oz", 14), ("", 0)]
)
def test_weight_in_grams(text: str, grams: int) -> None:
    assert items(a_row(shipping_weight=text))[0].weight_g == grams


def test_pictures_in_their_order_without_doubles() -> None:
    item = items(a_row(image_link="a.jpg", additional_image_link="b.jpg, a.jpg,c.jpg"))[0]
    assert item.image_links == ("a.jpg", "b.jpg", "c.jpg")


def test_a_field_the_file_lacks_is_left_alone() -> None:
    item = items(a_row())[0]
    assert (item.brand, item.gtin, item.category, item.options) == (None, None, None, None)
    assert items(a_row(brand=""))[0].brand == ""


# hostile rows ---------------------------------------------------------------------------------

HOSTILE_ROWS = [
    ({"id": ""}, "id", "missing"),
    ({"id": "x" * 81}, "id", "too_long"),
    ({"id": "a\x00b"}, "id", "control_character"),
    ({"id": "a\x1bb"}, "id", "control_character"),
    ({"title": "  "}, "title", "missing"),
    ({"title": "x" * 201}, "title", "too_long"),
    ({"title": "a\ufffeb"}, "title", "control_character"),
    ({"description": "x" * 20_001}, "description", "too_long"),
    ({"brand": "x" * 81}, "brand", "too_long"),
    ({"price": ""}, "price", "missing"),
    ({"price": "free"}, "price", "bad_price"),
    ({"price": "1,234.50 CNY"}, "price", "bad_price"),
    ({"price": "12.345 CNY"}, "price", "bad_price"),
    ({"price": "1e3 CNY"}, "price", "bad_price"),
    ({"price": "NaN"}, "price", "bad_price"),
    ({"price": "１２.００"}, "price", "bad_price"),
    ({"price": "CNY 12 CNY"}, "price", "bad_price"),
    ({"price": "9" * 16}, "price", "bad_price"),
    ({"price": "-1.00 CNY"}, "price", "out_of_range"),
    ({"price": "0.00 CNY"}, "price", "out_of_range"),
    ({"price": "1000000000.01 CNY"}, "price", "out_of_range"),
    ({"price": "12.30 USD"}, "price", "wrong_currency"),
    ({"price": "=1+1"}, "price", "bad_price"),
    ({"sale_price": "12.31 CNY"}, "sale_price", "sale_price_above_price"),
    ({"sale_price": "1 EUR"}, "sale_price", "wrong_currency"),
    ({"gtin": "2000000000016"}, "gtin", "bad_gtin"),
    ({"gtin": "0xFF"}, "gtin", "bad_gtin"),
    ({"availability": "maybe"}, "availability", "unknown_value"),
    ({"quantity": "-1"}, "quantity", "bad_quantity"),
    ({"quantity": "1.5"}, "quantity", "bad_quantity"),
    ({"quantity": "10000001"}, "quantity", "bad_quantity"),
    ({"quantity": "١٢"}, "quantity", "bad_quantity"),
    ({"condition": "broken"}, "condition", "unknown_value"),
    ({"shipping_weight": "heavy"}, "shipping_weight", "bad_weight"),
    ({"shipping_weight": "5 stone"}, "shipping_weight", "bad_weight"),
    ({"shipping_weight": "99999 kg"}, "shipping_weight", "out_of_range"),
    ({"color": "x" * 81}, "color", "too_long"),
    ({"options": "{broken"}, "options", "bad_options"),
    ({"options": '{"a": 1}'}, "options", "bad_options"),
    ({"options": "[" * 1900}, "options", "bad_options"),
    ({"commission": "95%"}, "commission", "bad_commission"),
    ({"commission": "-1"}, "commission", "bad_commission"),
    ({"product_state": "deleted"}, "product_state", "unknown_value"),
    ({"image_link": "https://example.org/" + "x" * 2_000}, "image_link", "too_long"),
]


@pytest.mark.parametrize(("fields", "field", "reason"), HOSTILE_ROWS)
def test_a_bad_row_is_named_by_line_and_field(
    fields: dict[str, str], field: str, reason: str
) -> None:
    assert problems(a_row(**fields)) == [(2, field, reason)]


def test_every_bad_field_of_a_row_is_named_and_good_rows_stand() -> None:
    text = "id,title,price\nA,Tea,x\n,,1\nB,Tea,2\nB,Tea,3\nC,Tea\nD,Tea,1,2\n\nE,Tea,5\n"
    assert problems(text) == [
        (2, "price", "bad_price"),
        (3, "id", "missing"),
        (3, "title", "missing"),
        (5, "id", "duplicate_id"),
        (6, "", "too_few_cells"),
        (7, "", "too_many_cells"),
    ]
    assert [row.item.code for row in read(text) if row.item] == ["B", "E"]


def test_a_cell_of_a_megabyte_is_refused_and_the_next_row_stands() -> None:
    text = "id,title,price\nA," + "x" * 1_000_000 + ",1\nB,Tea,2\n"
    assert problems(text) == [(2, "", "cell_too_big")]
    assert [row.item.code for row in read(text) if row.item] == ["B"]


def test_lines_count_through_quoted_breaks() -> None:
    text = 'id,title,price\nA,"two\nlines",1\nB,Tea,x\n'
    assert problems(text) == [(4, "price", "bad_price")]


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><rss><item><id>&b;</id></item></rss>'
)
OUTSIDE = (
    '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><item><id>&a;</id></item></rss>'
)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"  \n ", "empty"),
        (b"\xff\xff\xff\xfe\x80", "bad_encoding"),
        (b"id,title\nA,Tea\n", "missing_column"),
        (b"id,id,title,price\nA,A,Tea,1\n", "duplicate_column"),
        (b"\x00\x01\x02\x03" * 50, "missing_column"),
        (BOMB.encode(), "unsafe_xml"),
        (OUTSIDE.encode(), "unsafe_xml"),
        (b"<rss><channel/></rss>", "empty"),
        (b"<rss><item>", "broken_xml"),
        (b"<a>" * 100_000, "broken_xml"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(data: bytes, why: str) -> None:
    with pytest.raises(FeedRefused) as refused:
        read(data)
    assert refused.value.facts["why"] == why


def test_xml_that_breaks_off_keeps_what_came_before() -> None:
    text = "<rss>\n<item><id>A</id><title>T</title><price>1</price></item>\n<item><id>B</id></rss>"
    assert [row.item.code for row in read(text) if row.item] == ["A"]
    assert problems(text) == [(3, "", "broken_xml")]


def test_a_huge_element_is_one_bad_row() -> None:
    item = "<item><id>{}</id><title>{}</title><price>1</price></item>\n"
    text = "<rss>\n" + item.format("A", "x" * 1_000_000) + item.format("B", "Tea") + "</rss>"
    assert problems(text) == [(2, "title", "cell_too_big")]
    assert [row.item.code for row in read(text) if row.item] == ["B"]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 2**32))
def test_any_bytes_are_read_or_refused(noise: bytes, seed: int) -> None:
    chance = random.Random(seed)
    sane = a_row(brand="x").encode()
    at = chance.randrange(len(sane))
    for data in (noise, sane[:at] + noise + sane[at:]):
        try:
            rows = read(data)
        except FeedRefused:
            continue
        assert all(row.item or row.problems for row in rows)
