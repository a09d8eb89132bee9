"""From a tap on a product link to the shop where it is bought: judged now, kept, handed over."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, new_id
from dougong.infra.settings import settings
from dougong.links.click_commands import keep_click
from dougong.links.rules import (
    LinkGone,
    LinkState,
    Validity,
    Visit,
    hand_off_url,
    is_shown,
    sub_id_of,
    validity_of,
)
from dougong.reads.hand_off import LinkBehind, link_behind

log = structlog.get_logger("links")


class HandOff(NamedTuple):
    """`target`: where the link leads, None when nobody may be sent there. `is_sent`: the visitor
    goes there now; else a page is shown."""

    link: LinkBehind
    target: str | None
    is_sent: bool
    validity: Validity
    sub_id: str | None = None


async def hand_off(
    conn: AsyncConnection,
    *,
    code: str,
    visit: Visit,
    visitor: str,
    person_id: UUID | None,
    acts_for: Collection[UUID],
    share_code: str,
    goes_on: bool,
    token: str,
    at: datetime,
) -> HandOff:
    """Keep the click and say where it leads.

    Only a person is sent on who comes from a place where we showed the link, which its `token`
    says; machines and others get the page, and that has a token for whoever taps there. Where the
    source asks for it, so does a person until it `goes_on`; that look is no click. To a store here
    everybody goes on, but only a tap with a token counts.

    Raises LinkGone when no link has the code.
    """
    link = await link_behind(conn, code=code, at=at)
    if link is None:
        raise LinkGone
    click_id, secret = new_id(), settings().secret()
    sub_id = sub_id_of(click_id, secret=secret) if link.url else None
    target = _target(link, sub_id) if link.state is LinkState.SHOWN else None
    has_token = is_shown(token, code=code, visitor=visitor, at=at, secret=secret)
    shown, is_own = target is not None, link.creator_id in acts_for
    validity = validity_of(visit, is_shown=shown, is_own=is_own, has_token=has_token)
    is_person = validity in (Validity.VALID, Validity.SELF)
    if is_person and link.url and link.asks and not goes_on:
        return HandOff(link, target, False, validity)
    await keep_click(
        conn,
        link_id=LinkId(link.link_id),
        click_id=click_id,
        person_id=person_id,
        validity=validity,
        visitor=visitor,
        source=link.source,
        sub_id=sub_id,
        share_code=share_code,
        token=token if is_person else None,
        at=at,
    )
    is_sent = is_person or (validity is Validity.NO_SHELF and link.url is None)
    return HandOff(link, target, is_sent, validity, sub_id)


def _target(link: LinkBehind, sub_id: str | None) -> str | None:
    """The address to hand out; None when it is not on its source's list."""
    if link.url is None:
        return f"/p/{link.store_id}/{link.product_id}?link={link.link_id}"
    target = hand_off_url(
        link.url, hosts=link.hosts, parameter=link.sub_id_parameter, sub_id=sub_id or ""
    )
    if target is None:
        log.warning("not_listed", link=str(link.link_id), source=link.source, url=link.url)
    return target
