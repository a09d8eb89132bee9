"""The adapters by their names, as `sources.adapter` has them."""

from dougong.base.errors import NotFound
from dougong.links.adapters.feed import FeedAdapter
from dougong.links.adapters.page import PageAdapter
from dougong.links.adapters.protocol import Adapter
from dougong.links.adapters.ucp_adapter import UcpAdapter

ADAPTERS: dict[str, Adapter] = {"page": PageAdapter(), "feed": FeedAdapter(), "ucp": UcpAdapter()}


def adapter(name: str) -> Adapter:
    """Raises NotFound."""
    if name not in ADAPTERS:
        raise NotFound
    return ADAPTERS[name]
