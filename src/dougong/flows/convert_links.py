"""Our own offer of the same product stands in for a link that a rule denies, where its creator, or
the operator for its source, wants that."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId
from dougong.links.convert_commands import Conversion, put_stand_ins
from dougong.policy.queries import RuleBook
from dougong.policy.rules import link_case
from dougong.reads.conversions import stand_ins


async def convert(
    conn: AsyncConnection, link_ids: Collection[LinkId], *, book: RuleBook, at: datetime
) -> set[LinkId]:
    """Put the cheapest offer that the book lets stand there in the place of each hidden link;
    answers for which one was found."""
    chosen: dict[LinkId, Conversion] = {}
    for offer in await stand_ins(conn, link_ids=link_ids):
        link_id = LinkId(offer.link_id)
        if link_id in chosen:
            continue
        facts = link_case(
            source="own", surface=offer.surface, category=offer.category, route="direct",
            creator=str(offer.creator_id), merchant_class=offer.merchant_class, at=at,
        )  # fmt: skip
        verdict = book.judge(facts)
        if verdict.allowed:
            rule_id = verdict.rule.id if verdict.rule else None
            chosen[link_id] = Conversion(link_id, offer.store_id, offer.product_id, rule_id)
    if not chosen:
        return set()
    return await put_stand_ins(conn, conversions=list(chosen.values()), at=at)
