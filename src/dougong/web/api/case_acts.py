"""API v1: what each side does with an after-sales case, and what both sides do alike."""

import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, cast
from uuid import UUID

from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from dougong.aftersales.rules import Inspection, Side
from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import StoreId
from dougong.flows import answer_case, extend_case, return_case, rule_case
from dougong.flows.answer_case import Act
from dougong.flows.talk_in_case import note_evidence, say, shown_file
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.idempotency import answered
from dougong.web.api.case_types import (
    AcceptInput,
    ApprovalInput,
    CaseDetail,
    CaseParcelInput,
    EvidenceInput,
    NoteInput,
    OfferInput,
    RejectInput,
    WordsInput,
    case_detail,
)
from dougong.web.api.common import MaybeKey, once_if
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Input

BUYER_CASE = "/api/v1/cases/{store:uuid}/{case_id:uuid}"
STORE_CASE = "/api/v1/stores/{store_id:uuid}/cases/{case_id:uuid}"
BUYER: dict[str, Any] = {"permission": Permission.CASE_OPEN, "tags": ["cases"]}
MERCHANT: dict[str, Any] = {"permission": Permission.CASE_MANAGE, "tags": ["service desk"]}
MAX_BODY = 30_000_000


class Nothing(Input):
    """An empty object."""


class Step(NamedTuple):
    """One act: its words, what its body holds, what it does."""

    summary: str
    shape: type[Input]
    does: Callable[[Any, Act, Any], Awaitable[object]]


_B, _M = Side.BUYER, Side.MERCHANT
STEPS_OF_BUYER: dict[str, Step] = {
    "withdraw": Step("Withdraw a case", Nothing, lambda c, a, d: answer_case.withdraw(c, a)),
    "accept-offer": Step(
        "Take the part that is offered", Nothing, lambda c, a, d: answer_case.take_offer(c, a)
    ),
    "ship-back": Step(
        "Say that the goods are on their way back", CaseParcelInput,
        lambda c, a, d: return_case.ship_back(c, a, carrier=d.carrier, tracking_no=d.tracking_no),
    ),
    "confirm": Step(
        "Say that what was sent has come", Nothing, lambda c, a, d: return_case.confirm_sent(c, a)
    ),
    "arbitration": Step(
        "Decline, and ask the platform to rule", WordsInput,
        lambda c, a, d: answer_case.ask_platform(c, a, question=d.words),
    ),
    "appeal": Step(
        "Appeal against a ruling, once", WordsInput,
        lambda c, a, d: rule_case.appeal(c, a, side=_B, note=d.words),
    ),
    "more-time": Step(
        "Ask for more time, or give it", NoteInput,
        lambda c, a, d: extend_case.ask_for_time(c, a, side=_B, note=d.note),
    ),
    "no-more-time": Step(
        "Decline to give more time", NoteInput,
        lambda c, a, d: extend_case.give_no_time(c, a, side=_B, note=d.note),
    ),
}  # fmt: skip
STEPS_OF_STORE: dict[str, Step] = {
    "approve": Step(
        "Grant what is asked", ApprovalInput,
        lambda c, a, d: answer_case.approve(c, a, note=d.note, address_id=d.address_id),
    ),
    "refund-without-return": Step(
        "Refund, and the buyer keeps the goods", NoteInput,
        lambda c, a, d: answer_case.refund_without_return(c, a, note=d.note),
    ),
    "offer": Step(
        "Offer a part of the amount", OfferInput,
        lambda c, a, d: answer_case.offer_part(c, a, amount_minor=d.amount_minor, note=d.note),
    ),
    "refuse": Step(
        "Refuse, and say why", WordsInput, lambda c, a, d: answer_case.refuse(c, a, note=d.words)
    ),
    "receive": Step(
        "Say that the parcel has come back", Nothing, lambda c, a, d: return_case.receive_back(c, a)
    ),
    "accept-goods": Step(
        "Take what came back", AcceptInput,
        lambda c, a, d: return_case.accept_goods(
            c, a, inspection=Inspection(d.inspection), note=d.note
        ),
    ),
    "reject-goods": Step(
        "Reject what came back", RejectInput,
        lambda c, a, d: return_case.reject_goods(
            c, a, inspection=Inspection(d.inspection), note=d.note
        ),
    ),
    "send": Step(
        "Send the exchange, the missing or the repaired goods", CaseParcelInput,
        lambda c, a, d: return_case.send_again(c, a, carrier=d.carrier, tracking_no=d.tracking_no),
    ),
    "refund-instead": Step(
        "Refund instead of sending", NoteInput,
        lambda c, a, d: return_case.refund_instead(c, a, note=d.note),
    ),
    "appeal": Step(
        "Appeal against a ruling, once", WordsInput,
        lambda c, a, d: rule_case.appeal(c, a, side=_M, note=d.words),
    ),
    "more-time": Step(
        "Ask for more time, or give it", NoteInput,
        lambda c, a, d: extend_case.ask_for_time(c, a, side=_M, note=d.note),
    ),
    "no-more-time": Step(
        "Decline to give more time", NoteInput,
        lambda c, a, d: extend_case.give_no_time(c, a, side=_M, note=d.note),
    ),
}  # fmt: skip


