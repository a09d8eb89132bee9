"""What both sides and the operator do with one case of the story, each act at its own date."""

import asyncio
import io
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec
from PIL import Image, ImageDraw
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.queries import Case, case_of
from dougong.aftersales.rules import Bearer, Inspection, RulingOutcome, Side
from dougong.aftersales.ruling_commands import Ruling
from dougong.base.ids import PersonId
from dougong.cli.demo import story
from dougong.cli.demo.acts import ANSWERED_AFTER, answer_refund, send_refund
from dougong.cli.demo.market import Market
from dougong.cli.demo.pictures import product_picture
from dougong.flows import answer_case, case_deadlines, extend_case, return_case, rule_case
from dougong.flows.answer_case import Act
from dougong.flows.place_orders import Placed
from dougong.flows.talk_in_case import ShownFile, note_evidence, say
from dougong.infra import evidence_files
from dougong.infra.events import Deadline
from dougong.payments.rules import EventKind

PICTURE_PX = 560


class Shown(NamedTuple):
    """A picture that is kept already."""

    kept: str
    size: int
    data: bytes


class Step(NamedTuple):
    """`hours`: before now. `words`: what is said with it, or the number of a parcel."""

    hours: int
    what: str
    words: str = ""


class Told(msgspec.Struct):
    """A case that was asked for, and who has a say in it."""

    conn: AsyncConnection
    market: Market
    placed: Placed
    case: Case
    buyer: PersonId
    merchant: PersonId
    picture: Shown | None

    def act(self, person_id: PersonId, at: datetime) -> Act:
        return Act(store_id=self.case.store_id, case_id=self.case.id, person_id=person_id, at=at)

    def of_buyer(self, at: datetime) -> Act:
        return msgspec.structs.replace(self.act(self.buyer, at), buyer_id=self.buyer)

    def of_merchant(self, at: datetime) -> Act:
        return self.act(self.merchant, at)

    def of_operator(self, at: datetime, who: str = "operator") -> Act:
        return self.act(self.market.people[who], at)

    async def now(self) -> Case:
        return await case_of(self.conn, store_id=self.case.store_id, case_id=self.case.id)


async def keep_picture(code: str) -> Shown:
    """A photo of a product that arrived broken, kept as an upload is."""
    data = await asyncio.to_thread(_broken, code)
    kept = f"demo/{code}"
    await asyncio.to_thread(evidence_files.remove, kept)  # of a run that has stopped since
    _, size = await evidence_files.keep(data, kept)
    return Shown(kept, size, data)


def _broken(code: str) -> bytes:
    product = next(one for one in story.PRODUCTS if one.code == code)
    picture = product_picture(product, PICTURE_PX).rotate(
        7, Image.Resampling.BICUBIC, fillcolor=(226, 222, 214)
    )
    pen, chance = ImageDraw.Draw(picture), random.Random(f"broken {code}")
    middle = PICTURE_PX * 0.5
    for _ in range(5):
        points = [(middle, middle)]
        for _ in range(5):
            x, y = points[-1]
            points.append((x + chance.uniform(-60, 60), y + chance.uniform(-50, 70)))
        pen.line(points, fill=(28, 24, 24), width=4, joint="curve")
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=88)
    return data.getvalue()


# each act -------------------------------------------------------------------------------------


async def _said(told: Told, side: Side, act: Act, words: str) -> None:
    await say(told.conn, act, side=side, body=words)


async def _buyer_said(told: Told, words: str, at: datetime) -> None:
    await _said(told, Side.BUYER, told.of_buyer(at), words)


async def _merchant_said(told: Told, words: str, at: datetime) -> None:
    await _said(told, Side.MERCHANT, told.of_merchant(at), words)


async def _shown(told: Told, words: str, at: datetime) -> None:
    if told.picture is not None:
        kept, size, data = told.picture
        act = told.of_buyer(at)
        file = ShownFile("image", kept, words, size, data)
        await note_evidence(told.conn, act, Side.BUYER, file)


async def _approved(told: Told, words: str, at: datetime) -> None:
    await answer_case.approve(told.conn, told.of_merchant(at), note=words)


async def _offered(told: Told, words: str, at: datetime) -> None:
    part = told.case.asked_minor // 2
    await answer_case.offer_part(told.conn, told.of_merchant(at), amount_minor=part, note=words)


async def _taken(told: Told, words: str, at: datetime) -> None:
    await answer_case.take_offer(told.conn, told.of_buyer(at))


async def _refused(told: Told, words: str, at: datetime) -> None:
    await answer_case.refuse(told.conn, told.of_merchant(at), note=words)


async def _withdrawn(told: Told, words: str, at: datetime) -> None:
    await answer_case.withdraw(told.conn, told.of_buyer(at))


async def _more_time(told: Told, words: str, at: datetime) -> None:
    await extend_case.ask_for_time(told.conn, told.of_buyer(at), side=Side.BUYER, note=words)


async def _store_more_time(told: Told, words: str, at: datetime) -> None:
    act = told.of_merchant(at)
    await extend_case.ask_for_time(told.conn, act, side=Side.MERCHANT, note=words)


