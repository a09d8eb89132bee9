"""The server's own `send` of a socket, below the framework's wrappers.

Granian's begins at once and answers something that is done later, so whoever has thousands of
sockets can start all sends without a task for each, and look later which are over. The framework
wraps it in coroutines, which begin only when they are awaited.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, cast

from litestar import Litestar, WebSocket

KEY = "servers_send"


class App(Litestar):
    """Litestar that keeps the server's `send` of each socket beside it."""

    def __call__(self, scope: Any, receive: Any, send: Any) -> Coroutine[Any, Any, None]:
        if scope["type"] == "websocket":
            scope[KEY] = send
        return super().__call__(scope, receive, send)


def servers_send(socket: WebSocket[Any, Any, Any]) -> Callable[[Any], Awaitable[None]]:
    return cast(Callable[[Any], Awaitable[None]], cast(dict[str, Any], socket.scope)[KEY])
