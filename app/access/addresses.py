"""IP addresses: which are of this machine only, and which count as one client."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

CUSTOMER_BITS = 64  # bits of an IPv6 address that a provider gives to one customer, who may use any of the rest


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_literal(host: str) -> bool:
    """Return whether that is an address and no name; an IPv6 one may stand in brackets."""
    try:
        ip_address(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    except ValueError:
        return False
    return True


def one_client(host: str | None) -> str:
    """Return the name under which calls from an address are counted."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return "unknown"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((address.packed, CUSTOMER_BITS), strict=False))
