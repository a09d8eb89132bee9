"""Who may do what, when: every event in every state, and any order of them, beside a model."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.partners.factories import (
    AT,
    DAY,
    ENDS,
    OURS,
    THEIRS,
    Table,
    a_signed_round,
    a_table,
    hash_on,
    put,
    put_name,
    some_terms,
    take,
)

from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import OrgId, new_id
from dougong.flows.deadlines import act_on_one
from dougong.flows.end_round import notice
from dougong.partners.commands import comment, give_up, lock_round, take_back
from dougong.partners.rules import (
    LIVE,
    MOVES,
    ROUND_MOVES,
    BadTerms,
    NothingChanged,
    NothingOnTable,
    NotYourTurn,
    OfferExpired,
    OfferOnTable,
    OtherText,
    ProposalState,
    RoundClosed,
    RoundState,
    SecondSignerNeeded,
    Side,
    SignedAlready,
    Terms,
)
from dougong.reads.partner_rounds import proposals_of

S = ProposalState


def others(source: str, notice_days: int) -> Terms:
    """Terms that differ from the first ones in one term."""
    return some_terms(source, notice_days=notice_days)


# any order of events ------------------------------------------------------------------------


class Model(msgspec.Struct):
    """A round as a small model sees it: its state, the live proposal's, and whose that is."""

    round: RoundState = RoundState.NEGOTIATING
    live: ProposalState | None = None
    side: Side = OURS
    signed_by: set[Side] = msgspec.field(default_factory=set)
    has_text: bool = False

    def after(self, event: str, side: Side) -> bool:
        """Move, and say whether it was allowed."""
        is_open = self.round in (RoundState.NEGOTIATING, RoundState.SIGNED)
        if event == "give_up":
            if self.round is not RoundState.NEGOTIATING:
                return False
            self.round, self.live = RoundState.GIVEN_UP, None
            return True
        if event == "offer":
            if not is_open or (self.live and (self.live is not S.OFFERED or self.side is side)):
                return False
            self.live, self.side, self.signed_by = S.OFFERED, side, set()
            return True
        if not is_open or self.live is None:
            return False
        return self._on_live(event, side)

    def _on_live(self, event: str, side: Side) -> bool:
        if event == "accept":
            if self.live is not S.OFFERED or self.side is side:
                return False
            self.live = S.ACCEPTED
        elif event == "take_back":
            if self.live is not S.OFFERED:
                return False
            self.live = None
        elif event == "sign":
            if self.live not in (S.ACCEPTED, S.HALF_SIGNED) or side in self.signed_by:
                return False
            self.signed_by.add(side)
            self.live = S.HALF_SIGNED if len(self.signed_by) == 1 else None
            if self.live is None:
                self.round = RoundState.SIGNED
        return True


class Played:
    """The same round in the database."""

    def __init__(self, conn: AsyncConnection, table: Table) -> None:
        self.conn, self.table, self.count = conn, table, 0

    async def do(self, event: str, side: Side) -> bool:
        acts: dict[str, Callable[[Side], Awaitable[object]]] = {
            "offer": self._offer,
            "accept": self._accept,
            "take_back": self._take_back,
            "sign": self._sign,
            "give_up": self._give_up,
        }
        try:
            async with self.conn.begin_nested():
                await acts[event](side)
        except Refusal:
            return False
        return True

    async def _number(self) -> int:
        return max(1, len(await proposals_of(self.conn, round_id=self.table.round_id)))

    async def _offer(self, side: Side) -> object:
        self.count += 1
        return await put(self.conn, self.table, side, others(self.table.source, self.count))

    async def _accept(self, side: Side) -> object:
        return await take(self.conn, self.table, side, await self._number())

    async def _take_back(self, side: Side) -> object:
        return await take_back(
            self.conn,
            round_id=self.table.round_id,
            partner_id=self.table.partner(side),
            number=await self._number(),
            side=side,
            person_id=self.table.person(side),
            reason="",
            at=AT,
        )

    async def _sign(self, side: Side) -> object:
        number = await self._number()
        if not await proposals_of(self.conn, round_id=self.table.round_id):
            raise NotFound
        return await put_name(self.conn, self.table, side, number)

    async def _give_up(self, side: Side) -> object:
        return await give_up(
            self.conn,
            round_id=self.table.round_id,
            partner_id=self.table.partner(side),
            side=side,
            person_id=self.table.person(side),
            reason="",
            at=AT,
        )

    async def seen(self) -> tuple[str, str | None]:
        row = await lock_round(self.conn, round_id=self.table.round_id, partner_id=None)
        found = await proposals_of(self.conn, round_id=self.table.round_id)
        return row.state, next((one.state for one in found if one.is_live()), None)


