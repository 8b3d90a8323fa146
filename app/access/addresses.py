"""Addresses: those of this machine alone, and what counts as one client."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

HOME = 64  # bits of an IPv6 address that a provider gives to one customer, who may use any of the rest


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_literal(host: str) -> bool:
    """Say whether that is an address and no name; an IPv6 one may stand in brackets."""
    try:
        ip_address(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    except ValueError:
        return False
    return True


def one_client(host: str | None) -> str:
    """Name whom calls from an address are counted for."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return "unknown"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((address.packed, HOME), strict=False))


def networks(text: str) -> list[str]:
    """Read addresses and networks, with commas between them.

    Raises:
        ValueError: one of them is neither; it is named.
    """
    found = words(text)
    for one in found:
        try:
            ip_network(one)
        except ValueError as error:
            raise ValueError(f"{one[:50]!r} is neither an address nor a network: {error}") from None
    return found


def words(text: str) -> list[str]:
    """Read what stands between commas."""
    return [word.strip() for word in text.split(",") if word.strip()]
