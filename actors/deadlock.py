"""A cycle of actors that wait for one another is found, and broken.

Guarantees:
- A cycle within a process is broken in the turn that closes it. For one that leads elsewhere a
  probe follows the waits from core to core (edge chasing: Chandy, Misra and Haas 1983), begun a
  short while after the wait. It goes round twice: a wait that it meets in both laps lasted from the
  one to the other, so at the moment between the laps all of them did.
- The error is raised in the wait that closed the cycle, the youngest, and in no other: all probes
  of a cycle agree on it. (Between machines clocks differ: there it may be another one of them.)
- A cycle is left alone where the timeout of another wait ends it soon: within a quarter of a
  second, and before half of the time is over that the youngest may take.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import inf
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from .address import KERNEL_ID, Address, CoreAddress
from .environment import make_shared_lock, now
from .errors import DeadlockError, ZanniError
from .messages import message, type_name
from .process import Reply
from .waits import (
    ELSEWHERE,
    Ask,
    Passed,
    Wait,
    Waiting,
    future_of,
    is_reentrant,
    next_in_line,
    owes,
    take_out,
    wait_of,
)

PAUSE = 0.25
"""Seconds until a wait that leads elsewhere is followed there; each time after, twice as many."""

NEAR, SAVED = 64, 100_000
"""How many waits may be followed at once for each turn of the core, and be saved up; the rest are
after a pause. It is enough for a ring, in which each has had a turn to begin its wait; and a long
line that grows, each new one waiting for the last, is not followed to its end each time."""

LONGEST = 1000
"""The most actors of a cycle over several cores that is found."""

_looking = make_shared_lock()


class TracedCore(Protocol):
    """A core, as seen from here."""

    home: CoreAddress
    processes: dict[int, Any]
    inbox: deque[Any]
    owner: Any
    turns: int
    """How many turns it has run."""
    followed: int
    """How many waits were followed at once, and how many have been forgone."""
    noted: dict[Waiting, Wait]
    """Waits that may close a cycle, to be followed if they last."""
    handed_on: WeakValueDictionary[Ask, Passed]
    """The asks of other cores that came here and were passed on, until they are answered."""
    next_id: Callable[[], int]

    def holds(self) -> bool:
        """Any thread. Whether this thread holds the core."""
        ...

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """Any thread. Have the loop call `function(*args)`."""
        ...

    def call(self, function: Callable[..., object], *args: Any) -> None:
        """Any thread. Call it now if this thread holds the core; else have the loop do so."""
        ...

    def call_later(self, seconds: float, function: Callable[[], object]) -> Any:
        """Any thread. Have the loop call `function`."""
        ...


@message
class Step:
    """An actor that waits: since when, and until when, on its machine's clock (see `Wait`)."""

    address: Address
    number: int
    since: float
    deadline: float
    type_name: str
    label: str

    def is_of(self, address: Address, wait: Wait) -> bool:
        """Whether it is that wait, of the actor there."""
        return self.address == address and self.number == wait.number


@message
class Probe:
    """To a kernel: the last of `path`, on core `asker`, waits for `target` to answer its ask.

    In the second lap the path is the cycle; `again` of it were met again, and it is the last of
    those that waits for `target`.
    """

    target: Address
    path: tuple[Step, ...]
    again: int
    asker: CoreAddress
    ask: int | None


@message
class Break:
    """To a kernel: end the wait of `target`, the first of this cycle."""

    target: Address
    cycle: tuple[Step, ...]


@message
class Withdraw:
    """To a kernel: if `target` has not begun with this ask of core `asker`, let it not."""

    target: Address
    asker: CoreAddress
    ask: int | None


M = TypeVar("M", Probe, Withdraw)


# As a wait begins


def break_cycle(cell: Any) -> None:
    """Own turn only, when it waits for one that waits. Break the cycle that this closes, if any."""
    if type(cell.awaits) is not Wait:
        cell.awaits = Wait(cell, cell.awaits, None)
    owner = future_of(cell.awaits).owed_by
    if owner is not None and owner.awaits is ELSEWHERE:
        _note(cell)  # as `_break_cycle` would: the line ends there
    elif cell.core.holds() and not cell.core.inbox:
        _break_cycle(cell)
    else:  # an ask of this cycle may have been posted to the loop as well
        cell.core.post(_break_cycle, cell)


