"""What is true of sources by rule: which hosts are whose, and what a source's settings say. Pure.

A host is written as the WHATWG parser writes it: small letters, Punycode, and a port only where it
is not the scheme's own. A pattern is a host, or `*.name` for everything below that name.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import ada_url
import msgspec

from dougong.base.errors import BadInput, Conflict, Refusal
from dougong.base.money import FULL_BP

MOST_HOSTS = 50
CODE = re.compile(r"[a-z][a-z0-9_]{1,30}")
NOT_CODES = ("own", "outside")
CURRENCY = re.compile(r"[A-Z]{3}")


class SourceState(StrEnum):
    """Open: links are made and lead there. Paused (for a while) and closed: neither. A source
    without a state at an instant is open."""

    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator sets for one source; adapters keep further settings of their own beside.

    `currency`: of prices that name none. `item_params`: query parameters that name the product.
    `commission_bp`: of the price, where the product itself says nothing. `alliance_fee_bp`: what
    the source's alliance keeps of the commission. `refund_bp`: of every amount, expected to go
    back. `feed_url`: of the adapter `feed`. `sub_id_parameter`: the query parameter in which the
    source takes a click's id, to give it back with the order.
    """

    currency: str = "CNY"
    item_params: tuple[str, ...] = ()
    commission_bp: int | None = None
    alliance_fee_bp: int = 0
    refund_bp: int = 0
    feed_url: str = ""
    sub_id_parameter: str = ""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A third-party platform that links may end at, in its state at an instant. `when_denied`: what
    becomes of its links when a rule denies them (hide, convert), unless their creator chose."""

    code: str
    name_zh: str
    name_en: str
    hosts: tuple[str, ...]
    adapter: str
    settings: dict[str, Any]
    asks_before_leaving: bool
    state: SourceState
    reason_zh: str = ""
    reason_en: str = ""
    partner_id: UUID | None = None
    when_denied: str = "hide"

    @property
    def terms(self) -> SourceSettings:
        return msgspec.convert(self.settings, SourceSettings)


class SourceTaken(Conflict):
    """Another source has this code."""

    code = "source_taken"


class HostTaken(Conflict):
    """Facts: `host`, and the `source` that has it."""

    code = "host_taken"


class StateTaken(Conflict):
    """A later state of the source is planned already, or one from the same instant on."""

    code = "source_state_taken"


class StateInPast(Refusal):
    """A source's state changes from now on at the earliest."""

    code = "source_state_in_past"


class SourceNotOpen(Refusal):
    """Facts: `source`, `state`."""

    code = "source_not_open"
    status = 409


def check_code(code: str) -> str:
    """Raises BadInput."""
    if not CODE.fullmatch(code) or code in NOT_CODES:
        raise BadInput(field="code", reason="bad_source_code")
    return code


def clean_hosts(patterns: Iterable[str], *, loopback: bool) -> tuple[str, ...]:
    """The patterns as they are kept, each once, in their order.

    `loopback`: addresses and names of one label, with a port, are taken too (tests only). Raises
    BadInput: missing, too_many, bad_host.
    """
    found = dict.fromkeys(_clean_host(one, loopback=loopback) for one in patterns if one.strip())
    if not found:
        raise BadInput(field="hosts", reason="missing")
    if len(found) > MOST_HOSTS:
        raise BadInput(field="hosts", reason="too_many")
    return tuple(found)


def _clean_host(pattern: str, *, loopback: bool) -> str:
    text = pattern.strip().lower()
    star, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    try:
        host = str(ada_url.URL(f"http://{name}/").host)
    except ValueError as error:
        raise BadInput(field="hosts", reason="bad_host", host=pattern[:80]) from error
    is_plain = not re.search(r"[/?#@\\\s*]", name) and not host.endswith(".")
    is_name = "." in host and ":" not in host and not host.rsplit(".", 1)[-1].isdigit()
    if not is_plain or not (is_name or (loopback and not star)):
        raise BadInput(field="hosts", reason="bad_host", host=pattern[:80])
    return star + host


def host_of(url: str) -> str:
    """The host of an address as patterns are compared with it. Raises ValueError."""
    return str(ada_url.URL(url).host)


def weight_of(pattern: str, host: str) -> int:
    """How specifically a pattern names a host: 0 not at all; the name itself beats any `*.`, and
    of those the longest wins."""
    if pattern == host:
        return 1_000
    if pattern.startswith("*.") and host.endswith(pattern[1:]) and len(host) >= len(pattern):
        return len(pattern)
    return 0


def source_of(host: str, sources: Iterable[Source]) -> Source | None:
    """The source whose most specific pattern names this host; None for a host nobody lists."""
    best, found = 0, None
    for source in sources:
        weight = max((weight_of(pattern, host) for pattern in source.hosts), default=0)
        if weight > best:
            best, found = weight, source
    return found


def check_settings(settings: SourceSettings) -> SourceSettings:
    """Raises BadInput at the field."""
    if not CURRENCY.fullmatch(settings.currency):
        raise BadInput(field="currency", reason="bad_currency")
    rates = {
        "commission_bp": settings.commission_bp or 0,
        "alliance_fee_bp": settings.alliance_fee_bp,
        "refund_bp": settings.refund_bp,
    }
    for field, rate in rates.items():
        if not 0 <= rate <= FULL_BP:
            raise BadInput(field=field, reason="out_of_range")
    if len(settings.item_params) > 5 or any(len(one) > 40 for one in settings.item_params):
        raise BadInput(field="item_params", reason="too_long")
    if not re.fullmatch(r"[A-Za-z0-9_.-]{0,40}", settings.sub_id_parameter):
        raise BadInput(field="sub_id_parameter", reason="bad_name")
    if settings.feed_url and not settings.feed_url.startswith(("http://", "https://")):
        raise BadInput(field="feed_url", reason="bad_url")
    return settings


class StateSpan(msgspec.Struct, frozen=True):
    """A state from one instant to another, half-open; `ends` None: until further notice."""

    id: UUID
    state: SourceState
    starts: datetime
    ends: datetime | None
    reason_zh: str
    reason_en: str


def is_after_all(starts: datetime, spans: Sequence[StateSpan]) -> bool:
    """Whether a state may start then: states are added in the order of time."""
    return all(span.starts < starts for span in spans)
