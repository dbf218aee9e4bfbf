from collections.abc import Iterator

import pytest
import requests

from autobump.service.health import Health
from autobump.service.status_server import StatusServer
from autobump.support.errors import UsageError

WELL = {"status": "ok"}


class Answers:
    well = True

    def health(self) -> Health:
        return Health(self.well, WELL)


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def url(answers: Answers) -> Iterator[str]:
    server = StatusServer(("127.0.0.1", 0), answers.health, lambda: ("text/plain; version=1", b"a 1\n"))
    yield "http://{}:{}".format(*server.address)
    server.close()


def test_health_is_told_by_status_and_as_json(url: str, answers: Answers) -> None:
    well = requests.get(f"{url}/healthz", timeout=5)
    assert (well.status_code, well.json()) == (200, WELL)
    answers.well = False
    assert requests.get(f"{url}/healthz?x=1", timeout=5).status_code == 503


def test_metrics_are_given_as_they_are(url: str) -> None:
    answer = requests.get(f"{url}/metrics", timeout=5)
    assert (answer.text, answer.headers["Content-Type"]) == ("a 1\n", "text/plain; version=1")


def test_everything_else_is_refused(url: str) -> None:
    assert requests.get(f"{url}/", timeout=5).status_code == 404
    assert requests.post(f"{url}/healthz", timeout=5).status_code == 501
    head = requests.head(f"{url}/healthz", timeout=5)
    assert (head.status_code, head.content) == (200, b"")


def test_address_in_use_is_told(url: str, answers: Answers) -> None:
    port = int(url.rpartition(":")[2])
    with pytest.raises(UsageError, match=rf"cannot listen on 127.0.0.1:{port}: Address already in use"):
        StatusServer(("127.0.0.1", port), answers.health, lambda: ("", b""))
