"""Answers of Docker Hub: tags that are sound, or an error of that image; the login goes nowhere else."""

from autobump.images.sources.cache import TagCache
from autobump.images.sources.docker_hub import DockerHubSource
from autobump.support.errors import RegistryError
from autobump.support.secrets import Secret
from fuzz.records import check_records, hold_no_secrets, require_secret_stays
from fuzz.scripted_http import ROOT, answer_from

_LIST = b'2\n\n{"next":null,"results":[{"name":"x","last_updated":"2026-01-01T00:00:00Z"},{"name":1},3]}'
_LOGIN = b'2\n\n{"access_token":"t"}'
_TAGS = (
    b'2\n\n{"next":null,"results":[{"name":"1.0.0.9","digest":"sha256:' + b"a" * 64 + b'","tag_last_pushed":'
    b'"2026-01-01T00:00:00Z"},{"name":"\\ud800"},{"name":"2","last_updated":99999999999999}]}'
)

SEEDS = (
    b"\n--\n".join((_LOGIN, _LIST, _TAGS, b'2\n\n{"name":"1.0.0.9","digest":null}')),
    b"\n--\n".join((_LOGIN, _LIST, b'2\n\n{"next":"https://registry.example/p2","results":[]}', _TAGS)),
    b"\n--\n".join((_LOGIN, _LIST, b'2\n\n{"next":"https://[x","results":[{"name":"1.0.0.1"}]}')),
    b"\n--\n".join((_LOGIN, _LIST, b"3\nLhttps://other.example/x\n\n", _TAGS)),
    b"\n--\n".join((_LOGIN, b'9\nrMon, 01 Jan 0001 00:00:00 -0000\n\n{"detail":"slow"}', _LIST)),
    b"\n--\n".join((b"4\n\n[]", _LIST)),
)


def check(data: bytes) -> None:
    """Check one row of answers."""
    with hold_no_secrets(), answer_from(data) as (client, seen):
        token = Secret("marked-token")
        source = DockerHubSource(client, TagCache(None), username="me", token=token, base_url=ROOT)
        source.prepare({"demisto/x": ()})
        try:
            check_records(source.fetch_tags("demisto/x"))
            digest = source.fetch_digest("demisto/x", "1.0.0.9")
            assert digest.startswith("sha256:")
        except RegistryError as exc:
            str(exc).encode()
            assert "marked-token" not in str(exc)
        require_secret_stays(seen, "marked-token", {"registry.example"})
