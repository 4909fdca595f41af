"""Zanni and Pykka behind one narrow front, so that one function can be the work of both.

A benchmark writes its actors as plain classes with an `on_receive`. Each framework adds its own
base class to them, and nothing else: the handlers, the messages and the driver are the same.
"""

import functools
import sys
from collections.abc import Callable
from typing import Any, Protocol, Self

from .workload import Figures, Side


class Framework(Protocol):
    """What a benchmark may use."""

    def actor(self, behaviour: type) -> Callable[..., Any]:
        """A function that starts an actor that behaves like that and returns its ref."""
        ...

    def behaving(self, behaviour: type) -> type:
        """The class of such an actor."""
        ...

    def supervise(self, behaviour: type, *arguments: Any) -> None:
        """Start an actor that behaves like that, and start it again whenever it has failed."""
        ...

    def future(self) -> Any:
        """An empty future, that an actor can `set` and the driver or another actor `get`."""
        ...


class Zanni:
    """Actors on one core, the loop in a thread beside the driver's."""

    def __enter__(self) -> Self:
        from zanni import Actor, ActorSystem, Future  # noqa: PLC0415  (not in a peer's process)

        self.base, self.future = Actor, Future
        self.system = ActorSystem("benchmark").start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.system.stop()

    def behaving(self, behaviour: type) -> type:
        return type(behaviour.__name__, (behaviour, self.base), {})

    def actor(self, behaviour: type) -> Callable[..., Any]:
        return functools.partial(self.system.spawn, self.behaving(behaviour))

    def supervise(self, behaviour: type, *arguments: Any) -> None:
        from zanni.supervisors import Supervisor, child  # noqa: PLC0415  (as above)

        actor_class = self.behaving(behaviour)

        class Keeper(Supervisor):
            intensity, period = sys.maxsize, 1.0

            def children(self):
                return [child(actor_class, *arguments, id="kept")]

        self.system.spawn(Keeper)


class Pykka:
    """A thread for each actor."""

    def __enter__(self) -> Self:
        import pykka  # noqa: PLC0415  (as above)

        self.base, self.future = pykka.ThreadingActor, pykka.ThreadingFuture
        self.stop_all = pykka.ActorRegistry.stop_all
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop_all()

    def behaving(self, behaviour: type) -> type:
        return type(behaviour.__name__, (behaviour, self.base), {})

    def actor(self, behaviour: type) -> Callable[..., Any]:
        return self.behaving(behaviour).start  # type: ignore[attr-defined]  # `base` has it

    def supervise(self, behaviour: type, *arguments: Any) -> None:
        """By hand, as Pykka has no supervisors: the last deed of an actor is to start the next."""

        def start_next(*_: object) -> None:
            actor_class.start(*arguments)  # type: ignore[attr-defined]  # `base` has it

        actor_class = type(behaviour.__name__, (behaviour, self.base), {"on_failure": start_next})
        start_next()


def in_both(work: Callable[[Framework, int], Figures], *, zanni: int, pykka: int) -> list[Side]:
    """The same work in Zanni and in Pykka, so many times in each."""

    def within(framework: type, n: int) -> Figures:
        with framework() as entered:
            return work(entered, n)

    return [
        Side("zanni", functools.partial(within, Zanni), zanni, ours=True),
        Side("pykka", functools.partial(within, Pykka), pykka),
    ]
