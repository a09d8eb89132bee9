"""What the worker's pages share: one page function, and the key that makes a scan count once."""

from typing import Any
from uuid import UUID

from litestar import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import new_id
from dougong.web.merchant.common import merchant_page, problem_words
from dougong.web.render import Page

HOME = "/work/{store_id:uuid}"
AnyRequest = Request[Any, Any, Any]


def a_key(key: str) -> str:
    """Made with the page or by the phone, one for every act: what arrives twice is one act. Raises
    BadInput."""
    if not 8 <= len(key) <= 80:
        raise BadInput(field="key", reason="missing")
    return key


async def work_page(
    request: AnyRequest,
    conn: AsyncConnection,
    name: str,
    *,
    store_id: UUID,
    error: Refusal | None = None,
    where: str = "",
    key: str = "",
    **context: Any,
) -> Page:
    """`where`: the page's address with what is chosen on it; `error`: said large, above all."""
    return await merchant_page(
        request,
        conn,
        f"work/{name}.html",
        store_id=store_id,
        status=error.status if error else 200,
        where=where,
        key=key or new_id().hex,
        bad_words=problem_words(error) if error else "",
        **context,
    )
