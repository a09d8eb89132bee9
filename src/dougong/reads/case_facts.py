"""What the flows of cases must know of a store and an order."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import OrgId, StoreId
from dougong.policy.queries import RuleBook, rules_book
from dougong.policy.rules import ANY, TERM_WITHOUT_RULE, Facts, RuleKind


class CaseStore(msgspec.Struct, frozen=True):
    """A store as the rule book sees it, with the book."""

    store_id: StoreId
    org_id: OrgId
    merchant_class: str
    book: RuleBook

    def term_s(self, kind: str, category: str, *, at: datetime) -> int:
        """How long a term is for this store now, in seconds."""
        facts = Facts(
            kind=kind, source="own", surface="search", category=category or ANY, route="direct",
            party_class="merchant", party=str(self.org_id), merchant_class=self.merchant_class,
            at=at,
        )  # fmt: skip
        rule = self.book.decide(facts).rule
        return rule.value if rule else TERM_WITHOUT_RULE[RuleKind(kind)]


async def case_store(conn: AsyncConnection, *, store_id: StoreId) -> CaseStore:
    """Raises NotFound."""
    found = await conn.execute(
        text("SELECT org_id, merchant_class FROM stores WHERE id = :id"), {"id": store_id}
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return CaseStore(store_id, OrgId(row.org_id), row.merchant_class, await rules_book(conn))


async def prices_now(
    conn: AsyncConnection, *, store_id: StoreId, sku_ids: list[UUID]
) -> dict[UUID, int]:
    """SKU to its price at this moment, in minor units."""
    found = await conn.execute(
        text("""
            SELECT id, price_minor FROM skus
            WHERE store_id = :store_id AND id = ANY(CAST(:ids AS uuid[]))
        """),
        {"store_id": store_id, "ids": sku_ids},
    )
    return {row.id: row.price_minor for row in found}


async def default_return_address(
    conn: AsyncConnection, *, store_id: StoreId, address_id: UUID | None
) -> dict[str, str] | None:
    """Where goods go back to: the one named, else the store's default, as it reads now."""
    found = await conn.execute(
        text("""
            SELECT recipient, phone, province, city, line FROM return_addresses
            WHERE store_id = :store_id AND closed_at IS NULL
              AND (id = :id OR CAST(:id AS uuid) IS NULL AND is_default)
        """),
        {"store_id": store_id, "id": address_id},
    )
    row = found.mappings().one_or_none()
    return dict(row) if row else None


async def asked_by_line(
    conn: AsyncConnection, *, store_id: StoreId, order_id: UUID
) -> dict[int, tuple[int, int]]:
    """Line number to (money that open cases ask for, units in open cases or that came back)."""
    found = await conn.execute(
        text("""
            SELECT line_no, asked_minor, in_case + came_back AS units FROM case_units
            WHERE store_id = :store_id AND order_id = :order_id
        """),
        {"store_id": store_id, "order_id": order_id},
    )
    return {row.line_no: (row.asked_minor, row.units) for row in found}
