"""The same program with a thread and two queues."""

from queue import SimpleQueue
from threading import Thread


def account(mailbox):
    message, reply = mailbox.get()
    reply.put(100 + message)


if __name__ == "__main__":
    mailbox, reply = SimpleQueue(), SimpleQueue()
    thread = Thread(target=account, args=(mailbox,))
    thread.start()
    mailbox.put((50, reply))
    print(reply.get(), flush=True)
    thread.join()
