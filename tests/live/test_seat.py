"""One seat: what a busy socket is sent later, what of it only counts once, and who is put out."""

import asyncio
from uuid import uuid4

import pytest

from dougong.web.live import seat
from dougong.web.live.seat import Batch, Seat


class ASocket:
    """Takes one event at a time: `take` ends the send that is under way."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.behind: set[Seat] = set()
        self.under_way: asyncio.Future[None] | None = None

    def send(self, event: dict[str, str]) -> asyncio.Future[None]:
        assert self.under_way is None or self.under_way.done()
        self.texts.append(event["text"])
        self.under_way = asyncio.get_running_loop().create_future()
        return self.under_way

    def take(self) -> None:
        assert self.under_way is not None
        self.under_way.set_result(None)


def a_seat(socket: ASocket) -> Seat:
    return Seat(socket.send, visit_id=uuid4(), later=socket.behind.add)


async def test_a_free_socket_is_sent_the_shared_frame_at_once() -> None:
    sockets = [ASocket(), ASocket()]
    batch = Batch(["a", "b"], {"likes": "c"})
    for one in sockets:
        a_seat(one).take(batch, 0.0)
    assert [one.texts for one in sockets] == [["a\nb\nc"]] * 2
    assert sockets[0].texts[0] is sockets[1].texts[0]


async def test_what_a_busy_socket_missed_is_one_frame_with_the_last_count_only() -> None:
    socket = ASocket()
    mine = a_seat(socket)
    mine.put("state")
    for number in range(3):
        mine.take(Batch([f"chat {number}"], {"likes": f"likes {number}"}), 0.0)
    assert (socket.texts, socket.behind) == (["state"], {mine})
    assert not mine.go_on(1.0)
    socket.take()
    assert mine.go_on(1.0)
    assert socket.texts[1:] == ["chat 0\nchat 1\nchat 2\nlikes 2"]


async def test_nothing_overtakes_what_waits() -> None:
    socket = ASocket()
    mine = a_seat(socket)
    mine.put("first")
    mine.put("second")
    socket.take()
    mine.put("third")
    assert mine.go_on(1.0)
    assert socket.texts == ["first", "second\nthird"]


async def test_counts_alone_never_fill_a_queue() -> None:
    socket = ASocket()
    mine = a_seat(socket)
    mine.put("state")
    for number in range(10 * seat.MOST_WAITING):
        mine.take(Batch([], {"likes": f"likes {number}"}), 0.0)
    assert not mine.closed.done()
    mine.take(Batch(["chat"] * (seat.MOST_WAITING + 1), {}), 0.0)
    assert mine.closed.result() == seat.SLOW


@pytest.mark.parametrize(("after_s", "is_put_out"), [(20.0, False), (20.1, True)])
async def test_who_takes_nothing_for_twenty_seconds_is_put_out(
    after_s: float, is_put_out: bool
) -> None:
    socket = ASocket()
    mine = a_seat(socket)
    mine.take(Batch(["a"], {}), 100.0)
    mine.close_if_stuck(100.0 + after_s)
    assert mine.closed.done() is is_put_out


async def test_a_send_that_fails_raises_nothing_here() -> None:
    async def gone(_: object) -> None:
        raise OSError

    mine = Seat(gone, visit_id=uuid4(), later=lambda _: None)
    mine.put("a")
    await asyncio.sleep(0)
    mine.put("b")
    await asyncio.sleep(0)
    assert not mine.closed.done()
