"""Rule 6, groups: one_for_all restarts all, rest_for_one those that were started after, too.

A group start starts each spec in its range. If a member does not start, one_for_all begins again,
and rest_for_one goes on with it. Two that die together cause one restart.
"""

from scenarios.scenario import a, b, c, d, scenario, sub, temporary, top, transient

scenario(
    "one_for_all_stops_the_others_in_reverse_and_starts_all_in_order",
    top(d, a, c, b, strategy="one_for_all"),
    """
    crash a
        terminated a: error; stop b; stop c; stop d; start d; start a; start c; start b
    """,
)
scenario(
    "rest_for_one_leaves_alone_those_started_before",
    top(d, a, c, b, strategy="rest_for_one"),
    """
    crash a
        terminated a: error; stop b; stop c; start a; start c; start b
    """,
)
scenario(
    "a_temporary_sibling_is_dropped_and_a_transient_one_restarted",
    top(a, temporary("b"), transient("c"), strategy="one_for_all"),
    """
    crash a
        terminated a: error; stop c; stop b; start a; start c
        top: c running, a running
    """,
)
scenario(
    "one_for_all_starts_whoever_had_finished_or_was_stopped_by_hand",
    top(a, transient("b"), c, d, strategy="one_for_all"),
    """
    exit b normal
        stop b; ended b: normal
    terminate_child top a
        stop a; -> ok
    terminate_child top d
        stop d; -> ok
    crash c
        terminated c: error; start a; start b; start c; start d
    """,
)
scenario(
    "rest_for_one_does_so_to_the_right_alone",
    top(a, transient("b"), c, transient("d"), strategy="rest_for_one"),
    """
    exit b normal
        stop b; ended b: normal
    exit d normal
        stop d; ended d: normal
    terminate_child top a
        stop a; -> ok
    crash c
        terminated c: error; start c; start d
        top: d running, c running, b stopped, a stopped
    """,
)
scenario(
    "one_for_all_begins_again_when_a_member_does_not_start",
    top(a, b, c, strategy="one_for_all", intensity=9),
    """
    fail b 2
    crash c
        terminated c: error; stop b; stop a; start a; fail b; start_error b: error
        stop a; start a; fail b; start_error b: error
        stop a; start a; start b; start c
    """,
)
scenario(
    "rest_for_one_resumes_at_the_member_that_did_not_start",
    top(a, b, c, d, strategy="rest_for_one", intensity=9),
    """
    fail c 2
    crash b
        terminated b: error; stop d; stop c; start b; fail c; start_error c: error
        fail c; start_error c: error
        start c; start d
    """,
)
scenario(
    "a_member_that_is_ignored_is_left_out_of_its_group",
    top(a, b, c, strategy="one_for_all"),
    """
    ignore b 1
    crash a
        terminated a: error; stop c; stop b; start a; ignore b; start c
        top: c running, b stopped, a running
    """,
)
scenario(
    "two_that_die_together_cause_one_restart_of_all",
    top(a, b, c, strategy="one_for_all", intensity=1),
    """
    meanwhile top: crash a, crash b
        terminated a: error; stop c; shutdown_error b: error; start a; start b; start c
    """,
)
scenario(
    "two_that_die_together_cause_one_restart_of_the_rest",
    top(a, b, c, strategy="rest_for_one", intensity=1),
    """
    meanwhile top: kill b, crash c
        terminated b: killed; shutdown_error c: error; start b; start c
    """,
)
scenario(
    "the_right_one_that_dies_first_is_restarted_twice",
    top(a, b, c, strategy="rest_for_one", intensity=2),
    """
    meanwhile top: crash c, crash b
        terminated c: error; start c; terminated b: error; stop c; start b; start c
    """,
)
scenario(
    "two_that_die_together_are_two_restarts_for_one_for_one",
    top(a, b, c, intensity=1),
    """
    meanwhile top: crash a, crash b
        terminated a: error; start a; terminated b: error; gave_up b; stop c; stop a
        exit top: shutdown
    """,
)
scenario(
    "a_supervisor_in_a_group_is_restarted_with_all_below_it",
    top(a, sub(b, transient("c"), d), strategy="one_for_all"),
    """
    exit c normal
        stop c; ended c: normal
    crash a
        terminated a: error; stop d; stop b; start a; start sub; start b; start c; start d
    """,
)
scenario(
    "the_strategy_of_a_supervisor_below_is_its_own",
    top(a, sub(b, c, strategy="rest_for_one"), strategy="one_for_all"),
    """
    crash b
        terminated b: error; stop c; start b; start c
    """,
)
