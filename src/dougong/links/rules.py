"""What is true of product links by rule."""

import hashlib
import hmac
import re
from base64 import b32decode, b32encode
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import ada_url

from dougong.base.errors import Conflict, NotFound, Refusal
from dougong.links.source_rules import weight_of

MOST_LINKS = 6  # of one video
MAX_POSITION = 9
MOST_LIVE = 50  # of one live cart
MAX_URL = 2_000


class LinkedAlready(Conflict):
    code = "linked_already"


class TooManyLinks(Refusal):
    """Facts: `most` of one video."""

    code = "too_many_links"


class NotLinkable(Refusal):
    """The product is not on sale, or it or the video is not there for this creator."""

    code = "not_linkable"
    status = 409


class LinkDenied(Refusal):
    """The policy book does not let this link stand there now. Facts: `rule_id`, `reason_zh`,
    `reason_en`."""

    code = "link_denied"
    status = 409


class LinkGone(NotFound):
    code = "link_gone"


class WhenDenied(StrEnum):
    """What a creator wants to become of a link to another platform that a rule denies."""

    DEFAULT = "default"  # as the operator has set for its source
    HIDE = "hide"
    CONVERT = "convert"  # an own-store offer of the same product stands in for it


class Instead(NamedTuple):
    """A creator's choice. `product`: the store and the product chosen by hand, only with `convert`;
    None: the cheapest of ours with the same GTIN."""

    choice: WhenDenied = WhenDenied.DEFAULT
    product: tuple[UUID, UUID] | None = None


class Validity(StrEnum):
    """Which clicks count, and why the others do not; every one is kept."""

    VALID = "valid"
    HIDDEN = "hidden"  # the link was not shown any more
    PREFETCH = "prefetch"  # the browser looked ahead, or only asked for the head
    BOT = "bot"
    NO_ACT = "no_act"  # a picture, a frame, a script: nobody tapped
    NO_SHELF = "no_shelf"  # not from a place where we showed the link within SHOWN_FOR
    SELF = "self"  # by a member of the creator's own organisation
    REPEAT = "repeat"  # the same visitor and link within REPEAT_WITHIN


REPEAT_WITHIN = timedelta(minutes=30)
SHOWN_FOR = timedelta(minutes=30)
# Engines that say of every navigation whether somebody tapped. WebKit does not.
SAYS_ACTS = re.compile(r"Chrom(e|ium)/|Firefox/")
# Programs that name themselves, and tools that nobody shops with. No agent at all counts too.
BOTS = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|headless|phantomjs|selenium|lighthouse|facebookexternalhit|"
    r"preview|embedly|whatsapp/|curl/|wget/|python-|python/|aiohttp|httpx|libwww|okhttp|"
    r"go-http-client|java/|scrapy|monitor|uptime|scanner",
    re.IGNORECASE,
)


class Visit(NamedTuple):
    """What a request says of itself: a method, and headers in the browser's own words.

    `is_secure`: asked over HTTPS, where every browser says Sec-Fetch-Mode.
    """

    method: str
    agent: str
    accept: str = ""
    fetch_mode: str = ""
    fetch_dest: str = ""
    fetch_user: str = ""
    purpose: str = ""  # Sec-Purpose, Purpose and X-Moz together
    fetch_site: str = ""
    is_secure: bool = False

    def looks_ahead(self) -> bool:
        """HEAD, prefetch, prerender and preview: nobody has decided anything yet."""
        said = self.purpose.lower()
        words = ("prefetch", "prerender", "preview")
        return self.method == "HEAD" or any(word in said for word in words)

    def is_act(self) -> bool:
        """Whether a person went there in a window of its own.

        Browsers say so over HTTPS and on localhost (Sec-Fetch-*, W3C Fetch Metadata); over plain
        HTTP, where they say nothing, one is believed when it asks for a page. Of an engine that
        never says whether somebody tapped, a way from our own page is believed.
        """
        if not self.fetch_mode:
            return not self.is_secure and "text/html" in self.accept
        if (self.fetch_mode, self.fetch_dest) != ("navigate", "document"):
            return False
        silent = not SAYS_ACTS.search(self.agent)
        return self.fetch_user == "?1" or (silent and self.fetch_site == "same-origin")

    def is_bot(self) -> bool:
        return not self.agent.strip() or BOTS.search(self.agent) is not None


def validity_of(
    visit: Visit,
    *,
    is_shown: bool,
    is_own: bool,
    has_token: bool = True,
    needs_page: bool = True,
) -> Validity:
    """How a click counts, before it is known whether it is a repeat.

    `is_own`: the visitor is a member of the link's creator. `has_token`: with a token that we gave
    to this visitor for this link lately. `needs_page`: False for taps that our own page reports,
    which are no navigation.
    """
    if not is_shown:
        return Validity.HIDDEN
    if visit.looks_ahead():
        return Validity.PREFETCH
    if visit.is_bot():
        return Validity.BOT
    if needs_page and not visit.is_act():
        return Validity.NO_ACT
    if not has_token:
        return Validity.NO_SHELF
    return Validity.SELF if is_own else Validity.VALID


