import ssl

import pytest
import requests
from urllib3.exceptions import MaxRetryError, SSLError
from urllib3.util.url import parse_url

from autobump.support.http.certificates import blames_certificate


def failure(cause: Exception) -> requests.exceptions.SSLError:
    """Return a failure as requests wraps it."""
    pool = object()
    return requests.exceptions.SSLError(
        MaxRetryError(pool, str(parse_url("https://example.com")), SSLError(cause))  # type: ignore[arg-type]  # only shown
    )


def test_certificate_that_cannot_be_verified_is_blamed() -> None:
    assert blames_certificate(failure(ssl.SSLCertVerificationError("self-signed")))


@pytest.mark.parametrize("cause", [ssl.SSLEOFError("EOF"), ssl.SSLZeroReturnError(), OSError("reset")])
def test_connection_that_broke_is_not(cause: Exception) -> None:
    assert not blames_certificate(failure(cause))


def test_failures_that_refer_to_each_other_are_survived() -> None:
    one, two = ValueError(), ValueError()
    one.__context__, two.__context__ = two, one
    assert not blames_certificate(one)
