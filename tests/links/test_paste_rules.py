"""What creators paste: addresses and share texts as other apps put them on the clipboard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dougong.links.paste_rules import NoAddress, read_pasted

TEXTS = [
    ("https://item.taobao.com/item.htm?id=1", "https://item.taobao.com/item.htm?id=1"),
    ("  HTTPS://M.tb.cn/h.5x  ", "HTTPS://M.tb.cn/h.5x"),
    ("【淘宝】https://m.tb.cn/h.5abcDEF?tk=x9 CZ3457 「竹篮」点击链接直接打开", "https://m.tb.cn/h.5abcDEF?tk=x9"),
    ("看这个https://m.tb.cn/h.5abc点击链接", "https://m.tb.cn/h.5abc"),
    ("https://3.cn/1-ab，复制后打开京东", "https://3.cn/1-ab"),
    ("好物（https://3.cn/1-ab）分享", "https://3.cn/1-ab"),
    ("(see https://shop.example/a_(b).)", "https://shop.example/a_(b)"),
    ("Look: https://shop.example/p/1!", "https://shop.example/p/1"),
    ("ｈｔｔｐｓ：／／ｓｈｏｐ．ｅｘａｍｐｌｅ／ｐ？ｉｄ＝１", "https://shop.example/p?id=1"),
    ("https://shop\u200b.example/\ufeffp\u2060/1", "https://shop.example/p/1"),
    ("https://a.example/1 https://b.example/2", "https://a.example/1"),
    ("item.taobao.com/item.htm?id=1 好看", "https://item.taobao.com/item.htm?id=1"),
    ("https://店.example/茶", "https://店.example/"),
    ("https://m.tb.cn/h.5abc点击链接", "https://m.tb.cn/h.5abc"),
    ("https://evil.example\\@item.taobao.com/", "https://evil.example\\@item.taobao.com/"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "url"), TEXTS)
def test_the_address_is_found(text: str, url: str) -> None:
    assert read_pasted(text).url == url


@pytest.mark.parametrize(
    "text",
    ["", "  ", "竹篮", "javascript:alert(1)", "taobao://item?id=1", "me@shop.example/x", "abc"],
)
def test_nothing_is_found_where_nothing_is(text: str) -> None:
    with pytest.raises(NoAddress):
        read_pasted(text)


def test_a_share_code_is_found_beside_and_without_an_address() -> None:
    assert read_pasted("复制这条 K7P2M9QX4D 打开斗拱").codes == ("K7P2M9QX4D",)
    assert read_pasted("【Ｋ７Ｐ２Ｍ９ＱＸ】").codes == ("K7P2M9QX",)
    assert read_pasted("https://a.example/K7P2M9QX4D").codes == ()


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read_pasted(text)
    except NoAddress:
        return
    assert found.url or found.codes
    assert found.url == "" or found.url.lower().startswith(("http://", "https://"))
