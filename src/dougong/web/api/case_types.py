"""What the API of after-sales cases takes and gives, alike for buyer, store and platform."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import msgspec
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.queries import case_of
from dougong.aftersales.rules import MOST_BODY, MOST_LINES, Bearer, CaseKind, RulingOutcome, Side
from dougong.base.ids import PersonId, StoreId
from dougong.base.money import Money
from dougong.flows.rule_case import Choices, choices_for
from dougong.reads.case_desk import CaseStory, case_story
from dougong.web.api.common import Filled, Lines, OneLine, filled, money_or_none
from dougong.web.api.store_orders_types import LineNo
from dougong.web.cases.words import acts_for
from dougong.web.forms import Input

Words = Annotated[Lines, Meta(min_length=1, max_length=MOST_BODY)]
AmountMinor = Annotated[
    int, Meta(ge=1, le=100_000_000_000, description="Minor units, such as fen.")
]
Reason = Literal[
    "changed_mind", "not_as_described", "damaged", "wrong_item", "missing_parts", "not_received",
    "quality", "late", "price_dropped", "other",
]  # fmt: skip


class CaseLineInput(Input):
    """`amount_minor`: where less is asked than the units cost; of every line, or of none."""

    line_no: LineNo
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]
    amount_minor: AmountMinor | None = None


class CaseInput(Input, kw_only=True):
    """Each line once; the shipping fee is a line too, of quantity 1."""

    kind: CaseKind
    reason: Reason
    body: Annotated[Lines, Meta(max_length=MOST_BODY)] = ""
    lines: Annotated[list[CaseLineInput], Meta(min_length=1, max_length=MOST_LINES)]


class NoteInput(Input):
    note: Annotated[Lines, Meta(max_length=MOST_BODY)] = ""


class ApprovalInput(NoteInput):
    """`address_id`: where goods go back to; left out: the store's default."""

    address_id: UUID | None = None


class WordsInput(Input):
    words: Words


class OfferInput(Input):
    amount_minor: AmountMinor
    note: Words


class CaseParcelInput(Input):
    carrier: Annotated[Filled, Meta(min_length=1, max_length=60)]
    tracking_no: Annotated[str, Meta(pattern=r"^[!-~]{4,60}$")]


class AcceptInput(NoteInput, kw_only=True):
    inspection: Literal["as_new", "damaged"]


class RejectInput(Input, kw_only=True):
    inspection: Literal["damaged", "wrong_goods", "missing"]
    note: Words


class EvidenceInput(Input, kw_only=True):
    """`content`: a picture, a film of up to a minute or a PDF, in base64, up to 20 MB."""

    name: Annotated[OneLine, Meta(max_length=120)] = ""
    content: Annotated[str, Meta(min_length=1, max_length=28_000_000)]


class RulingInput(Input, kw_only=True):
    """`granted_minor`: 0 with `nothing`, and only then."""

    question: Words
    outcome: RulingOutcome
    granted_minor: Annotated[int, Meta(ge=0, le=100_000_000_000)] = 0
    bearer: Bearer = Bearer.MERCHANT
    reason: Annotated[Lines, Meta(min_length=1, max_length=2_000)]


class CaseRow(msgspec.Struct):
    """`waiting_for`: whose turn it is; `due_at`: by when, else `due_kind` acts."""

    store_id: UUID
    case_id: UUID
    number: str
    order_id: UUID
    order_number: str
    kind: str
    state: str
    waiting_for: str
    reason: str
    asked: Money
    granted: Money | None
    opened_at: datetime
    due_at: datetime | None
    due_kind: str | None
    closed_at: datetime | None

    @classmethod
    def of(cls, row: Any) -> Self:
        return filled(
            cls, row, case_id=row.id, asked=Money(row.asked_minor, row.currency),
            granted=money_or_none(row.granted_minor, row.currency),
        )  # fmt: skip


class CasePage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[CaseRow]
    after: str | None


