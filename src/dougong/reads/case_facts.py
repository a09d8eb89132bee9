"""What the flows of cases must know of a store and an order."""

from collections.abc import Sequence
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


class DueCase(msgspec.Struct, frozen=True):
    """A case whose deadline is due, with the order to lock before it."""

    store_id: StoreId
    case_id: UUID
    order_id: UUID
    due_kind: str


# Of one store: that of the most overdue deadline.
DUE = text("""
    WITH due AS (
      SELECT store_id, kind, subject_id, due_at FROM deadlines
      WHERE done_at IS NULL AND due_at <= :at AND kind = ANY(CAST(:kinds AS text[]))
      ORDER BY due_at LIMIT :most
    ), first AS (SELECT store_id FROM due ORDER BY due_at LIMIT 1)
    SELECT c.store_id, c.id AS case_id, c.order_id, d.kind AS due_kind
    FROM due d JOIN first USING (store_id)
    JOIN cases c ON c.store_id = d.store_id AND c.id = d.subject_id AND c.due_kind = d.kind
    WHERE d.kind <> 'case_answer_by' OR c.kind = ANY(CAST(:with_return AS text[]))
    ORDER BY c.order_id, c.id
""")


async def due_cases(
    conn: AsyncConnection,
    *,
    at: datetime,
    kinds: Sequence[str],
    with_return: Sequence[str],
    most: int,
) -> list[DueCase]:
    """Cases of one store whose deadline of one of `kinds` is due; of unanswered ones only those
    that goods come back for. None is locked."""
    asked = {"at": at, "kinds": list(kinds), "with_return": list(with_return), "most": most}
    return [DueCase(**row) for row in (await conn.execute(DUE, asked)).mappings()]
