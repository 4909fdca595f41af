"""`DynamicSupervisor`: any number of children, started while it runs.

Guarantees:
- Starting, ending and restarting a child takes the same time however many there are, and nothing of
  a child stays once it has ended.
- All children stop together: that takes as long as the slowest, within its own shutdown time.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ..actors.errors import MaxChildren, NotFound, SpecError
from ..actors.ref import ActorRef
from .crowd import Crowd
from .family import Child
from .settings import is_count, subject_of
from .spec import ChildSpec, check_spec
from .supervisor import Supervisor


class DynamicSupervisor(Supervisor):
    """A supervisor of children that come and go: OTP's simple_one_for_one, Elixir's namesake.

    It starts with none. Children are restarted each by itself, by their restart types and this
    supervisor's intensity, as those of a `Supervisor`. What is different:

    - A child that has ended for good, or was terminated, is forgotten with its spec. So
      `restart_child` and `delete_child` never find one that they could restart or delete.
    - Ids need not be unique: a ref names the child.
    - When the supervisor stops, all children are told to at once.

    Args:
        template: the spec of children that `start_child` makes from arguments alone.
        max_children: as the class attribute, for this one.

    """

    max_children: int | None = None
    """How many children there may be, those that wait for a restart included; None: any number."""

    _family_class = Crowd

    def __init__(
        self, template: ChildSpec | None = None, *, max_children: int | None = None
    ) -> None:
        super().__init__()
        self.__template = template  # no name that users may have
        if max_children is not None:
            self.max_children = max_children

    def template(self) -> ChildSpec | None:
        """The spec that `start_child` completes by arguments: override it, or give it to `spawn`.

        Asked for once, at the start.
        """
        return self.__template

    def _start_children(self) -> None:
        subject = subject_of(self)
        if self.strategy != "one_for_one":
            raise SpecError(
                subject,
                "strategy",
                "a DynamicSupervisor restarts each child by itself: one_for_one",
            )
        if type(self).children is not Supervisor.children:
            raise SpecError(
                subject, "children", "a DynamicSupervisor starts with none: use start_child"
            )
        if self.max_children is not None and not is_count(self.max_children):
            raise SpecError(subject, "max_children", "use a whole number, 0 or more, or None")
        super()._start_children()
        self.__template = self.template()
        if self.__template is not None:
            check_spec(self.__template, self.auto_shutdown)

    def start_child(self, *args: Any, **kwargs: Any) -> ActorRef[Any] | None:
        """Start a child: of a spec, `start_child(spec)`, or else of the template.

        For the template, `args` are put behind its own arguments, and `kwargs` added to its own.

        Returns its ref; None when it asked to be ignored.

        Raises:
            MaxChildren: there are as many as there may be.
            SpecError: the spec is wrong, or there is neither a spec nor a template.
            StartError: it did not start.
            TypeError: there are further arguments behind a spec.

        """
        spec = self._spec_for(args, kwargs)
        check_spec(spec, self.auto_shutdown)
        if self.max_children is not None and len(self._family) >= self.max_children:
            raise MaxChildren(self.max_children)
        return self._start_new(spec)

    def _spec_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ChildSpec:
        first, *more = args or (None,)
        if isinstance(first, ChildSpec):
            if more or kwargs:
                raise TypeError(
                    "start_child() takes a spec alone, or arguments for the template: "
                    "put those of this child into its spec"
                )
            return first
        template = self.__template
        if template is None:
            raise SpecError(
                subject_of(self),
                "template",
                "there is none to start a child of: pass child(...) to start_child, or to spawn",
            )
        if not (args or kwargs):
            return template
        return dataclasses.replace(
            template, args=(*template.args, *args), kwargs={**template.kwargs, **kwargs}
        )

    def terminate_child(self, id: str | ActorRef[Any]) -> None:
        """Stop a child, named by its ref or its id, and forget it; returns when it is gone.

        Raises:
            NotFound: no child is behind that ref, or has that id.
            SupervisorError: several children have that id.

        """
        child = self._family.of(id) if isinstance(id, ActorRef) else self._family.get(id)
        if child is None:
            raise NotFound(id)
        self._terminate(child)

    def _carry_out(self, failed: Child, *, starts: bool) -> None:
        if starts:
            self._start_again(failed)

    def _stop_children(self) -> None:
        self._keeper.stop_together(reversed(self._family))
