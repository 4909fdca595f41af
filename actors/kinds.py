"""Which kind of cell an actor has."""

from __future__ import annotations

from inspect import iscoroutinefunction
from weakref import WeakKeyDictionary

from .actor import Actor
from .boxed import boxed
from .cell import Cell
from .dispatcher import Core
from .links import Birth
from .loop_cell import LoopCell
from .mailbox import PLAIN
from .overseeing import overseeing
from .pinned import PinnedCell
from .punctual import PunctualCell
from .reentrant import ReentrantCell, ReentrantLoopCell

KINDS: dict[str, type[Cell]] = {"core": Cell, "asyncio": LoopCell, "pinned": PinnedCell}
"""By the dispatcher that runs the actor."""
_with_coroutines: WeakKeyDictionary[type[Actor], bool] = WeakKeyDictionary()


def kind_of_cell(actor_class: type[Actor], dispatcher: str | None) -> type[Cell]:
    """Any thread. The kind for an actor of that class, and that spawn option if it was given.

    Raises:
        ValueError: there is no such dispatcher, or not for this class.

    """
    if actor_class._cell_class is not None:  # one of the runtime's own actors
        return actor_class._cell_class
    asked = actor_class.dispatcher if dispatcher is None else dispatcher
    kind = KINDS.get(asked) if isinstance(asked, str) else None  # type: ignore[redundant-expr]  # users may say anything
    if kind is None:
        said = f"{actor_class.__name__}.dispatcher" if dispatcher is None else "dispatcher="
        raise ValueError(f"{said} is {' or '.join(map(repr, KINDS))}, not {asked!r:.80}")
    if not actor_class.reentrant:
        return PunctualCell if kind is Cell and actor_class.punctual else kind
    if kind is PinnedCell or actor_class.punctual:
        other = "pinned" if kind is PinnedCell else "punctual"
        raise ValueError(
            f"{actor_class.__name__} is reentrant and {other}: its thread handles one message "
            "at a time, so leave out one of the two"
        )
    # Its coroutines run on the loop while others of its messages are handled: not on the core, at
    # the very same time, but there too.
    on_loop = kind is LoopCell or _has_coroutines(actor_class)
    return ReentrantLoopCell if on_loop else ReentrantCell


def make_cell(core: Core, identity: int, birth: Birth) -> Cell:
    """Any thread. A cell for an actor that is about to be made."""
    actor_class = birth.actor_class
    kind = kind_of_cell(actor_class, birth.dispatcher)
    if actor_class._has_overseeing_cell:
        kind = overseeing(kind)
    mailbox = actor_class.mailbox if birth.mailbox is None else birth.mailbox
    if mailbox is PLAIN or mailbox == PLAIN or actor_class._cell_class is not None:
        return kind(core, identity, actor_class)
    cell = boxed(kind)(core, identity, actor_class)
    cell.keep(mailbox)
    return cell


def _has_coroutines(actor_class: type[Actor]) -> bool:
    found = _with_coroutines.get(actor_class)
    if found is None:  # looking takes as long as ten spawns
        found = _with_coroutines[actor_class] = any(
            iscoroutinefunction(attribute)
            for base in actor_class.__mro__
            for attribute in vars(base).values()
        )
    return found
