"""Counts what a pass asks of others."""

import threading


class RequestCount:
    """Calls and requests of one pass, those that were tried again included; safe to share between threads.

    Attributes:
        github_calls: Calls to the GitHub API.
        github_left: Calls GitHub still allowed within its hour when it last said so, or None.
        registry_requests: Requests to tag sources over HTTP.
    """

    def __init__(self) -> None:
        self.github_calls = 0
        self.github_left: int | None = None
        self.registry_requests = 0
        self._lock = threading.Lock()

    def count_github_call(self, left: int | None) -> None:
        """Count one call, and note what GitHub said is left of its limit, if it did."""
        with self._lock:
            self.github_calls += 1
            if left is not None:
                self.github_left = left

    def count_registry_request(self) -> None:
        """Count one request to a tag source."""
        with self._lock:
            self.registry_requests += 1
