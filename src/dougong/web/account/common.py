"""What the account pages share: who calls, where to go next, the cookie, a form with its error."""

from collections import defaultdict
from typing import Any

import ada_url
from litestar import Request, Response

from dougong.accounts.rules import SESSION_LASTS
from dougong.base.errors import BadInput, Refusal
from dougong.flows.sign_in import Caller
from dougong.infra.settings import settings
from dougong.web.i18n import gettext, mark
from dougong.web.refusals import message_for
from dougong.web.render import Page, page
from dougong.web.security import SESSION_COOKIE

AnyRequest = Request[Any, Any, Any]
HERE = "http://here.invalid"
MAX_NEXT = 500

# Why a field was not taken.
REASONS = {
    "empty": mark("This is needed."),
    "too_long": mark("This is too long."),
    "not_a_phone_number": mark("This is not a phone number."),
    "not_a_country": mark("Use two letters, such as CN."),
    "missing": mark("This is needed."),
    "control_character": mark("There is a character in it that cannot be shown."),
    "out_of_range": mark("This is outside what is possible."),
    "unknown_value": mark("This is not one of the known values."),
    "bad_path": mark("Use small letters, digits and dashes."),
    "path_taken": mark("There is a category with this path already."),
    "missing_parent": mark("The category above is not there any more."),
    "bad_host": mark("Give host names only, such as item.example.com or *.example.com."),
    "too_many": mark("These are too many."),
    "bad_currency": mark("Use three letters, such as CNY."),
    "bad_url": mark("Give a whole address, with https://."),
    "bad_name": mark("Use letters, digits, dots, dashes and underlines."),
    "unknown": mark("This is not one of the known values."),
    "bad_source_code": mark("Use small letters, digits and underlines; start with a letter."),
    "weights_make_100": mark("The weights have to make 100 %."),
    "not_an_amount": mark("Please give an amount such as 12.30."),
    "not_a_number": mark("Please give a number."),
    "bad_account_number": mark("Give 8 to 34 digits, or an IBAN with its right check digits."),
    "same_account": mark("This is your account already."),
    "past": mark("This is in the past."),
    "unknown_order": mark("This store has no such order."),
    "wrong_currency": mark("This is not the currency of the store."),
    "bad_code": mark("Use 2 to 40 small letters, digits or dashes."),
}


def safe_next(asked: str | None, otherwise: str = "/") -> str:
    """Where to go after a form: a path on this site, read as a browser reads it, or `otherwise`.

    One slash at the start, no backslash, nothing unprintable, and still this host when parsed.
    """
    text = asked or ""
    if (
        not text.startswith("/")
        or text.startswith(("//", "/\\"))
        or len(text) > MAX_NEXT
        or "\\" in text
        or not text.isprintable()
    ):
        return otherwise
    try:
        read = ada_url.URL(text, base=HERE + "/")
    except ValueError:
        return otherwise
    path = read.pathname + read.search + read.hash
    is_here = read.origin == HERE and not read.username and not path.startswith("//")
    return path if is_here else otherwise


def caller_of(request: AnyRequest) -> Caller:
    """The caller's address: the nearest proxy's word where settings trust one, else the socket."""
    address = request.client.host if request.client else ""
    hops = settings().trusted_proxies
    if hops:
        told = [one.strip() for one in request.headers.get("x-forwarded-for", "").split(",")]
        address = told[-hops] if len(told) >= hops and told[-hops] else address
    return Caller(address[:64], request.headers.get("user-agent", ""), request_id(request))


def request_id(request: AnyRequest) -> str:
    return str(request.scope.get("request_id", ""))


def go(target: str) -> Response[str]:
    """After a form was taken: see the page there."""
    return Response("", status_code=303, headers={"Location": target})


def put_cookie(answer: Response[str], token: str) -> Response[str]:
    answer.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(SESSION_LASTS.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings().public_url.startswith("https://"),
    )
    return answer


def drop_cookie(answer: Response[str]) -> Response[str]:
    answer.delete_cookie(SESSION_COOKIE, path="/")
    return answer


def _words(refusal: Refusal) -> str:
    reason = refusal.facts.get("reason")
    if isinstance(refusal, BadInput) and reason in REASONS:
        return gettext(REASONS[reason])
    return message_for(refusal.code, refusal.facts | {"field": refusal.field or ""})


def form_page(
    request: AnyRequest, template: str, *, refusal: Refusal | None = None, **context: Any
) -> Page:
    """A page with a form. With a refusal: its text at its field (`errors`), or on top (`problem`),
    its status, and nothing else different."""
    errors: dict[str, str] = defaultdict(str)
    problem = ""
    if refusal is not None:
        words = _words(refusal)
        if refusal.field:
            errors[refusal.field] = words
        else:
            problem = words
    made = page(
        request,
        template,
        status=refusal.status if refusal else 200,
        errors=errors,
        no_errors=defaultdict(str),
        problem=problem,
        **context,
    )
    if refusal is not None and refusal.status == 429:
        made.headers["Retry-After"] = str(refusal.facts.get("retry_after_s", 60))
    return made
