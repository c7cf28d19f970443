"""Which addresses the app may send keys and personal data to. Pure: no name is resolved."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

_PLAIN = re.compile(r"[!-\[\]-~]+")
"""What can be sent: `urlsplit` drops line breaks and takes blanks, and neither finds a host then. No backslash."""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its usual name or by number."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_endpoint(text: str) -> bool:
    """
    Whether a text is the address of a service that nobody on the way can listen to.

    That is `https://`, or `http://` to this machine; with a host, and without query, fragment and user.
    """
    if not _PLAIN.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
        is_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    host = parts.hostname or ""
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    return is_safe and is_port and _is_host(host) and not (parts.query or parts.fragment or "@" in parts.netloc)


def _is_host(name: str) -> bool:
    """Whether each label of a name has something in it, as every resolver wants (or it is an IPv6 address)."""
    return ":" in name or all(0 < len(label) <= 63 for label in name.removesuffix(".").split("."))


def place_of(endpoint: str) -> tuple[str, int] | str:
    """Give host and port, which tell one service from another; the text itself where it is no endpoint."""
    if not is_endpoint(endpoint):
        return endpoint
    parts = urlsplit(endpoint)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
