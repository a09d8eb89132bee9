"""What a task would leave its creator if it was agreed at an instant, and what a coming rule, or an
agency's contract, would change: before anybody applies."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.policy.queries import RuleBook, rules_book
from dougong.policy.rules import Rule, RuleKind, link_case, task_fee_case
from dougong.tasks.agency_commands import shares_of
from dougong.tasks.brief_rules import Terms, funded_minor
from dougong.tasks.work_rules import AgencyShare, share_at, share_moments, work_shares

MOST_COMING = 5


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """Of the whole price (by result: of the most that it can come to), in minor units.

    `allowed`: whether the source may enter the surface by task, and whether a fee is known.
    """

    at: datetime
    allowed: bool
    price_minor: int
    currency: str
    fee_bp: int
    fee_minor: int
    agency_bp: int
    agency_minor: int
    net_minor: int
    fee_rule_id: UUID | None
    reason_zh: str
    reason_en: str
    citation: str


class Offer(msgspec.Struct, frozen=True):
    """What holds now, and every later answer that is another one, each from its instant on."""

    now: Quote
    coming: tuple[Quote, ...]


class Prices(msgspec.Struct, frozen=True):
    """The rules, and what agencies take of a creator: any number of tasks can be priced with it."""

    creator_id: UUID
    book: RuleBook
    shares: list[AgencyShare]

    def offer(self, *, terms: Terms, at: datetime, until: datetime) -> Offer:
        """`until`: the last instant at which it can be agreed; later rules do not touch it."""
        last = now = self._quote(terms, at)
        coming: list[Quote] = []
        moments = share_moments(self.shares, after=at, until=until)
        for moment in sorted({*changes(self.book.rules, after=at, until=until), *moments}):
            then = self._quote(terms, moment)
            if _answer(then) != _answer(last):
                coming.append(then)
                last = then
        return Offer(now, tuple(coming[:MOST_COMING]))

    def _quote(self, terms: Terms, at: datetime) -> Quote:
        agency_bp = share_at(self.shares, at)
        return quote(self.book, terms=terms, creator_id=self.creator_id, agency_bp=agency_bp, at=at)


async def prices_for(conn: AsyncConnection, creator_id: UUID) -> Prices:
    return Prices(creator_id, await rules_book(conn), await shares_of(conn, creator_id=creator_id))


def _answer(one: Quote) -> tuple[bool, int, int]:
    return one.allowed, one.fee_bp, one.agency_bp


def quote(book: RuleBook, *, terms: Terms, creator_id: UUID, agency_bp: int, at: datetime) -> Quote:
    """The answer of the book at one instant."""
    case = {"source": terms.source, "surface": terms.surface, "category": terms.category}
    creator = str(creator_id)
    verdict = book.judge(link_case(**case, route="task", creator=creator, at=at))
    fee = book.decide(task_fee_case(**case, creator=creator, at=at)).rule
    fee_bp = fee.value if fee else 0
    price = funded_minor(terms)
    shares = work_shares(
        funded_minor=price, basis_minor=price, share_bp=10_000, fee_bp=fee_bp, agency_bp=agency_bp
    )
    told = fee if verdict.allowed and fee else verdict
    return Quote(
        at=at,
        allowed=verdict.allowed and fee is not None,
        price_minor=price,
        currency=terms.currency,
        fee_bp=fee_bp,
        fee_minor=shares.fee,
        agency_bp=agency_bp,
        agency_minor=shares.agency,
        net_minor=shares.creator,
        fee_rule_id=fee.id if fee else None,
        reason_zh=told.reason_zh,
        reason_en=told.reason_en,
        citation=fee.citation if fee else "",
    )


def changes(rules: Iterable[Rule], *, after: datetime, until: datetime) -> list[datetime]:
    """The instants at which an announced fee or link rule begins or ends, in order."""
    kinds = (RuleKind.PLATFORM_SERVICE_FEE, RuleKind.LINK)
    known = [rule for rule in rules if rule.kind in kinds and rule.announced_at <= after]
    moments = {m for rule in known for m in (rule.starts, rule.ends) if m is not None}
    return sorted(moment for moment in moments if after < moment < until)
