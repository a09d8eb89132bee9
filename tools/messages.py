"""The words of the pages: `python tools/messages.py missing | check | extract`.

English stands in templates and code, Chinese in src/dougong/web/locale/zh/*.po, one per area.
`missing` lists what has no Chinese as ready-made .po lines, `check` fails when there is any.
"""

import io
import re
import sys
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import NamedTuple

from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2 import Environment

from tidy_files import read_tree

TEMPLATES = "src/dougong/web/templates/"
CODE = "src/dougong/web/"
CHINESE = "src/dougong/web/locale/zh/"
KEYWORDS: dict[str, None] = dict.fromkeys(("_", "gettext", "mark"))
PLURAL = {"ngettext": (1, 2)}
# As web/render.py sets them: whitespace is part of a message's id.
OPTIONS = {
    "extensions": "jinja2.ext.i18n,jinja2.ext.do",
    "trim_blocks": "true",
    "lstrip_blocks": "true",
    "silent": "false",
}
SPOKEN = ("title", "alt", "placeholder", "aria-label", "aria-description", "data-confirm")
# The same in both languages, or the name of a language in itself.
SAME = {"Dougong", "中文", "English", "API", "SKU", "GTIN", "CSV", "TSV", "RSS", "XML", "JSON"}
SAME |= {"XLSX", "URL", "ID", "Esc", "Enter", "HLS", "MP4", "MB", "USD", "CNY"}

Catalogue = dict[str, str]


class Message(NamedTuple):
    id: str
    plural: str | None
    path: str
    line: int


def chinese(files: Iterable[tuple[str, str]]) -> Catalogue:
    """Message id to Chinese, merged from every .po. Raises ValueError when two files differ."""
    words: Catalogue = {}
    for path, text in files:
        if not (path.startswith(CHINESE) and path.endswith(".po")):
            continue
        for message in read_po(io.BytesIO(text.encode()), locale="zh"):
            if not message.id or not message.string or message.fuzzy:
                continue
            key = message.id if isinstance(message.id, str) else message.id[0]
            said = message.string if isinstance(message.string, str) else message.string[0]
            if said and words.setdefault(key, said) != said:
                raise ValueError(f"{path}: {key!r} is {words[key]!r} elsewhere, {said!r} here")
    return words


def messages(files: Iterable[tuple[str, str]]) -> Iterator[Message]:
    """Every message of templates and web code, in the order of the files."""
    keywords = {**KEYWORDS, **PLURAL}
    for path, text in files:
        if path.startswith(TEMPLATES) and path.endswith((".html", ".txt", ".xml")):
            found = extract("jinja2", io.BytesIO(text.encode()), keywords, (), OPTIONS)
        elif path.startswith(CODE) and path.endswith(".py"):
            found = extract("python", io.BytesIO(text.encode()), keywords, (), {})
        else:
            continue
        for line, said, _, _ in found:
            one, many = (said, None) if isinstance(said, str) else (said[0], said[1])
            if one:
                yield Message(one, many, path, line)


def missing(files: Iterable[tuple[str, str]], words: Catalogue) -> list[Message]:
    """The first place of each message that has no Chinese."""
    seen: dict[str, Message] = {}
    for message in messages(files):
        if message.id not in words:
            seen.setdefault(message.id, message)
    return list(seen.values())


class _Bare(HTMLParser):
    """Collects text and spoken attributes; script and style are not text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.quiet = 0
        self.found: list[tuple[int, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "code", "kbd"):
            self.quiet += 1
        for name, value in attrs:
            if name in SPOKEN and value:
                self.found.append((self.getpos()[0], value))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "code", "kbd"):
            self.quiet = max(0, self.quiet - 1)

    def handle_data(self, data: str) -> None:
        if not self.quiet:
            self.found.append((self.getpos()[0], data))


def untranslated_text(files: Iterable[tuple[str, str]]) -> Iterator[tuple[str, int, str]]:
    """Words of a template that are neither in a trans block nor from the program."""
    lexer = Environment(
        autoescape=True, extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    for path, text in files:
        if not (path.startswith(TEMPLATES) and path.endswith(".html")):
            continue
        parser = _Bare()
        parser.feed(_outside_trans(lexer, text))
        for line, said in parser.found:
            # What a macro gives as attributes of a tag elsewhere is no text.
            said = re.sub(r'[\w-]+="[^"]*"', "", said)
            words = re.findall(r"[A-Za-z]{2,}|[\u4e00-\u9fff]+", said)
            if any(word not in SAME for word in words):
                yield path, line, " ".join(said.split())


def _outside_trans(lexer: Environment, text: str) -> str:
    """The HTML of a template with every expression and trans block left empty."""
    html: list[str] = []
    in_trans = in_class = False
    tokens = list(lexer.lex(text))
    for at, (_, kind, value) in enumerate(tokens):
        if kind == "block_begin":
            names = [word for _, what, word in tokens[at + 1 : at + 9] if what == "name"]
            in_trans = names[0] == "trans" or (in_trans and names[0] == "pluralize")
            in_class = names[0] == "block" and names[1].endswith("class")
        is_text = kind == "data" and not in_trans and not in_class
        html.append(value if is_text else "\n" * value.count("\n"))
    return "".join(html)


def po_lines(found: Iterable[Message]) -> Iterator[str]:
    for message in found:
        yield f"#: {message.path}:{message.line}"
        yield f"msgid {_quoted(message.id)}"
        if message.plural:
            yield f'msgid_plural {_quoted(message.plural)}\nmsgstr[0] ""\n'
        else:
            yield 'msgstr ""\n'


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def main(arguments: list[str]) -> int:
    files = [(file.path, file.text) for file in read_tree()]
    what = arguments[0] if arguments else ""
    if what == "extract":
        print("\n".join(po_lines(messages(files))))
        return 0
    if what not in ("missing", "check"):
        print(__doc__, file=sys.stderr)
        return 2
    found = missing(files, chinese(files))
    print("\n".join(po_lines(found)))
    print(f"{len(found)} messages have no Chinese", file=sys.stderr)
    return 1 if found and what == "check" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
