"""The countries and regions that an address can be in, by their names in the language."""

from functools import cache

from babel import Locale
from babel.core import get_global

from dougong.web.i18n import BABEL

FIRST = ("CN", "HK", "MO", "TW")  # where most of the goods go
NO_PLACES = {"EU", "EZ", "UN", "QO", "XA", "XB", "XK", "ZZ"}


@cache
def countries(locale: str) -> list[tuple[str, str]]:
    """Code (ISO 3166-1 alpha-2) and name: those of FIRST, then the others by name."""
    names = {str(code): str(name) for code, name in Locale.parse(BABEL[locale]).territories.items()}
    gone = {str(code) for code in get_global("territory_aliases")}
    found = [
        (code, name)
        for code, name in names.items()
        if len(code) == 2 and code.isalpha() and code not in NO_PLACES | gone
    ]
    ranks = {code: rank for rank, code in enumerate(FIRST)}
    return sorted(found, key=lambda one: (ranks.get(one[0], len(FIRST)), one[1]))
