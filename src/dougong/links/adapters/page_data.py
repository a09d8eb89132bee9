"""What a page says of products: JSON-LD, microdata and Open Graph, out of a hostile page too.

Each way yields plain mappings in schema.org's words; what they mean is read in page.py. A tree of
bounded depth (libxml2 cuts at 2 048) is walked once, without recursion and without a look back, so
that no page takes longer than its length. `itemref` is not followed.
"""

import re
from collections.abc import Iterator
from typing import Any

import ada_url
import msgspec
from lxml import etree

from dougong.infra.http import Answer

Item = dict[str, list[Any]]  # property to its values: texts, or items

BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
HEAD_BYTES = 4_096
META_CHARSET = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w-]{1,40})", re.IGNORECASE)
HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w-]{1,40})", re.IGNORECASE)
# As browsers read these labels (WHATWG Encoding): the older Chinese sets are parts of GB18030.
SAME_AS = {"gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "iso-8859-1": "cp1252"}
# Where microdata keeps the value of a property that is no text (HTML, 5.2.4).
VALUE_IN = {
    "meta": "content",
    "link": "href",
    "a": "href",
    "img": "src",
    "source": "src",
    "data": "value",
    "meter": "value",
    "time": "datetime",
    "object": "data",
}
MAX_TEXT = 2_000
MOST_ITEMS = 500
MAX_LD_DEPTH = 20


def page_text(answer: Answer) -> str:
    """The body as text: by its byte-order mark, the header, the page's own word, else UTF-8 or
    GB18030; what cannot be read becomes U+FFFD."""
    body = answer.body
    for bom, encoding in BOMS:
        if body.startswith(bom):
            return body.decode(encoding, "replace").lstrip("\ufeff")
    said = HEADER_CHARSET.search(answer.headers.get("content-type", ""))
    meta = META_CHARSET.search(body[:HEAD_BYTES])
    label = said[1] if said else meta[1].decode("ascii") if meta else ""
    encoding = SAME_AS.get(label.lower(), label.lower())
    try:
        if encoding:
            return body.decode(encoding, "replace")
        return body.decode("utf-8")
    except (LookupError, UnicodeDecodeError):
        return body.decode("utf-8" if encoding else "gb18030", "replace")


class PageData:
    """One page, read once. `items` holds what its three ways of speaking say, in that order."""

    def __init__(self, text: str, url: str) -> None:
        parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True)
        self.url = url
        self.tree = etree.fromstring(text.encode("utf-8", "replace") or b" ", parser)
        if self.tree is None:
            self.tree = etree.Element("html")
        self.items: list[Item] = [*self._json_ld(), *self._microdata()]
        self.graph = self._open_graph()

    def joined(self, url: str) -> str | None:
        """An address of the page made whole; None for what is none."""
        try:
            return str(ada_url.join_url(self.url, url.strip()))
        except ValueError:
            return None

    def refresh_target(self) -> str | None:
        """Where a `<meta http-equiv=refresh>` would take a browser."""
        for meta in self.tree.iter("meta"):
            if (meta.get("http-equiv") or "").strip().lower() == "refresh":
                found = re.search(r"url\s*=\s*['\"]?([^'\"]+)", meta.get("content") or "", re.I)
                if found:
                    return self.joined(found[1])
        return None

    def canonical(self) -> str | None:
        """Where the page says that it really stands; nothing makes that true."""
        for link in self.tree.iter("link"):
            if "canonical" in (link.get("rel") or "").lower().split() and link.get("href"):
                return self.joined(link.get("href"))
        return None

    def title(self) -> str:
        found = self.tree.find(".//title")
        return _text(found) if found is not None else ""

    def _open_graph(self) -> Item:
        found: Item = {}
        for meta in self.tree.iter("meta"):
            name = (meta.get("property") or meta.get("name") or "").strip().lower()
            if name.startswith(("og:", "product:")) and meta.get("content"):
                found.setdefault(name, []).append(meta.get("content")[:MAX_TEXT].strip())
        return found

    def _json_ld(self) -> Iterator[Item]:
        found = 0
        for script in self.tree.iter("script"):
            kind = (script.get("type") or "").partition(";")[0].strip().lower()
            if kind != "application/ld+json" or not script.text:
                continue
            for item in _from_json(script.text):
                found += 1
                if found > MOST_ITEMS:
                    return
                yield item

    def _microdata(self) -> list[Item]:
        """All items of the page, the ones inside others too, in the page's order."""
        made: list[Item] = []
        scopes: list[tuple[Any, Item]] = []
        for event, node in etree.iterwalk(self.tree, events=("start", "end")):
            if event == "end":
                if scopes and scopes[-1][0] is node:
                    scopes.pop()
                continue
            if not isinstance(node.tag, str) or len(made) >= MOST_ITEMS:
                continue
            names = (node.get("itemprop") or "").split()[:10]
            item: Item | None = None
            if node.get("itemscope") is not None:
                item = {"@type": (node.get("itemtype") or "").split()[:10]}
                made.append(item)
            for name in names:
                if scopes:
                    scopes[-1][1].setdefault(name, []).append(item or self._value(node))
            if item is not None:
                scopes.append((node, item))
        return made

    def _value(self, node: Any) -> str:
        attribute = "content" if node.get("content") else VALUE_IN.get(node.tag, "")
        found = node.get(attribute) if attribute else None
        return (found if found is not None else _text(node))[:MAX_TEXT].strip()


def _text(node: Any) -> str:
    """The text of an element and what is in it, up to MAX_TEXT characters."""
    found, length = [], 0
    for part in node.itertext():
        found.append(part)
        length += len(part)
        if length > MAX_TEXT:
            break
    return " ".join("".join(found)[:MAX_TEXT].split())


def _from_json(text: str) -> Iterator[Item]:
    """The items of a JSON-LD script, also inside @graph and lists; nothing where it is broken."""
    plain = re.sub(r"^\s*(?:<!--|//<!\[CDATA\[)|(?:-->|//\]\]>)\s*$", "", text).strip(" \t\r\n;")
    try:
        read = msgspec.json.Decoder(float_hook=str, strict=False).decode(plain.encode())
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return
    waiting: list[tuple[Any, int]] = [(read, 0)]
    while waiting:
        value, depth = waiting.pop(0)
        if depth > MAX_LD_DEPTH:
            continue
        if isinstance(value, list):
            waiting[:0] = [(one, depth + 1) for one in value[:MOST_ITEMS]]
        elif isinstance(value, dict):
            yield _item(value)
            inner = ("@graph", "mainEntity", "itemListElement", "item", "hasVariant", "about")
            waiting[:0] = [(value[name], depth + 1) for name in inner if name in value]


def _item(value: dict[str, Any], depth: int = 0) -> Item:
    found: Item = {}
    for name, said in value.items():
        values = said if isinstance(said, list) else [said]
        kept = [_plain(one, depth) for one in values[:MOST_ITEMS]]
        found[name] = [one for one in kept if one not in (None, "")]
    return found


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        if "@value" in value:
            return _plain(value["@value"], depth)
        return _item(value, depth + 1) if depth < MAX_LD_DEPTH else None
    if isinstance(value, str):
        return value[:MAX_TEXT].strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None
