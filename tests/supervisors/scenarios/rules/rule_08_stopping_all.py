"""Rule 8, stopping all: in reverse start order; who was added at run time comes last in that."""

from scenarios.scenario import a, b, c, d, scenario, sub, top

scenario(
    "all_stop_in_reverse_start_order",
    top(d, a, sub(c, b)),
    """
    stop top
        stop b; stop c; stop a; stop d; exit top: normal
    """,
)
scenario(
    "who_was_added_comes_last_and_who_was_restarted_keeps_its_place",
    top(b, c, intensity=9),
    """
    start_child top a
        start a; -> started
    crash b
        terminated b: error; start b
    terminate_child top c
        stop c; -> ok
    restart_child top c
        start c; -> started
        top: a running, c running, b running
    stop top
        stop a; stop c; stop b; exit top: normal
    """,
)
scenario(
    "who_was_deleted_and_started_again_comes_last",
    top(a, b),
    """
    terminate_child top a
        stop a; -> ok
    delete_child top a
        -> ok
    start_child top a
        start a; -> started
    stop top
        stop a; stop b; exit top: normal
    """,
)
scenario(
    "who_was_added_is_of_the_group",
    top(a, b, strategy="rest_for_one"),
    """
    start_child top c
        start c; -> started
    crash b
        terminated b: error; stop c; start b; start c
    """,
)