class CaseLineShown(msgspec.Struct):
    line_no: int
    kind: str
    title_zh: str
    title_en: str
    options: dict[str, str]
    quantity: int
    amount: Money


class CaseMove(msgspec.Struct):
    """`side`: buyer, merchant, operator, deadline, or rule (the store's own)."""

    n: int
    from_state: str | None
    to_state: str
    side: str
    note: str
    at: datetime


class CaseMessage(msgspec.Struct):
    """`about`: words, or time_asked, time_given, time_declined with the deadline from then on."""

    id: UUID
    side: str
    body: str
    about: str
    due_at: datetime | None
    at: datetime


class CaseEvidence(msgspec.Struct):
    """`kind`: image, video or pdf."""

    id: UUID
    side: str
    kind: str
    name: str
    size_bytes: int
    at: datetime


class CaseRuling(msgspec.Struct):
    """`instance`: 1, or 2 after an appeal."""

    instance: int
    question: str
    outcome: str
    granted: Money
    bearer: str
    reason: str
    at: datetime


class CaseSent(msgspec.Struct):
    line_no: int
    quantity: int
    carrier: str
    tracking_no: str
    at: datetime


class RulingChoices(msgspec.Struct):
    """What a ruling can say: `bearers` are those who are there for every line of the case."""

    outcomes: list[str]
    bearers: list[str]


class CaseDetail(msgspec.Struct):
    """`may`: what the caller's side can do now. `held`: frozen until the case ends. `borne`: what
    `bearer` makes up to the store. `extension_asked_by`: the side that asks for more time;
    `extension_declined_at`: when it got none, for the deadline of this state. `ruling`: for the
    platform, while it is to rule."""

    case: CaseRow
    body: str
    offered: Money | None
    held: bool
    bearer: str
    borne: Money
    refund_id: UUID | None
    outcome: str | None
    inspection: str | None
    return_address: dict[str, Any] | None
    return_carrier: str
    return_tracking_no: str
    extended: int
    extension_asked_by: str | None
    extension_declined_at: datetime | None
    may: list[str]
    ruling: RulingChoices | None
    lines: list[CaseLineShown]
    moves: list[CaseMove]
    messages: list[CaseMessage]
    evidence: list[CaseEvidence]
    rulings: list[CaseRuling]
    sent: list[CaseSent]


async def case_detail(
    conn: AsyncConnection,
    *,
    store_id: UUID,
    case_id: UUID,
    side: Side,
    buyer_id: PersonId | None = None,
) -> CaseDetail:
    """Raises CaseGone, also for a case of another buyer where one is named."""
    ours = StoreId(store_id)
    story = await case_story(conn, store_id=ours, case_id=case_id, buyer_id=buyer_id)
    case = await case_of(conn, store_id=ours, case_id=case_id)
    may = acts_for(case, side)
    choices = await choices_for(conn, case) if "rule" in may else None
    return _detail(story, case, may, choices)


def _detail(story: CaseStory, case: Any, may: list[str], choices: Choices | None) -> CaseDetail:
    currency = case.currency
    return filled(
        CaseDetail,
        case,
        case=CaseRow.of(story.head),
        offered=money_or_none(case.offered_minor, currency),
        held=case.held_at is not None and case.released_at is None,
        borne=Money(case.borne_minor, currency),
        may=may,
        ruling=filled(RulingChoices, choices) if choices else None,
        lines=[
            filled(CaseLineShown, line, amount=Money(line.amount_minor, currency))
            for line in story.lines
        ],
        moves=[filled(CaseMove, one) for one in story.moves],
        messages=[filled(CaseMessage, one) for one in story.messages],
        evidence=[filled(CaseEvidence, one) for one in story.evidence],
        rulings=[
            filled(CaseRuling, one, granted=Money(one.granted_minor, currency))
            for one in story.rulings
        ],
        sent=[filled(CaseSent, one) for one in story.sent],
    )
