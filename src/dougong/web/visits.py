"""What a request says about who taps: for clicks, which count only when a person makes them, at a
place where we showed the link."""

import os
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from dougong.base.access import Access
from dougong.infra.settings import settings
from dougong.links.rules import NONCE_BYTES, Visit, shelf_token, visitor_of
from dougong.web.account.common import AnyRequest, caller_of


class Visitor(NamedTuple):
    """A tap's facts, as the links area asks for them."""

    visit: Visit
    visitor: str
    person_id: UUID | None
    acts_for: frozenset[UUID]


def visitor_from(request: AnyRequest, actor: Access | None) -> Visitor:
    told, caller = request.headers, caller_of(request)
    person_id = actor.person_id if actor else None
    visit = Visit(
        method=str(request.method),
        agent=caller.user_agent,
        accept=told.get("accept", ""),
        fetch_mode=told.get("sec-fetch-mode", ""),
        fetch_dest=told.get("sec-fetch-dest", ""),
        fetch_user=told.get("sec-fetch-user", ""),
        fetch_site=told.get("sec-fetch-site", ""),
        is_secure=settings().public_url.startswith("https://"),
        purpose=" ".join(told.get(one, "") for one in ("sec-purpose", "purpose", "x-moz")),
    )
    key = visitor_of(
        person_id=person_id,
        address=caller.address,
        agent=caller.user_agent,
        secret=settings().secret(),
    )
    orgs = frozenset(grant.org_id for grant in actor.grants) if actor else frozenset()
    return Visitor(visit, key, person_id, orgs)


def token_for(request: AnyRequest, actor: Access | None, *, code: str, now: datetime) -> str:
    """For a link that is shown to this visitor now: good for one click within half an hour."""
    visitor = visitor_from(request, actor).visitor
    nonce = os.urandom(NONCE_BYTES)
    return shelf_token(code=code, visitor=visitor, at=now, nonce=nonce, secret=settings().secret())
