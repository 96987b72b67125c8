"""Which addresses outgoing requests may reach: public ones, and private ones that an operator listed."""

import asyncio
import socket
from ipaddress import IPv4Address, ip_address, ip_network

from savdo.base.errors import SavdoError
from savdo.base.settings import settings

# How networks without IPv4 write one (RFC 6052).
NAT64 = ip_network("64:ff9b::/96")


class AddressRefused(SavdoError):
    """This address is private; an operator can allow it with SAVDO_ALLOWED_HOSTS."""

    status = 422
    code = "address_refused"


class UnknownHost(SavdoError):
    """There is no host of this name."""

    status = 503
    permanent = False
    code = "unknown_host"


async def reachable(host: str, port: int) -> list[str]:
    """The addresses of `host` that may be connected to, in the resolver's order.

    The caller connects to one of these and never resolves again: a name that changes its answer between check and
    connection gains nothing. Raises AddressRefused when every one is private, UnknownHost when there is none.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        found = []
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise UnknownHost
    if is_allowed(host, port):
        return addresses
    public = [address for address in addresses if is_public(address)]
    if not public:
        raise AddressRefused
    return public


def is_allowed(host: str, port: int) -> bool:
    """Whether an operator listed this host, alone or with its port."""
    name = host.lower().strip("[]").rstrip(".")
    allowed = {one.lower().replace("[", "").replace("]", "") for one in settings().allowed_hosts}
    return name in allowed or f"{name}:{port}" in allowed


def is_public(address: str) -> bool:
    """Whether an address is somebody's on the internet: not loopback, private, link-local, shared, reserved or multicast."""
    parsed = ip_address(address.partition("%")[0])
    if parsed in NAT64:
        # Formally reserved, yet all that a network without IPv4 has to reach one; what counts is the address inside.
        return is_public(str(IPv4Address(int(parsed) & 0xFFFFFFFF)))
    if parsed.is_multicast or parsed.is_reserved or parsed.is_unspecified or not parsed.is_global:
        return False
    inner = [] if isinstance(parsed, IPv4Address) else [parsed.ipv4_mapped, parsed.sixtofour, *(parsed.teredo or ())]
    return all(is_public(str(one)) for one in inner if one is not None)
