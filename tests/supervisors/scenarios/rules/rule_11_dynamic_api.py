"""Rule 11, the dynamic API: what is answered, and when a spec stays."""

from scenarios.scenario import a, b, c, d, scenario, sub, temporary, top, transient

scenario(
    "start_child_of_an_id_that_is_known",
    top(a, b),
    """
    start_child top a
        -> already_started
    terminate_child top a
        stop a; -> ok
    start_child top a
        -> already_present
    """,
)
scenario(
    "a_start_that_fails_discards_the_spec",
    top(a),
    """
    fail b 1
    start_child top b
        fail b; start_error b: error; -> failed b: error
        top: a running
    start_child top b
        start b; -> started
        top: b running, a running
    """,
)
scenario(
    "a_start_that_is_ignored_keeps_the_spec_unless_it_is_temporary",
    top(),
    """
    ignore a 1
    ignore b 1
    start_child top a
        ignore a; -> none
        top: a stopped
    start_child top b
        ignore b; -> none
        top: a stopped
    """,
    temporary("b"),
)
scenario(
    "a_supervisor_is_added_with_all_its_children_or_not_at_all",
    top(a),
    """
    fail c 1
    start_child top sub
        start sub; start b; fail c; start_error c: error; stop b; start_error sub: failed c
        -> failed sub: failed c
        top: a running
    start_child top sub
        start sub; start b; start c; -> started
        top: sub running, a running
        sub: c running, b running
    """,
    sub(b, c),
)
scenario(
    "a_start_by_hand_that_fails_keeps_the_spec",
    top(a),
    """
    terminate_child top a
        stop a; -> ok
    fail a 1
    restart_child top a
        fail a; start_error a: error; -> failed a: error
        top: a stopped
    ignore a 1
    restart_child top a
        ignore a; -> none
        top: a stopped
    restart_child top a
        start a; -> started
        top: a running
    """,
)
scenario(
    "starts_by_hand_do_not_count",
    top(a, intensity=0),
    """
    terminate_child top a
        stop a; -> ok
    restart_child top a
        start a; -> started
    terminate_child top a
        stop a; -> ok
    restart_child top a
        start a; -> started
    """,
)
scenario(
    "who_runs_is_neither_deleted_nor_restarted",
    top(a),
    """
    delete_child top a
        -> running
    restart_child top a
        -> running
    """,
)
scenario(
    "an_unknown_id_is_not_found",
    top(),
    """
    terminate_child top a
        -> not_found
    restart_child top a
        -> not_found
    delete_child top a
        -> not_found
    """,
)
scenario(
    "who_was_terminated_stays_until_it_is_deleted_and_a_temporary_one_is_gone",
    top(a, temporary("b")),
    """
    terminate_child top a
        stop a; -> ok
    terminate_child top a
        -> ok
    terminate_child top b
        stop b; -> ok
        top: a stopped
    delete_child top a
        -> ok
        top: nobody
    """,
)
scenario(
    "which_children_lists_in_reverse_start_order_and_count_children_counts",
    top(c, sub(a, restart="transient"), transient("b"), d),
    """
    exit b normal
        stop b; ended b: normal
    which_children top
        -> top: d running, b stopped, sub running, c running
    count_children top
        -> 4 specs, 3 active, 1 supervisors, 3 workers
    """,
)
