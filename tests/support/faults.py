"""Puts faults between a client and a server on loopback."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from tests.support.servers import Answerer, Reply, Request

PATIENCE_SECONDS = 0.25
"""How long a client waits for an answer in a pass with answers that come too late."""


class Fault(StrEnum):
    """What can go wrong with one request."""

    DROPPED = "connection dropped"
    LOST = "done, answer lost"
    CUT = "answer broken off"
    INTERNAL = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    DONE_BUT_502 = "done, but 502"
    LIMITED = "429, wait a second"
    SECONDARY = "secondary limit"
    BANNED = "wait a day"
    SLOW = "slow answer"
    LATE = "answer too late"
    NO_JSON = "a page, no JSON"
    HALF_JSON = "half of the JSON"


OF_REGISTRIES = tuple(fault for fault in Fault if fault not in (Fault.SECONDARY, Fault.DONE_BUT_502))
OF_GITHUB = tuple(Fault)

_DONE = (Fault.LOST, Fault.CUT, Fault.DONE_BUT_502, Fault.SLOW, Fault.LATE, Fault.NO_JSON, Fault.HALF_JSON)
_RARE = (Fault.BANNED, Fault.LATE)  # one ends a pass, the other takes a client that waits for less than that
_PAGE = b"<html><body><h1>We will be back soon</h1></body></html>"
_JSON = {"Content-Type": "application/json"}
_INSTEAD = {
    Fault.DROPPED: Reply(hang_up=True),
    Fault.INTERNAL: Reply(500, b'{"message": "Server Error"}', _JSON),
    Fault.BAD_GATEWAY: Reply(502, _PAGE),
    Fault.UNAVAILABLE: Reply(503, b"", {"Retry-After": "2"}),
    Fault.LIMITED: Reply(429, b'{"message": "Too many requests"}', _JSON | {"Retry-After": "1"}),
    Fault.SECONDARY: Reply(403, b'{"message": "You have exceeded a secondary rate limit"}', _JSON),
    Fault.BANNED: Reply(429, b'{"message": "Too many requests"}', _JSON | {"Retry-After": "86400"}),
}


class Storm:
    """Stands before a server; does nothing until it is told to.

    What happens to a request hangs on the seed, on the request, and on how often it came: not on the order in
    which threads send theirs.

    Attributes:
        requests: How many came.
        faults: How many of each kind were made.
    """

    def __init__(self, answer: Answerer, kinds: Sequence[Fault]) -> None:
        """Stand before what answers, with the kinds of faults that its clients have to bear."""
        self.requests = 0
        self.faults: Counter[Fault] = Counter()
        self._answer = answer
        self._kinds = kinds
        self._lock = threading.Lock()
        self.calm_down()

    def calm_down(self) -> None:
        """Make no more faults."""
        self.brew("", 0, {})
        self.strike_at(0, 0, lambda: None)

    def brew(self, seed: str, chance: float, sure: Mapping[int, Fault]) -> None:
        """Make faults from now on.

        Args:
            seed: Of the dice.
            chance: Of a fault for each request, most of them of the sure kinds; doubled for one that writes.
            sure: The faults that come in any case, by the number of the request, from 1.
        """
        with self._lock:
            self._seed, self._chance, self._sure = seed, chance, dict(sure)
            self._seen: Counter[tuple[str, str]] = Counter()
            self._count = self._writes = 0
            self._down: Fault | None = None

    def go_down(self, fault: Fault) -> None:
        """Answer every request with the same fault."""
        self.brew("", 0, {})
        with self._lock:
            self._down = fault

    def strike_at(self, request: int, write: int, action: Callable[[], None]) -> None:
        """Do something when a request comes, and drop its connection; every other time it was carried out.

        Args:
            request: Number of the request, from 1; 0 for none.
            write: Number of the request among those that write, from 1; 0 for none.
            action: What to do.
        """
        with self._lock:
            self._strike = (request, write, action)

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        with self._lock:
            self.requests += 1
            fault, strike = self._draw(request)
        if strike is not None:
            if fault is Fault.LOST:
                self._answer(request)
            strike()
            return Reply(hang_up=True)
        if fault is None:
            return self._answer(request)
        reply = self._answer(request) if fault in _DONE else _INSTEAD[fault]
        if request.method == "HEAD" and fault in (Fault.CUT, Fault.HALF_JSON):
            fault = Fault.LOST  # there is no body to break
        with self._lock:
            self.faults[fault] += 1
        return _spoil(reply, fault)

    def _draw(self, request: Request) -> tuple[Fault | None, Callable[[], None] | None]:
        writes = request.method not in ("GET", "HEAD")
        self._count += 1
        self._writes += writes
        key = (request.method, request.path)
        self._seen[key] += 1
        dice = random.Random(f"{self._seed} {key} {self._seen[key]}")  # noqa: S311 - a simulation, not a secret
        lot = dice.random()
        number, write, action = self._strike
        if self._count == number or (writes and self._writes == write):
            return (Fault.LOST if lot < 0.5 else Fault.DROPPED), action
        if fault := self._down or self._sure.get(self._count):
            return fault, None
        if lot >= self._chance * (1 + writes):
            return None, None
        others = [kind for kind in self._kinds if kind not in _RARE]
        mine = [kind for kind in self._sure.values() if kind is not Fault.BANNED]
        return dice.choice([*mine, dice.choice(others)]), None


def _spoil(reply: Reply, fault: Fault) -> Reply:
    match fault:
        case Fault.LOST:
            return Reply(hang_up=True)
        case Fault.CUT:
            return replace(reply, body=reply.body[: len(reply.body) // 2], promised=len(reply.body) + 1)
        case Fault.DONE_BUT_502:
            return Reply(502, _PAGE)
        case Fault.SLOW:
            return replace(reply, delay_seconds=PATIENCE_SECONDS / 10)
        case Fault.LATE:
            return replace(reply, delay_seconds=PATIENCE_SECONDS * 2)
        case Fault.NO_JSON:
            return Reply(reply.status, _PAGE)
        case Fault.HALF_JSON:
            return replace(reply, body=reply.body[: len(reply.body) // 2])
        case _:
            return reply
