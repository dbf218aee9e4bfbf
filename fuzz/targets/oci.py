"""Answers of a registry: tags that are sound, or an error of that image; logins go to it and its realm only."""

from autobump.images.sources.cache import TagCache
from autobump.images.sources.login import Credentials
from autobump.images.sources.oci import OciSource
from autobump.support.errors import RegistryError
from autobump.support.secrets import Secret
from fuzz.records import check_records, hold_no_secrets
from fuzz.scripted_http import ROOT, answer_from

_CHALLENGE = b'1\naBearer realm="https://registry.example/token",service="r",scope="x"\n\n'
_TAGS = b'2\neW/"x"\n\n{"name":"demisto/x","tags":["1.0.0.9","latest",1,null,"\\ud800"]}'
_REFUSAL = (
    b'0\naBearer realm="https://registry.example/token",error="insufficient_scope",scope="x:y \\"z"\n\n'
)
_DIGEST = b"sha256:" + b"a" * 64

SEEDS = (
    b"\n--\n".join(
        (_CHALLENGE, b'2\n\n{"token":"t","expires_in":1e999}', _TAGS, b"2\nd" + _DIGEST + b"\n\n")
    ),
    b"\n--\n".join((b'2\nl</v2/x?n=1>; rel="next"\n\n{"tags":["1.0.0.1"]}', _TAGS, b"4\n\n")),
    b"\n--\n".join((b'2\nl<https://[x>; rel="next"\n\n{"tags":["1.0.0.1"]}', _TAGS)),
    b"\n--\n".join((b'1\naBearer realm="https://[x"\n\n', _TAGS)),
    b"\n--\n".join(
        (b'1\naBasic realm="a, b", Bearer realm=https://registry.example/token\n\n', b"0\n\n", _TAGS)
    ),
    b"\n--\n".join(
        (_REFUSAL, b'2\n\n{"token":"t"}', b'2\nl</v2/x?last=1>; rel="next"\n\n{"tags":["1.0.0.1"]}')
    ),
    b"\n--\n".join((_TAGS, b"4\n\n", b'2\n\n{"schemaVersion":2}', b"2\n\n<html><title>x")),
    b"\n--\n".join((b"3\nLhttps://[x\n\n", _TAGS)),
    b"\n--\n".join((b"9\nrMon, 01 Jan 2020 00:00:00 +99999999999999999999\n\n", _TAGS)),
    b"\n--\n".join(
        (b"1\naBearer " + b"a" * 90 + b"\n\n", b"2\nl" + b"<" * 90 + b"\n\n{}", b"1\na" + b"a" * 9000)
    ),
    b"\n--\n".join((b"1\naBasic\n\n", _TAGS, b'2\n\n{"manifests":[{"digest":"' + _DIGEST + b'"}]}')),
    b"\n--\n".join(
        (
            _TAGS,
            b"2\nd" + _DIGEST + b"\n\n",
            b'2\n\n{"config":{"digest":"' + _DIGEST + b'"}}',
            b'2\n\n{"created":"2026-01-01T00:00:00"}',
        )
    ),
)


def check(data: bytes) -> None:
    """Check one row of answers."""
    with hold_no_secrets(), answer_from(data) as (client, seen):
        login = Credentials("me", Secret("marked-password"))
        source = OciSource(f"{ROOT}/mirror", client, TagCache(None), login)
        source.prepare({"demisto/x": (), "demisto/y": ()})
        try:
            check_records(source.fetch_tags("demisto/x"))
            assert source.fetch_digest("demisto/x", "1.0.0.9").startswith("sha256:")
            created = source.fetch_created("demisto/x", "1.0.0.9")
            assert created is None or created.tzinfo
        except RegistryError as exc:
            str(exc).encode()
            assert "marked-password" not in str(exc)
        assert all(str(request.url).startswith("https://") for request in seen)
