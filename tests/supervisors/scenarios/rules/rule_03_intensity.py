"""Rule 3, intensity: so many restarts may lie within the period, one more is too many.

Time is counted in whole seconds; a restart counts from the second that it is made in.
"""

from scenarios.scenario import a, b, c, scenario, temporary, top, transient

scenario(
    "more_restarts_than_intensity_within_the_period_are_too_many",
    top(a, b, intensity=2, period=5.0),
    """
    crash a
        terminated a: error; start a
    crash b
        terminated b: error; start b
    crash a
        terminated a: error; gave_up a; stop b; exit top: shutdown
    """,
)
scenario(
    "a_restart_on_the_edge_of_the_period_is_inside",
    top(a, intensity=1, period=5.0),
    """
    advance 10.9
    crash a
        terminated a: error; start a
    advance 5
    crash a
        terminated a: error; gave_up a; exit top: shutdown
    """,
)
scenario(
    "a_restart_before_the_period_is_outside_and_seconds_are_whole",
    top(a, intensity=1, period=5.0),
    """
    advance 10.9
    crash a
        terminated a: error; start a
    advance 5.2
    crash a
        terminated a: error; start a
    """,
)
scenario(
    "the_window_slides",
    top(a, intensity=2, period=5.0),
    """
    crash a
        terminated a: error; start a
    advance 4
    crash a
        terminated a: error; start a
    advance 4
    crash a
        terminated a: error; start a
    advance 4
    crash a
        terminated a: error; start a
    crash a
        terminated a: error; gave_up a; exit top: shutdown
    """,
)
scenario(
    "a_group_restart_counts_once",
    top(a, b, c, strategy="one_for_all", intensity=2),
    """
    crash a
        terminated a: error; stop c; stop b; start a; start b; start c
    crash b
        terminated b: error; stop c; stop a; start a; start b; start c
    crash c
        terminated c: error; gave_up c; stop b; stop a; exit top: shutdown
    """,
)
scenario(
    "every_failed_attempt_counts",
    top(a, b, intensity=2),
    """
    fail a 9
    crash a
        terminated a: error; fail a; start_error a: error; fail a; start_error a: error
        gave_up a; stop b; exit top: shutdown
    """,
)
scenario(
    "with_intensity_0_the_first_crash_is_fatal",
    top(a, b, intensity=0),
    """
    crash b
        terminated b: error; gave_up b; stop a; exit top: shutdown
    """,
)
scenario(
    "an_end_without_a_restart_does_not_count",
    top(a, temporary("b"), transient("c"), intensity=0),
    """
    crash b
        terminated b: error
    exit c normal
        stop c; ended c: normal
    restart_child top c
        start c; -> started
    """,
)
