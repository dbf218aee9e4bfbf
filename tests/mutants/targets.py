"""The modules whose mutants are made, and the tests that have to tell each of them from the original."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A module and its own tests.

    Attributes:
        module: Its file below `autobump/`.
        tests: Files below `tests/`.
        without: What `-k` leaves out: tests that take seconds and repeat what quicker ones tell.
    """

    module: str
    tests: tuple[str, ...]
    without: str = ""


TARGETS = (
    Target("decisions/eligibility.py", ("decisions/test_eligibility.py",)),
    Target("decisions/evaluation.py", ("decisions/test_evaluation.py",)),
    Target("passes/evaluate.py", ("passes/test_evaluate.py",)),
    Target("images/choice.py", ("images/test_choice.py",)),
    Target("images/reference.py", ("images/test_reference.py",)),
    Target("planning/branch_name.py", ("planning/test_plan.py",)),
    Target("planning/plan.py", ("planning/test_plan.py",)),
    Target("planning/waves.py", ("planning/test_waves.py",)),
    Target("planning/rollouts.py", ("planning/test_rollouts.py",)),
    Target("planning/pauses.py", ("planning/test_pauses.py",)),
    Target(
        "planning/order.py",
        ("planning/test_order.py",),
        without="for_ever or killed_on or has_its_turn_though",
    ),
    Target("planning/queue.py", ("planning/test_queue.py",)),
    Target("pull_requests/reconcile.py", ("pull_requests/test_reconcile.py",)),
    Target("pull_requests/edits.py", ("pull_requests/test_edits.py",)),
    Target("content/pack.py", ("content/test_pack.py",), without="any_generated"),
)