TAG_BYTES = 4
SUB_ID = re.compile(r"[a-z2-7]{32}")


def sub_id_of(click_id: UUID, *, secret: bytes) -> str:
    """The click's id as it is handed to a source: 32 letters and digits, the last 4 bytes a
    signature, so that a report's sub-ids can be told from invented ones."""
    tag = _keyed(b"click", click_id.bytes, secret=secret)[:TAG_BYTES]
    return b32encode(click_id.bytes + tag).decode().lower()


def click_of(sub_id: str, *, secret: bytes) -> UUID | None:
    """The click behind a sub-id; None when it is not one of ours. Case does not matter."""
    said = sub_id.strip().lower()
    if not SUB_ID.fullmatch(said):
        return None
    raw = b32decode(said.upper())
    click_id = UUID(bytes=raw[:-TAG_BYTES])
    is_ours = hmac.compare_digest(sub_id_of(click_id, secret=secret), said)
    return click_id if is_ours else None


SHELF_TOKEN = re.compile(r"[a-z2-7]{40}")
STAMP_BYTES, NONCE_BYTES, SHELF_TAG_BYTES = 5, 8, 12


def shelf_token(*, code: str, visitor: str, at: datetime, nonce: bytes, secret: bytes) -> str:
    """What goes with a link where we show it: that we showed it to this visitor at this instant.
    40 letters and digits; `nonce`: NONCE_BYTES at random, so that it is good for one click."""
    said = int(at.timestamp()).to_bytes(STAMP_BYTES, "big") + nonce
    return b32encode(said + _shelf_tag(said, code, visitor, secret)).decode().lower()


def is_shown(token: str, *, code: str, visitor: str, at: datetime, secret: bytes) -> bool:
    """Whether the token is ours, for this link and visitor, and not older than SHOWN_FOR."""
    if not SHELF_TOKEN.fullmatch(token):
        return False
    raw = b32decode(token.upper())
    said, tag = raw[:-SHELF_TAG_BYTES], raw[-SHELF_TAG_BYTES:]
    if not hmac.compare_digest(_shelf_tag(said, code, visitor, secret), tag):
        return False
    age_s = int(at.timestamp()) - int.from_bytes(said[:STAMP_BYTES], "big")
    return 0 <= age_s <= SHOWN_FOR.total_seconds()


def _shelf_tag(said: bytes, code: str, visitor: str, secret: bytes) -> bytes:
    about = said + f"{code} {visitor}".encode()
    return _keyed(b"shelf", about, secret=secret)[:SHELF_TAG_BYTES]


def visitor_of(*, person_id: UUID | None, address: str, agent: str, secret: bytes) -> str:
    """A visitor as 24 hexadecimal digits: the person, else address and browser. Keyed, so that
    nobody can try addresses against the table."""
    said = f"person {person_id}" if person_id else f"address {address} {agent}"
    return _keyed(b"visitor", said.encode(), secret=secret).hex()[:24]


def _keyed(use: bytes, message: bytes, *, secret: bytes) -> bytes:
    return hmac.new(secret, use + b"\0" + message, hashlib.sha256).digest()


def is_listed(host: str, hosts: Iterable[str]) -> bool:
    """Whether a host, as the WHATWG parser writes it, is on a source's list."""
    return any(weight_of(pattern, host) for pattern in hosts)


def hand_off_url(url: str, *, hosts: Iterable[str], parameter: str, sub_id: str) -> str | None:
    """Where a shopper is sent: the parser's normalised form of a stored address, with the click's
    sub-id in the source's own parameter (none if `parameter` is empty).

    None when the address must not be followed: not http(s), user-info, a host that is not listed.
    """
    if any(ord(c) < 0x21 or ord(c) == 0x7F for c in url) or len(url) > MAX_URL:
        return None
    try:
        read = ada_url.URL(url)
    except ValueError:
        return None
    is_web = read.protocol in ("http:", "https:")
    if not is_web or read.username or read.password or not is_listed(read.host, hosts):
        return None
    if parameter and sub_id:
        asked = ada_url.URLSearchParams(read.search)
        asked.set(parameter, sub_id)
        read.search = str(asked)
    return str(read.href)


class LinkState(StrEnum):
    """Whether a link is shown now, or why not."""

    SHOWN = "shown"
    REMOVED = "removed"  # by its creator, or with its video
    HIDDEN = "hidden"  # by a link rule
    CLOSED = "closed"  # its source is paused or closed
    GONE = "gone"  # the product is not sold there any more
    MOVED = "moved"  # the product's address leads elsewhere now
    SWAPPED = "swapped"  # another product stands at its address