async def _no_more_time(told: Told, words: str, at: datetime) -> None:
    await extend_case.give_no_time(told.conn, told.of_buyer(at), side=Side.BUYER, note=words)


async def _shipped_back(told: Told, words: str, at: datetime) -> None:
    act = told.of_buyer(at)
    await return_case.ship_back(told.conn, act, carrier="顺丰速运", tracking_no=words)


async def _received(told: Told, words: str, at: datetime) -> None:
    await return_case.receive_back(told.conn, told.of_merchant(at))


async def _as_new(told: Told, words: str, at: datetime) -> None:
    found = Inspection.AS_NEW
    await return_case.accept_goods(told.conn, told.of_merchant(at), inspection=found, note=words)


async def _damaged(told: Told, words: str, at: datetime) -> None:
    found = Inspection.DAMAGED
    await return_case.accept_goods(told.conn, told.of_merchant(at), inspection=found, note=words)


async def _wrong_goods(told: Told, words: str, at: datetime) -> None:
    found = Inspection.WRONG_GOODS
    await return_case.reject_goods(told.conn, told.of_merchant(at), inspection=found, note=words)


async def _sent_again(told: Told, words: str, at: datetime) -> None:
    act = told.of_merchant(at)
    await return_case.send_again(told.conn, act, carrier="中通快递", tracking_no=words)


async def _confirmed(told: Told, words: str, at: datetime) -> None:
    await return_case.confirm_sent(told.conn, told.of_buyer(at))


async def _asked_platform(told: Told, words: str, at: datetime) -> None:
    await answer_case.ask_platform(told.conn, told.of_buyer(at), question=words)


async def _ruled(told: Told, words: str, at: datetime) -> None:
    await rule_case.rule(told.conn, told.of_operator(at), _ruling(told, words))


def _ruling(told: Told, words: str) -> Ruling:
    """`words`: the question, and after a bar the reason."""
    question, reason = words.split("|")
    return Ruling(
        question=question,
        outcome=RulingOutcome.REFUND,
        granted_minor=told.case.asked_minor,
        bearer=Bearer.MERCHANT,
        reason=reason,
    )


async def _ruled_nothing(told: Told, words: str, at: datetime) -> None:
    ruling = msgspec.structs.replace(
        _ruling(told, words), outcome=RulingOutcome.NOTHING, granted_minor=0
    )
    await rule_case.rule(told.conn, told.of_operator(at), ruling)


async def _merchant_appealed(told: Told, words: str, at: datetime) -> None:
    await rule_case.appeal(told.conn, told.of_merchant(at), side=Side.MERCHANT, note=words)


async def _buyer_appealed(told: Told, words: str, at: datetime) -> None:
    await rule_case.appeal(told.conn, told.of_buyer(at), side=Side.BUYER, note=words)


async def _ruled_again(told: Told, words: str, at: datetime) -> None:
    act = told.of_operator(at, "second-operator")
    await rule_case.rule_again(told.conn, act, _ruling(told, words))


async def _ran_out(told: Told, words: str, at: datetime) -> None:
    """Nobody goes on with it until its deadline."""
    case = await told.now()
    if case.due_kind is None or case.due_at is None:
        raise LookupError(case.number)
    deadline = Deadline(case.store_id, case.due_kind, case.id)
    await case_deadlines.act(told.conn, deadline, at=case.due_at)


DO: Mapping[str, Callable[[Told, str, datetime], Awaitable[None]]] = {
    "buyer": _buyer_said,
    "merchant": _merchant_said,
    "picture": _shown,
    "approve": _approved,
    "offer": _offered,
    "take": _taken,
    "refuse": _refused,
    "withdraw": _withdrawn,
    "more time": _more_time,
    "store more time": _store_more_time,
    "no more time": _no_more_time,
    "ship back": _shipped_back,
    "receive": _received,
    "as new": _as_new,
    "damaged": _damaged,
    "wrong goods": _wrong_goods,
    "send again": _sent_again,
    "confirm": _confirmed,
    "ask platform": _asked_platform,
    "rule": _ruled,
    "rule nothing": _ruled_nothing,
    "merchant appeals": _merchant_appealed,
    "buyer appeals": _buyer_appealed,
    "rule again": _ruled_again,
    "run out": _ran_out,
}


async def go_on(told: Told, step: Step, *, now: datetime) -> None:
    at = now - timedelta(hours=step.hours)
    await DO[step.what](told, step.words, at)
    await pay_back(told, told.case.refund_id, at=at)


async def pay_back(told: Told, before: UUID | None, *, at: datetime) -> None:
    """What was refunded since is sent to the gateway, and answered. `before`: the refund then."""
    case = await told.now()
    if case.refund_id is not None and before is None:
        await send_refund(told.conn, told.placed, case.refund_id, at=at)
        await answer_refund(
            told.conn, told.placed, case.refund_id, kind=EventKind.REFUNDED,
            at=at + ANSWERED_AFTER,
        )  # fmt: skip
    told.case = case
