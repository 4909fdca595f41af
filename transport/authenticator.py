"""Who is let in, as ZeroMQ asks: one request, one answer, by its RFC 27. No input or output here.

Guarantees:
- Only who is let in for sure is: a request of another mechanism or form, or one that cannot be
  judged, is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from .key import key_text

logger = logging.getLogger("zanni")

DOMAIN = "zanni"
VERSION = b"1.0"
_FIELDS = 7
"""Version, number, domain, address, routing id, mechanism, and with CURVE the client's key."""


def answer(request: Sequence[bytes], admits: Callable[[str, str], bool]) -> list[bytes]:
    """Owner only. The frames of the answer; of who is let in, the user id is its key as text.

    Args:
        request: the frames.
        admits: whether a key may connect from an address, both as text.

    """
    number = request[1] if len(request) > 1 else b""
    try:
        key = _key_of(request)
        admitted = key is not None and admits(key, request[3].decode("ascii", "replace"))
    except Exception:
        logger.exception("an attempt to connect could not be judged, and is refused")
        admitted, key = False, None
    if not admitted or key is None:
        return [VERSION, number, b"400", b"this key is not allowed here", b"", b""]
    return [VERSION, number, b"200", b"OK", key.encode(), b""]


def _key_of(request: Sequence[bytes]) -> str | None:
    if len(request) != _FIELDS or request[0] != VERSION or request[2] != DOMAIN.encode():
        return None
    return key_text(request[6]) if request[5] == b"CURVE" else None
