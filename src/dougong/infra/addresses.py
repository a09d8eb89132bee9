"""Which network addresses the server may call: judged as bytes, by an explicit list.

Python's `ipaddress` properties are no guard: on 3.11 `is_global` says yes to multicast, to loopback
inside NAT64 and 6to4, and to clouds' metadata services. Sources: IANA's special-purpose registries
for IPv4 and IPv6, RFC 6052 (NAT64), 3056 (6to4), 4380 (Teredo), 5214 (ISATAP), 2765 (SIIT).
"""

from ipaddress import IPv4Network, IPv6Network

REFUSED_V4 = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network; Linux takes 0.0.0.0 for loopback
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT; 100.100.100.200 is a cloud's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's host agent, at a public address
        "169.254.0.0/16",  # link-local; 169.254.169.254 is most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
]
# Of IPv6 only 2000::/3 is handed out; these parts of it are not for us.
PUBLIC_V6 = IPv6Network("2000::/3")
REFUSED_V6 = [
    IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, benchmarking, ORCHID and other protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4: any IPv4 address in disguise
        "3fff::/20",
    )
]
# An IPv4 address in the last four bytes; that one is judged.
EMBEDDING_V6 = [
    IPv6Network(network)
    for network in (
        "::ffff:0:0/96",  # mapped
        "64:ff9b::/96",  # NAT64's well-known prefix: how IPv6-only hosts see the IPv4 world
    )
]
ISATAP = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")


def may_call(packed: bytes) -> bool:
    """Whether an address, as 4 or 16 bytes in network order, is a public one. Raises ValueError
    for another length."""
    number = int.from_bytes(packed, "big")
    if len(packed) == 4:
        return not any(_within(number, network) for network in REFUSED_V4)
    if len(packed) != 16:
        raise ValueError(len(packed))
    if any(_within(number, network) for network in EMBEDDING_V6):
        return may_call(packed[12:])
    if packed[8:12] in ISATAP and not may_call(packed[12:]):
        return False
    return _within(number, PUBLIC_V6) and not any(_within(number, net) for net in REFUSED_V6)


def is_loopback(packed: bytes) -> bool:
    """127.0.0.0/8 and ::1, in no disguise."""
    return (len(packed) == 4 and packed[0] == 127) or packed == bytes(15) + b"\x01"


def _within(number: int, network: IPv4Network | IPv6Network) -> bool:
    return number & int(network.netmask) == int(network.network_address)
