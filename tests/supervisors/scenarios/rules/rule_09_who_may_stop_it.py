"""Rule 9, who may stop a supervisor."""

from scenarios.language import Tree
from scenarios.scenario import a, b, c, d, scenario, sub, top

scenario(
    "a_stop_ends_it_with_normal",
    top(a, b),
    """
    stop top
        stop b; stop a; exit top: normal
    which_children top
        -> dead
    """,
)
scenario(
    "a_stop_of_one_below_is_an_end_by_itself",
    top(sub(a, b), Tree("other", (c, d), restart="transient")),
    """
    stop sub
        stop b; stop a; terminated sub: normal; start sub; start a; start b
    stop other
        stop d; stop c; ended other: normal
        top: other stopped, sub running
    """,
)
scenario(
    "the_end_of_a_stranger_is_ignored_whatever_its_reason",
    top(a, sub(b, intensity=0), intensity=0),
    """
    stranger top shutdown
    stranger top odd
    stranger sub normal
    stranger sub shutdown(x)
        top: sub running, a running
        sub: b running
    """,
)
