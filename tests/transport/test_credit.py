"""Credit: what one side may send, and what the other grants, whatever is lost between them."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zanni.transport.credit import (
    SAMPLE_BYTES,
    SAMPLE_MESSAGES,
    UNLIMITED,
    Account,
    Limits,
    Window,
)

LIMITS = Limits(messages=1000, size=100_000)


@pytest.fixture
def account():
    account = Account()
    account.open(LIMITS)
    return account


def test_a_peer_that_knows_of_no_credit_does_not_limit():
    account = Account()
    account.open(Limits(0, 0))
    account.spend(1, 1 << 40, 1 << 50)
    assert account.may_send()
    assert account.left[0] > UNLIMITED // 2


def test_a_frame_may_be_sent_while_any_credit_is_left(account):
    account.spend(1, 999, 10)
    assert account.may_send()
    account.spend(2, 256, 10)  # beyond it, by a part of this frame
    assert not account.may_send()
    assert account.left == (-255, 99_980)


def test_bytes_run_out_as_messages_do(account):
    account.spend(1, 1, 50_000)
    assert account.covers(999, 50_000)
    assert not account.covers(1, 50_001)
    account.spend(2, 1, 1_000_000)  # larger than the window: it passes, alone
    assert not account.may_send()


def test_a_grant_is_beyond_what_it_says_has_come(account):
    for seq in (1, 2, 3):
        account.spend(seq, 400, 100)
    assert not account.may_send()
    assert account.grant(2, 1000, 100_000)  # 400 of them are under way still
    assert account.left[0] == 600


def test_a_grant_twice_or_late_changes_nothing(account):
    for seq in (1, 2, 3):
        account.spend(seq, 400, 100)
    assert account.grant(3, 500, 50_000)
    assert not account.grant(3, 500, 50_000)
    assert not account.grant(1, 900, 50_000)  # an earlier one that was held up
    assert account.left[0] == 500


def test_what_was_granted_never_shrinks(account):
    account.spend(1, 100, 1000)
    assert account.grant(1, 1000, 100_000)
    assert not account.grant(1, 10, 100_000)
    assert not account.grant(1, 1000, 10)
    assert account.left == LIMITS


class Core:
    """What has receipts gone tell the window, as a core's loop does."""

    def __init__(self, limits=LIMITS, draw=lambda: 0.5):
        self.gone = deque()
        self.window = Window(limits, lambda *receipt: self.gone.append(receipt), draw)

    def settle(self):
        while self.gone:
            self.window.free(*self.gone.popleft())

    def come(self, target, messages, size):
        """A frame for one actor: its receipt, if it has one."""
        if self.window.take(messages, size) is None:
            return None
        return self.window.receipt(target)


def test_a_receipt_stands_for_all_that_came_since_the_last_one():
    core = Core()
    assert core.come(7, 40, 400) is None
    receipt = core.come(7, 30, 300)
    assert (core.window.messages, core.window.size) == (70, 700)
    assert core.window.credit == (930, 99_300)
    del receipt
    core.settle()
    assert (core.window.messages, core.window.size) == (0, 0)


def test_many_bytes_have_a_receipt_of_their_own():
    core = Core(Limits())
    assert core.window.take(1, SAMPLE_BYTES - 1) is None
    assert core.window.take(1, 1) == 0


def test_no_pattern_of_targets_hides_from_the_receipts():
    """Every second message is for a slow actor, whatever the frames are cut into."""
    for messages in (1, 2, 64, 256):
        draws = iter([0.1, 0.9, 0.3, 0.7, 0.5] * 10_000)
        core = Core(Limits(1 << 20, 1 << 30), lambda draws=draws: next(draws))
        slow = []
        for _ in range(2048):
            number = core.window.take(messages, 10)
            if number is not None:
                receipt = core.window.receipt(number % 2)
                if number % 2 or (messages == 1 and len(slow) % 2):
                    slow.append(receipt)
                del receipt
        core.settle()
        if messages > 1:
            assert 0.2 < core.window.messages / (2048 * messages) < 0.8


def test_the_peer_hears_of_it_when_half_of_the_window_is_free_again():
    core = Core()
    receipts = [core.come(7, 100, 100) for _ in range(10)]
    assert core.window.is_full
    for _ in range(4):
        receipts.pop()
        core.settle()
        assert not core.window.is_due
    receipts.pop()
    core.settle()
    assert core.window.is_due
    assert core.window.granted() == (500, 99_500)
    assert not core.window.is_due


