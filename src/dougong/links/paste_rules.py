"""What a creator pasted: an address, or a share text with an address or a share code in it. Pure.

Share texts come out of other apps' clipboards: `【淘宝】https://m.tb.cn/h.abc「竹篮」点击链接`,
with full-width letters, invisible characters and punctuation stuck to the address.
"""

import re
import unicodedata

import msgspec

from dougong.base.errors import Refusal

MAX_PASTED = 4_000
# Zero-width and direction marks, soft hyphen, byte-order mark, variation selectors.
INVISIBLE = re.compile("[\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e"
                       "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]")  # fmt: skip
FULL_WIDTH = re.compile("[０-９Ａ-Ｚａ-ｚ：／．？＝＆％＿－＃＠～＋]")
# A host in any script; then what RFC 3986 lets stand in an address, and nothing else: Chinese words
# end it, because share texts run on without a blank.
ADDRESS = re.compile(
    r"https?://[^\s/?#<>\"，。！？、；：（）【】「」《》“”]+"
    r"(?:[/?#][A-Za-z0-9_\-.~:/?#\[\]@!$&'()*+,;=%]*)?",
    re.IGNORECASE,
)
BARE = re.compile(
    r"(?<![\w@.-])(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,6}[a-z]{2,20}"
    r"(?::\d{1,5})?/[\w\-.~:/?#\[\]@!$&'()*+,;=%]*",
    re.IGNORECASE | re.ASCII,
)
TAIL = ".,;:!?'*~"
PAIRS = {")": "(", "]": "["}
SHARE_CODE = re.compile(r"(?<![A-Z0-9])[A-Z0-9]{8,14}(?![A-Z0-9])", re.ASCII)
MOST_CODES = 5


class NoAddress(Refusal):
    """There is neither an address nor one of our share codes in what was pasted."""

    code = "no_address"


class Pasted(msgspec.Struct, frozen=True):
    """`url`: the first address, as written but clean; '' without one. `codes`: what may be share
    codes of ours; only the table knows."""

    url: str
    codes: tuple[str, ...]


def read_pasted(text: str) -> Pasted:
    """Raises NoAddress when there is nothing to look for."""
    plain = INVISIBLE.sub("", text[:MAX_PASTED])
    plain = FULL_WIDTH.sub(lambda one: unicodedata.normalize("NFKC", one[0]), plain).strip()
    url = _address(plain)
    codes = tuple(dict.fromkeys(SHARE_CODE.findall(plain.replace(url, " ") if url else plain)))
    if not url and not codes:
        raise NoAddress(field="address")
    return Pasted(url, codes[:MOST_CODES])


def _address(plain: str) -> str:
    found = ADDRESS.search(plain)
    if found:
        return _without_tail(found[0])
    bare = BARE.search(plain)
    return f"https://{_without_tail(bare[0])}" if bare else ""


def _without_tail(url: str) -> str:
    """Without the punctuation of the sentence around it; a bracket stays when it closes one."""
    while url:
        last = url[-1]
        is_open = last in PAIRS and url.count(last) > url.count(PAIRS[last])
        if last not in TAIL and not is_open:
            return url
        url = url[:-1]
    return url
