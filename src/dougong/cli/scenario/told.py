"""What the story prints after each day: who may do what, who saw what, who earned what."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.cli.scenario.cast import ZONE, Cast
from dougong.policy.queries import RuleBook, rules_book
from dougong.policy.rules import link_case
from dougong.reads.story_figures import earned_by_creator, figures, told_since

WHERE = (("video", "direct", "food"), ("live", "direct", "food"), ("live", "direct", "beauty"),
         ("live", "task", "food"))  # fmt: skip
SOURCES = ("own", "taobao", "tmall", "jd")
EARNS = (
    ("creators", "creator_payable"),
    ("merchants", "merchant_payable"),
    ("platform, service fees", "platform_service_fee"),
    ("platform, of commissions", "platform_commission_cut"),
    ("platform, payment costs", "platform_payment_cost"),
    ("owed by other platforms", "partner_receivable"),
    ("in escrow", "escrow"),
)


def yuan(minor: int) -> str:
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100:,}.{abs(minor) % 100:02}"


async def verdicts(conn: AsyncConnection, cast: Cast, *, at: datetime) -> list[str]:
    """Per source: whether links may stand here, for the creators of the story."""
    book = await rules_book(conn, fresh=True)
    head = "  may stand        " + "".join(f"{s} {r}{'' if c == 'food' else ' ' + c:<8}  "
                                           for s, r, c in WHERE)  # fmt: skip
    lines = [head.rstrip()]
    for source in SOURCES:
        cells = [_cell(book, cast, source, *one, at=at) for one in WHERE]
        lines.append(f"    {source:<15}" + "".join(f"{cell:<21}" for cell in cells).rstrip())
    return lines


def _cell(
    book: RuleBook, cast: Cast, source: str, surface: str, route: str, category: str, *,
    at: datetime,
) -> str:  # fmt: skip
    """yes, no, or of how many creators, with the day since which the deciding row is in force."""
    found = [
        book.judge(
            link_case(source=source, surface=surface, category=category, route=route,
                      creator=str(creator.id), at=at)
        )
        for creator in cast.creators
    ]  # fmt: skip
    allowed = sum(one.allowed for one in found)
    rule = found[0].rule
    since = f" ({rule.starts.astimezone(ZONE).date()})" if rule else ""
    if allowed in (0, len(found)):
        return ("yes" if allowed else "no") + since
    return f"{allowed} of {len(found)} creators"


async def tell(conn: AsyncConnection, cast: Cast, *, since: datetime, at: datetime) -> list[str]:
    """The figures since the last day, and the books as they stand."""
    found = await figures(conn, since=since, until=at)
    lines = await verdicts(conn, cast, at=at)
    stand = [f"{source} {count}" + (f" (+{found.hidden[source]} hidden)" if source in found.hidden
                                    else "") for source, count in found.shown.items()]  # fmt: skip
    lines.append("  links shown      " + (", ".join(stand) or "none"))
    heard: dict[str, list[int]] = defaultdict(list)
    for row in await told_since(conn, since=at):
        heard[row.reason].append(row.links)
    lines += [
        f"  told             {len(links)} creators, {sum(links)} links hidden: {reason}"
        for reason, links in sorted(heard.items())
    ]
    lines.append(f"  taps             {found.clicks} count, {found.invalid} do not")
    lines.append(
        f"  bought elsewhere {found.orders_outside} orders, {yuan(found.paid_outside_minor)}; may "
        f"bring {yuan(found.estimated_minor)}"
    )
    lines.append(f"  bought here      {found.orders_own} orders, {yuan(found.paid_own_minor)}")
    for words, purpose in EARNS:
        if minor := found.balances.get(purpose, 0):
            lines.append(f"  {words:<26}{yuan(abs(minor)):>16}")
    return lines


async def tell_creators(conn: AsyncConnection) -> list[str]:
    earned = await earned_by_creator(conn)
    return [f"  {handle:<26}{yuan(minor):>16}" for handle, minor in earned.items()]
