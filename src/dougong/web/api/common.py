"""What the files of the API share: keys, pages, pictures, money, refusals inside an answer."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from litestar.params import HeaderParameter, QueryParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, Refusal
from dougong.base.money import Money
from dougong.infra.idempotency import once
from dougong.infra.settings import settings
from dougong.web.refusals import RefusalBody, message_for

STORE = "/api/v1/stores/{store_id:uuid}"
KEY_RULE: dict[str, Any] = {"min_length": 8, "max_length": 200, "pattern": r"^[\x21-\x7e]+$"}
Key = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        description="8 to 200 characters; the same key and body give the same answer.",
        **KEY_RULE,
    ),
]
MaybeKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="May be left out. With it, the same key and body give the same answer.",
        **KEY_RULE,
    ),
]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="Rows of a page, at most.")]
After = Annotated[
    str,
    QueryParameter(max_length=400, description="`after` of the page before; empty for the first."),
]
Since = Annotated[
    str | None,
    QueryParameter(format="date-time", description="From this instant on, with its offset."),
]
Search = Annotated[str, QueryParameter(max_length=100, description="Words to find.")]
# Minor units that every JSON reader holds exactly (below 2^53).
Minor = Annotated[
    int,
    msgspec.Meta(ge=0, le=9_000_000_000_000_000, description="Minor units, such as fen."),
]

# A text on one line: no control characters; with `Filled` more than blanks; `Lines`: of many.
OneLine = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f\ufffe\uffff]*$")]
Filled = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[^\x00-\x1f\x7f\ufffe\uffff]*[^\s\x00-\x1f\x7f\ufffe\uffff]"
        r"[^\x00-\x1f\x7f\ufffe\uffff]*$"
    ),
]
Lines = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]*$")]
# An instant that says its offset from UTC.
Instant = Annotated[datetime, msgspec.Meta(tz=True)]

T = TypeVar("T", bound=msgspec.Struct)


def plain(text: str) -> str:
    """Search words without what cannot be shown or stored."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def image_url(file: str | None) -> str | None:
    """The whole address of a picture."""
    return f"{settings().public_url}/media/{file}" if file else None


def instant_of(text: str | None, *, field: str = "since") -> datetime | None:
    """An instant of a query, as RFC 3339 writes it. Raises BadInput."""
    if text is None:
        return None
    try:
        return msgspec.convert(text, Instant)
    except msgspec.ValidationError as error:
        raise BadInput(field=field, reason="not_a_time") from error


def filled(kind: type[T], row: Any, **more: Any) -> T:
    """A struct of what a row has by the names of its fields; `more` comes before that."""
    named = {name: getattr(row, name) for name in kind.__struct_fields__ if name not in more}
    return kind(**named, **more)


def money_or_none(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)


def refusal_body(refusal: Refusal) -> RefusalBody:
    """A refusal as a part of an answer that also holds what was done."""
    return RefusalBody(
        refusal.code,
        message_for(refusal.code, refusal.facts | {"field": refusal.field or ""}),
        refusal.field,
        {name: str(value) for name, value in refusal.facts.items()},
    )


async def once_if(
    conn: AsyncConnection,
    *,
    key: str | None,
    owner_id: UUID,
    route: str,
    request: Any,
    answer: type[T],
    at: datetime,
    make: Callable[[], Awaitable[T]],
) -> T:
    """`infra.idempotency.once` where the caller gave a key; else simply make it."""
    if key is None:
        return await make()
    return await once(
        conn,
        owner_id=owner_id,
        route=route,
        key=key,
        request=request,
        answer=answer,
        at=at,
        make=make,
    )
