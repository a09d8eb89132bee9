"""The language switch: a cookie for everybody, signed in or not."""

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.web.account.common import go, safe_next
from dougong.web.forms import Form, FormData
from dougong.web.i18n import LOCALES
from dougong.web.security import LOCALE_COOKIE

YEAR_S = 31_536_000


class Language(Form):
    locale: str
    next: str = "/"


@post("/language", permission=Permission.PUBLIC, status_code=303, include_in_schema=False)
async def choose_language(data: FormData[Language]) -> Response[str]:
    if data.locale not in LOCALES:
        raise BadInput(field="locale", reason=data.locale)
    answer = go(safe_next(data.next))
    answer.set_cookie(LOCALE_COOKIE, data.locale, max_age=YEAR_S, samesite="lax", path="/")
    return answer


HANDLERS: list[HTTPRouteHandler] = [choose_language]
