"""One who looks at the cores of a node from outside, as `zanni tree` does: see observers.py.

Guarantees:
- It is no member of anything, and takes in the answers to its own questions only.
- No core is waited for longer than `PATIENCE` seconds after it was last heard.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from itertools import count
from typing import NamedTuple

from ..actors.address import CoreAddress
from ..actors.environment import now, random_bits
from ..actors.errors import ZanniError
from ..actors.survey import Row
from .endpoint import Endpoint, Frames, Link, Probe
from .events import NO_NODE
from .frame import (
    VERSION_MAJOR,
    BadFrame,
    Header,
    Kind,
    control_frame,
    source_of,
    unpack_frames,
)
from .gate import Gate
from .handshake import OBSERVER, BadHandshake, Handshake, Identity
from .observation import BadObservation, Question, pack_question, unpack_part
from .run_directory import inside_urls, make_run_directory
from .security import RefusedAddress, check_url, own_host, tcp_host
from .zeromq import ZeroMQEndpoint

PATIENCE = 3.0
"""Seconds."""
PROBE_AFTER = 0.5
"""Seconds after which it is found out why a link takes nothing."""
FRESH = 5.0
"""Seconds after an answer in which its core surely knows us still."""
OBSERVE_SINCE = (VERSION_MAJOR, 1)
"""The first version of the protocol that has observers."""


class NotSeen(ZanniError):
    """There is no answer; the text says why."""


class Silent(NotSeen):
    """Nothing came; the text says what may be the cause."""


class HasEnded(NotSeen):
    """The node has said goodbye."""


class CoreSeen(NamedTuple):
    """What was seen of one core."""

    record: Row
    """As core 0 knows it: the fields of a `CoreRecord`."""
    rows: list[Row]
    """What it tells itself: see `survey.py`."""
    problem: str | None
    """Why it has told nothing, or None."""


class NodeSeen(NamedTuple):
    """What was seen of a node."""

    name: str
    cores: list[CoreSeen]


class Line:
    """What connects us with one core, and the answer that comes in."""

    def __init__(self, url: str, link: Link) -> None:
        self.url, self.link = url, link
        self.identity: Identity | None = None
        self.waiting: list[tuple[bytes, bytes]] = []
        self.connected = False
        """Whether the link has ever taken a frame."""
        self.heard = now()
        self.question: Question | None = None
        """The one that has no answer yet."""
        self.parts = 0
        self.rows: list[Row] = []
        self.error: NotSeen | None = None
        self.begun = now()
        """Since when the link may have been there."""
        self.probe: Probe | None = None
        """Finds out why the link takes nothing."""

    def pump(self) -> None:
        """Send what waits, as far as the link takes it."""
        while self.waiting and self.link.send(self.waiting[0]):
            self.connected = True
            del self.waiting[0]

    def fail(self, error: NotSeen) -> None:
        """There will be no answer."""
        self.error, self.question = error, None

    def silence(self) -> Silent:
        """What may be the cause that nothing comes."""
        if self.connected:
            return Silent(
                f"{self.url} took the connection and does not answer within {PATIENCE:g} seconds: "
                "it is stopped, or held up by code in C, or no Zanni node of this version"
            )
        reason = None if self.probe is None else self.probe.reason()
        if reason not in (None, NO_NODE):
            return Silent(f"{self.url} does not answer: {reason}")
        return Silent(
            f"nothing answers at {self.url} within {PATIENCE:g} seconds: nothing listens there, or "
            "what does is stopped, or no Zanni node"
        )


class Observer:
    """It looks at one node. One thread, all of it."""

    def __init__(self, endpoint: Endpoint, listen: str, key: str | None = None) -> None:
        self._endpoint, self._key = endpoint, key
        incarnation = random_bits(63)
        home = CoreAddress(f"observer-{incarnation:016x}", 0, incarnation)
        if key is None:
            url = endpoint.listen(listen, self._receive)
        else:
            url = endpoint.listen_guarded(listen, lambda frames, _key: self._receive(frames))
        self._me = Identity(home, url, url, OBSERVER)
        self._source = source_of(home)
        self._handshake = Handshake()
        self._lines: dict[str, Line] = {}
        self._next = count(1).__next__
        self._gone = False

    def look(self, url: str, *, everything: bool) -> NodeSeen:
        """What there is to see now of the node whose core 0 listens at `url`.

        Args:
            url: as `check_url` gives it.
            everything: whether every actor and every child is told one by one: see `survey.py`.

        Raises:
            NotSeen: core 0 does not answer; of another core that is told in its place.
            Silent: and nothing at all came from it.
            HasEnded: the node has said goodbye.

        """
        first = self._ask([url], "cores", everything=everything)[0]
        if first.error is not None:
            raise first.error
        assert first.identity is not None
        records = [row for row in first.rows if isinstance(row.get("index"), int)]
        urls = {row["index"]: self._url_of(row) for row in records}
        urls[first.identity.home.core] = url
        lines = self._ask(filter(None, urls.values()), "actors", everything=everything)
        by_url = {line.url: line for line in lines}
        cores = [_seen(row, by_url.get(urls[row["index"]] or "")) for row in records]
        return NodeSeen(first.identity.home.node, cores)

    def _url_of(self, record: Row) -> str | None:
        """Where a core can be asked; None where it cannot."""
        if record.get("state") not in ("up", "closing"):
            return None
        try:
            url = check_url(record.get("control", ""), keys=self._key is not None)
        except RefusedAddress:
            return None
        line = self._lines.get(url)
        known = None if line is None else line.identity
        if line is not None and known and known.home.incarnation != record.get("incarnation"):
            self._hang_up(line)  # the core was started again, and knows nothing of us
        return url

    def rest(self, seconds: float) -> None:
        """Wait so many seconds.

        Raises:
            HasEnded: the node has said goodbye.

        """
        until = now() + seconds
        while (left := until - now()) > 0:
            self._check_gone()
            self._endpoint.wait(left)

    # Asking

    def _ask(self, urls: Iterable[str], what: str, *, everything: bool) -> list[Line]:
        """Ask these cores, and wait until each has answered or there is a problem with it."""
        lines = [self._line(url) for url in urls]
        for line in lines:
            line.question = Question(self._next(), what, everything)
            line.heard, line.parts, line.rows, line.error = now(), 0, [], None
            if line.identity is not None:
                line.waiting = [self._question_frame(line.identity, line.question)]
        while waiting := [line for line in lines if line.question is not None]:
            for line in waiting:
                line.pump()
            until = min(line.heard for line in waiting) + PATIENCE
            self._check_gone()
            self._endpoint.wait(min(max(until - now(), 0.0), PROBE_AFTER))
            for line in waiting:
                if not line.connected and line.probe is None and now() - line.heard > PROBE_AFTER:
                    line.probe = self._endpoint.probe(line.url, self._key)
                if not line.connected and now() - line.begun > PATIENCE / 2:
                    self._connect_again(line)
                if now() - line.heard >= PATIENCE and line.question is not None:
                    line.fail(line.silence())
        return lines

    def _line(self, url: str) -> Line:
        line = self._lines.get(url)
        if line is not None and (line.error is not None or now() - line.heard > FRESH):
            self._hang_up(line)
            line = None
        if line is None:
            line = self._lines[url] = Line(url, self._endpoint.connect(url, self._key))
            hello = self._handshake.hello(self._me, url)
            line.waiting = [control_frame(Kind.HELLO, self._source, 0, hello)]
        return line

    def _connect_again(self, line: Line) -> None:
        """A link never tries a refused key again by itself, and it may be allowed by now."""
        line.link.close()
        line.link, line.begun = self._endpoint.connect(line.url, self._key), now()

    def _hang_up(self, line: Line) -> None:
        line.link.close()
        if line.probe is not None:
            line.probe.close()
        del self._lines[line.url]

    def _check_gone(self) -> None:
        if self._gone:
            raise HasEnded("it has ended")

    def _question_frame(self, identity: Identity, question: Question) -> tuple[bytes, bytes]:
        return self._frame(Kind.OBSERVE, identity, pack_question(question))

    def _frame(self, kind: Kind, identity: Identity, body: bytes) -> tuple[bytes, bytes]:
        return control_frame(kind, self._source, identity.home.incarnation, body)

    # What comes in

    def _receive(self, frames: Frames) -> None:
        try:
            header, body = unpack_frames(frames)
            if header.kind is Kind.WELCOME:
                self._on_welcome(body)
            elif header.kind is Kind.REJECT:
                self._on_reject(body)
            elif header.destination_incarnation == self._source.incarnation:
                line = self._line_to(header)
                if line is not None and header.kind is Kind.OBSERVE:
                    self._on_part(line, body)
                elif line is not None and header.kind is Kind.GOODBYE:
                    self._gone = True
        except (BadFrame, BadHandshake, BadObservation):
            pass  # of a stranger; who should have answered and did not is silent

    def _line_to(self, header: Header) -> Line | None:
        for line in self._lines.values():
            if line.identity is not None and source_of(line.identity.home) == header.source:
                return line
        return None

    def _on_welcome(self, body: bytes | memoryview) -> None:
        welcomed = self._handshake.on_welcome(self._me, body)
        line = None if welcomed is None else self._lines.get(welcomed.url)
        if welcomed is None or line is None or line.question is None:
            return
        self._handshake.hung_up(line.url)
        identity = welcomed.identity
        if identity.versions < OBSERVE_SINCE:
            major, minor = identity.versions
            text = f"{line.url} speaks version {major}.{minor} of the protocol, without observers"
            line.fail(NotSeen(f"{text}: it has to run a newer Zanni"))
            return
        line.identity = identity
        line.waiting = [
            self._frame(Kind.CONFIRM, identity, welcomed.confirm),
            self._question_frame(identity, line.question),
        ]

    def _on_reject(self, body: bytes | memoryview) -> None:
        url, _, refusal = self._handshake.on_reject(body)
        line = None if url is None else self._lines.get(url)
        if line is not None:
            line.fail(NotSeen(f"{line.url} refuses: {refusal.detail}"))

    def _on_part(self, line: Line, body: bytes | memoryview) -> None:
        part = unpack_part(body)
        if line.question is None or part.number != line.question.number:
            return
        line.heard = now()
        line.parts += 1
        line.rows += part.rows
        if part.part != line.parts:
            line.fail(NotSeen(f"a part of the answer of {line.url} is lost"))
        elif part.error is not None:
            line.fail(NotSeen(f"{line.url} cannot say: {part.error}"))
        elif part.is_last:
            line.question = None


def _seen(record: Row, line: Line | None) -> CoreSeen:
    if line is None:
        return CoreSeen(record, [], f"it is {record.get('state')}, and cannot be asked from here")
    if line.error is not None:
        return CoreSeen(record, [], str(line.error))
    return CoreSeen(record, line.rows, None)


@contextmanager
def observing(url: str, gate: Gate | None = None, key: str | None = None) -> Generator[Observer]:
    """An observer that can be answered from where `url`, a checked one, leads.

    Args:
        url: what is to be looked at.
        gate: our own keys and whose are allowed, where keys are used.
        key: what all cores there have to show then.

    Raises:
        OSError: no address to be answered at can be had.

    """
    with _own_address(tcp_host(url)) as address:
        endpoint = ZeroMQEndpoint(gate)
        try:
            yield Observer(endpoint, address, key)
        finally:
            endpoint.close()


@contextmanager
def _own_address(host: str | None) -> Generator[str]:
    if host is not None:
        yield f"tcp://{own_host(host)}:0"
        return
    directory, lock = make_run_directory(random_bits(63))
    try:
        yield inside_urls(directory, 0)[0]
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)
