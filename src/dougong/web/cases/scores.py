"""How buyers' cases went: the operator's list and the formula, and what a buyer may see of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.aftersales.abuse_commands import formula_at, set_formula
from dougong.aftersales.abuse_rules import AbuseFormula
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.catalog.rules import clean_text
from dougong.reads.buyer_scores import cases_behind, score_of, scores_kept
from dougong.web.account.common import form_page, request_id
from dougong.web.cases.pages import AnyRequest
from dougong.web.cases.words import case_words, score_part_words
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import many, see, whole
from dougong.web.operator.common import instant_from, local_text
from dougong.web.paging import (
    MOST_CSV_ROWS,
    PAGE_ROWS,
    csv_answer,
    cursor_values,
    cut,
    first_url,
    next_url,
)
from dougong.web.render import Page, page

BUYERS = "/operator/buyers"
RULE: dict[str, Any] = {"permission": Permission.CASE_RULE, "include_in_schema": False}
MINE: dict[str, Any] = {"permission": Permission.SELF_READ, "include_in_schema": False}
MOST_CASES = 100
FROM = ("0", "20", "40", "60")


class FormulaForm(Form, kw_only=True):
    """`most`: points of each part, in their order; 0 leaves it out of the sum."""

    days: str
    most: str | list[str]
    starts: str = ""
    reason: str = ""


async def _list(
    request: AnyRequest,
    conn: AsyncConnection,
    now: datetime,
    *,
    q: str = "",
    least: str = "0",
    after: str = "",
    refusal: Refusal | None = None,
) -> Response[Any]:
    chosen = least if least in FROM else "0"
    found = await scores_kept(
        conn, words=q, from_score=int(chosen), before=cursor_values(after, tuple[int, UUID]),
        most=PAGE_ROWS + 1,
    )  # fmt: skip
    rows, following = cut(found, lambda row: (row.found.score, row.person_id))
    return form_page(
        request, "cases/buyers.html", refusal=refusal, rows=rows, q=q, least=chosen, froms=FROM,
        dated=await formula_at(conn, at=now), now_text=local_text(now),
        next_url=next_url(request, following), first_url=first_url(request), **case_words(),
    )  # fmt: skip


@get(BUYERS, **RULE)
async def buyer_list(
    request: AnyRequest,
    conn: Conn,
    now: Now,
    q: FromQuery[str] = "",
    least: FromQuery[str] = "0",
    after: FromQuery[str] = "",
) -> Response[Any]:
    """The highest scores first, with their reasons; and the formula in force."""
    return await _list(request, conn, now, q=q.strip()[:60], least=least, after=after)


@get(BUYERS + ".csv", **RULE)
async def buyer_file(
    conn: Conn, q: FromQuery[str] = "", least: FromQuery[str] = "0"
) -> Response[bytes]:
    chosen = least if least in FROM else "0"
    rows = await scores_kept(conn, words=q.strip()[:60], from_score=int(chosen), most=MOST_CSV_ROWS)
    return csv_answer(
        "buyers.csv",
        ("person_id", "name", "score", "reasons", "since", "counted_at"),
        [
            (row.person_id, row.name, row.found.score,
             "; ".join(map(score_part_words, row.found.reasons)), row.since, row.counted_at)
            for row in rows
        ],
    )  # fmt: skip


@get(BUYERS + "/{person_id:uuid}", **RULE)
async def one_buyer(person_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now) -> Page:
    """One buyer's score, part by part, and the cases behind it."""
    kept = await score_of(conn, person_id=person_id)
    rows = await cases_behind(
        conn, person_id=person_id, since=kept.since if kept else now, most=MOST_CASES
    )
    return page(request, "cases/buyer.html", kept=kept, rows=rows, **case_words())


@post(BUYERS + "/formula", status_code=303, **RULE)
async def new_formula(
    data: FormData[FormulaForm], request: AnyRequest, conn: Conn, who: Who, now: Now
) -> Response[Any]:
    try:
        async with conn.begin_nested():
            formula = await _formula(conn, data, now)
            formula_id = await set_formula(
                conn, formula=formula, by=who.person_id, at=now,
                starts=instant_from(data.starts, field="starts", default=now),
                reason=clean_text(data.reason, field="reason", most=300, required=True),
            )  # fmt: skip
    except Refusal as refusal:
        return await _list(request, conn, now, refusal=refusal)
    await audit(
        conn, at=now, person_id=who.person_id, action="aftersales.formula_set",
        subject=str(formula_id), request_id=request_id(request),
        facts=msgspec.to_builtins(formula),
    )  # fmt: skip
    return see(BUYERS)


async def _formula(conn: AsyncConnection, data: FormulaForm, now: datetime) -> AbuseFormula:
    """The one in force with other weights. Raises BadInput."""
    dated, typed = await formula_at(conn, at=now), many(data.most)
    if len(typed) != len(dated.formula.parts):
        raise BadInput(field="most", reason="out_of_range")
    parts = tuple(
        msgspec.structs.replace(part, most=whole(points, field="most", most=100) or 0)
        for part, points in zip(dated.formula.parts, typed, strict=True)
    )
    return AbuseFormula(days=whole(data.days, field="days", most=730) or 0, parts=parts)


@get("/cases/about-me", **MINE)
async def about_me(request: AnyRequest, conn: Conn, who: Who, now: Now) -> Page:
    """What is held about the buyer who asks, how it is made, and who sees it."""
    return page(
        request, "cases/about_me.html", kept=await score_of(conn, person_id=who.person_id),
        dated=await formula_at(conn, at=now), **case_words(),
    )  # fmt: skip


HANDLERS: list[HTTPRouteHandler] = [
    buyer_list, buyer_file, one_buyer, new_formula, about_me,
]  # fmt: skip
