"""What the three desks share: the page of a case, its acts, and the files shown as evidence."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.datastructures import UploadFile
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.answer_rules import ANY_AMOUNT, CaseRule
from dougong.aftersales.queries import case_of
from dougong.aftersales.rules import BadCase, Inspection, Side
from dougong.base.errors import BadInput, NotFound, Refusal
from dougong.base.ids import PersonId, StoreId
from dougong.catalog.queries import category_tree
from dougong.flows import answer_case, extend_case, return_case, rule_case
from dougong.flows.answer_case import Act
from dougong.flows.extend_case import due_when_given
from dougong.flows.talk_in_case import show
from dougong.infra import clock, evidence_files
from dougong.infra.db import transaction
from dougong.reads.buyer_scores import score_of
from dougong.reads.case_desk import (
    CaseStory,
    Neighbours,
    case_story,
    desk_rows,
    queue_neighbours,
)
from dougong.reads.insurance import cover_of
from dougong.web.cases.words import acts_for, case_words
from dougong.web.deps import Who
from dougong.web.forms import Form
from dougong.web.i18n import pick
from dougong.web.merchant.common import amount, see
from dougong.web.refusals import message_for
from dougong.web.render import Page, page

Answer = Response[Any] | Page
AnyRequest = Request[Any, Any, Any]
NAMES = ("picture.webp", "file.pdf", "poster.jpg", "index.m3u8")
TYPES = {"webp": "image/webp", "pdf": "application/pdf", "jpg": "image/jpeg",
         "m3u8": "application/vnd.apple.mpegurl", "ts": "video/mp2t"}  # fmt: skip
# A file that a stranger sent never runs as a page here, whatever a browser makes of it.
GUARDED = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600",
           "Content-Security-Policy": "sandbox; default-src 'none'"}  # fmt: skip


class ActForm(Form):
    """One step of a case; which fields count depends on `act`."""

    act: str
    note: str = ""
    amount: str = ""
    carrier: str = ""
    tracking_no: str = ""
    inspection: str = ""


class SayForm(Form):
    body: str


class Seat(NamedTuple):
    """Who looks at a case, and where its page is."""

    side: Side
    layout: str
    base: str
    back: str
    buyer_id: PersonId | None = None


async def case_page(
    request: AnyRequest,
    conn: AsyncConnection,
    seat: Seat,
    store_id: StoreId,
    case_id: UUID,
    *,
    refusal: Refusal | None = None,
    typed: Form | None = None,
    **more: Any,
) -> Page:
    """`typed`: what was sent and refused, to be mended. Raises CaseGone."""
    story = await case_story(conn, store_id=store_id, case_id=case_id, buyer_id=seat.buyer_id)
    case = await case_of(conn, store_id=store_id, case_id=case_id)
    templates, addresses = [], []
    cover = await cover_of(conn, store_id=store_id, order_id=case.order_id)
    if seat.side is Side.MERCHANT:
        templates, addresses = map(list, await desk_rows(conn, store_id=store_id))
    can = acts_for(case, seat.side)
    at = await clock.refresh(conn)
    bad = message_for(refusal.code, refusal.facts) if refusal else ""
    return page(
        request,
        "cases/case.html",
        status=refusal.status if refusal else 200,
        layout=seat.layout,
        seat=seat,
        story=story,
        case=case,
        cover=cover,
        course=course_of(story),
        rule=rule_of(story),
        abuse=None if seat.side is Side.BUYER else await score_of(conn, person_id=case.buyer_id),
        any_amount=ANY_AMOUNT,
        category_words=await _category_words(conn),
        neighbours=await _neighbours(conn, seat, store_id, story),
        can=can,
        due_later=await due_when_given(conn, case, at=at) if "more_time" in can else None,
        templates=templates,
        addresses=addresses,
        bad_words=bad,
        bad_field=refusal.field if refusal else "",
        typed=typed,
        **case_words(),
        **more,
    )


def rule_of(story: CaseStory) -> CaseRule | None:
    """The store's row that decided who answers, as it read when the case was opened."""
    found = story.moves[0].facts.get("rule")
    return msgspec.convert(found, CaseRule) if found else None


async def _category_words(conn: AsyncConnection) -> Callable[[str], str]:
    names = {row.path: pick(row, "name") for row in await category_tree(conn)}
    return lambda path: names.get(path, path)


async def _neighbours(
    conn: AsyncConnection, seat: Seat, store_id: StoreId, story: CaseStory
) -> Neighbours | None:
    """Of the desk's own queue; nothing for a buyer."""
    if seat.side is not Side.MERCHANT:
        return None
    return await queue_neighbours(
        conn, store_id=store_id, due_at=story.head.due_at, case_id=story.head.id
    )


def course_of(story: CaseStory) -> list[tuple[str, Any]]:
    """Moves, messages, evidence and rulings in the order in which they came about."""
    found = [("move", one) for one in story.moves]
    found += [("message", one) for one in story.messages]
    found += [("evidence", one) for one in story.evidence]
    found += [("ruling", one) for one in story.rulings]
    return sorted(found, key=lambda one: one[1].at)


