"""Those who look at this core from outside, as `zanni tree` does: what they may ask, and answers.

question   rows of the answer
cores      row "core": the fields of a `CoreRecord`, and control: where that core can be asked
actors     those of `survey.py`

Guarantees:
- An observer is no node: no event tells of it, nothing lists it, and all that it may send are these
  questions. It is answered where it has shown, by its CONFIRM, that it listens.
- No actor is asked for an answer, and none holds the core up: it is made in steps of about `STEP`
  seconds, and turns come between.
- At most `LIMIT` observers are known; for one more, the one that asked longest ago is forgotten. So
  is one that has asked nothing for `LIFE` seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping

from ..actors.environment import now
from ..actors.survey import Row, survey
from ..actors.system import ActorSystem
from .endpoint import Link
from .frame import Header, Kind, Source, control_frame, source_of
from .handshake import CorePlace, Identity
from .observation import ROWS_LIMIT, Question, pack_part, pack_row, unpack_question
from .places import Listeners

logger = logging.getLogger("zanni")

LIMIT = 32
LIFE = 10.0
STEP = 0.001
BEAT = 0.5
"""Seconds without a row after which a part without any says that the answer is under way."""
RETRY = 0.02
"""Seconds until a frame that the link has refused is offered again."""

Rows = Iterator[Row | None]


class Inquiry:
    """One observer, and the answer to it that is under way."""

    def __init__(self, incarnation: int, link: Link, *, own: bool) -> None:
        self.incarnation = incarnation
        self.link = link
        self.own = own
        """Whether it asks on the node's own sockets."""
        self.touched = now()
        """When it last asked, or took a part of the answer."""
        self.number = self.part = 0
        self.rows: Rows | None = None
        """What is left of the answer."""
        self.frame: tuple[bytes, bytes] | None = None
        """The part that is to be sent next."""
        self.due = False
        """Whether `_go_on` is to come."""

    def end(self) -> None:
        """Nothing more is said to this one."""
        self.rows = self.frame = None
        self.link.close()


class Observers:
    """The observers of one core. Owner only, all of it."""

    def __init__(
        self,
        system: ActorSystem,
        source: Source,
        listeners: Listeners,
        siblings: Mapping[int, CorePlace],
    ) -> None:
        self._system, self._source = system, source
        self._listeners, self._siblings = listeners, siblings
        self._inquiries: dict[Source, Inquiry] = {}
        self._questions: dict[str, Callable[[Inquiry, bool], Rows]] = {
            "cores": lambda inquiry, _: self._cores(own=inquiry.own),
            "actors": lambda _, everything: survey(self._system.core, everything=everything),
        }
        """All that may be asked."""

    def adopt(self, identity: Identity, link: Link, *, own: bool) -> None:
        """Answer this one from now on: it has shown where it listens."""
        home = identity.home
        source = source_of(home)
        self._forget(source)
        if len(self._inquiries) >= LIMIT:
            self._forget(min(self._inquiries, key=lambda each: self._inquiries[each].touched))
        self._inquiries[source] = Inquiry(home.incarnation, link, own=own)

    def _forget(self, source: Source) -> None:
        inquiry = self._inquiries.pop(source, None)
        if inquiry is not None:
            inquiry.end()

    def step(self) -> None:
        """Once a heartbeat: forget those that ask nothing any more."""
        moment = now()
        for source, inquiry in list(self._inquiries.items()):
            if moment - inquiry.touched > LIFE:
                self._forget(source)

    def say_goodbye(self) -> None:
        """Tell those who look that there will be nothing more to see."""
        for inquiry in self._inquiries.values():
            inquiry.link.send(self._frame(inquiry, Kind.GOODBYE, b"\x80"))

    def close(self) -> None:
        """Let go of all of them."""
        for source in list(self._inquiries):
            self._forget(source)

    # Questions and answers

    def take(self, header: Header, body: bytes | memoryview, *, own: bool) -> bool:
        """Take in a frame that is of no peer; False if it is no observer's question either.

        Raises:
            BadObservation: an observer has asked what is no question.

        """
        inquiry = self._inquiries.get(header.source)
        if (
            inquiry is None
            or inquiry.own is not own
            or header.kind is not Kind.OBSERVE
            or header.destination_incarnation != self._source.incarnation
        ):
            return False
        self._begin(inquiry, unpack_question(body))
        return True

    def _begin(self, inquiry: Inquiry, question: Question) -> None:
        """Answer a question; what is left of the answer to an earlier one is dropped."""
        inquiry.touched = now()
        inquiry.number, inquiry.part = question.number, 0
        inquiry.rows = inquiry.frame = None
        rows_of = self._questions.get(question.what)
        if rows_of is None:
            known = ", ".join(self._questions)
            error = f"an observer may ask for {known}, and not for {question.what!r}"
            self._add_part(inquiry, [], is_last=True, error=error)
        else:
            inquiry.rows = rows_of(inquiry, question.everything)
        if not inquiry.due:
            self._go_on(inquiry)

    def _go_on(self, inquiry: Inquiry) -> None:
        """Send the part that is due, make the next one, and come again as long as there is more."""
        inquiry.due = False
        if inquiry.frame is not None:
            if not inquiry.link.send(inquiry.frame):
                inquiry.due = True
                self._system.core.call_later(RETRY, lambda: self._go_on(inquiry))
                return
            inquiry.frame = None
            inquiry.touched = now()
        if inquiry.rows is not None:
            self._make_part(inquiry, inquiry.rows)
            inquiry.due = True
            self._system.core.post(self._go_on, inquiry)

    def _make_part(self, inquiry: Inquiry, rows: Rows) -> None:
        """Make as much of the answer as a step allows."""
        packed: list[bytes] = []
        size, until = 0, now() + STEP
        try:
            for row in rows:
                if row is not None:
                    packed.append(pack_row(row))
                    size += len(packed[-1])
                if size >= ROWS_LIMIT or now() >= until:
                    break
            else:
                inquiry.rows = None
        except Exception as fault:
            logger.exception("an answer to an observer could not be made")
            inquiry.rows = None
            error = f"{type(fault).__name__}: {fault}"
            self._add_part(inquiry, [], is_last=True, error=error)
            return
        if packed or inquiry.rows is None or until - inquiry.touched > BEAT:
            self._add_part(inquiry, packed, is_last=inquiry.rows is None)

    def _add_part(
        self, inquiry: Inquiry, rows: list[bytes], *, is_last: bool, error: str | None = None
    ) -> None:
        inquiry.part += 1
        body = pack_part(inquiry.number, inquiry.part, rows, is_last=is_last, error=error)
        inquiry.frame = self._frame(inquiry, Kind.OBSERVE, body)

    def _frame(self, inquiry: Inquiry, kind: Kind, body: bytes) -> tuple[bytes, bytes]:
        return control_frame(kind, self._source, inquiry.incarnation, body)

    # What can be seen

    def _cores(self, *, own: bool) -> Rows:
        for record in self._system.cores():
            place = self._place(record["index"], own=own)
            yield {"row": "core", **record, "control": None if place is None else place.control}

    def _place(self, core: int, *, own: bool) -> CorePlace | None:
        """Where a core can be asked by one that has asked here."""
        if own:
            return self._listeners.inside_of(core)
        return self._listeners.outside if core == self._system.index else self._siblings.get(core)
