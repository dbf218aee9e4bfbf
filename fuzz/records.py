"""What must hold for tags and requests whatever a registry answers."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from unittest.mock import patch
from urllib.parse import urlsplit

import requests

from autobump.images.choice import TagRecord, sort_releases
from autobump.support import secrets

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def check_records(records: Iterable[TagRecord], *, digests: bool = True) -> None:
    """Check that tags can be kept, shown and ordered."""
    kept = tuple(records)
    for record in kept:
        assert 0 < len(record.name) <= 128
        record.name.encode()
        assert record.created is None or record.created.tzinfo
        assert not digests or record.digest is None or _DIGEST.fullmatch(record.digest)
        if record.created:
            record.created.isoformat()
    for release in sort_releases(kept):
        assert release.tag.text.isascii()


def require_secret_stays(sent: Iterable[requests.PreparedRequest], secret: str, hosts: set[str]) -> None:
    """Check that a secret went to no other host, and that nothing with a login went without TLS."""
    for request in sent:
        parts = urlsplit(str(request.url))
        told = f"{dict(request.headers)}{request.body!r}{request.url}"
        if secret in told:
            assert parts.hostname in hosts, f"the secret went to {parts.hostname}"
        if "Authorization" in request.headers:
            assert parts.scheme == "https"


@contextmanager
def hold_no_secrets() -> Iterator[None]:
    """Forget afterwards what was held as a secret; a process that runs for hours would hold millions."""
    with patch.object(secrets, "_known", set()):
        yield
