"""One source for several repositories: what one of them asked, the others are told."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from autobump.images.choice import TagRecord
from autobump.images.sources import TagSource
from autobump.support.errors import RegistryError

_Answer = TypeVar("_Answer")


class _Memory:
    """Remembers answers and refusals; two that ask the same at once are answered by one question."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[object, threading.Lock] = {}
        self._answers: dict[object, object] = {}

    def ask(self, key: object, question: Callable[[], _Answer]) -> _Answer:
        with self._lock:
            mine = self._locks.setdefault(key, threading.Lock())
        with mine:
            if key not in self._answers:
                try:
                    self._answers[key] = question()
                except RegistryError as exc:
                    self._answers[key] = exc
            answer = self._answers[key]
        if isinstance(answer, RegistryError):
            raise answer
        return answer  # type: ignore[return-value]  # each key is only ever asked with one kind of question


class SharedTags:
    """A tag source that is asked each question once."""

    def __init__(self, source: TagSource) -> None:
        """Share a source."""
        self._source = source
        self._memory = _Memory()
        self._prepared: set[str] = set()

    def prepare(self, in_use: Mapping[str, Collection[str]]) -> None:
        """Hand on those that were not asked for before."""
        fresh = {name: tags for name, tags in in_use.items() if name not in self._prepared}
        if fresh:
            self._prepared |= fresh.keys()
            self._source.prepare(fresh)

    def fetch_tags(self, repository: str) -> Sequence[TagRecord]:
        """Return the image's tags as the first who asked was told."""
        return self._memory.ask(("tags", repository), lambda: self._source.fetch_tags(repository))

    def fetch_digest(self, repository: str, tag: str) -> str | None:
        """Return the digest as the first who asked was told."""
        key = ("digest", repository, tag)
        return self._memory.ask(key, lambda: self._source.fetch_digest(repository, tag))

    def fetch_created(self, repository: str, tag: str) -> datetime | None:
        """Return the date as the first who asked was told."""
        key = ("date", repository, tag)
        return self._memory.ask(key, lambda: self._source.fetch_created(repository, tag))
