"""Which addresses a system may bind and join.

Links are not encrypted yet, so only addresses that no other machine can reach are taken: loopback
and `ipc`. Anything else is refused, with the reason and the remedy.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from ..actors.errors import ZanniError

IPC_PATH_LIMIT = 107
"""Bytes that the path of a Unix socket may have: the kernel's limit, less the closing zero."""

EXAMPLE = "tcp://127.0.0.1:7400"


class RefusedAddress(ZanniError, ValueError):
    """A system may not listen at or join this address; the text says why, and what it may."""


def check_url(url: str, *, bind: bool = False) -> str:
    """Any thread. The URL as the endpoint takes it: `localhost` becomes its number.

    Args:
        url: `tcp://host:port`, or `ipc://path`.
        bind: whether it is to be bound, so that port 0 (any free one) is allowed.

    Raises:
        RefusedAddress: it is no such URL, or other machines could reach it.

    """
    if not isinstance(url, str):
        raise RefusedAddress(f"{url!r} is no address: use a str such as {EXAMPLE!r}")
    scheme, _, rest = url.partition("://")
    if scheme == "ipc":
        return f"ipc://{check_path(rest, url)}"
    if scheme != "tcp":
        raise RefusedAddress(
            f"{url!r} is no address that Zanni speaks: use {EXAMPLE} or ipc://PATH"
        )
    host, port = _host_and_port(url)
    if port == 0 and not bind:
        raise RefusedAddress(f"{url!r} names no port: give the one that the other node listens at")
    return f"tcp://{_loopback(host, url)}:{port}"


def check_path(path: str, url: str) -> str:
    """Any thread. The path of a Unix socket, if the kernel takes it."""
    if not path or "\0" in path:
        raise RefusedAddress(f"{url!r} names no path for the socket: use ipc:///tmp/NAME")
    size = len(path.encode())
    if size > IPC_PATH_LIMIT:
        raise RefusedAddress(
            f"{url!r}: the path has {size} bytes, the system allows {IPC_PATH_LIMIT}: "
            "choose a shorter one (the run directory lies in TMPDIR)"
        )
    return path


def tcp_host(url: str) -> str | None:
    """Any thread. The host of a checked tcp URL; None for ipc."""
    return url[len("tcp://") :].rpartition(":")[0] if url.startswith("tcp://") else None


def _host_and_port(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise RefusedAddress(f"{url!r} is no address: {error}; use {EXAMPLE}") from None
    if not host or port is None or parts.path not in ("", "/") or parts.query or parts.username:
        raise RefusedAddress(f"{url!r} is no address: give a host and a port, as in {EXAMPLE}")
    return host, port


def _loopback(host: str, url: str) -> str:
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise RefusedAddress(
            f"{url!r} is not on this machine's loopback: links are not encrypted yet, so other "
            f"machines must not reach them; use {EXAMPLE} (or ::1, or ipc://PATH)"
        )
    return f"[{address}]" if address.version == 6 else str(address)
