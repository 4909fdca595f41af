"""A node that may open no more files: errors say so, what runs goes on, and all is well after."""

import time

import pytest

TAKE = """
import resource
limit = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, limit[1]))
taken = []
while True:
    try:
        taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        break
"""


@pytest.fixture
def full(nodes, url):
    """A bank with a teller, and without a descriptor to spare; another node that listens."""
    bank, teller = nodes("bank", listen=url), nodes("teller", join=url)
    other = nodes("other", listen="tcp://127.0.0.1:0")
    bank("sink = system.spawn(Sink, name='sink')")
    teller.until("system.whereis('sink@bank')")
    teller("there = system.whereis('sink@bank')")
    bank(TAKE)
    return bank, teller, other


def is_well(bank, teller):
    """Actors go on, are asked from elsewhere, and new ones start."""
    assert isinstance(bank("sink.ask('pid', timeout=20)"), int)
    assert isinstance(bank("system.spawn(Sink).ask('pid', timeout=20)"), int)
    assert isinstance(teller("there.ask('pid', timeout=20)"), int)
    assert "NodeLost" not in {*bank("kinds()"), *teller("kinds()")}


def test_no_core_and_no_node_is_had_without_descriptors_and_all_else_goes_on(full):  # H4
    bank, teller, other = full
    with pytest.raises(Exception, match="open files"):
        bank("system.resize(cores=2)")
    url, mine = (node("system.nodes()[0]['urls'][0]") for node in (other, bank))
    bank(f"system.join({url!r})")
    other(f"system.join({mine!r})")
    (failing,) = bank.until("[e for e in happened if e[1] == 'JoinFailing']")
    assert "open files: raise the limit on open files (ulimit -n)" in failing[3]
    began = time.monotonic()
    while time.monotonic() < began + 2.0:  # longer than a node may be silent
        is_well(bank, teller)
    bank("[os.close(fd) for fd in taken]")
    bank.until("len(system.nodes()) == 3")
    other.until("len(system.nodes()) == 2")
    bank("system.resize(cores=2)")
    assert isinstance(bank("system.spawn(Sink, core=1).ask('pid', timeout=20)"), int)
    is_well(bank, teller)
    assert "Traceback" not in bank.err
