"""Zanni: an actor framework for Python.

A million light actors on all cores of a machine, plain handlers that may block, supervisors that
heal, and the same refs across processes and machines. Start with `Actor` and `ActorSystem`.
"""

__version__ = "0.1.0"

# Guarded, because pytest imports the root of the checkout under the checkout's own name.
if __name__ == "zanni":
    from pykka import ActorDeadError, Timeout, get_all

    from .actors.actor import Actor
    from .actors.address import Address
    from .actors.config import Config
    from .actors.errors import (
        AlreadyPresent,
        AlreadyStarted,
        ChannelClosed,
        ConnectionLost,
        CoreInUse,
        DeadlockError,
        DecodeError,
        EncodeError,
        ForkedError,
        Ignore,
        MailboxFull,
        MaxChildren,
        MessageTooLarge,
        NameInUse,
        NodeDown,
        NotFound,
        RemoteError,
        Restarting,
        Running,
        ShuttingDown,
        SpawnError,
        SpecError,
        StartError,
        SupervisorError,
        ZanniError,
    )
    from .actors.future import Future
    from .actors.links import Down, Exit, Failure
    from .actors.mailbox import Mailbox, MailboxHigh, MailboxRecord
    from .actors.messages import message
    from .actors.network import Network as _Network
    from .actors.pool import Members, Resize
    from .actors.pykka_view import install as _install_pykka_view
    from .actors.ref import ActorRef, msgpack_default
    from .actors.system import ActorSystem
    from .actors.system import network_of as _network_of

    __all__ = [
        "Actor",
        "ActorDeadError",
        "ActorRef",
        "ActorSystem",
        "Address",
        "AlreadyPresent",
        "AlreadyStarted",
        "ChannelClosed",
        "Config",
        "ConnectionLost",
        "CoreInUse",
        "DeadlockError",
        "DecodeError",
        "Down",
        "EncodeError",
        "Exit",
        "Failure",
        "ForkedError",
        "Future",
        "Ignore",
        "Mailbox",
        "MailboxFull",
        "MailboxHigh",
        "MailboxRecord",
        "MaxChildren",
        "Members",
        "MessageTooLarge",
        "NameInUse",
        "NodeDown",
        "NotFound",
        "RemoteError",
        "Resize",
        "Restarting",
        "Running",
        "ShuttingDown",
        "SpawnError",
        "SpecError",
        "StartError",
        "SupervisorError",
        "Timeout",
        "ZanniError",
        "get_all",
        "message",
        "msgpack_default",
    ]

    def _network(system: ActorSystem) -> _Network:
        from .transport.network import make_network as _make_network  # noqa: PLC0415  (one core needs no ZeroMQ)

        return _make_network(system)

    _network_of.fill(_network)
    _install_pykka_view()
