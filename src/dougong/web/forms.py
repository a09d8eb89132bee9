"""What comes in: unknown fields are refused, a form carries its CSRF token."""

import msgspec
from litestar.params import MultipartBody as MultiPart
from litestar.params import URLEncodedBody as FormData

__all__ = ["Form", "FormData", "Input", "MultiPart"]


class Input(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A JSON body of the API."""


class Form(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A form of a page: field names as in the HTML. `data: FormData[SignIn]` in a handler."""

    csrf: str = msgspec.field(name="_csrf_token", default="")
