"""What ZeroMQ is told to do, where nothing else would show that it does."""

from contextlib import ExitStack

import zmq
from waiting import wait_for

from zanni.transport.zeromq import ZeroMQEndpoint


def test_who_connects_again_is_heard_though_its_last_connection_seems_to_be_there():
    """So it is where a connection has broken for its sender alone: nobody tells the receiver."""
    heard = []
    with ExitStack() as undo:
        endpoint = ZeroMQEndpoint()
        undo.callback(endpoint.close)
        url = endpoint.listen("tcp://127.0.0.1:0", heard.append)
        context = undo.enter_context(zmq.Context())
        for number in (b"1", b"2", b"3"):
            link = undo.enter_context(context.socket(zmq.DEALER))
            link.linger = 0
            link.routing_id = b"Zone"  # a link keeps its own over all its connections
            link.connect(url)
            link.send(number)
            wait_for(lambda: endpoint.wait(0.01) or heard[-1:] == [[number]])  # noqa: B023
    assert heard == [[b"1"], [b"2"], [b"3"]]
