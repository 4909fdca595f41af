"""Rule 10, significant children: one that ends by itself, and is not restarted, ends all.

With all_significant the last one does.
"""

from scenarios.scenario import a, b, c, scenario, sub, temporary, top, transient

scenario(
    "any_significant_ends_with_the_first_that_is_not_restarted",
    top(
        transient("a", significant=True),
        b,
        transient("c", significant=True),
        auto_shutdown="any_significant",
    ),
    """
    crash a
        terminated a: error; start a
    exit c normal
        stop c; ended c: normal; stop b; stop a; exit top: shutdown
    """,
)
scenario(
    "a_significant_child_that_is_temporary_ends_it_by_a_crash",
    top(a, temporary("b", significant=True), auto_shutdown="any_significant"),
    """
    crash b
        terminated b: error; stop a; exit top: shutdown
    """,
)
scenario(
    "all_significant_ends_with_the_last_one_that_runs",
    top(
        transient("a", significant=True),
        temporary("b", significant=True),
        c,
        transient("d", significant=True),
        auto_shutdown="all_significant",
    ),
    """
    exit d normal
        stop d; ended d: normal
    crash b
        terminated b: error
    exit a shutdown
        stop a; ended a: shutdown; stop c; exit top: shutdown
    """,
)
scenario(
    "who_is_not_significant_ends_nothing",
    top(transient("a"), transient("b", significant=True), auto_shutdown="any_significant"),
    """
    exit a normal
        stop a; ended a: normal
        top: b running, a stopped
    """,
)
scenario(
    "a_stop_by_hand_never_counts",
    top(
        transient("a", significant=True),
        temporary("b", significant=True),
        auto_shutdown="any_significant",
    ),
    """
    terminate_child top a
        stop a; -> ok
    terminate_child top b
        stop b; -> ok
        top: a stopped
    """,
)
scenario(
    "nor_does_a_stop_for_a_group_restart",
    top(
        a,
        transient("b", significant=True),
        temporary("c", significant=True),
        strategy="one_for_all",
        auto_shutdown="any_significant",
    ),
    """
    crash a
        terminated a: error; stop c; stop b; start a; start b
        top: b running, a running
    """,
)
scenario(
    "nor_an_end_that_is_found_when_a_group_is_stopped",
    top(
        a,
        transient("b", significant=True),
        strategy="one_for_all",
        auto_shutdown="any_significant",
    ),
    """
    meanwhile top: crash a, exit b normal
        stop b; terminated a: error; start a; start b
        top: b running, a running
    """,
)
scenario(
    "who_was_stopped_by_hand_is_not_waited_for",
    top(
        transient("a", significant=True),
        transient("b", significant=True),
        auto_shutdown="all_significant",
    ),
    """
    terminate_child top a
        stop a; -> ok
    exit b normal
        stop b; ended b: normal; exit top: shutdown
    """,
)
scenario(
    "who_is_to_be_restarted_counts_as_running",
    top(
        transient("a", significant=True),
        transient("b", significant=True),
        intensity=9,
        auto_shutdown="all_significant",
    ),
    """
    fail a 1
    meanwhile top: crash a, exit b normal
        stop b; terminated a: error; fail a; start_error a: error; ended b: normal; start a
        top: b stopped, a running
    """,
)
scenario(
    "a_significant_supervisor_ends_the_one_above_it",
    top(
        a,
        sub(
            b,
            transient("c", significant=True),
            auto_shutdown="any_significant",
            restart="transient",
            significant=True,
        ),
        auto_shutdown="any_significant",
    ),
    """
    exit c normal
        stop c; ended c: normal; stop b; ended sub: shutdown; stop a; exit top: shutdown
    """,
)
scenario(
    "a_permanent_supervisor_that_ended_with_its_significant_children_is_restarted",
    top(a, sub(b, temporary("c", significant=True), auto_shutdown="any_significant")),
    """
    exit c normal
        stop c; ended c: normal; stop b; terminated sub: shutdown; start sub; start b; start c
    """,
)
