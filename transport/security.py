"""Which addresses a system may bind and join.

Links without keys are not encrypted, and take in what anyone sends. So only addresses that no other
machine can reach are taken: loopback and `ipc`. With keys any address is that names one machine.
Anything else is refused, with the reason and the remedy.
"""

from __future__ import annotations

import functools
import ipaddress
from urllib.parse import urlsplit

from ..actors.environment import address_towards, number_of
from ..actors.errors import ZanniError

IPC_PATH_LIMIT = 107
"""Bytes that the path of a Unix socket may have: the kernel's limit, less the closing zero."""

EXAMPLE = "tcp://127.0.0.1:7400"

KEPT = 128
"""Of how many addresses it is known what they say: nodes tell the same ones again and again."""


class RefusedAddress(ZanniError, ValueError):
    """A system may not listen at or join this address; the text says why, and what it may."""


def check_url(url: str, *, bind: bool = False, keys: bool = False) -> str:
    """Any thread. The URL as the endpoint takes it: `localhost` becomes its number.

    Args:
        url: `tcp://host:port`, or `ipc://path`; with keys also `tcp://name@host:port`.
        bind: whether it is to be bound, so that port 0 (any free one) is allowed.
        keys: whether links are made with keys.

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
    host, port = _host_and_port(url, named=keys and not bind)
    if port == 0 and not bind:
        raise RefusedAddress(f"{url!r} names no port: give the one that the other node listens at")
    return f"tcp://{_checked_host(host, url, keys=keys)}:{port}"


def node_named(url: str) -> str | None:
    """Any thread. The name of the node that a checked URL bears, as in `tcp://name@host:port`."""
    name, at, _ = url.partition("://")[2].rpartition("@")
    return name if at and url.startswith("tcp://") else None


def check_path(path: str, url: str) -> str:
    """Any thread. The path of a Unix socket, if the kernel takes it."""
    if not path or not path.isprintable():
        raise RefusedAddress(f"{url!r} names no path for the socket: use ipc:///tmp/NAME")
    size = len(path.encode())
    if size > IPC_PATH_LIMIT:
        raise RefusedAddress(
            f"{url!r}: the path has {size} bytes, the system allows {IPC_PATH_LIMIT} bytes: "
            "choose a shorter one (the run directory lies in TMPDIR)"
        )
    return path


def tcp_host(url: str) -> str | None:
    """Any thread. The host of a checked tcp URL; None for ipc."""
    return url[len("tcp://") :].rpartition(":")[0] if url.startswith("tcp://") else None


def socket_address(url: str) -> str | tuple[str, int]:
    """Any thread. What a checked URL leads to: the path of a socket, or a host and a port."""
    if url.startswith("ipc://"):
        return url.removeprefix("ipc://")
    host, _, port = url.removeprefix("tcp://").rpartition(":")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Any thread. Whether no other machine can reach that host of a checked URL."""
    address = _number(host.strip("[]"))
    return address is not None and address.is_loopback


def own_host(host: str) -> str:
    """Any thread. A host of this machine's that can be reached from that one, both as in URLs.

    Raises:
        RefusedAddress: there is no way there.

    """
    if is_loopback(host):
        return host
    try:
        return in_url(address_towards(host.strip("[]")))
    except OSError as error:
        raise RefusedAddress(f"{host} cannot be reached from this machine: {error}") from None


@functools.lru_cache(maxsize=KEPT)
def _host_and_port(url: str, *, named: bool) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise RefusedAddress(f"{url!r} is no address: {error}; use {EXAMPLE}") from None
    more = parts.path not in ("", "/") or parts.query or parts.fragment or parts.password
    if not host or port is None or more or (parts.username and not named):
        raise RefusedAddress(f"{url!r} is no address: give a host and a port, as in {EXAMPLE}")
    return host, port


def _checked_host(host: str, url: str, *, keys: bool) -> str:
    if host == "localhost":
        return "127.0.0.1"
    address = _number(host)
    if not keys and (address is None or not address.is_loopback):
        raise RefusedAddress(
            f"{url!r} is not on this machine's loopback, and without keys anyone there could read "
            "and send what links carry: make some with  zanni keys new DIR, allow those of the "
            f"others with  zanni keys allow DIR NAME KEY, and give keys=DIR (--keys DIR); or use "
            f"{EXAMPLE} (or ::1, or ipc://PATH)"
        )
    if (address is not None and address.is_unspecified) or host == "*":
        raise RefusedAddress(
            f"{url!r} is every address of this machine, and the others need one to answer at: give "
            "that by which they reach it, as in tcp://10.0.0.1:7400"
        )
    if address is None:
        raise RefusedAddress(f"{url!r} has no number for its host: give one, as in {EXAMPLE}")
    return in_url(str(address))


def in_url(number: str) -> str:
    """Any thread. An IP address as URLs bear it."""
    return f"[{number}]" if ":" in number else number


def with_number(url: str) -> str:
    """Any thread. A user's URL with the number of its host, which is looked up now, and only now.

    Raises:
        RefusedAddress: it is not known.

    """
    try:
        parts = urlsplit(url)
        host = parts.hostname if url.startswith("tcp://") else None
    except (ValueError, AttributeError):  # `check_url` will say
        return url
    if host in (None, "localhost", "*") or _number(host) is not None:
        return url
    try:
        number = number_of(host)
    except (OSError, UnicodeError) as error:
        raise RefusedAddress(f"{url!r}: its host is not known: {error}") from None
    name, at, place = parts.netloc.rpartition("@")
    _, colon, port = place.partition(":")
    return parts._replace(netloc=f"{name}{at}{in_url(number)}{colon}{port}").geturl()


@functools.lru_cache(maxsize=KEPT)
def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
