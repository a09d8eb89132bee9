"""A publisher by WebRTC: the offer of WHIP (RFC 9725) is answered, and its media taken.

We only ever answer who contacts us: the publisher's own addresses are taken out of the offer, so
nobody can make us send packets to an address of their choice. ICE learns where the publisher is
from its first check (RFC 8445 7.3.1.3), as a server with an address of its own can.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass

import aioice.ice
import av
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidAccessError, InvalidStateError
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from dougong.infra.live_encoder import LiveVideo
from dougong.infra.live_sdp import BadOffer, check_offer, without_addresses
from dougong.infra.live_segments import Recorder
from dougong.infra.live_session import Feed, Figures


@dataclass(frozen=True)
class IceAddresses:
    """Where we listen. bound: local addresses; announced: what publishers are told instead, by
    local address; ports: first and last."""

    bound: tuple[str, ...]
    announced: dict[str, str]
    ports: tuple[int, int]


class PortRangeLoop(asyncio.SelectorEventLoop):
    """Binds datagram sockets that ask for any port to one of a range."""

    ports: tuple[int, int] = (0, 0)
    _next = 0

    async def create_datagram_endpoint(self, factory, local_addr=None, **more):  # type: ignore[no-untyped-def, override]
        first, last = self.ports
        if not first or not local_addr or local_addr[1]:
            return await super().create_datagram_endpoint(factory, local_addr=local_addr, **more)
        for _ in range(first, last + 1):
            port = first + self._next % (last + 1 - first)
            self._next += 1
            with contextlib.suppress(OSError):
                return await super().create_datagram_endpoint(
                    factory, local_addr=(local_addr[0], port), **more
                )
        raise OSError(f"no free port between {first} and {last}")


def listen_on(addresses: IceAddresses) -> None:
    """Let every connection of this process listen on these addresses only."""
    if addresses.bound:
        bound = list(addresses.bound)
        aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: bound


class WebRtcPublisher:
    """One peer connection. `is_over` when it has failed or was closed."""

    def __init__(self, recorder: Recorder, video: LiveVideo, addresses: IceAddresses) -> None:
        self._addresses = addresses
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._feed = Feed(recorder, video)
        self._tracks: list[asyncio.Task[None]] = []
        self._began_at: float | None = None
        self._bytes = (time.monotonic(), 0)
        self.is_over = False
        self._peer.on("track", self._on_track)
        self._peer.on("connectionstatechange", self._on_state)

    @property
    def figures(self) -> Figures:
        return self._feed.figures

    async def answer(self, offer: str) -> str:
        """The answer, with our addresses in it. Raises BadOffer."""
        check_offer(offer)
        try:
            told = RTCSessionDescription(sdp=without_addresses(offer), type="offer")
            await self._peer.setRemoteDescription(told)
        except (ValueError, KeyError, IndexError, AttributeError, AssertionError) as error:
            raise BadOffer("unreadable", was_read=False) from error
        except (InvalidAccessError, InvalidStateError) as error:
            raise BadOffer("no_common_codec", was_read=True) from error
        try:
            await self._peer.setLocalDescription(await self._peer.createAnswer())
        except (ValueError, KeyError, IndexError, AttributeError, AssertionError) as error:
            raise BadOffer("no_common_codec", was_read=True) from error
        return self._announced(self._peer.localDescription.sdp)

    def _announced(self, sdp: str) -> str:
        for local, public in self._addresses.announced.items():
            sdp = sdp.replace(f" {local} ", f" {public} ")
        return sdp

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._tracks.append(asyncio.ensure_future(self._receive(track)))

    def _on_state(self) -> None:
        if self._peer.connectionState in ("failed", "closed"):
            self.is_over = True

    async def _receive(self, track: MediaStreamTrack) -> None:
        """Hand on what comes. Both tracks count from their own first frame, put beside each other
        by when these arrived."""
        origin_s: float | None = None
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                if track.kind == "video":
                    self.is_over = True
                return
            if not isinstance(frame, av.VideoFrame | av.AudioFrame) or frame.time is None:
                continue
            if origin_s is None:
                now = time.monotonic()
                if self._began_at is None:
                    self._began_at = now
                origin_s = now - self._began_at - frame.time
            self._feed.take(frame, at_s=origin_s + frame.time)

    async def measure(self) -> None:
        """Bits a second since the last time."""
        total = 0
        for one in (await self._peer.getStats()).values():
            if one.type == "transport":
                total = max(total, one.bytesReceived)
        then, before = self._bytes
        now = time.monotonic()
        if now - then >= 1:
            self.figures.bitrate_bps = round(max(0, total - before) * 8 / (now - then))
            self._bytes = (now, total)

    async def close(self) -> None:
        self.is_over = True
        for task in self._tracks:
            task.cancel()
        await self._peer.close()
        await asyncio.to_thread(self._feed.close)
