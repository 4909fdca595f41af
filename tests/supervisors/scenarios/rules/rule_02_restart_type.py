"""Rule 2, restart type: permanent always, transient after a failure, temporary never.

An end that is not followed by a restart disturbs no sibling.
"""

from scenarios.scenario import a, b, d, scenario, temporary, top, transient

scenario(
    "a_permanent_child_is_restarted_whatever_the_reason",
    top(a, b, intensity=6),
    """
    exit a normal
        stop a; terminated a: normal; start a
    exit a shutdown
        stop a; terminated a: shutdown; start a
    exit a shutdown(x)
        stop a; terminated a: shutdown(x); start a
    exit a odd
        stop a; terminated a: odd; start a
    crash a
        terminated a: error; start a
    kill a
        terminated a: killed; start a
    """,
)
scenario(
    "a_transient_child_is_restarted_after_a_failure_alone_and_its_spec_stays",
    top(transient("a"), transient("b"), transient("c"), transient("d"), intensity=3),
    """
    exit a odd
        stop a; terminated a: odd; start a
    crash a
        terminated a: error; start a
    kill a
        terminated a: killed; start a
    exit a normal
        stop a; ended a: normal
    exit b shutdown
        stop b; ended b: shutdown
    exit c shutdown(x)
        stop c; ended c: shutdown(x)
        top: d running, c stopped, b stopped, a stopped
    """,
)
scenario(
    "a_temporary_child_is_never_restarted_and_its_spec_goes",
    top(temporary("a"), temporary("b"), temporary("c"), d),
    """
    exit a normal
        stop a; ended a: normal
        top: d running, c running, b running
    crash b
        terminated b: error
        top: d running, c running
    kill c
        terminated c: killed
        top: d running
    """,
)
scenario(
    "an_end_without_a_restart_disturbs_no_sibling_under_one_for_one",
    top(a, transient("b"), temporary("c"), d),
    """
    crash c
        terminated c: error
        top: d running, b running, a running
    exit b normal
        stop b; ended b: normal
        top: d running, b stopped, a running
    """,
)
scenario(
    "an_end_without_a_restart_disturbs_no_sibling_under_one_for_all",
    top(a, transient("b"), temporary("c"), d, strategy="one_for_all"),
    """
    crash c
        terminated c: error
        top: d running, b running, a running
    exit b normal
        stop b; ended b: normal
        top: d running, b stopped, a running
    """,
)
scenario(
    "an_end_without_a_restart_disturbs_no_sibling_under_rest_for_one",
    top(a, transient("b"), temporary("c"), d, strategy="rest_for_one"),
    """
    crash c
        terminated c: error
        top: d running, b running, a running
    exit b normal
        stop b; ended b: normal
        top: d running, b stopped, a running
    """,
)
