"""A person's addresses: list, new, change, default, remove."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.accounts import address_commands, queries
from dougong.accounts.address_commands import AddressFields
from dougong.base.access import Permission
from dougong.base.errors import Refusal
from dougong.infra.clock import wall_now
from dougong.web.account.common import AnyRequest, form_page, go, safe_next
from dougong.web.countries import countries
from dougong.web.deps import Conn, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import locale_of_request
from dougong.web.render import Page, page

LIST = "/me/addresses"
CHECKOUT = "/checkout"
EMPTY = AddressFields("", "", "CN", "", "", "", "", "")


class AddressForm(Form):
    recipient: str
    phone: str
    province: str
    city: str
    line: str
    country: str = "CN"
    district: str = ""
    postcode: str = ""
    is_default: bool = False
    next: str = ""

    def fields(self) -> AddressFields:
        return AddressFields(
            self.recipient,
            self.phone,
            self.country,
            self.province,
            self.city,
            self.district,
            self.line,
            self.postcode,
        )


class Nothing(Form):
    """A button."""


@get(LIST, permission=Permission.SELF_READ, include_in_schema=False)
async def addresses_page(request: AnyRequest, conn: Conn, who: Who) -> Page:
    rows = await queries.addresses_of(conn, who.person_id)
    return page(request, "account/addresses.html", addresses=rows)


@get(f"{LIST}/new", permission=Permission.SELF_READ, include_in_schema=False)
async def new_address_page(request: AnyRequest, who: Who) -> Page:
    target = safe_next(request.query_params.get("next"), LIST)
    return _form(request, EMPTY, action=LIST, is_default=False, target=target)


@post(LIST, permission=Permission.SELF_WRITE, include_in_schema=False, status_code=200)
async def add_address(
    request: AnyRequest, conn: Conn, who: Who, data: FormData[AddressForm]
) -> Response[str]:
    target = safe_next(data.next, LIST)
    try:
        address_id = await address_commands.add_address(
            conn, person_id=who.person_id, fields=data.fields(), is_default=data.is_default
        )
    except Refusal as refusal:
        return _form(
            request,
            data.fields(),
            action=LIST,
            is_default=data.is_default,
            target=target,
            refusal=refusal,
        )
    if target.startswith(CHECKOUT):  # who adds an address there wants it sent there
        target += f"{'&' if '?' in target else '?'}address={address_id}"
    return go(target)


@get(LIST + "/{address_id:uuid}", permission=Permission.SELF_READ, include_in_schema=False)
async def address_page(
    request: AnyRequest, conn: Conn, who: Who, address_id: FromPath[UUID]
) -> Page:
    row = await queries.address(conn, who.person_id, address_id)
    fields = AddressFields(*(getattr(row, name) for name in AddressFields._fields))
    target = safe_next(request.query_params.get("next"), LIST)
    action = f"{LIST}/{address_id}"
    return _form(request, fields, action=action, is_default=row.is_default, target=target)


@post(
    LIST + "/{address_id:uuid}",
    permission=Permission.SELF_WRITE,
    include_in_schema=False,
    status_code=200,
)
async def change_address(
    request: AnyRequest,
    conn: Conn,
    who: Who,
    address_id: FromPath[UUID],
    data: FormData[AddressForm],
) -> Response[str]:
    await queries.address(conn, who.person_id, address_id)
    target = safe_next(data.next, LIST)
    try:
        await address_commands.change_address(
            conn,
            person_id=who.person_id,
            address_id=address_id,
            fields=data.fields(),
            is_default=data.is_default,
        )
    except Refusal as refusal:
        return _form(
            request,
            data.fields(),
            action=f"{LIST}/{address_id}",
            is_default=data.is_default,
            target=target,
            refusal=refusal,
        )
    return go(target)


@post(
    LIST + "/{address_id:uuid}/default",
    permission=Permission.SELF_WRITE,
    include_in_schema=False,
    status_code=303,
)
async def make_default(
    conn: Conn, who: Who, address_id: FromPath[UUID], data: FormData[Nothing]
) -> Response[str]:
    await address_commands.make_default(conn, person_id=who.person_id, address_id=address_id)
    return go(LIST)


@post(
    LIST + "/{address_id:uuid}/remove",
    permission=Permission.SELF_WRITE,
    include_in_schema=False,
    status_code=303,
)
async def remove_address(
    conn: Conn, who: Who, address_id: FromPath[UUID], data: FormData[Nothing]
) -> Response[str]:
    await address_commands.remove_address(
        conn, person_id=who.person_id, address_id=address_id, at=wall_now()
    )
    return go(LIST)


def _form(
    request: AnyRequest,
    fields: AddressFields,
    *,
    action: str,
    is_default: bool,
    target: str,
    refusal: Refusal | None = None,
) -> Page:
    shown: dict[str, Any] = fields._asdict() | {"is_default": is_default}
    return form_page(
        request,
        "account/address.html",
        refusal=refusal,
        address=shown,
        action=action,
        is_new=action == LIST,
        next=target,
        countries=countries(locale_of_request.get()),
    )


HANDLERS: list[HTTPRouteHandler] = [
    addresses_page,
    new_address_page,
    add_address,
    address_page,
    change_address,
    make_default,
    remove_address,
]
