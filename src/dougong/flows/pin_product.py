"""A creator explains a product: the card is pinned for everybody in the room, and what stood on it
is evidence, until the next one is pinned."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, RoomId
from dougong.infra import broadcast, pause
from dougong.links.rules import LinkDenied, LinkGone, NotLinkable
from dougong.live.commands import lock_room
from dougong.live.pin_commands import (
    Card,
    end_explanation,
    explained_now,
    not_sealed,
    start_explanation,
    viewers_in,
)
from dougong.live.rules import ON_AIR, WrongRoomState
from dougong.reads.live_shelf import ShelfLink, card_of, shelf_link


async def pin_product(
    conn: AsyncConnection, *, room_id: RoomId, creator_id: UUID, link_id: LinkId, at: datetime
) -> UUID:
    """Explain a product of the live cart; the one before ends. The explanation's id: that of the
    one that runs, when it is the same product.

    Raises RoomGone, WrongRoomState (not on air), LinkGone, LinkDenied, NotLinkable (not on sale).
    """
    room = await lock_room(conn, room_id=room_id, creator_id=creator_id)
    if room.state not in ON_AIR:
        raise WrongRoomState(state=room.state)
    await pause.point("pin: has the room")
    link = await shelf_link(conn, creator_id=creator_id, link_id=link_id)
    if link is None:
        raise LinkGone(field="link_id")
    if link.is_hidden:
        raise LinkDenied(
            field="link_id", rule_id=str(link.hidden_rule_id) if link.hidden_rule_id else None,
            reason_zh=link.reason_zh, reason_en=link.reason_en,
        )  # fmt: skip
    if not link.is_on_sale:
        raise NotLinkable(field="link_id")
    current = await explained_now(conn, room_id=room_id)
    if current is not None and current.link_id == link_id:
        return UUID(str(current.id))
    await pause.point("pin: looked")
    at = await not_sealed(conn, room_id=room_id, at=at)
    if current is not None:
        await end_explanation(conn, room_id=room_id, reason="next", at=at)
    viewers = await viewers_in(conn, room_id=room_id)
    made = await start_explanation(conn, room_id=room_id, card=_card(link, viewers), at=at)
    facts = {"id": str(made), "started_at": at.isoformat(), "viewers": viewers, **card_of(link)}
    await broadcast.say(conn, room_id, "pin", {"explanation": facts})
    return made


async def unpin_product(
    conn: AsyncConnection, *, room_id: RoomId, creator_id: UUID, at: datetime
) -> None:
    """Nothing is explained any more. Raises RoomGone."""
    await lock_room(conn, room_id=room_id, creator_id=creator_id)
    at = await not_sealed(conn, room_id=room_id, at=at)
    if await end_explanation(conn, room_id=room_id, reason="unpinned", at=at):
        await broadcast.say(conn, room_id, "unpin", {"why": "unpinned"})


def _card(link: ShelfLink, viewers: int) -> Card:
    same = set(Card.__struct_fields__) - {"viewers"}
    return Card(**{name: getattr(link, name) for name in same}, viewers=viewers)