def break_cycle_of_coroutine(cell: Any) -> None:
    """Its loop's thread only. As `break_cycle`, when its coroutine awaits one that waits."""
    cell.core.post(_break_cycle, cell)


def _break_cycle(cell: Any) -> None:
    core: TracedCore = cell.core
    earned = NEAR * core.turns
    core.followed = max(core.followed, earned - SAVED)
    met: dict[Any, Any] = {}
    end = _end_of_line(cell, met, max(earned - core.followed, NEAR))
    core.followed += len(met)
    if end is not None:
        _note(cell)
    if end is cell:
        _follow(core, cell)


def _end_of_line(cell: Any, met: dict[Any, Any], most: float = inf) -> Any:
    """Owner only. Where the line of those ends that wait from this one on; None: for no wait.

    It is an actor of elsewhere, or one that was met before; `met` says who began the line then. Or
    the one after so many.
    """
    at = cell
    while at not in met:
        met[at] = cell
        at = next_in_line(at)
        if at is None or at.awaits is ELSEWHERE or len(met) == most:
            break
    return at


def hand_on(reply: Reply | None, process: Any) -> None:
    """Any thread. An ask was passed on: from now on, the process owes the answer."""
    asked: Any = reply
    if hasattr(asked, "origin"):  # of another core: its asker goes on asking for it here
        asked.owed_by = process
        process.core.handed_on[asked.origin] = asked
    elif hasattr(asked, "owed_by"):
        asked.owed_by = process
        for waiter in [*(asked._waiters or ())]:
            if getattr(waiter, "awaits", None) is not None:
                _note(waiter)
                _follow(waiter.core, waiter)


def _note(cell: Waiting) -> None:
    """Any thread. The wait may close a cycle: see whether it lasts."""
    wait, core = wait_of(cell), cell.core
    if wait is None:
        return
    wait.since = now()
    with _looking:
        first = not core.noted
        core.noted[cell] = wait
    if first:
        core.call_later(PAUSE, partial(_follow_noted, core))


def _follow_noted(core: TracedCore) -> None:
    with _looking:
        noted, core.noted = core.noted, {}
    _follow_lasting(core, noted, PAUSE)


def _follow_lasting(core: TracedCore, waits: dict[Waiting, Wait], pause: float) -> None:
    """Owner only. Look where those waits lead that last, and again: probes may be lost."""
    lasting = {cell: wait for cell, wait in waits.items() if wait_of(cell) is wait}
    met: dict[Any, Any] = {}  # of many that lead to the same, only the first is followed
    for cell in lasting:
        end = _end_of_line(cell, met)
        if end is not None and (end.awaits is ELSEWHERE or met[end] is cell):
            _follow(core, cell)
    if lasting:
        core.call_later(2 * pause, partial(_follow_lasting, core, lasting, 2 * pause))


# From wait to wait


def _follow(core: TracedCore, cell: Any, path: tuple[Step, ...] = (), again: int = 0) -> None:
    """Owner only, or the turn that has just begun to wait. See where the wait of `cell` leads.

    For it waits the last of `path`, if there is one.
    """
    with _looking:
        found = _chase(core, cell, path, again)
        wait = _mark(core, found) if isinstance(found, Break) else None
    if wait is not None:
        _end(core, wait)
    elif found is not None:
        _send(core, found)


def _chase(core: TracedCore, cell: Any, path: tuple[Step, ...], again: int) -> Probe | Break | None:
    steps = list(path)
    places = {step.address: place for place, step in enumerate(steps)}
    while True:
        wait = wait_of(cell)
        if wait is None or is_reentrant(cell):
            return None
        address = cell.address
        if not again and address not in places:
            places[address] = len(steps)
            steps.append(_step(cell, wait))
        else:
            if not again:
                del steps[: places[address]]  # these wait for the cycle, and are not of it
            if not steps[again].is_of(address, wait):
                return None
            again += 1
            if again == len(steps):
                return _break_of(steps)
        owner = wait.future.owed_by
        if owner is None or owner.awaits is None:
            return None
        if owner.awaits is ELSEWHERE:
            if len(steps) > LONGEST:
                return None
            return Probe(owner.address, tuple(steps), again, core.home, wait.future.ask_number)
        if not owes(owner, wait.future):
            return None
        cell = owner


