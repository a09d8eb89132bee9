"""A port counts as open from the moment that somebody listens there."""

import socket

import pytest

from dougong.infra.port import is_open


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_is_open_while_somebody_listens(host: str) -> None:
    with socket.socket() as bound:
        bound.bind((host, 0))
        port = bound.getsockname()[1]
        assert not is_open(host, port)
        bound.listen()
        assert is_open(host, port)
    assert not is_open(host, port)
