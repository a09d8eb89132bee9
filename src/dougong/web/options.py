"""How the options of a SKU read: `{"color": "山茶红 | Camellia red"}` is "山茶红" in Chinese.

A value may hold both languages, Chinese first, with a bar between; one without a bar is the same
in both. The usual names of options are translated, others are shown as they were entered.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dougong.web.i18n import gettext, locale_of_request, mark

NAMES = {
    "color": mark("Colour"),
    "colour": mark("Colour"),
    "size": mark("Size"),
    "material": mark("Material"),
    "pattern": mark("Pattern"),
    "规格": mark("Option"),
    "style": mark("Style"),
    "single": mark("Style"),
    "weight": mark("Weight"),
    "volume": mark("Volume"),
    "pack": mark("Pack"),
    "set": mark("Set"),
    "flavour": mark("Flavour"),
    "shade": mark("Shade"),
    "scent": mark("Scent"),
    "length": mark("Length"),
    "edition": mark("Edition"),
    "model": mark("Model"),
}
OPTION = mark("Option")


def option_name(name: str) -> str:
    known = NAMES.get(name.lower())
    return gettext(known) if known else name


def option_value(value: str) -> str:
    zh, bar, en = value.partition(" | ")
    return en if bar and locale_of_request.get() == "en" else zh


def option_text(options: Mapping[str, str]) -> str:
    """All values of one SKU in a line; empty for a product without options."""
    return " · ".join(option_value(value) for value in options.values())


def axes(variants: Sequence[Any]) -> list[tuple[str, list[str]]]:
    """What can be chosen by: each option's name with its different values, in their order."""
    found: dict[str, dict[str, None]] = {}
    for variant in variants:
        for name, value in variant.options.items():
            found.setdefault(name, {})[value] = None
    return [(name, list(values)) for name, values in found.items()]
