"""msgpack has neither annotations nor stubs: what is used of it here is typed, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgpack

_untyped = cast(Any, msgpack)

packb: Callable[..., bytes] = _untyped.packb
unpackb: Callable[..., Any] = _untyped.unpackb
make_packer: Callable[..., Any] = _untyped.Packer
make_unpacker: Callable[..., Any] = _untyped.Unpacker
ExtType: type[tuple[int, bytes]] = _untyped.ExtType
UnpackException: type[Exception] = _untyped.UnpackException
