"""`PartitionSupervisor`: one child for each core, and messages that find theirs by a key.

Guarantees:
- A key belongs to the same child on every core, and in every run with as many partitions.
- A keyed message reaches the mailbox of its child in the order sent, also while that is being
  restarted: the queue waits for it, or, where nothing of it is left, the message itself does.
- Whatever the message, its loss is the sender's or a dead letter, and no failure of the supervisor.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ..actors.errors import ActorDeadError, Restarting, SpecError, SupervisorError
from ..actors.pool import Pool
from ..actors.ref import ActorRef
from ..actors.serving import in_hand
from .keys import Key, Keyed, partition_of
from .settings import CONTROLS, is_count, subject_of
from .spec import ActorClass, ChildSpec, check_spec, child
from .supervisor import Supervisor


class PartitionSupervisor(Supervisor):
    """A supervisor of equal children, one for each core, among which the keys are divided.

    `call(PartitionSupervisor.route, key)` gives the ref of the child that a key belongs to; a
    message `Keyed(key, message)` is passed on to it. Child number i has the id `str(i)` and lives
    on core i; with more partitions than cores these are taken by turns, and a `core=` of the spec
    stands. Partitions are counted when the supervisor starts, and not changed by
    `ActorSystem.resize`.

    Args:
        template: a spec, or the children's class, followed by its arguments and what else `child`
            takes.
        partitions: as the class attribute, for this one.

    Raises:
        SpecError: the template is wrong; its text names the field and the remedy.

    """

    partitions: int | None = None
    """How many children there are; None: as many as the node has cores."""

    _controls = CONTROLS | Pool._controls  # the children may be pools, to which it passes on

    def __init__(
        self,
        template: ChildSpec | ActorClass | None = None,
        *args: Any,
        partitions: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if template is not None and not isinstance(template, ChildSpec):
            template = child(template, *args, id="partition", **kwargs)
        elif args or kwargs:
            raise TypeError("arguments follow the children's class: put them into the child(...)")
        self.__template = template
        if partitions is not None:
            self.partitions = partitions

    def template(self) -> ChildSpec | None:
        """The spec of all children, but for id and core: override it, or give it to `spawn`."""
        return self.__template

    def children(self) -> list[ChildSpec]:
        """A child for each partition.

        Raises:
            SpecError: there is no template, or no number of partitions that can be.

        """
        template, cores = self.template(), self.system.open_cores
        count = cores if self.partitions is None else self.partitions
        if template is None:
            raise SpecError(
                subject_of(self), "template", "there is none: pass a class or child(...) to spawn"
            )
        if not is_count(count) or count == 0:
            raise SpecError(subject_of(self), "partitions", "use a whole number, 1 or more")
        check_spec(template)
        if (template.mailbox or template.actor_class.mailbox).overflow == "wait":
            raise SpecError(
                subject_of(self),
                "mailbox",
                'with overflow="wait" it is the supervisor that would wait: use another overflow',
            )
        self.__count = count
        anywhere = template.core is None and template.node is None
        return [
            dataclasses.replace(
                template,
                id=str(number),
                core=number % cores if anywhere else template.core,
            )
            for number in range(count)
        ]

    def route(self, key: Key) -> ActorRef[Any]:
        """The ref of the child that the key belongs to.

        Raises:
            TypeError: of this type there are no keys: they are text, bytes, numbers, refs, and
                tuples of these.
            Restarting: nothing was left of the child, and its next life has not begun.
            NotFound: that child was deleted.
            SupervisorError: it was stopped by hand, or has ended and is not restarted.

        """
        which = str(partition_of(key, self.__count))
        found = self._family.get(which)
        if found.ref is not None:
            return found.ref
        group = [found] if self.strategy == "one_for_one" else self._family
        if any(each.state == "restarting" for each in group):
            raise Restarting(which)
        raise SupervisorError(f"partition {which} does not run: restart_child({which!r}) starts it")

    def on_receive(self, message: Any) -> Any:
        """Pass on what is `Keyed`; else as `Supervisor`."""
        if not isinstance(message, Keyed):
            super().on_receive(message)
            return
        try:
            self._pass_on(message)
        except Exception as error:
            _, sender, reply, _ = in_hand(self._cell, "on_receive")
            if reply is not None:
                raise
            if not isinstance(error, ActorDeadError):  # that was counted
                letters, kind = self.system.dead_letters, type(error).__name__
                letters.count(kind, message.message, self.actor_ref.address, sender)

    def _oversee(self, message: object) -> bool:
        is_ours = super()._oversee(message)
        if is_ours:
            self.unstash_all()
        return is_ours

    def terminate_child(self, id: str) -> None:
        """As `Supervisor.terminate_child`; what waited for this child is refused."""
        super().terminate_child(id)
        self.unstash_all()

    def _pass_on(self, keyed: Keyed) -> None:
        try:
            ref = self.route(keyed.key)
        except Restarting:
            self.stash()
        else:
            self.forward(ref, keyed.message)
