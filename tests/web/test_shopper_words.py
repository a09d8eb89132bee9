"""Every word of the shop and the layouts has Chinese, every icon there is drawn."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file

from dougong.web.i18n import catalogue
from dougong.web.icons import has_icon, icon_svg
from dougong.web.render import environment

TEMPLATES = Path(__file__).parents[2] / "src/dougong/web/templates"
FOLDERS = ("shopper", "layouts", "macros")
OURS = [
    *sorted(path for folder in FOLDERS for path in (TEMPLATES / folder).glob("*.html")),
    TEMPLATES / "refused.html",
]
OPTIONS = {"trim_blocks": "true", "lstrip_blocks": "true", "extensions": "jinja2.ext.do"}
SAME = {"Dougong"}


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_every_word_has_chinese(path: Path) -> None:
    known = catalogue("zh")
    said = [
        message if isinstance(message, str) else message[0]
        for _, message, _, _ in extract_from_file("jinja2", path, options=OPTIONS)
    ]
    assert [message for message in said if message not in known and message not in SAME] == []


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_every_template_compiles(locale: str) -> None:
    for path in sorted(TEMPLATES.rglob("*.html")):
        environment(locale).get_template(str(path.relative_to(TEMPLATES)))


def test_every_icon_that_is_named_exists() -> None:
    named = {
        name
        for path in TEMPLATES.rglob("*.html")
        for name in re.findall(r'icon(?:_svg)?\("([a-z0-9-]+)"', path.read_text())
    }
    assert sorted(name for name in named if not has_icon(name)) == []


def test_an_unknown_icon_breaks_no_page() -> None:
    assert "<svg" in icon_svg("no-such-icon")
