"""The children of a supervisor that may have very many of them."""

from __future__ import annotations

from ..actors.errors import NotFound, SupervisorError
from .family import Child, Family


class Crowd(Family):
    """Owner only, all of it: a family that knows only living children, whose ids may be equal.

    To add, find or drop one takes the same time however many there are.
    """

    def __init__(self) -> None:
        super().__init__()
        self._namesakes: dict[str, dict[Child, None]] = {}
        self._significant = 0

    def __contains__(self, id: str) -> bool:
        return id in self._namesakes

    def key(self, child: Child) -> object:
        """What no two children share."""
        return child

    def add(self, child: Child) -> None:
        """Put the child last in the start order."""
        super().add(child)
        self._namesakes.setdefault(child.spec.id, {})[child] = None
        self._significant += child.spec.significant

    def drop(self, child: Child) -> None:
        """Forget the child and its spec."""
        super().drop(child)
        namesakes = self._namesakes[child.spec.id]
        del namesakes[child]
        if not namesakes:
            del self._namesakes[child.spec.id]
        self._significant -= child.spec.significant

    def retire(self, child: Child) -> None:
        """The child was stopped, or will not be restarted: it is forgotten."""
        self.drop(child)

    def get(self, id: str) -> Child:
        """Return the one child of that id.

        Raises:
            NotFound: there is none.
            SupervisorError: there are several.

        """
        namesakes = self._namesakes.get(id)
        if namesakes is None:
            raise NotFound(id)
        if len(namesakes) > 1:
            raise SupervisorError(
                f"{len(namesakes)} children have the id {id!r}: name the one you mean by its ref"
            )
        return next(iter(namesakes))

    def significant_left(self) -> bool:
        """Whether there is a significant child."""
        return self._significant > 0
