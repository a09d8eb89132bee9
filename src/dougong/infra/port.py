"""Whether somebody listens at a port of this machine."""

import socket

CONNECT_TIMEOUT_S = 1.0


def is_open(host: str, port: int) -> bool:
    """`host` as a server is told to listen on it: 0.0.0.0 and :: are this machine."""
    try:
        socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True
