"""Rule 7, stopping one child: killed at once, or asked and killed when its time is over.

Whoever ends for another reason than asked is reported.
"""

from scenarios.language import Worker
from scenarios.scenario import a, b, c, d, scenario, sub, temporary, top, transient

scenario(
    "a_child_that_stops_as_asked_is_not_reported",
    top(a, Worker("b", shutdown="infinity"), Worker("c", shutdown=5.0)),
    """
    terminate_child top a
        stop a; -> ok
    terminate_child top b
        stop b; -> ok
    terminate_child top c
        stop c; -> ok
    """,
)
scenario(
    "kill_kills_at_once_and_that_is_as_asked",
    top(Worker("a", shutdown="kill"), Worker("b", shutdown="kill", hangs=True)),
    """
    terminate_child top a
        -> ok
    terminate_child top b
        -> ok
        top: b stopped, a stopped
    """,
)
scenario(
    "a_child_that_hangs_is_killed_when_its_time_is_over_and_reported",
    top(a, Worker("b", shutdown=0.01, hangs=True), c),
    """
    terminate_child top b
        shutdown_error b: killed; -> ok
    restart_child top b
        start b; -> started
    stop top
        stop c; shutdown_error b: killed; stop a; exit top: normal
    """,
)
scenario(
    "a_supervisor_has_all_the_time_it_needs",
    top(a, sub(b, Worker("c", shutdown=0.01, hangs=True), d)),
    """
    terminate_child top sub
        stop d; shutdown_error c: killed; stop b; -> ok
    """,
)
scenario(
    "a_permanent_child_that_had_ended_when_it_was_to_be_stopped_is_reported",
    top(a, b),
    """
    meanwhile top: terminate_child top a, crash a
        shutdown_error a: error; -> ok
    restart_child top a
        start a; -> started
    meanwhile top: terminate_child top a, kill a
        shutdown_error a: killed; -> ok
    restart_child top a
        start a; -> started
    meanwhile top: terminate_child top a, exit a normal
        stop a; shutdown_error a: normal; -> ok
    restart_child top a
        start a; -> started
    meanwhile top: terminate_child top a, exit a shutdown(x)
        stop a; shutdown_error a: shutdown(x); -> ok
    restart_child top a
        start a; -> started
    meanwhile top: terminate_child top a, exit a shutdown
        stop a; -> ok
        top: b running, a stopped
    """,
)
scenario(
    "an_orderly_end_of_a_child_that_is_not_permanent_is_not_reported",
    top(transient("a"), temporary("b"), transient("c", shutdown="kill"), d),
    """
    meanwhile top: terminate_child top a, exit a normal
        stop a; -> ok
    meanwhile top: terminate_child top b, exit b shutdown(x)
        stop b; -> ok
    meanwhile top: terminate_child top c, exit c shutdown
        stop c; -> ok
        top: d running, c stopped, a stopped
    """,
)
scenario(
    "a_permanent_child_that_was_to_be_killed_and_has_ended_is_reported",
    top(Worker("a", shutdown="kill")),
    """
    meanwhile top: terminate_child top a, exit a shutdown
        stop a; shutdown_error a: shutdown; -> ok
    """,
)
