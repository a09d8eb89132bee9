"""API v1: what is allowed and what does it cost, at any instant, and why."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.queries import organisation
from dougong.base.access import Access, Permission
from dougong.base.errors import BadInput, NotFound
from dougong.policy.answers import FeeAnswer, VerdictAnswer, fee_answer, seen_by, verdict_answer
from dougong.policy.queries import rules_book
from dougong.policy.rules import Facts, Verdict, decide
from dougong.web.deps import Conn, Now, Who

OPEN: dict[str, Any] = {"permission": Permission.SELF_READ, "tags": ["policy"]}
Surface = Literal["video", "live", "profile", "search"]
Route = Literal["direct", "task"]
FeeKind = Literal[
    "platform_service_fee", "creator_commission", "commission_cut", "payment_cost", "gift_fee"
]
Source = Annotated[
    str,
    QueryParameter(pattern=r"^[a-z][a-z0-9_]{1,30}$", description="`own`, or another platform."),
]
Path = Annotated[
    str,
    QueryParameter(
        pattern=r"^(\*|[a-z0-9-]+(/[a-z0-9-]+)*)$",
        max_length=120,
        description="A category with all above it, or `*`.",
    ),
]
Class = Annotated[str, QueryParameter(pattern="^[a-z0-9_-]*$", max_length=40)]
Base = Annotated[int, QueryParameter(ge=0, le=9_000_000_000_000_000, description="Minor units.")]
PARTIES = ("merchant", "creator")


async def _said(
    conn: AsyncConnection,
    who: Access,
    now: datetime,
    *,
    kind: str,
    at: datetime | None,
    party: UUID | None,
    **columns: str,
) -> tuple[Verdict, Facts]:
    """A party asks for itself, or for nobody; an operator for anybody. Rows that name another
    party, or are not announced yet, are an operator's to see. Raises NotFound, BadInput."""
    if at is not None and at.tzinfo is None:
        raise BadInput(field="at", reason="no_offset")
    is_operator = who.may(Permission.RULE_READ)
    if party is not None and not is_operator and party not in {g.org_id for g in who.grants}:
        raise NotFound(field="party")
    is_creators = kind == "link" or columns["route"] == "task"
    party_class = "creator" if is_creators else "merchant"
    if party is not None:
        found = await organisation(conn, party)
        party_class = found.kind if found.kind in PARTIES else party_class
    facts = Facts(
        kind=kind,
        at=at or now,
        party="" if party is None else str(party),
        party_class=party_class,
        **columns,
    )
    rules = (await rules_book(conn)).rules
    return decide(rules if is_operator else seen_by(rules, party=facts.party, at=now), facts), facts


@get("/api/v1/policy/verdict", summary="Whether a product link may stand", **OPEN)
async def verdict(
    conn: Conn,
    who: Who,
    now: Now,
    source: FromQuery[Source],
    surface: FromQuery[Surface],
    route: FromQuery[Route] = "direct",
    category: FromQuery[Path] = "*",
    merchant_class: FromQuery[Class] = "",
    party: FromQuery[UUID | None] = None,
    at: FromQuery[datetime | None] = None,
) -> VerdictAnswer:
    """At `at` (now, or any past or future instant with its offset), for `party`: one of your own
    organisations, or nobody in particular. `considered`: the rules that did not decide, and why."""
    said, facts = await _said(
        conn,
        who,
        now,
        kind="link",
        at=at,
        party=party,
        source=source,
        surface=surface,
        route=route,
        category=category,
        merchant_class=merchant_class,
    )
    return verdict_answer(said, facts)


@get("/api/v1/policy/fee", summary="What is taken of an amount", **OPEN)
async def fee(
    conn: Conn,
    who: Who,
    now: Now,
    kind: FromQuery[FeeKind],
    base_minor: FromQuery[Base],
    source: FromQuery[Source],
    surface: FromQuery[Surface],
    route: FromQuery[Route] = "direct",
    category: FromQuery[Path] = "*",
    merchant_class: FromQuery[Class] = "",
    party: FromQuery[UUID | None] = None,
    at: FromQuery[datetime | None] = None,
) -> FeeAnswer:
    """`fee_minor`: `base_minor` × `rate_bp` / 10 000, rounded down. Otherwise as the verdict."""
    said, facts = await _said(
        conn,
        who,
        now,
        kind=kind,
        at=at,
        party=party,
        source=source,
        surface=surface,
        route=route,
        category=category,
        merchant_class=merchant_class,
    )
    return fee_answer(said, facts, base_minor=base_minor)


HANDLERS: list[HTTPRouteHandler] = [verdict, fee]
