"""Pages and fragments: auto-escaped Jinja templates in the language of the request."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from babel.dates import format_datetime, get_timezone_name
from babel.numbers import format_currency, format_decimal, format_percent
from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response
from litestar.enums import MediaType
from markupsafe import Markup

from dougong.base.access import Access
from dougong.base.money import decimal_text, scale
from dougong.catalog.images import sized
from dougong.infra.clock import now
from dougong.infra.settings import settings
from dougong.web.i18n import BABEL, gettext, locale_of_request, ngettext, pick
from dougong.web.icons import icon_svg
from dougong.web.options import axes, option_name, option_text, option_value

STATIC_DIR = Path(__file__).parent / "static"
Page = Response[str]
DAYS = {"zh": "M月d日", "en": "d MMM"}
DAYS_AND_YEARS = {"zh": "yyyy年M月d日", "en": "d MMM yyyy"}


def money(minor: int, currency: str = "CNY", *, locale: str | None = None) -> str:
    """`¥12.30`: the amount for people, in the language of the request."""
    exact = minor / 10 ** scale(currency) if scale(currency) else minor
    return format_currency(exact, currency, locale=BABEL[locale or locale_of_request.get()])


def rate(rate_bp: int) -> str:
    """`12.5%` for 1250 basis points."""
    return format_percent(rate_bp / 10_000, "#,##0.##%", locale=BABEL[locale_of_request.get()])


def count(number: int) -> str:
    """`1.2万` or `12K` from ten thousand on, plain below."""
    locale = locale_of_request.get()
    if number < 10_000:
        return format_decimal(number, locale=BABEL[locale])
    return f"{number / 10_000:.1f}万" if locale == "zh" else f"{number / 1_000:.1f}K"


def when(at: datetime | None, how: str = "short") -> str:
    """A local date and time in the operator's zone; empty for None.

    `short`, `date` and `long` are the same in both languages, for columns and records; `moment`
    and `day` are as people write them ("25 Nov, 13:46"), the year only where it is not this one's.
    """
    if at is None:
        return ""
    zone = ZoneInfo(settings().timezone)
    local = at.astimezone(zone)
    locale = locale_of_request.get()
    in_year = local.year == now().astimezone(zone).year
    day = DAYS[locale] if in_year else DAYS_AND_YEARS[locale]
    pattern = {
        "short": "yyyy-MM-dd HH:mm",
        "date": "yyyy-MM-dd",
        "long": "yyyy-MM-dd HH:mm:ss",
        "moment": f"{day} HH:mm" if locale == "zh" else f"{day}, HH:mm",
        "day": day,
        "time": "HH:mm",
    }
    return str(format_datetime(local, pattern[how], locale=BABEL[locale]))


def zone_words() -> str:
    """`China Standard Time`: the zone of every time on the pages."""
    local = now().astimezone(ZoneInfo(settings().timezone))
    return str(get_timezone_name(local, locale=BABEL[locale_of_request.get()]))


@cache
def static_url(path: str) -> str:
    """Address of a file below static/, with its digest so that it can be cached for ever."""
    file = STATIC_DIR / path
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file.exists() else "missing"
    return f"/static/{path}?v={digest}"


def media_url(file: str | None, side: int | None = None) -> str:
    """Address of a file below media/; `side`: a picture's smaller size, 160 or 480 pixels."""
    if not file:
        return static_url("img/blank.svg")
    return f"/media/{sized(file, side) if side else file}"


def json_for_script(value: Any) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = msgspec.json.encode(value).decode()
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(safe)  # noqa: S704 (escaped above)


@cache
def environment(locale: str) -> Environment:
    made = Environment(
        loader=PackageLoader("dougong.web"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=settings().mode != "production",
    )
    made.install_gettext_callables(  # type: ignore[attr-defined]
        lambda message: gettext(message, locale),
        lambda one, many, number: ngettext(one, many, number, locale),
        newstyle=True,
    )
    made.filters.update(money=money, plain=decimal_text, rate=rate, count=count, when=when)
    made.globals.update(
        static=static_url,
        media=media_url,
        pick=pick,
        json_for_script=json_for_script,
        icon_svg=icon_svg,
        axes=axes,
        option_name=option_name,
        option_text=option_text,
        option_value=option_value,
        zone_words=zone_words,
        locale=locale,
    )
    return made


def text(name: str, context: Mapping[str, Any]) -> str:
    return environment(locale_of_request.get()).get_template(name).render(context)


def page(request: Request[Any, Any, Any], name: str, *, status: int = 200, **context: Any) -> Page:
    """A whole page or a fragment. `actor`, `path`, `csrf_token` and `is_demo` are always there."""
    actor: Access | None = request.scope.get("user")
    shared = {
        "actor": actor,
        "path": request.url.path,
        "query": dict(request.query_params),
        "csrf_token": csrf_token(request),
        "is_demo": settings().mode == "demo",
        "now": now(),
    }
    return Response(text(name, shared | context), media_type=MediaType.HTML, status_code=status)


def csrf_token(request: Request[Any, Any, Any]) -> str:
    """The token of the cookie, or the fresh one that this answer is about to set."""
    from litestar.utils.scope.state import ScopeState

    token = ScopeState.from_scope(request.scope).csrf_token
    return str(token) if token else str(request.cookies.get("csrftoken", ""))
