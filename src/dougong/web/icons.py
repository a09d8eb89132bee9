"""Icons drawn into the page, from the set that tools/frontend.py puts into static/vendor/."""

from functools import cache
from pathlib import Path

import msgspec
from markupsafe import Markup

ICONS_FILE = Path(__file__).parent / "static/vendor/icons.json"
FALLBACK = "point"


@cache
def _bodies() -> dict[str, str]:
    return msgspec.json.decode(ICONS_FILE.read_bytes(), type=dict[str, str])


def has_icon(name: str) -> bool:
    return name in _bodies()


@cache
def icon_svg(name: str) -> Markup:
    """The svg of an icon: `heart`, or `heart-filled`. A dot where there is none of that name.

    It is hidden from screen readers: the text beside it, or an aria-label, says what it means.
    """
    bodies = _bodies()
    filled = name.endswith("-filled")
    paint = (
        'fill="currentColor"' if filled else 'fill="none" stroke="currentColor" stroke-width="1.8"'
    )
    return Markup(  # noqa: S704 (our own pinned files)
        f'<svg class="icon" viewBox="0 0 24 24" {paint} stroke-linecap="round" '
        f'stroke-linejoin="round" aria-hidden="true" focusable="false">'
        f"{bodies.get(name) or bodies.get(FALLBACK, '')}</svg>"
    )
