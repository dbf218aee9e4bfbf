"""Counts what passes do, for Prometheus; the only importer of its library."""

from collections import Counter as CounterOf
from collections.abc import Iterable
from datetime import datetime
from math import nan

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from autobump.passes.result import PassResult
from autobump.service.health import FinishedPass, PassEnd
from autobump.support.http.request_count import RequestCount

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (1, 3, 10, 30, 60, 180, 600, 1800, 3600)


class Metrics:
    """The numbers of one service, in a registry of their own."""

    def __init__(self) -> None:
        # Else every counter has a second line that says when it began.
        disable_created_metrics()  # type: ignore[no-untyped-call] # the one function of the library without types
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._passes = Counter("autobump_passes", "Passes by how they ended.", ["end"], registry=registry)
        for end in PassEnd:
            self._passes.labels(end)
        self._left_out = Counter(
            "autobump_runs_left_out", "Due runs that made no pass, by reason.", ["reason"], registry=registry
        )
        self._durations = Histogram(
            "autobump_pass_duration_seconds", "How long passes took.", registry=registry, buckets=_SECONDS
        )
        self._last_duration = Gauge(
            "autobump_last_pass_duration_seconds", "How long the last pass took.", registry=registry
        )
        self._last_success = Gauge(
            "autobump_last_success_timestamp_seconds",
            "When the last pass that was done ended.",
            registry=registry,
        )
        self._next = Gauge(
            "autobump_next_run_timestamp_seconds", "When the next run is due.", registry=registry
        )
        self._bumps = Gauge("autobump_bumps", "Updates the last pass found.", registry=registry)
        self._skipped = Gauge(
            "autobump_skipped", "Items the last pass skipped, by reason.", ["reason"], registry=registry
        )
        self._problems = Gauge(
            "autobump_problems", "Problems the last pass met, by reason.", ["reason"], registry=registry
        )
        self._actions = Counter(
            "autobump_pull_requests", "Actions on pull requests.", ["action"], registry=registry
        )
        self._failed_actions = Counter(
            "autobump_pull_request_failures",
            "Actions on pull requests that failed.",
            ["action"],
            registry=registry,
        )
        self._calls = Counter("autobump_github_calls", "Calls to the GitHub API.", registry=registry)
        self._calls_left = Gauge(
            "autobump_github_rate_limit_remaining",
            "Calls GitHub still allows, as it last said.",
            registry=registry,
        )
        self._calls_left.set(nan)  # it said nothing yet, which is not 0
        self._requests = Counter(
            "autobump_registry_requests", "HTTP requests to tag sources.", registry=registry
        )

    def count_pass(
        self, finished: FinishedPass, result: PassResult | None, request_count: RequestCount
    ) -> None:
        """Count a pass that came to an end; `result` is None when it was not done."""
        self._passes.labels(finished.end).inc()
        self._durations.observe(finished.seconds)
        self._last_duration.set(finished.seconds)
        if finished.end is PassEnd.DONE:
            self._last_success.set(finished.started.timestamp() + finished.seconds)
        self._calls.inc(request_count.github_calls)
        self._requests.inc(request_count.registry_requests)
        if request_count.github_left is not None:
            self._calls_left.set(request_count.github_left)
        if result is not None:
            self._bumps.set(len(result.evaluation.bumps))
            _set_counts(self._skipped, (str(skip.reason) for skip in result.evaluation.skipped))
            _set_counts(self._problems, (problem.reason for problem in result.evaluation.problems))
            for outcome in result.outcomes or ():
                counter = self._failed_actions if outcome.failure else self._actions
                counter.labels(outcome.action.name).inc()

    def count_left_out(self, reason: str) -> None:
        """Count a due run that made no pass."""
        self._left_out.labels(reason).inc()

    def set_next(self, due: datetime | None) -> None:
        """Say when the next pass is due."""
        self._next.set(due.timestamp() if due else nan)

    def render(self) -> bytes:
        """Return everything in the text format of Prometheus."""
        return generate_latest(self._registry)


def _set_counts(gauge: Gauge, reasons: Iterable[str]) -> None:
    gauge.clear()
    for reason, number in CounterOf(reasons).items():
        gauge.labels(reason).set(number)
