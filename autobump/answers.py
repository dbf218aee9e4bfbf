"""Reads the bodies of HTTP answers, bounded in time and in size."""

import time

import requests
from urllib3.exceptions import DecodeError, ProtocolError, ReadTimeoutError

_CHUNK = 1 << 16


class UnboundedAnswerError(Exception):
    """An answer has no end within its bounds; the message goes on from who answered."""


def read_body(response: requests.Response, most_bytes: int, deadline: float, seconds: float) -> bytes:
    """Read a body to its end, unpacked.

    Args:
        response: One whose body was not read, as `stream=True` gives it.
        most_bytes: Largest body, unpacked.
        deadline: Until when, as `time.monotonic` tells it.
        seconds: How long that was, for the error.

    Raises:
        UnboundedAnswerError: It is larger, or takes longer.
        requests.RequestException: It broke off.

    Source: requests speaks of a body that breaks off with errors of its own, but reads chunks that a drip
    takes for ever to fill; urllib3's `read1` returns what has arrived, and has errors of its own.
    """
    body = bytearray()
    try:
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > most_bytes:
                unit, name = (1 << 20, "MiB") if most_bytes >= 1 << 20 else (1 << 10, "KiB")
                raise UnboundedAnswerError(f"answered more than {most_bytes // unit} {name}")
            if time.monotonic() > deadline:
                raise UnboundedAnswerError(f"took more than {seconds:.0f} s to answer")
    except ReadTimeoutError as exc:
        raise requests.exceptions.ReadTimeout(exc) from exc
    except ProtocolError as exc:
        raise requests.exceptions.ChunkedEncodingError(exc) from exc
    except DecodeError as exc:
        raise requests.exceptions.ContentDecodingError(exc) from exc
    return bytes(body)
