"""The framework agreements with Taobao: offers and counter-offers, two signatures a side."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, RoundId
from dougong.cli.scenario.cast import ZONE, Cast
from dougong.flows.offer_terms import offer_terms, open_for
from dougong.flows.sign_round import sign_round
from dougong.partners.amount_commands import Said, report_amount
from dougong.partners.commands import accept
from dougong.partners.delivery_commands import add_by_hand
from dougong.partners.rules import Component, ComponentKind, Grant, Side, Terms, Tier, Unit
from dougong.reads.partner_rounds import proposals_of

BILLION = 1_000_000_000 * 100  # in fen
OFFER_LASTS = timedelta(days=10)


def terms(
    *, starts: datetime, ends: datetime, advertising: int, gmv: int, surfaces: tuple[str, ...]
) -> Terms:
    """`advertising` is promised by the partner, `gmv` of its goods by the platform; both in fen."""
    return Terms(
        currency="CNY",
        starts=starts,
        ends=ends,
        components=(
            Component(
                kind=ComponentKind.ADVERTISING, unit=Unit.SPEND, committed=advertising,
                committed_by=Side.PARTNER, shortfall_bp=3_000,
                tiers=(Tier(advertising // 2, 200), Tier(advertising, 500)),
            ),
            Component(
                kind=ComponentKind.ECOMMERCE_TRAFFIC, unit=Unit.GMV, committed=gmv,
                committed_by=Side.PLATFORM,
            ),
        ),
        grants=tuple(Grant(source, on) for source in ("taobao", "tmall") for on in surfaces),
    )  # fmt: skip


async def negotiate(
    conn: AsyncConnection,
    cast: Cast,
    *,
    name: tuple[str, str],
    first: Terms,
    agreed: Terms,
    previous: str | None,
    at: datetime,
) -> str:
    """They offer, we counter, they accept, both sign, within a week. Answers the round's name."""
    people, partner_id = cast.people, cast.orgs["partner"]
    previous_id = RoundId(cast.rounds[previous]) if previous else None
    round_id = await open_for(
        conn, partner_id=partner_id, name_zh=name[0], name_en=name[1], previous_id=previous_id,
        person_id=people["operator"], at=at - timedelta(days=6),
    )  # fmt: skip
    cast.rounds[name[1]] = round_id
    offers = ((Side.PARTNER, people["partner"], first, "我方方案", 5),
              (Side.PLATFORM, people["operator"], agreed, "流量与投放须对等", 3))  # fmt: skip
    for side, author, wanted, message, ago in offers:
        said = at - timedelta(days=ago)
        await offer_terms(
            conn, round_id=round_id, partner_id=partner_id if side is Side.PARTNER else None,
            side=side, author_id=author, terms=wanted, message=message,
            expires_at=said + OFFER_LASTS, at=said,
        )  # fmt: skip
    await accept(
        conn, round_id=round_id, partner_id=partner_id, number=2, side=Side.PARTNER,
        person_id=people["partner"], at=at - timedelta(days=1),
    )  # fmt: skip
    await _sign(conn, cast, round_id, Side.PARTNER, people["partner-second"], "周副总", at=at)
    await _sign(conn, cast, round_id, Side.PLATFORM, people["second"], "陈复核", at=at)
    return name[1]


async def _sign(
    conn: AsyncConnection, cast: Cast, round_id: RoundId, side: Side, person_id: PersonId,
    signer: str, *, at: datetime,
) -> None:  # fmt: skip
    text = (await proposals_of(conn, round_id=round_id))[1]
    await sign_round(
        conn, round_id=round_id, number=2, side=side, person_id=person_id, signer=signer,
        partner_id=cast.orgs["partner"] if side is Side.PARTNER else None, hash=text.hash, at=at,
    )  # fmt: skip


async def hear_of_twenty_billion(conn: AsyncConnection, cast: Cast, *, at: datetime) -> None:
    """The press says about 20 billion yuan, three times the last round; neither side confirms."""
    said = Said(
        amount=20 * BILLION, currency="CNY", is_about=True, times_last_bp=30_000,
        said_at=at, source="报道：双方签下约 200 亿元新一轮框架协议，为上一轮的三倍，双方均未证实",
    )  # fmt: skip
    await report_amount(
        conn, round_id=RoundId(cast.rounds["Framework 2020"]), said=said,
        author_id=cast.people["operator"], at=at,
    )  # fmt: skip


async def advertised(
    conn: AsyncConnection, cast: Cast, name: str, *, amount: int, at: datetime
) -> None:
    """What the partner has spent on advertising by now, in fen; the platform's desk writes it."""
    await add_by_hand(
        conn, round_id=RoundId(cast.rounds[name]), component=ComponentKind.ADVERTISING,
        day=at.astimezone(ZONE).date(), amount=amount, note="投放结算单",
        author_id=cast.people["operator"], at=at,
    )  # fmt: skip
