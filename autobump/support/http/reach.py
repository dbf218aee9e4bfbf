"""Says in words why a server could not be reached."""

import socket
from http.client import IncompleteRead

import requests


def say_why(failure: BaseException) -> str:
    """Return why a request got no answer, as the system says it where it does.

    Source: requests wraps the failures of urllib3, which wraps those of the system, each in its context.
    """
    innermost = failure
    while (inner := innermost.__cause__ or innermost.__context__) is not None:
        innermost = inner
    if isinstance(innermost, socket.gaierror):
        return f"its name is not known here ({innermost.strerror})"
    if isinstance(innermost, TimeoutError) or isinstance(failure, requests.Timeout):
        return "it did not answer in time"
    if isinstance(innermost, OSError) and innermost.strerror:
        return innermost.strerror
    if isinstance(failure, requests.exceptions.ProxyError):
        return "the proxy does not let the request through"
    if isinstance(innermost, ConnectionError | IncompleteRead):
        return "the connection was closed without an answer"
    return f"its answer is not to be understood ({type(innermost).__name__})"
