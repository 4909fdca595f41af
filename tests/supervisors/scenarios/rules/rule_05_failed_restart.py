"""Rule 5, a restart that fails: the next attempt is a message, so that others get in between.

Until then the child is restarting.
"""

from scenarios.scenario import a, b, scenario, top

scenario(
    "between_two_attempts_others_are_answered_and_the_child_is_restarting",
    top(a, b, intensity=9),
    """
    fail a 1
    meanwhile top: crash a, which_children top, delete_child top a, restart_child top a
        terminated a: error; fail a; start_error a: error; start a
        -> top: b running, a restarting; -> restarting; -> restarting
        top: b running, a running
    """,
)
scenario(
    "who_is_restarting_is_present_and_not_started",
    top(a, b, intensity=9),
    """
    fail a 1
    meanwhile top: crash a, start_child top a
        terminated a: error; fail a; start_error a: error; start a; -> already_present
    """,
)
scenario(
    "terminate_child_calls_the_next_attempt_off",
    top(a, b, intensity=9),
    """
    fail a 1
    meanwhile top: crash a, terminate_child top a
        terminated a: error; fail a; start_error a: error; -> ok
        top: b running, a stopped
    restart_child top a
        start a; -> started
    """,
)
scenario(
    "an_attempt_that_asks_to_be_ignored_is_the_last",
    top(a, b),
    """
    ignore a 1
    crash a
        terminated a: error; ignore a
        top: b running, a stopped
    """,
)
