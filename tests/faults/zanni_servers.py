"""What may listen where a node is expected, and is none."""

import contextlib
import socket
import threading
import time


@contextlib.contextmanager
def server(answer):
    """Takes connections, reads a little, answers so and hangs up; its URL, and when each came."""
    times, listener = [], socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            times.append(time.monotonic())
            with connection, contextlib.suppress(OSError):
                connection.settimeout(1)
                connection.recv(1024)
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    host, port = listener.getsockname()
    try:
        yield f"tcp://{host}:{port}", times
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
