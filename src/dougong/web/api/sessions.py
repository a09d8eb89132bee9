"""API v1: signing up and in, the person, their addresses."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from dougong.accounts import address_commands, commands, queries
from dougong.accounts.address_commands import AddressFields
from dougong.accounts.rules import SESSION_LASTS, token_hash
from dougong.base.access import Permission
from dougong.flows import sign_in as flow
from dougong.infra.clock import wall_now
from dougong.web.account.common import AnyRequest, caller_of
from dougong.web.api.common import Filled, MaybeKey, OneLine, once_if
from dougong.web.deps import Conn, Who
from dougong.web.forms import Input
from dougong.web.i18n import locale_of_request

Text = Annotated[str, msgspec.Meta(max_length=254)]
Place = Annotated[Filled, msgspec.Meta(min_length=1, max_length=60)]


class SignIn(Input):
    email: Text
    password: Annotated[str, msgspec.Meta(max_length=200)]


class SignUp(Input):
    """`locale`: left out, it is what Accept-Language asks for."""

    email: Annotated[str, msgspec.Meta(max_length=254)]
    password: Annotated[str, msgspec.Meta(min_length=8, max_length=200)]
    name: Annotated[Filled, msgspec.Meta(min_length=1, max_length=80)]
    locale: Literal["zh", "en"] | None = None


class Session(msgspec.Struct):
    """`token` goes into `Authorization: Bearer …`."""

    token: str
    expires_in_s: int
    person_id: UUID


class Role(msgspec.Struct):
    role: str
    org_id: UUID


class Me(msgspec.Struct):
    person_id: UUID
    email: str
    name: str
    locale: str
    roles: list[Role]
    scopes: list[str] | None


class AddressInput(Input):
    """`country`: ISO 3166-1 alpha-2."""

    recipient: Annotated[Filled, msgspec.Meta(min_length=1, max_length=80)]
    phone: Annotated[str, msgspec.Meta(pattern=r"^\+?[0-9][0-9 ()-]{4,28}$")]
    province: Place
    city: Place
    line: Annotated[Filled, msgspec.Meta(min_length=1, max_length=200)]
    country: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2}$")] = "CN"
    district: Annotated[OneLine, msgspec.Meta(max_length=60)] = ""
    postcode: Annotated[OneLine, msgspec.Meta(max_length=12)] = ""
    is_default: bool = False


class Address(msgspec.Struct):
    id: UUID
    recipient: str
    phone: str
    country: str
    province: str
    city: str
    district: str
    line: str
    postcode: str
    is_default: bool


class Addresses(msgspec.Struct):
    items: list[Address]


@post(
    "/api/v1/sessions",
    permission=Permission.PUBLIC,
    may_need_sign_in=True,
    tags=["account"],
    summary="Sign in",
)
async def sign_in(request: AnyRequest, data: JSONBody[SignIn]) -> Session:
    """Sign in with e-mail and password. 401 `wrong_sign_in`, 429 after ten tries."""
    made = await flow.sign_in(email=data.email, password=data.password, caller=caller_of(request))
    return Session(made.token, int(SESSION_LASTS.total_seconds()), made.person_id)


@post("/api/v1/people", permission=Permission.PUBLIC, tags=["account"], summary="Sign up")
async def sign_up(request: AnyRequest, data: JSONBody[SignUp]) -> Session:
    """Make an account and start a session. 409 `email_taken`, 422 for a weak password, 429 after
    twenty an hour from one address."""
    made = await flow.sign_up(
        email=data.email,
        password=data.password,
        name=data.name,
        locale=data.locale or locale_of_request.get(),
        caller=caller_of(request),
    )
    return Session(made.token, int(SESSION_LASTS.total_seconds()), made.person_id)


@delete(
    "/api/v1/sessions/current",
    permission=Permission.SELF_WRITE,
    tags=["account"],
    summary="Sign out",
)
async def sign_out(request: AnyRequest, conn: Conn, who: Who) -> None:
    """End the session whose token this request carries."""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    await commands.end_named_session(
        conn, person_id=who.person_id, session=token_hash(token), at=wall_now()
    )


@get("/api/v1/me", permission=Permission.SELF_READ, tags=["account"], summary="Who I am")
async def me(conn: Conn, who: Who) -> Me:
    row = await queries.person(conn, who.person_id)
    scopes = None if who.scopes is None else sorted(str(one) for one in who.scopes)
    roles = [Role(str(one.role), one.org_id) for one in who.grants]
    return Me(who.person_id, row.email, row.name, row.locale, roles, scopes)


@get(
    "/api/v1/me/addresses",
    permission=Permission.SELF_READ,
    tags=["account"],
    summary="My addresses",
)
async def list_addresses(conn: Conn, who: Who) -> Addresses:
    """The default one first."""
    rows = await queries.addresses_of(conn, who.person_id)
    return Addresses([_address(row) for row in rows])


@post(
    "/api/v1/me/addresses",
    permission=Permission.SELF_WRITE,
    tags=["account"],
    summary="Keep an address",
)
async def add_address(
    conn: Conn, who: Who, data: JSONBody[AddressInput], key: MaybeKey = None
) -> Address:
    """The first address becomes the default. 409 when thirty are kept."""

    async def make() -> Address:
        address_id = await address_commands.add_address(
            conn, person_id=who.person_id, fields=_fields(data), is_default=data.is_default
        )
        return _address(await queries.address(conn, who.person_id, address_id))

    return await once_if(
        conn,
        key=key,
        owner_id=who.person_id,
        route="POST me/addresses",
        request=data,
        answer=Address,
        at=wall_now(),
        make=make,
    )


@get(
    "/api/v1/me/addresses/{address_id:uuid}",
    permission=Permission.SELF_READ,
    tags=["account"],
    summary="One of my addresses",
)
async def read_address(conn: Conn, who: Who, address_id: FromPath[UUID]) -> Address:
    return _address(await queries.address(conn, who.person_id, address_id))


@put(
    "/api/v1/me/addresses/{address_id:uuid}",
    permission=Permission.SELF_WRITE,
    tags=["account"],
    summary="Change an address",
)
async def change_address(
    conn: Conn, who: Who, address_id: FromPath[UUID], data: JSONBody[AddressInput]
) -> Address:
    """`is_default` false leaves the default where it is."""
    await address_commands.change_address(
        conn,
        person_id=who.person_id,
        address_id=address_id,
        fields=_fields(data),
        is_default=data.is_default,
    )
    return _address(await queries.address(conn, who.person_id, address_id))


@delete(
    "/api/v1/me/addresses/{address_id:uuid}",
    permission=Permission.SELF_WRITE,
    tags=["account"],
    summary="Remove an address",
)
async def remove_address(conn: Conn, who: Who, address_id: FromPath[UUID]) -> None:
    await address_commands.remove_address(
        conn, person_id=who.person_id, address_id=address_id, at=wall_now()
    )


def _fields(data: JSONBody[AddressInput]) -> AddressFields:
    return AddressFields(*(getattr(data, name) for name in AddressFields._fields))


def _address(row: object) -> Address:
    return Address(*(getattr(row, name) for name in Address.__struct_fields__))


HANDLERS: list[HTTPRouteHandler] = [
    sign_in,
    sign_up,
    sign_out,
    me,
    list_addresses,
    add_address,
    read_address,
    change_address,
    remove_address,
]