def act_of(side: Side, store_id: UUID, case_id: UUID, who: Who, at: Now) -> Act:
    buyer_id = who.person_id if side is Side.BUYER else None
    return Act(
        store_id=StoreId(store_id), case_id=case_id, person_id=who.person_id, at=at,
        buyer_id=buyer_id,
    )  # fmt: skip


async def done_once(
    conn: Conn,
    key: str | None,
    side: Side,
    name: str,
    act: Act,
    request: Any,
    do: Callable[[], Awaitable[object]],
) -> CaseDetail:
    """Do it; the case as it is then."""

    async def make() -> CaseDetail:
        await do()
        return await case_detail(
            conn, store_id=act.store_id, case_id=act.case_id, side=side, buyer_id=act.buyer_id
        )

    return await once_if(
        conn, key=key, owner_id=act.buyer_id or act.store_id, route=f"cases.{side}.{name}",
        request=(act.case_id, request), answer=CaseDetail, at=act.at, make=make,
    )  # fmt: skip


async def _step(
    side: Side, name: str, store_id: UUID, case_id: UUID, data: Any, conn: Conn, who: Who, now: Now,
    key: str | None,
) -> CaseDetail:  # fmt: skip
    act = act_of(side, store_id, case_id, who, now)
    steps = STEPS_OF_BUYER if side is Side.BUYER else STEPS_OF_STORE
    return await done_once(
        conn, key, side, name, act, data, lambda: steps[name].does(conn, act, data)
    )


def buyer_step(name: str) -> HTTPRouteHandler:
    """One of STEPS_OF_BUYER."""

    async def take(
        store: FromPath[UUID], case_id: FromPath[UUID], data: Any, conn: Conn, who: Who, now: Now,
        idempotency_key: MaybeKey = None,
    ) -> CaseDetail:  # fmt: skip
        return await _step(Side.BUYER, name, store, case_id, data, conn, who, now, idempotency_key)

    return _route(BUYER_CASE, name, STEPS_OF_BUYER[name], BUYER)(take)


def store_step(name: str) -> HTTPRouteHandler:
    """One of STEPS_OF_STORE."""

    async def take(
        store_id: FromPath[UUID], case_id: FromPath[UUID], data: Any, conn: Conn, who: Who,
        now: Now, idempotency_key: MaybeKey = None,
    ) -> CaseDetail:  # fmt: skip
        return await _step(
            Side.MERCHANT, name, store_id, case_id, data, conn, who, now, idempotency_key
        )

    return _route(STORE_CASE, name, STEPS_OF_STORE[name], MERCHANT)(take)


def _route(
    path: str, name: str, step: Step, route: dict[str, Any]
) -> Callable[[Any], HTTPRouteHandler]:
    def made(take: Any) -> HTTPRouteHandler:
        take.__name__ = name.replace("-", "_")
        take_json: Any = JSONBody  # of a shape that is known only here
        take.__annotations__["data"] = take_json[step.shape]
        return post(f"{path}/{name}", status_code=200, summary=step.summary, **route)(take)

    return made


async def speak(
    side: Side, store_id: UUID, case_id: UUID, data: WordsInput, conn: Conn, who: Who, now: Now,
    key: str | None,
) -> CaseDetail:  # fmt: skip
    """A message, while the case is open."""
    act = act_of(side, store_id, case_id, who, now)
    return await done_once(
        conn, key, side, "speak", act, data, lambda: say(conn, act, side=side, body=data.words)
    )


async def add_evidence(
    side: Side, store_id: UUID, case_id: UUID, data: EvidenceInput, who: Who, key: str | None
) -> CaseDetail:
    """Raises BadInput, BadCase, CaseGone, CaseClosed, KeyReused."""
    try:
        content = base64.b64decode(data.content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput(field="content", reason="bad_encoding") from error
    buyer_id = who.person_id if side is Side.BUYER else None
    named: dict[str, Any] = {
        "store_id": StoreId(store_id), "case_id": case_id, "buyer_id": buyer_id,
    }  # fmt: skip
    request = (case_id, data.name, hashlib.sha256(content).hexdigest())
    asked: dict[str, Any] = {
        "owner_id": buyer_id or store_id, "route": f"cases.{side}.show", "request": request,
        "answer": CaseDetail,
    }  # fmt: skip
    if key is not None:
        async with transaction() as conn:
            known = await answered(conn, key=key, **asked)
        if known is not None:
            return cast(CaseDetail, known)
    async with shown_file(**named, name=data.name, data=content) as file, transaction() as conn:
        at = await clock.refresh(conn)

        async def make() -> CaseDetail:
            await note_evidence(conn, Act(**named, person_id=who.person_id, at=at), side, file)
            return await case_detail(conn, side=side, **named)

        return cast(CaseDetail, await once_if(conn, key=key, at=at, make=make, **asked))
