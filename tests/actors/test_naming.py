"""Names, as a core sees them that has to ask core 0 for them."""

from types import SimpleNamespace

import pytest

from zanni import NameInUse
from zanni.actors.kernel import ReleaseName, ReserveName
from zanni.actors.naming import Naming


class Kernel:
    """That of core 0; the test answers in its place."""

    def __init__(self):
        self.got, self.replies = [], []

    def deliver(self, message, sender, reply, headers):
        self.got.append(message)
        self.replies.append(reply)


@pytest.mark.parametrize("taken", [False, True])
def test_a_name_is_given_back_whose_reserver_was_killed_before_it_knew(
    system, tools, eventually, taken
):
    kernel = Kernel()
    network = SimpleNamespace(kernel=lambda node, index: kernel)
    home = SimpleNamespace(name="test", index=1, home=system.home, network=network)
    reserver = system.spawn(tools.Hooked, [])
    reserver.tell(("apply", lambda _: Naming(home).reserve("ann")))
    eventually(lambda: kernel.got)
    reserver.kill()
    reserver.wait(timeout=10)
    if taken:
        kernel.replies[0].reject(NameInUse("ann"))
    else:
        kernel.replies[0].resolve(None)
    given_back = [] if taken else [ReleaseName("ann", None)]
    assert kernel.got == [ReserveName("ann", system.home.incarnation), *given_back]
