"""Words in zh-CN and en: English in the code, Chinese in `locale/zh/*.po`, one file per area."""

from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po

LOCALE_DIR = Path(__file__).parent / "locale"
LOCALES = ("zh", "en")
BABEL = {"zh": "zh_Hans_CN", "en": "en_US"}

locale_of_request: ContextVar[str] = ContextVar("locale_of_request", default="en")


@cache
def catalogue(locale: str) -> dict[str, str | tuple[str, ...]]:
    """Message id to translation, merged from every .po file of the locale."""
    words: dict[str, str | tuple[str, ...]] = {}
    for path in sorted((LOCALE_DIR / locale).glob("*.po")):
        with path.open("rb") as handle:
            for message in read_po(handle, locale=locale):
                if message.id and message.string:
                    key = message.id if isinstance(message.id, str) else message.id[0]
                    said = message.string
                    words[key] = said if isinstance(said, str) else tuple(said)
    return words


def gettext(message: str, locale: str | None = None) -> str:
    found = catalogue(locale or locale_of_request.get()).get(message, message)
    return found if isinstance(found, str) else found[0]


def ngettext(one: str, many: str, count: int, locale: str | None = None) -> str:
    """Chinese has one form; English is chosen here."""
    chosen = locale or locale_of_request.get()
    if chosen == "en":
        return one if count == 1 else many
    found = catalogue(chosen).get(one, many)
    return found if isinstance(found, str) else found[0]


def mark(message: str) -> str:
    """Marks a text for extraction where it is translated later."""
    return message


def pick(row: Any, name: str, locale: str | None = None) -> str:
    """`name_zh` or `name_en` of a row or mapping; the other one where this is empty."""
    chosen = locale or locale_of_request.get()
    get = row.get if isinstance(row, dict) else lambda key, default="": getattr(row, key, default)
    other = "en" if chosen == "zh" else "zh"
    return str(get(f"{name}_{chosen}", "") or get(f"{name}_{other}", "") or "")
