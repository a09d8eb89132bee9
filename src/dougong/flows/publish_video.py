"""From a file on somebody's phone to a published video with products on it."""

import asyncio
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.errors import NotFound
from dougong.base.ids import LinkId, PersonId, ProductId, StoreId, VideoId
from dougong.content import commands as content
from dougong.content import reaction_commands as reactions
from dougong.content import upload_commands as uploads
from dougong.content.queries import creator_of, own_video
from dougong.content.rules import MAX_NOTE_CHARACTERS, VideoState, WrongVideoState
from dougong.flows.publish_link import denial
from dougong.infra import files
from dougong.infra.jobs import defer
from dougong.links import commands as links
from dougong.links.rules import NotLinkable
from dougong.policy.queries import rules_book
from dougong.policy.rules import link_case
from dougong.reads.composer import own_offers
from dougong.standing.queries import refuse_restrained
from dougong.standing.rules import Measure

PROCESS = "content.process"
WITHDRAW = "content.withdraw"
BRING_BACK = "content.bring_back"


async def receive_chunk(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    upload_id: UUID,
    offset: int,
    data: bytes,
    at: datetime,
) -> VideoId | None:
    """Store one chunk; with the last one, make the video and queue its processing.

    The row is locked while the bytes are written, and the bytes are durable before the row says
    so: what was answered as received is there after a crash. Raises WrongOffset, NotFound.
    """
    is_last = await uploads.take_chunk(
        conn,
        creator_id=creator_id,
        upload_id=upload_id,
        offset=offset,
        length=len(data),
        at=at,
    )
    try:
        await asyncio.to_thread(files.write_part, upload_id, offset=offset, data=data)
    except files.WrongLength as error:
        raise NotFound from error  # the bytes before are lost: the browser starts again
    if not is_last:
        return None
    video_id = await content.create_processing_video(
        conn, creator_id=creator_id, upload_id=upload_id, at=at
    )
    await queue_processing(conn, video_id=video_id, creator_id=creator_id)
    return video_id


async def queue_processing(conn: AsyncConnection, *, video_id: VideoId, creator_id: UUID) -> None:
    await defer(
        conn,
        PROCESS,
        queueing_lock=f"process:{video_id}",
        video_id=str(video_id),
        creator_id=str(creator_id),
    )


async def try_again(
    conn: AsyncConnection, *, video_id: VideoId, creator_id: UUID, at: datetime
) -> None:
    """Process a video once more that failed through no fault of the file. Raises
    WrongVideoState."""
    await content.restart(conn, video_id=video_id, creator_id=creator_id, at=at)
    await queue_processing(conn, video_id=video_id, creator_id=creator_id)


async def link_product(
    conn: AsyncConnection,
    *,
    video_id: VideoId,
    creator_id: UUID,
    store_id: StoreId,
    product_id: ProductId,
    at: datetime,
) -> LinkId:
    """Put a product that is on sale on one's own video, as its last one.

    The video's row is locked, so that two requests cannot both be the last one allowed. A product
    that is really bought elsewhere is judged as what its purchase address leads to. Raises
    NotFound, NotLinkable, LinkDenied, LinkedAlready, TooManyLinks, and Restrained while a penalty
    keeps the store from new links.
    """
    await own_video(conn, video_id=video_id, creator_id=creator_id, for_update=True)
    await refuse_restrained(conn, store_id=store_id, measure=Measure.NO_NEW_LINKS, at=at)
    offers = await own_offers(conn, product=(store_id, product_id), at=at)
    if not offers:
        raise NotLinkable(field="product")
    offer = offers[0]
    facts = link_case(
        source=offer.purchase_source,
        surface="video",
        category=offer.category,
        route="direct",
        creator=str(creator_id),
        merchant_class=offer.merchant_class,
        at=at,
    )
    verdict = (await rules_book(conn)).judge(facts)
    if not verdict.allowed:
        raise denial(verdict)
    return await links.add_link(
        conn,
        video_id=video_id,
        creator_id=creator_id,
        store_id=store_id,
        product_id=product_id,
        position=await links.next_position(conn, video_id=video_id, creator_id=creator_id),
        source=offer.purchase_source,
        category=offer.category,
        verdict_rule_id=verdict.rule.id if verdict.rule else None,
        at=at,
    )