EVENTS = ("offer", "accept", "take_back", "sign", "give_up")
STEPS = st.tuples(
    st.sampled_from((*EVENTS, "offer", "accept", "sign")), st.sampled_from(list(Side))
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=1, max_size=14))
async def test_any_order_of_events_goes_as_the_model_says(
    conn: AsyncConnection, steps: list[tuple[str, Side]]
) -> None:
    savepoint = await conn.begin_nested()
    played, model = Played(conn, await a_table(conn)), Model()
    for event, side in steps:
        allowed = model.after(event, side)
        assert (await played.do(event, side), event, side) == (allowed, event, side)
        assert await played.seen() == (model.round, model.live)
    await savepoint.rollback()


# The shortest way to each state of the last proposal, on a negotiating round.
WAYS: dict[ProposalState, list[tuple[str, Side]]] = {
    S.OFFERED: [("offer", OURS)],
    S.WITHDRAWN: [("offer", OURS), ("take_back", OURS)],
    S.DECLINED: [("offer", OURS), ("take_back", THEIRS)],
    S.ACCEPTED: [("offer", OURS), ("accept", THEIRS)],
    S.HALF_SIGNED: [("offer", OURS), ("accept", THEIRS), ("sign", THEIRS)],
    S.SIGNED: [("offer", OURS), ("accept", THEIRS), ("sign", THEIRS), ("sign", OURS)],
}


@pytest.mark.parametrize("state", WAYS)
@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("side", list(Side))
async def test_every_event_in_every_state(
    conn: AsyncConnection, state: ProposalState, event: str, side: Side
) -> None:
    played, model = Played(conn, await a_table(conn)), Model()
    for one, who in WAYS[state]:
        assert (model.after(one, who), await played.do(one, who)) == (True, True)
    assert await played.do(event, side) == model.after(event, side)
    assert await played.seen() == (model.round, model.live)


def test_what_is_over_is_over() -> None:
    over = {one for one, after in MOVES.items() if not after}
    assert over == set(S) - {*LIVE, S.SIGNED}
    assert {one for one, after in ROUND_MOVES.items() if not after} == {
        RoundState.ENDED,
        RoundState.GIVEN_UP,
    }


# one by one ---------------------------------------------------------------------------------


