"""Reads the items of an RSS 2.0 (or Atom) feed as they come, without a tree.

No DTD, no entities of its own, nothing from outside: defusedxml refuses them before they act.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import ParseError  # only the class of error

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from dougong.base.errors import Refusal

CHUNK = 65_536
MAX_DEPTH = 32
ITEMS = ("item", "entry")
MAX_CELL = 100_000
ALIASES = {"sell_on_google_quantity": "quantity", "inventory": "quantity", "stock": "quantity"}

Found = tuple[int, Mapping[str, list[str]], str, str]  # line, fields, reason, field


class FeedRefused(Refusal):
    """The file as a whole cannot be read; nothing was changed.

    Facts: `why`: empty, bad_gzip, bad_encoding, missing_column, duplicate_column,
    unsafe_xml, broken_xml, too_many_rows, too_big, bad_rows.
    """

    code = "feed_refused"


class _TooMuch(Exception):
    """Deeper than a feed is."""


class _Items:
    """Collects the fields right below each item; the parser calls it."""

    def __init__(self) -> None:
        self.done: list[Found] = []
        self.line: Callable[[], int] = lambda: 1
        self.started = 1
        self._depth = 0
        self._item_depth = 0
        self._fields: dict[str, list[str]] = {}
        self._text: list[str] = []
        self._length = 0
        self._too_big = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _TooMuch
        if not self._item_depth and _local(tag) in ITEMS:
            self._item_depth = self._depth
            self._fields, self._too_big = {}, ""
            self.started = self.line()
        self._text, self._length = [], 0

    def data(self, text: str) -> None:
        if self._item_depth and self._depth == self._item_depth + 1:
            self._length += len(text)
            if self._length <= MAX_CELL:
                self._text.append(text)

    def end(self, tag: str) -> None:
        if self._item_depth and self._depth == self._item_depth + 1:
            name = _local(tag)
            if self._length > MAX_CELL:
                self._too_big = name
            self._fields.setdefault(ALIASES.get(name, name), []).append("".join(self._text))
        elif self._depth == self._item_depth:
            reason = "cell_too_big" if self._too_big else ""
            self.done.append((self.started, self._fields, reason, self._too_big))
            self._item_depth = 0
        self._depth -= 1

    def close(self) -> None:
        return None


def _local(tag: str) -> str:
    """The name without its namespace."""
    return tag.rpartition("}")[2].casefold()


def read_xml(text: str) -> Iterator[Found]:
    """Line, fields and, for what cannot be taken, the reason and its field, of every item.

    A file that breaks off yields what came before, and the reason `broken_xml` at its line.
    Raises FeedRefused (unsafe_xml, broken_xml) when there is no item before that.
    """
    items = _Items()
    parser: Any = DefusedXMLParser(target=items, forbid_dtd=True)
    expat = parser.parser
    items.line = lambda: int(expat.CurrentLineNumber)
    found = 0
    try:
        for at in range(0, len(text), CHUNK):
            parser.feed(text[at : at + CHUNK])
            found += len(items.done)
            yield from items.done
            items.done.clear()
        parser.close()
    except DefusedXmlException as error:
        raise FeedRefused(field="file", why="unsafe_xml") from error
    except (ParseError, _TooMuch) as error:
        if not found and not items.done:
            raise FeedRefused(field="file", why="broken_xml") from error
        yield from items.done
        yield items.line(), {}, "broken_xml", ""
        return
    if not found:
        raise FeedRefused(field="file", why="empty")
