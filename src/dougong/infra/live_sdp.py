"""What publishers offer and trickle, read as far as it has to be understood before ICE sees it."""

from collections.abc import Sequence

MAX_SDP_BYTES = 65_536
MAX_MEDIA = 4
MEDIA = ("audio", "video")


class BadOffer(ValueError):
    """An offer that cannot be taken; `reason` in one word. 422 where it was read, else 400."""

    def __init__(self, reason: str, *, was_read: bool) -> None:
        super().__init__(reason)
        self.reason, self.was_read = reason, was_read


def without_addresses(sdp: str) -> str:
    """An offer without the publisher's own addresses."""
    ours = ("a=candidate:", "a=end-of-candidates")
    return "".join(line + "\r\n" for line in sdp.splitlines() if line and not line.startswith(ours))


def check_offer(sdp: str) -> None:
    """Raises BadOffer for what no publisher sends."""
    lines = sdp.splitlines()
    if not lines or lines[0].strip() != "v=0":
        raise BadOffer("no_sdp", was_read=False)
    media = [line[2:].split(" ")[0] for line in lines if line.startswith("m=")]
    if len(media) > MAX_MEDIA or any(media.count(kind) > 1 for kind in MEDIA):
        raise BadOffer("too_many_media", was_read=True)
    if "video" not in media:
        raise BadOffer("no_video", was_read=True)
    if any(line.strip() in ("a=recvonly", "a=inactive") for line in lines):
        raise BadOffer("not_sending", was_read=True)


def fragment_candidates(fragment: str) -> Sequence[str]:
    """The candidates of a trickle fragment (RFC 8840). Raises BadOffer for what is none."""
    lines = [line.strip() for line in fragment.splitlines() if line.strip()]
    if not lines or any(len(line) < 3 or line[1] != "=" for line in lines):
        raise BadOffer("no_fragment", was_read=False)
    if not any(line.startswith("a=ice-ufrag:") for line in lines):
        raise BadOffer("no_ufrag", was_read=True)
    return [line for line in lines if line.startswith("a=candidate:")]
