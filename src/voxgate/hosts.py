"""Addresses to listen at."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address; of a name but localhost nobody knows."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
