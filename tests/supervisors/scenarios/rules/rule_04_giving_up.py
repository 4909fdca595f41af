"""Rule 4, giving up: the others are stopped in reverse, and it exits with reason shutdown.

So a supervisor above that holds it as transient does not start it again.
"""

from scenarios.language import Tree
from scenarios.scenario import a, b, c, d, scenario, sub, top

scenario(
    "who_gives_up_stops_the_others_in_reverse_and_exits_with_shutdown",
    top(a, b, c, d, intensity=0),
    """
    crash b
        terminated b: error; gave_up b; stop d; stop c; stop a; exit top: shutdown
    """,
)
scenario(
    "a_permanent_supervisor_that_gives_up_is_restarted_with_its_children",
    top(a, sub(b, c, intensity=0), d),
    """
    crash b
        terminated b: error; gave_up b; stop c; terminated sub: shutdown; start sub; start b
        start c
        top: d running, sub running, a running
        sub: c running, b running
    """,
)
scenario(
    "a_transient_supervisor_that_gives_up_is_not_restarted",
    top(a, sub(b, c, intensity=0, restart="transient"), d),
    """
    crash b
        terminated b: error; gave_up b; stop c; ended sub: shutdown
        top: d running, sub stopped, a running
    """,
)
scenario(
    "giving_up_goes_up_until_somebody_can_restart",
    top(a, sub(Tree("inner", (b, c), intensity=0), d, intensity=0), intensity=1),
    """
    crash c
        terminated c: error; gave_up c; stop b; terminated inner: shutdown; gave_up inner
        stop d; terminated sub: shutdown; start sub; start inner; start b; start c; start d
    crash c
        terminated c: error; gave_up c; stop b; terminated inner: shutdown; gave_up inner
        stop d; terminated sub: shutdown; gave_up sub; stop a; exit top: shutdown
    """,
)
scenario(
    "a_restarted_supervisor_has_forgotten_its_restarts_and_what_was_added",
    top(sub(a, intensity=1), intensity=9),
    """
    start_child sub b
        start b; -> started
    crash a
        terminated a: error; start a
    crash a
        terminated a: error; gave_up a; stop b; terminated sub: shutdown; start sub; start a
        top: sub running
        sub: a running
    crash a
        terminated a: error; start a
    """,
)