def test_who_holds_the_window_is_passed_over_and_the_others_have_half_of_it():
    core = Core()
    slow = [core.come(7, 100, 100) for _ in range(6)]
    others = [core.come(8 + number, 100, 100) for number in range(4)]
    assert core.window.is_full
    core.window.pass_over()
    assert [*core.window.busy] == [7]
    assert core.window.credit == (600, 99_600)
    assert core.window.is_due
    slow.append(core.come(7, 100, 100))  # what was under way when the peer was told
    assert core.window.credit == (600, 99_600)
    for _ in range(3):
        slow.pop()
    core.settle()
    assert [*core.window.busy] == [7]
    slow.pop()
    core.settle()
    assert not core.window.busy  # half of what it held: it counts again
    assert core.window.credit == (300, 99_300)
    slow.clear()
    others.clear()
    core.settle()
    assert core.window.credit == LIMITS


def test_who_holds_the_bytes_of_the_window_is_passed_over_however_few_its_messages():
    core = Core()
    receipts = [core.come(7, 1, 60_000), core.come(8, 1, 40_000)]
    assert core.window.is_full
    core.window.pass_over()
    assert [*core.window.busy] == [7]
    assert core.window.credit == (999, 60_000)
    receipts.clear()


def test_a_small_window_is_kept_too():
    core = Core(Limits(4, 1000))
    receipts = [core.come(7, 1, 1) for _ in range(8)]
    assert core.window.messages > 2
    assert core.window.credit[0] < 2
    receipts.clear()
    core.settle()
    assert core.window.credit == (4, 1000)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 256), st.integers(1, 5000)),
        st.sampled_from([("lose",), ("arrive",), ("handle",), ("grant",), ("grant lost",)]),
        st.tuples(st.sampled_from(["tell", "tell again"]), st.integers(0, 5)),
    ),
    max_size=200,
)


class Wire:
    """An account and a window, and what is between them."""

    def __init__(self, draw):
        self.account = Account()
        self.account.open(LIMITS)
        self.core = Core(draw=draw)
        self.under_way = deque()
        self.grants = []
        self.receipts = []
        self.seq = self.come = 0
        self.most = (0, 0)

    def do(self, step, *args):
        getattr(self, step.replace(" ", "_"))(*args)
        self.core.settle()

    def send(self, messages, size):
        if self.account.may_send():
            self.seq += 1
            self.account.spend(self.seq, messages, size)
            self.under_way.append((self.seq, messages, size))

    def lose(self):
        if self.under_way:
            self.under_way.popleft()

    def arrive(self):
        if self.under_way:
            self.come, messages, size = self.under_way.popleft()
            self.receipts.append(self.core.come(self.come % 3, messages, size))

    def handle(self):
        if self.receipts:
            self.receipts.pop(0)

    def grant(self):
        self.grants.append((self.come, *self.core.window.granted()))

    def grant_lost(self):
        self.core.window.granted()

    def tell(self, number):
        if number < len(self.grants):
            self.account.grant(*self.grants.pop(number))

    def tell_again(self, number):
        if number < len(self.grants):
            self.account.grant(*self.grants[number])


@given(STEPS, st.randoms(use_true_random=False))
def test_whatever_is_lost_or_late_the_window_is_kept_and_opens_again(steps, random):
    wire = Wire(random.random)
    for step in steps:
        wire.do(*step)
        messages = wire.core.window.messages + sum(each[1] for each in wire.under_way)
        size = wire.core.window.size + sum(each[2] for each in wire.under_way)
        # What came since the last receipt, which counts as handled, and one frame.
        assert messages <= LIMITS.messages + 2 * SAMPLE_MESSAGES + 256
        assert size <= LIMITS.size + SAMPLE_BYTES + 5000
    while wire.under_way:  # all arrives, or is lost; a probe says so, and all is handled
        wire.do("lose")
    wire.receipts.clear()
    wire.core.settle()
    wire.come = wire.seq
    wire.do("grant")
    wire.do("tell", len(wire.grants) - 1)
    assert wire.account.left == LIMITS
    assert wire.core.window.credit == LIMITS
    assert wire.core.window._held == {}  # nothing is kept of an actor whose messages are handled
