"""Structured fields of HTTP headers (RFC 8941): as much as signatures and digests need."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import NamedTuple

KEY = re.compile(r"[a-z*][a-z0-9_\-.*]*")
TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9:/!#$%&'*+\-.^_`|~]*")
NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,3})?")
STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
BYTES = re.compile(r":([A-Za-z0-9+/=]*):")

Bare = str | int | float | bytes | bool
Parameters = Mapping[str, Bare]


class BadField(ValueError):
    """A header that is not the structured field that it should be."""


class Item(NamedTuple):
    value: Bare
    parameters: Parameters


class InnerList(NamedTuple):
    """`text`: the list with its parameters, exactly as it stood in the header."""

    items: tuple[Item, ...]
    parameters: Parameters
    text: str


class _Reader:
    """Reads one header from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def take(self, what: re.Pattern[str]) -> re.Match[str]:
        found = what.match(self.text, self.at)
        if found is None:
            raise BadField(f"at {self.at} of {self.text[:100]}")
        self.at = found.end()
        return found

    def skip(self, characters: str) -> None:
        while self.at < len(self.text) and self.text[self.at] in characters:
            self.at += 1

    def comes(self, character: str) -> bool:
        if self.text[self.at : self.at + 1] != character:
            return False
        self.at += 1
        return True

    def bare(self) -> Bare:
        first = self.text[self.at : self.at + 1]
        if first == '"':
            return re.sub(r"\\(.)", r"\1", self.take(STRING).group(1))
        if first == ":":
            try:
                return base64.b64decode(self.take(BYTES).group(1), validate=True)
            except binascii.Error as error:
                raise BadField("not base64") from error
        if first == "?":
            return self.take(re.compile(r"\?[01]")).group(0) == "?1"
        if first == "-" or first.isdigit():
            text = self.take(NUMBER).group(0)
            return float(text) if "." in text else int(text)
        return self.take(TOKEN).group(0)

    def parameters(self) -> Parameters:
        found: dict[str, Bare] = {}
        while self.comes(";"):
            self.skip(" ")
            name = self.take(KEY).group(0)
            found[name] = self.bare() if self.comes("=") else True
        return found

    def item(self) -> Item:
        value = self.bare()
        return Item(value, self.parameters())

    def member(self) -> Item | InnerList:
        start = self.at
        if not self.comes("("):
            return self.item()
        items = []
        while True:
            self.skip(" ")
            if self.comes(")"):
                break
            items.append(self.item())
        parameters = self.parameters()
        return InnerList(tuple(items), parameters, self.text[start : self.at])


def read_dictionary(text: str) -> dict[str, Item | InnerList]:
    """A dictionary field; of a key that is there twice the last one counts. Raises BadField."""
    reader = _Reader(text)
    found: dict[str, Item | InnerList] = {}
    reader.skip(" \t")
    while reader.at < len(text):
        name = reader.take(KEY).group(0)
        found[name] = reader.member() if reader.comes("=") else Item(True, reader.parameters())
        reader.skip(" \t")
        if reader.at < len(text):
            if not reader.comes(","):
                raise BadField(f"at {reader.at} of {text[:100]}")
            reader.skip(" \t")
    return found


def write_item(value: Bare, parameters: Parameters) -> str:
    """A string item with its parameters, as a signature base names a component."""
    text = '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    for name, one in parameters.items():
        if one is True:
            text += f";{name}"
        elif isinstance(one, str):
            text += f';{name}="{one}"'
        else:
            text += f";{name}={one!r}"
    return text
