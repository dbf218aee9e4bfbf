"""Renders 200 pull requests of 25 items: `python -m benchmarks.rendering`."""

from autobump.planning.plan import Limits, plan_pull_requests
from autobump.pull_requests.body.text import BodyContext
from autobump.pull_requests.options import PullRequestOptions
from autobump.pull_requests.render import DesiredPullRequest
from tests.fixtures.bumps import make_bumps


def main() -> None:
    """Plan and render, and check that it is 200."""
    bumps = [bump for number in range(200) for bump in make_bumps(f"Pack{number:03}", 25)]
    plan = plan_pull_requests(bumps, Limits(max_open=1000, max_new_per_run=1000))
    bodies = [
        DesiredPullRequest(
            pr, PullRequestOptions(("label",)), with_notes=True, contexts=(BodyContext(),)
        ).body_at("0" * 40)
        for pr in plan.pull_requests
    ]
    assert len(bodies) == 200


if __name__ == "__main__":
    main()
