"""What travels beside a message, as data and back."""

from __future__ import annotations

from math import inf
from typing import Any

from ..actors.process import Headers
from .notes import are_notes
from .reader import BadBatch, address
from .values import Data, Resolver


def headers_to_data(headers: Headers, resolver: Resolver) -> Data:
    """Any thread. The data of headers; what stays within the process is left out."""
    data: dict[str, Any] = dict(headers)
    for local in ("context", "receipt"):
        data.pop(local, None)
    if "sender" in data:
        data["sender"] = list(resolver.there(data["sender"]))
    return data


def headers_from_data(data: Any, resolver: Resolver) -> Headers | None:
    """Any thread. The headers that are known here; None where nothing is in them.

    Raises:
        BadBatch: they are none.

    """
    if data is None:
        return None
    if not isinstance(data, dict):
        raise BadBatch("headers are a map")
    found: dict[str, Any] = data
    headers: Headers = {}
    deadline, sender = found.get("deadline"), found.get("sender")
    if isinstance(deadline, (int, float)) and 0 <= deadline < inf:
        headers["deadline"] = deadline
    try:
        if sender is not None:
            headers["sender"] = resolver.here(address(sender))
    except (TypeError, ValueError) as error:
        raise BadBatch(f"the sender of a forwarded message: {error}") from error
    if are_notes(found.get("notes")):
        headers["notes"] = found["notes"]
    return headers
