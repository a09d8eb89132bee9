"""Refusals: every clear "no" has a stable code, an HTTP status and, in a form, a field."""

from typing import Any, ClassVar


class Refusal(Exception):
    """Something was asked that cannot be done; nothing has changed.

    `code` is stable and public (docs/reference/refusals.md). `field` names the input at fault.
    `facts` fill the message that `web` shows for the code, and go to API callers as they are.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 422

    def __init__(self, *, field: str | None = None, **facts: Any) -> None:
        super().__init__(self.code, field, facts)
        self.field = field
        self.facts = facts


class NotFound(Refusal):
    """Missing, or somebody else's: the two look the same."""

    code = "not_found"
    status = 404


class NotAllowed(Refusal):
    code = "not_allowed"
    status = 403


class SignInNeeded(Refusal):
    code = "sign_in_needed"
    status = 401


class BadInput(Refusal):
    """A field that cannot be taken; `reason` says why in one word."""

    code = "bad_input"
    status = 400


class Conflict(Refusal):
    code = "conflict"
    status = 409


class KeyReused(Refusal):
    """An idempotency key came back with another body."""

    code = "idempotency_key_reused"
    status = 409


class TooMany(Refusal):
    """A rate limit; `retry_after_s` says when to come back."""

    code = "too_many_requests"
    status = 429


class Unavailable(Refusal):
    """A dependency is down; the same request may be sent again with its key."""

    code = "unavailable"
    status = 503


class NotMigrated(Unavailable):
    """The database is at another revision than this code. Facts: `revision`, `wanted`."""

    code = "not_migrated"
