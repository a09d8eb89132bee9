"""What an account may look like."""

import pytest

from dougong.accounts import rules
from dougong.base.access import Access, Grant, Permission, Role
from dougong.base.errors import Refusal
from dougong.base.ids import PersonId, new_id


@pytest.mark.parametrize(
    ("typed", "kept"),
    [(" Li@Example.ORG ", "li@example.org"), ("a+b@x-y.cn", "a+b@x-y.cn"), ("a@b.c.d", "a@b.c.d")],
)
def test_email_is_kept_in_lower_case(typed: str, kept: str) -> None:
    assert rules.email_of(typed) == kept


@pytest.mark.parametrize(
    "typed",
    ["", "li", "li@", "@x.cn", "li@x", "li@x..cn", "li li@x.cn", "li@x.cn\n.org", "li@-x.cn",
     "李@x.cn", "li@x.cn,ni@x.cn", "a" * 250 + "@x.cn", "li@x_y.cn", "<li@x.cn>"],
)  # fmt: skip
def test_what_is_no_email_is_refused(typed: str) -> None:
    with pytest.raises(rules.BadEmail):
        rules.email_of(typed)


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("x7-lampion", None),
        ("九个汉字就是不够啊", rules.PasswordTooShort),
        ("十个汉字放在一起才够用", None),
        ("short-one", rules.PasswordTooShort),
        ("x" * 201, rules.PasswordTooLong),
        ("li.na@example.org", rules.PasswordIsEmail),
        ("LI.NA@EXAMPLE.ORG", rules.PasswordIsEmail),
        ("Password123", rules.PasswordTooCommon),
        ("1234567890", rules.PasswordTooCommon),
        ("aaaaaaaaaaaa", rules.PasswordTooCommon),
        ("abababababab", rules.PasswordTooCommon),
    ],
)
def test_password_rules(password: str, refusal: type[Refusal] | None) -> None:
    if refusal is None:
        rules.check_password(password, email="li.na@example.org")
    else:
        with pytest.raises(refusal):
            rules.check_password(password, email="li.na@example.org")


@pytest.mark.parametrize("name", ["", "   ", "a" * 81, "li\u202ena", "li\x00na"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(rules.BadName):
        rules.name_of(name, most=80)


def test_white_space_in_names_is_folded() -> None:
    assert rules.name_of("  Li \t Na\n", most=80) == "Li Na"


@pytest.mark.parametrize("handle", ["a", "-ab", "李", "a b", "a" * 41, "a/b", ""])
def test_bad_handles_are_refused(handle: str) -> None:
    with pytest.raises(rules.BadHandle):
        rules.handle_of(handle)


def an_access(*roles: Role, scopes: frozenset[Permission] | None = None) -> Access:
    grants = tuple(Grant(role, new_id()) for role in roles)
    return Access(PersonId(new_id()), "Li", "en", grants, {}, scopes)


def test_a_key_gets_no_more_than_its_person_has() -> None:
    shopper, merchant = an_access(), an_access(Role.MERCHANT)
    with pytest.raises(rules.ScopesNotHeld):
        rules.scopes_of([Permission.ORDER_SHIP], shopper)
    with pytest.raises(rules.ScopesNotHeld):
        rules.scopes_of([Permission.RULE_WRITE], merchant)
    assert rules.scopes_of([Permission.ORDER_SHIP], merchant) == [Permission.ORDER_SHIP]


def test_a_key_makes_no_keys_and_a_narrow_one_gives_no_more_than_it_has() -> None:
    with pytest.raises(rules.ScopesNotHeld):
        rules.scopes_of([Permission.KEYS_MANAGE], an_access(Role.OPERATOR))
    narrow = an_access(Role.MERCHANT, scopes=frozenset({Permission.SELF_READ}))
    assert rules.grantable(narrow) == [Permission.SELF_READ]


def test_a_key_shows_only_its_ends() -> None:
    key = rules.new_key()
    shown = rules.shown_prefix(key)
    assert (shown, len(shown)) == (f"{key[:8]}…{key[-4:]}", 13)
    assert key not in shown
