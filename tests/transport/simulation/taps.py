"""Where the oracle listens: the system messages that one core sends another, and takes from it."""

from zanni.actors.address import KERNEL_ID
from zanni.transport import remote
from zanni.transport.peer import State


def key_of(process, signal):
    subject = getattr(signal[0], "address", None) if signal else None
    return type(signal).__name__, process.address.id, subject and subject.id


class Tapped:
    """While it is entered, the oracle of each system hears of its signals."""

    def __enter__(self):
        send, take = self._send, self._take = remote.RemoteProcess.signal, remote._receive_signal

        def signal(process, signal):
            peer, host = process._find_peer(), process._host
            if peer.state is not State.DOWN or peer.successor is not None:
                oracle = host.core.owner.oracle
                oracle.signalled(host.core.home, peer, key_of(process, signal))
            send(process, signal)

        def receive(host, peer, process, signal):
            if process.address.id != KERNEL_ID:
                key = key_of(process, signal)
                host.core.owner.oracle.signal_taken(peer, host.core.home, key)
            take(host, peer, process, signal)

        remote.RemoteProcess.signal, remote._receive_signal = signal, receive
        return self

    def __exit__(self, *exc_info):
        remote.RemoteProcess.signal, remote._receive_signal = self._send, self._take
