"""The same program in Pykka."""

import pykka


class Account(pykka.ThreadingActor):
    def on_receive(self, message):
        return 100 + message


if __name__ == "__main__":
    account = Account.start()
    print(account.ask(50), flush=True)
    account.stop()
