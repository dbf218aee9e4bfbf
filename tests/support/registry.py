"""Starts a real registry, Debian's docker-registry, and loads it with tags."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.support.servers import Answerer, Reply, Request, free_port, wait_until_it_answers
from tests.support.tools import miss

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_ACCESS = re.compile(r'"([A-Z]+) (/v2/[^ ]*) HTTP/1\.[01]" (\d+)')


@dataclass
class Registry:
    """A running registry: its address, and the log it writes."""

    url: str
    log: Path

    def requests(self) -> list[tuple[str, str]]:
        """Return method and path of every request so far."""
        return [(match[1], match[2]) for match in _ACCESS.finditer(self.log.read_text())]

    def forget(self) -> None:
        """Empty the log."""
        os.truncate(self.log, 0)


def find_registry() -> str:
    """Return the registry program; where it is missing the test is skipped, in CI that is a failure."""
    program = shutil.which("docker-registry") or os.environ.get("AUTOBUMP_DOCKER_REGISTRY")
    if not program:
        message = "docker-registry is not installed; get it with: apt-get install docker-registry"
        miss(message)
    return program


@contextmanager
def run_registry(folder: Path) -> Iterator[Registry]:
    """Run a registry on a free loopback port until the block ends."""
    program = find_registry()
    port = free_port()
    config = folder / "registry.yml"
    config.write_text(
        "version: 0.1\nlog: {level: error, accesslog: {disabled: false}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    registry = Registry(f"http://127.0.0.1:{port}", folder / "registry.log")
    with registry.log.open("ab") as log:
        process = subprocess.Popen([program, "serve", config], stdout=log, stderr=log)
    try:
        wait_until_it_answers(f"{registry.url}/v2/", process, registry.log)
        yield registry
    finally:
        process.terminate()
        process.wait()


@contextmanager
def pass_on(registry: Registry) -> Iterator[Answerer]:
    """Give what answers as the registry does, so that something can stand before it."""
    with requests.Session() as session:

        def answer(request: Request) -> Reply:
            asked = {name: value for name, value in request.headers.items() if name != "host"}
            query = {name: values[0] for name, values in request.query.items()}
            found = session.request(request.method, registry.url + request.path, headers=asked, params=query)
            told = {n: v for n, v in found.headers.items() if n not in ("Content-Length", "Content-Encoding")}
            return Reply(found.status_code, found.content, told)

        yield answer


def load_tags(registry: Registry, images: Mapping[str, Mapping[str, Any]]) -> None:
    """Push every tag of `{repository: {tag: facts}}`; each gets a manifest of its own."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda image: _load_image(registry, image, images[image]), images))
    registry.forget()


def push_tag(registry: Registry, repository: str, tag: str, *, created: str = "2026-01-01T00:00:00Z") -> str:
    """Push one tag and return the digest of its manifest."""
    with requests.Session() as session:
        return _push(
            session,
            registry,
            repository,
            tag,
            created,
            _upload_config(session, registry, repository, created),
        )


def _load_image(registry: Registry, repository: str, tags: Mapping[str, Any]) -> None:
    with requests.Session() as session:
        config = _upload_config(session, registry, repository, "2026-01-01T00:00:00Z")
        for tag, facts in tags.items():
            created = (facts or {}).get("created") if isinstance(facts, dict) else None
            _push(session, registry, repository, tag, created, config)


def _upload_config(
    session: requests.Session, registry: Registry, repository: str, created: str
) -> dict[str, Any]:
    data = json.dumps({"architecture": "amd64", "os": "linux", "created": created}).encode()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    start = session.post(f"{registry.url}/v2/{repository}/blobs/uploads/")
    start.raise_for_status()
    session.put(f"{start.headers['Location']}&digest={digest}", data=data).raise_for_status()
    return {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": len(data)}


def _push(
    session: requests.Session,
    registry: Registry,
    repository: str,
    tag: str,
    created: str | None,
    config: dict[str, Any],
) -> str:
    annotations = {"org.opencontainers.image.version": tag}
    if created:
        annotations["org.opencontainers.image.created"] = created
    manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": [config]}
    url = f"{registry.url}/v2/{repository}/manifests/{tag}"
    data = json.dumps(manifest | {"annotations": annotations})
    answer = session.put(url, data=data, headers={"Content-Type": _MANIFEST})
    answer.raise_for_status()
    return str(answer.headers["Docker-Content-Digest"])