async def publish_video(
    conn: AsyncConnection, *, video_id: VideoId, creator_id: UUID, at: datetime
) -> None:
    """Show a ready video to everybody. Raises NotFound, WrongVideoState."""
    video = await own_video(conn, video_id=video_id, creator_id=creator_id)
    if video.state is not VideoState.READY:
        raise WrongVideoState(state=video.state)
    await content.publish(conn, video_id=video_id, creator_id=creator_id, at=at)


async def remove_video(
    conn: AsyncConnection, *, video_id: VideoId, creator_id: UUID, at: datetime, why: str
) -> None:
    """Take a video away for good, and its files out of reach. `why`: creator or operator.

    What its links sold stays sold, and stays explained. Raises NotFound.
    """
    video = await own_video(conn, video_id=video_id, creator_id=creator_id, for_update=True)
    await content.remove(conn, video_id=video_id, creator_id=creator_id, at=at, why=why)
    if video.media:
        await defer(conn, WITHDRAW, lock=f"media:{video.media}", folder=video.media)


async def restore_video(
    conn: AsyncConnection, *, video_id: VideoId, reason: str, restored_by: PersonId, at: datetime
) -> None:
    """The operator takes its removal of a video back: it is as it was, its files too.

    Raises WrongVideoState (409), NotFound, BadReport.
    """
    creator_id, media = await content.restore(conn, video_id=video_id, at=at)
    await reactions.reverse_removal(
        conn, video_id=video_id, reason=reason, resolved_by=restored_by, at=at
    )
    await audit(
        conn,
        at=at,
        person_id=restored_by,
        action="content.video_restored",
        owner_id=creator_id,
        subject=str(video_id),
        facts={"reason": reason[:MAX_NOTE_CHARACTERS]},
    )
    await defer(conn, BRING_BACK, lock=f"media:{media}", folder=media)


async def remove_comment(
    conn: AsyncConnection,
    *,
    video_id: VideoId,
    comment_id: UUID,
    person_id: PersonId,
    creator_ids: list[UUID],
    is_moderator: bool,
    at: datetime,
) -> None:
    """By its writer, the video's creator, or a moderator, whose act is audited. Raises NotFound."""
    await reactions.remove_comment(
        conn,
        video_id=video_id,
        comment_id=comment_id,
        person_id=person_id,
        creator_ids=creator_ids,
        is_moderator=is_moderator,
        at=at,
    )
    if is_moderator:
        await audit(
            conn,
            at=at,
            person_id=person_id,
            action="content.comment_removed",
            owner_id=None,
            subject=str(comment_id),
            facts={"video": str(video_id)},
        )


async def resolve_reports(
    conn: AsyncConnection,
    *,
    video_id: VideoId,
    resolution: str,
    reason: str,
    resolved_by: PersonId,
    at: datetime,
) -> None:
    """The operator keeps a reported video, or removes it. Raises NotFound, BadReport."""
    creator_id = await creator_of(conn, video_id=video_id)
    await reactions.resolve_reports(
        conn,
        video_id=video_id,
        resolution=resolution,
        reason=reason,
        resolved_by=resolved_by,
        at=at,
    )
    await audit(
        conn,
        at=at,
        person_id=resolved_by,
        action="content.resolve_reports",
        owner_id=creator_id,
        subject=str(video_id),
        facts={"resolution": resolution, "reason": reason[:MAX_NOTE_CHARACTERS]},
    )
    if resolution == "removed":
        await remove_video(conn, video_id=video_id, creator_id=creator_id, at=at, why="operator")