def _step(cell: Waiting, wait: Wait) -> Step:
    cls, name = cell.actor_class, cell.name
    label = f"{cls.__name__} {f'at {cell.address}' if name is None else repr(name)}"
    return Step(cell.address, wait.number, wait.since, wait.deadline, type_name(cls), label)


def take_probe(core: TracedCore, probe: Probe) -> None:
    """Owner only. A probe has come from another core."""
    cell, passed = _who_has(core, probe)
    if passed is not None:
        _send(core, passed)
    elif getattr(cell, "awaits", None) is not None and owes(cell, (probe.asker, probe.ask)):
        _follow(core, cell, probe.path, probe.again)


def _who_has(core: TracedCore, message: M) -> tuple[Any, M | None]:
    """Who of this core has the ask that a message is about; or what to tell another core of it."""
    ask = core.handed_on.get((message.asker, message.ask))
    if ask is None:
        return core.processes.get(message.target.id), None
    owner = ask.owed_by
    if owner.awaits is not ELSEWHERE:
        return owner, None
    target, asker, number = owner.address, core.home, ask.ask_number
    return None, replace(message, target=target, asker=asker, ask=number)


# The end of a cycle


def _break_of(cycle: list[Step]) -> Break | None:
    """The end of the youngest wait of a cycle; None if another one's time is over soon."""
    youngest = max(cycle, key=lambda step: (step.since, step.address))
    place = cycle.index(youngest)
    first_end = min([step.deadline for step in cycle if step is not youngest], default=inf)
    if first_end - now() < min((youngest.deadline - now()) / 2, PAUSE):
        return None
    return Break(youngest.address, (*cycle[place:], *cycle[:place]))


def take_break(core: TracedCore, message: Break) -> None:
    """Owner only. A cycle has been found by a probe."""
    with _looking:
        wait = _mark(core, message)
    if wait is not None:
        _end(core, wait)


def _mark(core: TracedCore, message: Break) -> Wait | None:
    """The wait to be ended, from now on of no cycle; None if it is of another core, or over."""
    target, cycle = message.target, message.cycle
    cell: Any = core.processes.get(target.id) if target.home == core.home else None
    wait = None if getattr(cell, "awaits", None) is None else wait_of(cell)
    if wait is None or wait.number != cycle[0].number:
        return None
    labels = [step.label for step in (*cycle, cycle[0])]
    refs = tuple(core.owner.ref_of(step.address, step.type_name) for step in cycle)
    wait.error = DeadlockError(" -> ".join(labels), refs)
    return wait


def _end(core: TracedCore, wait: Wait) -> None:
    """End a wait by its error; an ask that has failed so must not be handled.

    It could close its cycle anew, for ever. So it is taken out first.
    """
    future = wait.future
    assert wait.error is not None
    if not wait.final:
        wait.turn.unpark()
        return
    owner = future.owed_by
    if owner.awaits is ELSEWHERE:
        withdrawn = Withdrawn(wait)
        _send(core, Withdraw(owner.address, core.home, future.ask_number), withdrawn)
        return
    owner.core.call(take_out, owner, future)
    future.reject(wait.error)


class Withdrawn:
    """What hears that an ask was taken out, where it had come to, or never will be."""

    __slots__ = ("_wait",)

    def __init__(self, wait: Wait) -> None:
        self._wait = wait

    def resolve(self, value: object) -> bool:
        """Any thread. See `Reply.resolve`."""
        assert self._wait.error is not None
        return self._wait.future.reject(self._wait.error)

    def reject(self, error: BaseException) -> bool:
        """Any thread. See `Reply.reject`."""
        return self.resolve(error)


def take_withdrawal(core: TracedCore, message: Withdraw) -> Withdraw | None:
    """Owner only. An ask of another core has failed; what to tell another core in turn."""
    cell, passed = _who_has(core, message)
    if passed is None and hasattr(cell, "awaits"):
        take_out(cell, (message.asker, message.ask))
    return passed


def _send(core: TracedCore, message: Probe | Break | Withdraw, reply: Reply | None = None) -> None:
    kernel = core.owner.process_of(Address(*message.target.home, KERNEL_ID))
    try:
        kernel.deliver(message, None, reply, None)
    except ZanniError as error:  # too large for a frame: the next one may not be
        if reply is not None:
            reply.reject(error)
