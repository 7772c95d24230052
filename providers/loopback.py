"""Endpoints on this computer: a local AWS, such as the demo's."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_local(url: str) -> bool:
    """Say whether an endpoint is on this machine's own loopback."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def what_to_do(url: str) -> str:
    """Say what to do about an endpoint here that does not answer; "" where it is elsewhere."""
    if not is_local(url):
        return ""
    return (
        "The local AWS there has ended, or hangs. A demo's begins anew with the demo: leave, and "
        "run `gammaray-tui demo`. One of your own: start it, on the port that --endpoint-url names."
    )
