"""Handshakes in progress: the links they are sent on, when to repeat them, and when to give up.

What the nonces mean is in `handshake.py`; whom to adopt, and what follows, is the node's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple, Protocol

from ..actors.address import CoreAddress
from ..actors.environment import now, random_float
from .call import FIRST_RETRY, LAST_RETRY, Call
from .endpoint import PAUSE, Endpoint, Link
from .frame import CONTROL_CAP, Header, Kind, Source, control_frame, source_of
from .handshake import (
    BadHandshake,
    Handshake,
    Identity,
    Refusal,
    identity_of,
    is_compatible,
    reply_url,
)
from .security import RefusedAddress, check_url

logger = logging.getLogger("zanni")

ANSWER_LIFE = 5.0
"""Seconds after which a link on which only answers were to go is closed."""
CALL_LIMIT = 512
"""Links that handshakes may have open; a stranger who asks for one more is ignored."""
LOG_INTERVAL = 60.0
"""Seconds between two complaints about one URL."""


class Judge(Protocol):
    """The node, as far as handshakes go."""

    def me(self, *, own: bool, to: Identity | None = None) -> Identity:
        """Owner only. What this core says of itself to its own node's cores, or to others.

        `to` is whoever it says it to, where that is known.
        """
        ...

    def judge(self, identity: Identity, *, own: bool) -> Refusal | None:
        """Owner only. Why this core may not be adopted, or None."""
        ...

    def must_wait(self, identity: Identity, again: Callable[[], object], *, own: bool) -> bool:
        """Owner only. Whether it is asked first if an earlier start of this core is still there.

        `again` is called when that is known; then the core can be judged.
        """
        ...

    def adopt(self, identity: Identity, link: Link, *, own: bool, confirm: bytes | None) -> None:
        """Owner only. Adopt this core; answer it with the CONFIRM, or else know it confirmed."""
        ...

    def refused(self, url: str | None, home: CoreAddress, refusal: Refusal) -> None:
        """Owner only. The core at the URL does not take us."""
        ...

    def is_joined(self, url: str) -> bool:
        """Owner only. Whether the core that listens there is adopted: it is only silent."""
        ...

    def unanswered(self, url: str, reason: str) -> None:
        """Owner only. What is at another node's URL does not answer."""
        ...


class Incoming(NamedTuple):
    """A frame of a handshake, and on which sockets and with which key it came."""

    header: Header
    body: bytes | memoryview
    own: bool
    key: str | None


