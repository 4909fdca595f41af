"""What a lower floor calls and a higher one fills in, as imports point downward only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Joint(Generic[P, R]):
    """A function that is declared here and defined on a floor above, when that is imported.

    Args:
        what: what the program lacks where nobody has filled it in, for the error.

    """

    def __init__(self, what: str) -> None:
        self._what = what
        self.function: Callable[P, R] = self._refuse

    def fill(self, function: Callable[P, R]) -> None:
        """Any thread. Say what a call does from now on."""
        self.function = function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Any thread. Do what it was filled with.

        Raises:
            RuntimeError: nothing was; only the face imports every floor.

        """
        return self.function(*args, **kwargs)

    def _refuse(self, *_args: P.args, **_kwargs: P.kwargs) -> R:
        raise RuntimeError(f"no {self._what}: import zanni, not its parts")