async def test_only_the_side_whose_turn_it_is_may_accept(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    await put(conn, table, OURS, some_terms(table.source))
    with pytest.raises(NotYourTurn):
        await take(conn, table, OURS, 1)
    await put(conn, table, THEIRS, others(table.source, 60))
    with pytest.raises(NotYourTurn):
        await take(conn, table, THEIRS, 2)
    with pytest.raises(NothingOnTable):
        await take(conn, table, OURS, 1)  # it was countered
    await take(conn, table, OURS, 2)
    with pytest.raises(OfferOnTable):
        await put(conn, table, THEIRS, others(table.source, 90))


async def test_a_counter_offer_has_to_say_something_else(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    await put(conn, table, OURS, some_terms(table.source))
    with pytest.raises(NothingChanged):
        await put(conn, table, THEIRS, some_terms(table.source))


async def test_an_offer_lapses_once_and_nobody_accepts_or_signs_it_then(
    conn: AsyncConnection,
) -> None:
    table = await a_table(conn)
    await put(conn, table, OURS, some_terms(table.source))
    late = AT + 7 * DAY
    with pytest.raises(OfferExpired):
        await take(conn, table, THEIRS, 1, at=late)
    with pytest.raises(OfferExpired):
        await put(conn, table, THEIRS, others(table.source, 60), at=late)
    await take(conn, table, THEIRS, 1, at=late - timedelta(microseconds=1))
    with pytest.raises(OfferExpired):
        await put_name(conn, table, OURS, 1, at=late)
    assert await act_until_quiet(conn, late) >= 1
    assert await act_until_quiet(conn, late) == 0
    (found,) = await proposals_of(conn, round_id=table.round_id)
    assert (found.state, found.closed_at) == (S.EXPIRED, late)
    with pytest.raises(OfferExpired):
        await put_name(conn, table, OURS, 1, at=late)
    await put(conn, table, THEIRS, some_terms(table.source), at=late)  # a new one may say the same


async def act_until_quiet(conn: AsyncConnection, at: datetime) -> int:
    done = 0
    while await act_on_one(conn, at=at):
        done += 1
    return done


async def test_signing_twice_another_hash_and_by_the_mover(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    await put(conn, table, OURS, some_terms(table.source))
    with pytest.raises(NothingOnTable):
        await put_name(conn, table, OURS, 1)
    await take(conn, table, THEIRS, 1)
    with pytest.raises(OtherText):
        await put_name(conn, table, OURS, 1, hash=bytes(32))
    with pytest.raises(SecondSignerNeeded):
        await put_name(conn, table, OURS, 1, person_id=table.first)
    await put_name(conn, table, OURS, 1)
    with pytest.raises(SignedAlready):
        await put_name(conn, table, OURS, 1)
    with pytest.raises(SecondSignerNeeded):
        await put_name(conn, table, THEIRS, 1, person_id=table.second)
    assert await put_name(conn, table, THEIRS, 1, person_id=table.theirs) is not None
    for side in Side:
        with pytest.raises(SignedAlready):
            await put_name(conn, table, side, 1)


async def test_an_amendment_replaces_the_text(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    await a_signed_round(conn, table)
    with pytest.raises(NothingChanged):
        await put(conn, table, THEIRS, some_terms(table.source))
    await put(conn, table, THEIRS, others(table.source, 60), at=AT + DAY)
    await take(conn, table, OURS, 2, at=AT + DAY)
    await put_name(conn, table, OURS, 2, at=AT + DAY)
    await put_name(conn, table, THEIRS, 2, at=AT + DAY)
    states = [one.state for one in await proposals_of(conn, round_id=table.round_id)]
    assert states == [S.REPLACED, S.SIGNED]


async def test_after_notice_nothing_is_offered_and_no_second_notice_is_given(
    conn: AsyncConnection,
) -> None:
    table = await a_table(conn)
    await a_signed_round(conn, table)

    async def give(at: datetime) -> datetime:
        return await notice(
            conn, round_id=table.round_id, partner_id=None, side=OURS, reason="转向自营", at=at
        )

    assert await give(AT + 40 * DAY) == AT + 70 * DAY
    with pytest.raises(RoundClosed):
        await give(AT + 41 * DAY)
    with pytest.raises(RoundClosed):
        await put(conn, table, OURS, others(table.source, 60), at=AT + 41 * DAY)


async def test_notice_never_ends_a_round_later_than_its_period(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    await a_signed_round(conn, table)
    ends = await notice(
        conn, round_id=table.round_id, partner_id=None, side=OURS, reason="", at=ENDS - DAY
    )
    assert ends == ENDS


@pytest.mark.parametrize(
    ("days", "change", "field"),
    [
        (0, {}, "expires_at"),
        (200, {}, "expires_at"),
        (7, {"ends": AT + 2 * DAY, "starts": AT}, "expires_at"),
        (7, {"ends": AT, "starts": AT - DAY}, "ends"),
    ],
)
async def test_an_offer_lasts_an_hour_to_half_a_year_and_not_beyond_its_period(
    conn: AsyncConnection, days: int, change: dict[str, datetime], field: str
) -> None:
    table = await a_table(conn)
    with pytest.raises(BadTerms) as refused:
        await put(conn, table, OURS, some_terms(table.source, **change), days=days)
    assert refused.value.field == field


async def test_a_foreign_partner_finds_nothing(conn: AsyncConnection) -> None:
    table, stranger = await a_table(conn), await a_table(conn)
    await put(conn, table, OURS, some_terms(table.source))
    intruder = msgspec.structs.replace(table, partner_id=stranger.partner_id)
    for act in (
        take(conn, intruder, THEIRS, 1),
        put(conn, intruder, THEIRS, others(table.source, 60)),
        comment(
            conn, round_id=table.round_id, partner_id=OrgId(new_id()), side=THEIRS,
            author_id=table.theirs, body="?", number=None, term="", at=AT,
        ),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await act


async def test_sources_that_are_not_the_partners_are_not_granted(conn: AsyncConnection) -> None:
    table, stranger = await a_table(conn), await a_table(conn)
    with pytest.raises(BadTerms) as refused:
        await put(conn, table, OURS, some_terms(stranger.source))
    assert refused.value.field in ("grants", "fees")


async def test_the_database_keeps_a_text_as_it_was_offered(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    await put(conn, table, OURS, some_terms(table.source))
    asked = {"id": table.round_id, "hash": await hash_on(conn, table, 1), "later": ENDS}
    for change in (
        "UPDATE partner_proposals SET document = document || ' ' WHERE round_id = :id",
        "UPDATE partner_proposals SET expires_at = :later WHERE round_id = :id",
        "UPDATE partner_proposals SET hash = sha256('x') WHERE round_id = :id AND hash = :hash",
    ):
        with pytest.raises(DBAPIError):
            async with conn.begin_nested():
                await conn.execute(text(change), asked)
