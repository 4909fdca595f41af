"""Rule 1, start: left to right, each when the one before has started; the first failure undoes all.

A child may ask to be ignored: its spec stays, unless it is temporary.
"""

from scenarios.scenario import a, b, c, d, scenario, sub, temporary, top

scenario(
    "children_start_from_left_to_right_and_each_waits_for_the_one_before",
    top(b, sub(d, a), c),
    """
    start
        start top; start b; start sub; start d; start a; start c
    """,
)
scenario(
    "the_first_failure_stops_those_before_it_in_reverse_and_the_start_fails",
    top(a, b, c, d),
    """
    fail c 1
    start
        start top; start a; start b; fail c; start_error c: error; stop b; stop a
        exit top: failed c
    """,
)
scenario(
    "a_supervisor_that_does_not_start_fails_the_start_above_it",
    top(a, sub(b, c), d),
    """
    fail c 1
    start
        start top; start a; start sub; start b; fail c; start_error c: error; stop b
        start_error sub: failed c; stop a; exit top: failed sub
    """,
)
scenario(
    "who_asks_to_be_ignored_is_left_out_and_its_spec_stays",
    top(a, b, c),
    """
    ignore b 1
    start
        start top; start a; ignore b; start c
        top: c running, b stopped, a running
    restart_child top b
        start b; -> started
    stop top
        stop c; stop b; stop a; exit top: normal
    """,
)
scenario(
    "who_is_temporary_and_asks_to_be_ignored_is_forgotten",
    top(a, temporary("b"), c),
    """
    ignore b 1
    start
        start top; start a; ignore b; start c
        top: c running, a running
    """,
)
