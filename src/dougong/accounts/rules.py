"""What an account may look like: e-mail addresses, passwords, handles, tokens, scopes."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import timedelta

from dougong.base.access import Access, Permission, Role
from dougong.base.errors import Conflict, NotAllowed, Refusal

SESSION_LASTS = timedelta(days=30)
INVITATION_LASTS = timedelta(days=7)
PASSWORD_AT_LEAST = 10
PASSWORD_AT_MOST = 200
KEY_PREFIX = "dgk_"
# What stands in the place of a hash where nobody may sign in with a password.
NO_PASSWORD = "!"  # noqa: S105 (not a password: no hash looks like this)

# Anybody may open these for themselves; the others are given by the operator.
SELF_SERVICE = frozenset({Role.CREATOR, Role.MERCHANT})

# The living standard's definition of a valid e-mail address, in lower case, with a dotted host.
EMAIL = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
HANDLE = re.compile(r"[a-z0-9][a-z0-9_.-]{1,39}")

# Ten characters or more that are tried first wherever passwords are guessed.
_COMMON = """
1234567890 0123456789 12345678910 123456789a a123456789 1q2w3e4r5t 1qaz2wsx3edc qwertyuiop
qwerty1234 qwerty12345 qwerty123456 q1w2e3r4t5 zxcvbnm123 asdfghjkl1 asdfghjkl123 password12
password123 password1234 passw0rd123 p@ssw0rd123 iloveyou123 woaini1314 woaini1314520 woaini520
5201314520 abcd123456 abc1234567 aa123456789 qq123456789 admin12345 admin123456 administrator
welcome123 letmein123 changeme123 1111111111 0000000000 6666666666 8888888888 9876543210
0987654321 1029384756 147258369a 1122334455 11223344556677 superman123 football123 dougong123
dougong1234 correcthorsebatterystaple
"""
COMMON_PASSWORDS = frozenset(_COMMON.split())


class BadEmail(Refusal):
    code = "bad_email"


class BadName(Refusal):
    """Empty, or longer than `most` characters."""

    code = "bad_name"


class BadHandle(Refusal):
    """Two to forty of a–z, 0–9, dot, dash and underscore, starting with a letter or digit."""

    code = "bad_handle"


class HandleTaken(Conflict):
    code = "handle_taken"


class EmailTaken(Conflict):
    code = "email_taken"


class PasswordTooShort(Refusal):
    code = "password_too_short"


class PasswordTooLong(Refusal):
    code = "password_too_long"


class PasswordIsEmail(Refusal):
    code = "password_is_email"


class PasswordTooCommon(Refusal):
    code = "password_too_common"


class WrongPassword(Refusal):
    """The current password, asked again before a change, does not fit."""

    code = "wrong_password"


class WrongSignIn(Refusal):
    """E-mail and password do not fit; which of the two is not told."""

    code = "wrong_sign_in"
    status = 401


class Suspended(NotAllowed):
    """Told only to whoever knows the password."""

    code = "suspended"


class InvitationOver(Conflict):
    """The link is unknown, used, withdrawn, or older than seven days."""

    code = "invitation_over"


class LastMember(Conflict):
    """Somebody has to be left who acts for the organisation."""

    code = "last_member"


class NotOneself(Conflict):
    """Nobody suspends themselves: they could not take it back."""

    code = "not_oneself"


class NoSuchPerson(Refusal):
    """Nobody has signed up with this e-mail."""

    code = "no_such_person"


class TooManyKept(Conflict):
    """Addresses, keys or invitations: there are `most` already."""

    code = "too_many_kept"


class ScopesNotHeld(Refusal):
    """A key may not do what its person may not."""

    code = "scopes_not_held"


def email_of(text: str) -> str:
    """The address as it is kept: trimmed, in lower case. Raises BadEmail."""
    email = text.strip().lower()
    if len(email) > 254 or not EMAIL.fullmatch(email):
        raise BadEmail(field="email")
    return email


def name_of(text: str, *, most: int, field: str = "name") -> str:
    """A name for people: white space folded, nothing unprintable. Raises BadName."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= most or not name.isprintable():
        raise BadName(field=field, most=most)
    return name


def handle_of(text: str) -> str:
    """A public name in addresses. Raises BadHandle."""
    handle = text.strip().lower().removeprefix("@")
    if not HANDLE.fullmatch(handle):
        raise BadHandle(field="handle")
    return handle


def check_password(password: str, *, email: str, field: str = "password") -> None:
    """Raises PasswordTooShort, PasswordTooLong, PasswordIsEmail or PasswordTooCommon."""
    low = password.strip().lower()
    if len(password) < PASSWORD_AT_LEAST:
        raise PasswordTooShort(field=field, least=PASSWORD_AT_LEAST)
    if len(password) > PASSWORD_AT_MOST:
        raise PasswordTooLong(field=field, most=PASSWORD_AT_MOST)
    if low in {email, email.split("@", maxsplit=1)[0]}:
        raise PasswordIsEmail(field=field)
    if low in COMMON_PASSWORDS or len(set(low)) < 4:
        raise PasswordTooCommon(field=field)


def token_hash(token: str) -> bytes:
    """What the database keeps of a session token or an API key: 256 random bits need no salt."""
    return hashlib.sha256(token.encode()).digest()


def new_token() -> str:
    return secrets.token_urlsafe(32)


def new_key() -> str:
    """An API key. Its prefix makes a leaked one recognisable."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def shown_prefix(key: str) -> str:
    """What of a key stays visible: enough to tell it from others, `dgk_Ab3d…9xYz`."""
    return f"{key[:8]}…{key[-4:]}"


def grantable(access: Access) -> list[Permission]:
    """What a person may give to a key of theirs: what they hold somewhere, and no other key's
    making."""
    mine = [p for p in Permission if access.may(p) or access.orgs_with(p)]
    return [p for p in mine if p not in {Permission.PUBLIC, Permission.KEYS_MANAGE}]


def scopes_of(asked: Iterable[str], access: Access) -> list[Permission]:
    """The scopes of a new key, in the order of the list. Raises ScopesNotHeld."""
    wanted = set(asked)
    allowed = grantable(access)
    if not wanted or wanted - {str(p) for p in allowed}:
        raise ScopesNotHeld(field="scopes")
    return [p for p in allowed if p in wanted]
