"""A request whose JSON is read once, into its handler's own type, and strictly."""

import re
from typing import Any

import msgspec
from litestar import Request

from dougong.base.errors import BadInput

UNKNOWN_FIELD = re.compile(r"unknown field `(.{1,80})`")


class StrictRequest(Request[Any, Any, Any]):
    """Litestar would read JSON into plain objects and then fit them as loosely as a form: a number
    in quotes, 0 for false. What is of the handler's type already it takes as it is."""

    __slots__ = ("_read",)

    async def json(self) -> Any:
        """The body as the handler's `data`. Raises BadInput at the field that does not fit."""
        if not hasattr(self, "_read"):
            field = self.route_handler.parsed_data_field
            self._read = _strictly(await self.body(), field.annotation if field else Any)
        return self._read


def _strictly(body: bytes, wanted: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=wanted)
    except msgspec.ValidationError as error:
        words, _, place = str(error).partition(" - at `$")
        unknown = UNKNOWN_FIELD.search(words)
        path = place.rstrip("`").lstrip(".") or None
        if unknown:
            path = f"{path}.{unknown[1]}" if path else unknown[1]
        raise BadInput(field=path, reason=words) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(reason="no_json") from error