async def on_case(
    request: AnyRequest,
    conn: AsyncConnection,
    seat: Seat,
    store_id: StoreId,
    case_id: UUID,
    act: Callable[[], Awaitable[object]],
    **more: Any,
) -> Answer:
    """Do it and look at the case again; what is refused is said on its page."""
    try:
        async with conn.begin_nested():
            await act()
    except NotFound:
        raise
    except Refusal as refusal:
        return await case_page(request, conn, seat, store_id, case_id, refusal=refusal, **more)
    return see(seat.base)


async def do_act(conn: AsyncConnection, act: Act, side: Side, data: ActForm, currency: str) -> None:
    """The step that a form names. Raises CaseGone, CaseClosed, BadCase."""
    acts = _BUYER if side is Side.BUYER else _MERCHANT
    wanted = acts.get(data.act)
    if wanted is None:
        raise BadCase(field="act", reason="unknown")
    await wanted(conn, act, data, currency)


def _inspection(data: ActForm) -> Inspection:
    try:
        return Inspection(data.inspection)
    except ValueError as error:
        raise BadCase(field="inspection", reason="missing") from error


def _minor(data: ActForm, currency: str) -> int:
    try:
        return amount(data.amount, currency, field="amount") or 0
    except BadInput as error:
        raise BadCase(field="amount", reason=str(error.facts.get("reason", ""))) from error


Does = Callable[[AsyncConnection, Act, ActForm, str], Awaitable[object]]
_BUYER: dict[str, Does] = {
    "withdraw": lambda c, a, d, _: answer_case.withdraw(c, a),
    "take_offer": lambda c, a, d, _: answer_case.take_offer(c, a),
    "ship_back": lambda c, a, d, _: return_case.ship_back(
        c, a, carrier=d.carrier, tracking_no=d.tracking_no
    ),
    "confirm": lambda c, a, d, _: return_case.confirm_sent(c, a),
    "ask_platform": lambda c, a, d, _: answer_case.ask_platform(c, a, question=d.note),
    "appeal": lambda c, a, d, _: rule_case.appeal(c, a, side=Side.BUYER, note=d.note),
    "more_time": lambda c, a, d, _: extend_case.ask_for_time(c, a, side=Side.BUYER, note=d.note),
    "no_more_time": lambda c, a, d, _: extend_case.give_no_time(c, a, side=Side.BUYER, note=d.note),
}
_MERCHANT: dict[str, Does] = {
    "approve": lambda c, a, d, _: answer_case.approve(c, a, note=d.note),
    "refund_without_return": lambda c, a, d, _: answer_case.refund_without_return(
        c, a, note=d.note
    ),
    "offer": lambda c, a, d, currency: answer_case.offer_part(
        c, a, amount_minor=_minor(d, currency), note=d.note
    ),
    "refuse": lambda c, a, d, _: answer_case.refuse(c, a, note=d.note),
    "receive": lambda c, a, d, _: return_case.receive_back(c, a),
    "accept": lambda c, a, d, _: return_case.accept_goods(
        c, a, inspection=_inspection(d), note=d.note
    ),
    "reject": lambda c, a, d, _: return_case.reject_goods(
        c, a, inspection=_inspection(d), note=d.note
    ),
    "send": lambda c, a, d, _: return_case.send_again(
        c, a, carrier=d.carrier, tracking_no=d.tracking_no
    ),
    "refund_instead": lambda c, a, d, _: return_case.refund_instead(c, a, note=d.note),
    "appeal": lambda c, a, d, _: rule_case.appeal(c, a, side=Side.MERCHANT, note=d.note),
    "more_time": lambda c, a, d, _: extend_case.ask_for_time(c, a, side=Side.MERCHANT, note=d.note),
    "no_more_time": lambda c, a, d, _: extend_case.give_no_time(
        c, a, side=Side.MERCHANT, note=d.note
    ),
}


async def take_evidence(
    request: AnyRequest, seat: Seat, who: Who, store_id: StoreId, case_id: UUID, **more: Any
) -> Answer:
    """A file of a form, kept as evidence of the seat's side."""
    form = await request.form()
    file = form.get("file")
    try:
        if not isinstance(file, UploadFile) or not file.filename:
            raise BadCase(field="file", reason="missing")
        await show(
            store_id=store_id, case_id=case_id, person_id=who.person_id, buyer_id=seat.buyer_id,
            side=seat.side, name=file.filename, data=await file.read(evidence_files.MAX_BYTES + 1),
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        async with transaction() as conn:
            return await case_page(request, conn, seat, store_id, case_id, refusal=refusal, **more)
    return see(seat.base)


def evidence_answer(row: Any, name: str) -> Response[bytes]:
    """One file of a piece of evidence; a PDF is handed out as a download only. Raises NotFound."""
    plain = name.isascii() and name.replace("_", "").replace("-", "").replace(".", "").isalnum()
    ending = name.rpartition(".")[2]
    path = evidence_files.folder_of(row.file) / name
    if not plain or ending not in TYPES or not path.is_file():
        raise NotFound
    headers = dict(GUARDED)
    if ending == "pdf":
        headers["Content-Disposition"] = 'attachment; filename="evidence.pdf"'
    return Response(path.read_bytes(), media_type=TYPES[ending], headers=headers)
