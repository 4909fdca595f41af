"""What a core answers to other cores."""

import pytest

from zanni import RemoteError
from zanni.actors import kernel
from zanni.actors.address import KERNEL_ID
from zanni.actors.future import Future


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_whatever_a_request_raises_is_its_answer(system, monkeypatch, kind):
    def ends(host, request):
        raise kind

    monkeypatch.setitem(kernel.HANDLERS, kernel.ListActors, ends)
    answer = Future()
    system.core.processes[KERNEL_ID].deliver(kernel.ListActors(), None, answer, None)
    with pytest.raises(RemoteError, match=kind.__name__):
        answer.get(timeout=20)