class Associations:
    """One core's handshakes. Owner only, all of it."""

    def __init__(
        self,
        endpoint: Endpoint,
        source: Callable[[], Source],
        judge: Judge,
        checked_url: Callable[[str], str] = check_url,
    ) -> None:
        self._endpoint, self._source, self._judge = endpoint, source, judge
        self._checked_url = checked_url
        self._handshake = Handshake()
        self._calls: dict[str, Call] = {}
        self._logged: dict[str, float] = {}
        self.bad = 0

    def dial(self, url: str, *, own: bool, key: str | None = None) -> None:
        """Have the core that listens there answer a HELLO; repeated until it does, or `hang_up`.

        Whoever still wants that of another node says so again each heartbeat: see `end_unwanted`.

        Args:
            url: where it listens.
            own: whether it is one of this node's.
            key: what it has to show, where keys are used.

        """
        try:
            call = self._call(url, own=own, key=key, pause=PAUSE if own else FIRST_RETRY)
        except OSError as error:
            self._tell(url, error.strerror or str(error))
            return
        call.is_wanted = True
        if not call.dialling:
            call.dialling, call.retry = True, FIRST_RETRY
            self._hello(call)

    @property
    def busy(self) -> bool:
        """Whether `step` has to be called."""
        return bool(self._calls)

    def hang_up(self, url: str) -> None:
        """No longer try to reach this URL."""
        call = self._calls.pop(url, None)
        self._handshake.hung_up(url)
        if call is not None:
            call.close()

    def end_unwanted(self) -> None:
        """Once a heartbeat: hang up on other nodes' URLs that nobody wants to reach any more.

        A node that is lost may be known by other URLs by then, or by none.
        """
        for call in tuple(self._calls.values()):
            if call.dialling and not call.own and not call.is_wanted:
                self.hang_up(call.url)
            call.is_wanted = False

    def lost(self, itself: CoreAddress) -> None:
        """That core is lost: what it may still confirm was said to it before."""
        self._handshake.lost(itself)

    def _call(self, url: str, *, own: bool, key: str | None, pause: float = PAUSE) -> Call:
        call = self._calls.get(url)
        if call is not None and call.key != key:  # it is another's by now, or its key is another
            self.hang_up(url)
            call = None
        if call is None:
            call = Call(url, self._endpoint.connect(url, key, pause), own=own, key=key)
            self._calls[url] = call
        return call

    def pump(self) -> bool:
        """Send what waits; False where some link refuses it."""
        done = True
        for call in tuple(self._calls.values()):
            done = call.pump() and done
        return done

    def step(self) -> float | None:
        """Repeat and end what is due; in how many seconds to come again, or None."""
        moment = now()
        for call in tuple(self._calls.values()):
            if call.due > moment:
                continue
            if call.dialling:
                call.retry = min(call.retry * 2, LAST_RETRY)
                self._hello(call)
                self._complain(call)
            else:
                self.hang_up(call.url)
        return min((call.due - moment for call in self._calls.values()), default=None)

    def _hello(self, call: Call) -> None:
        call.due = now() + call.retry * (1 + random_float() / 4)
        if call.waiting is not None or (call.retry > FIRST_RETRY and not call.own):
            # Once refused in its handshake a link never tries again; and one that is hung up on
            # does so after the same pause each time, which has to grow. It may even take a HELLO:
            # to ZeroMQ a web server's first words may be those of a ZeroMQ of long ago.
            call.link.close()
            try:
                call.link = self._endpoint.connect(call.url, call.key, call.retry)
            except OSError as error:
                self._tell(call.url, error.strerror or str(error))
                return
        me = self._judge.me(own=call.own)
        call.waiting = self._frame(Kind.HELLO, 0, self._handshake.hello(me, call.url))
        call.pump()

    def _complain(self, call: Call) -> None:
        if call.own or self._is_told(call.url):
            return  # a core of our own that does not come up is told of by who starts it
        if call.probe is None:
            try:
                call.probe = self._endpoint.probe(call.url, call.key)
            except OSError:  # `_hello` tells of it
                pass
            return  # it will know when HELLO is to be repeated again
        reason = call.probe.reason()
        if reason is not None:
            call.end_probe()
            self._tell(call.url, reason)

    def _is_told(self, url: str) -> bool:
        """Whether it was said lately; or who is there is joined, and said to be suspected."""
        lately = now() - self._logged.get(url, -LOG_INTERVAL) < LOG_INTERVAL
        return lately or self._judge.is_joined(url)

    def _tell(self, url: str, reason: str) -> None:
        """Say why there is no answer, seldom enough."""
        if not self._is_told(url):
            self._logged[url] = now()
            self._judge.unanswered(url, reason)

    def _refused(self, url: str | None, home: CoreAddress, refusal: Refusal) -> None:
        if url is not None:  # there is an answer, so nothing to complain of for a while
            self._logged[url] = now()
        self._judge.refused(url, home, refusal)

    def _frame(self, kind: Kind, destination: int, body: bytes) -> tuple[bytes, bytes]:
        return control_frame(kind, self._source(), destination, body)

    # Receiving

    def receive(
        self, header: Header, body: bytes | memoryview, *, own: bool, key: str | None = None
    ) -> None:
        """Take in a frame of a handshake; one that is none is counted.

        Args:
            header: its header.
            body: the rest.
            own: whether it came on the node's own sockets.
            key: what who sent it has shown, where keys are used.

        """
        try:
            if len(body) > CONTROL_CAP:
                raise BadHandshake("too large")
            came = Incoming(header, body, own=own, key=key)
            if header.kind is Kind.HELLO:
                self._on_hello(came)
            elif header.kind is Kind.WELCOME:
                self._on_welcome(came)
            elif header.kind is Kind.CONFIRM:
                self._on_confirm(came)
            else:
                url, home, refusal = self._handshake.on_reject(body)
                _check_source(header, home)
                if url is not None or header.destination_incarnation == self._source().incarnation:
                    self._refused(url, home, refusal)
        except (BadHandshake, RefusedAddress, OSError) as error:
            self._complain_of_bad(error)

    def receive_other_version(
        self, body: bytes | memoryview, *, own: bool, key: str | None = None
    ) -> None:
        """Take in a frame of another major version: who sent it is told so, or has told us so."""
        try:
            refusal = is_compatible(body)
            if refusal is None:
                raise BadHandshake("a header and a body of different versions")
            url = reply_url(body)
            if url is not None and len(self._calls) < CALL_LIMIT:
                reject = self._handshake.reject(self._judge.me(own=own), body, refusal)
                answer = self._frame(Kind.REJECT, 0, reject)
                self._answer(self._checked_url(url), answer, own=own, key=key)
            elif url is None:
                dialled, home = self._handshake.answered(body)
                if dialled is not None:
                    self._refused(dialled, home, refusal)
        except (BadHandshake, RefusedAddress, OSError) as error:
            self._complain_of_bad(error)

    def _complain_of_bad(self, error: Exception) -> None:
        self.bad += 1
        if now() - self._logged.get("", -LOG_INTERVAL) >= LOG_INTERVAL:
            self._logged[""] = now()
            logger.warning("a handshake was ignored: %.300s", ascii(str(error)))

    def _on_hello(self, came: Incoming) -> None:
        own, body = came.own, came.body
        incompatible = is_compatible(body)
        me = self._judge.me(own=own, to=identity_of(body))
        identity, welcome = self._handshake.welcome(me, body)
        self._check(came.header, identity)
        if len(self._calls) >= CALL_LIMIT and identity.control not in self._calls:
            raise BadHandshake("too many handshakes at once")
        if self._must_wait(identity, came):
            return
        refusal = incompatible or self._judge.judge(identity, own=own)
        if refusal is None:
            answer = self._frame(Kind.WELCOME, identity.home.incarnation, welcome)
        else:
            reject = self._handshake.reject(me, body, refusal)
            answer = self._frame(Kind.REJECT, identity.home.incarnation, reject)
        self._answer(identity.control, answer, own=own, key=came.key)

    def _answer(self, url: str, frame: tuple[bytes, bytes], *, own: bool, key: str | None) -> None:
        call = self._call(url, own=own, key=key)
        # Where both dial, a HELLO that has not gone yet is not needed: the next one would be.
        call.waiting = frame
        if not call.dialling:
            call.due = now() + ANSWER_LIFE
        call.pump()

    def _on_welcome(self, came: Incoming) -> None:
        own = came.own
        me = self._judge.me(own=own, to=identity_of(came.body))
        welcomed = self._handshake.on_welcome(me, came.body)
        if welcomed is None:
            return
        identity = welcomed.identity
        self._check(came.header, identity)
        if self._must_wait(identity, came):
            return
        refusal = self._judge.judge(identity, own=own)
        if refusal is not None:
            self._refused(welcomed.url, identity.home, refusal)
            return
        call = self._calls.pop(welcomed.url, None)
        if call is not None:
            self._settle(identity, call)
            self._judge.adopt(identity, call.link, own=own, confirm=welcomed.confirm)

    def _on_confirm(self, came: Incoming) -> None:
        own, key = came.own, came.key
        identity = self._handshake.on_confirm(came.body)
        if identity is None:
            return
        self._check(came.header, identity)
        if self._must_wait(identity, came):
            return
        if self._judge.judge(identity, own=own) is not None:
            return
        call = self._calls.pop(identity.control, None)
        if call is None:
            link = self._endpoint.connect(identity.control, key)
            call = Call(identity.control, link, own=own, key=key)
        self._settle(identity, call)
        self._judge.adopt(identity, call.link, own=own, confirm=None)

    def _must_wait(self, identity: Identity, came: Incoming) -> bool:
        """Whether this frame is to be taken in later, once more: see `Judge.must_wait`."""
        header, body, own, key = came
        return self._judge.must_wait(
            identity, lambda: self.receive(header, body, own=own, key=key), own=own
        )

    def _settle(self, identity: Identity, call: Call) -> None:
        call.end_probe()
        self._handshake.adopted(identity)
        self._handshake.hung_up(call.url)
        other = self._calls.get(identity.control)
        if other is not None and other is not call:
            self.hang_up(identity.control)

    def _check(self, header: Header, identity: Identity) -> None:
        """The header's word and the body's are one; and the addresses are fit to connect to."""
        _check_source(header, identity.home)
        urls = [identity.control, identity.data]
        for place in identity.cores:
            urls += [place.control, place.data]
        for url in urls:
            self._checked_url(url)

    def close(self) -> None:
        """Let go of every link."""
        for url in tuple(self._calls):
            self.hang_up(url)


def _check_source(header: Header, home: CoreAddress) -> None:
    """The header's word and the body's are one, or it is no handshake."""
    if header.source != source_of(home):
        raise BadHandshake("the header of a handshake names another core than its body")
