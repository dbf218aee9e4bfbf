"""Starts a third party's GitHub emulator behind a small proxy with strict tokens and a log of requests."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.servers import Reply, Request, Server, free_port, serve, wait_until_it_answers
from tests.support.tools import install_packages

REPOSITORY = "demisto/content"
TOKEN = "bot-token"  # noqa: S105 - of the emulator only

_FOLDER = Path(__file__).resolve().parents[1] / "emulator"
_PERMISSIONS = {"contents": "write", "pull_requests": "write", "issues": "write", "metadata": "read"}
APP_ID, APP_SLUG = 1234, "autobump-test"
APP_KEY = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    .decode()
)
_SEED = {
    "tokens": {TOKEN: {"login": "content-bot", "scopes": ["repo", "user"]}},
    "github": {
        "users": [{"login": "content-bot"}, {"login": "person"}],
        "orgs": [{"login": "demisto", "members": [{"login": "content-bot", "role": "admin"}]}],
        "repos": [{"owner": "demisto", "name": "content", "auto_init": True}],
        "apps": [
            {
                "app_id": APP_ID,
                "slug": APP_SLUG,
                "name": "autobump",
                "private_key": APP_KEY,
                "permissions": _PERMISSIONS,
                "installations": [
                    {
                        "installation_id": 100,
                        "account": "demisto",
                        "repository_selection": "all",
                        "permissions": _PERMISSIONS,
                    }
                ],
            }
        ],
    },
}
_HOP_BY_HOP = {"connection", "content-length", "transfer-encoding", "content-encoding", "keep-alive", "date"}


class Emulator:
    """A running emulator: its own address, and the proxy that autobump talks to."""

    def __init__(self, url: str, proxy: Server) -> None:
        self.url = url
        self.proxy = proxy

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the emulator behind the proxy's back."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = requests.request(method, f"{self.url}{path}", json=body, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def repo(self, method: str, path: str, body: Any = None) -> Any:
        """Call something below the repository."""
        return self.call(method, f"/repos/{REPOSITORY}{path}", body)

    def push(self, files: Mapping[str, str], branch: str = "master") -> str:
        """Make a commit with exactly these files the head of a branch."""
        entries = [
            {"path": path, "mode": "100644", "type": "blob", "content": text} for path, text in files.items()
        ]
        tree = self.repo("POST", "/git/trees", {"tree": entries})["sha"]
        commit = self.repo("POST", "/git/commits", {"message": "Content", "tree": tree, "parents": []})["sha"]
        self.repo("POST", "/git/refs", {"ref": f"refs/heads/{branch}", "sha": commit})
        return str(commit)

    def writes(self) -> list[str]:
        """Return the writes since the last time this was asked."""
        made = [path for path in self.proxy.paths() if not path.startswith("GET")]
        self.proxy.requests.clear()
        return made


@contextmanager
def run_emulator(folder: Path) -> Iterator[Emulator]:
    """Run an emulator and its proxy on free loopback ports until the block ends."""
    program = install_packages(_FOLDER, "the GitHub emulator") / "emulate/dist/index.js"
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    seed = folder / "seed.yaml"
    seed.write_text(json.dumps(_SEED))
    node = ["node", "--require", str(_FOLDER / "loopback.cjs"), str(program)]
    with serve(_forward(url)) as proxy, (folder / "emulator.log").open("wb") as log:
        options = [
            "start",
            "--service",
            "github",
            "--port",
            str(port),
            "--base-url",
            proxy.url,
            "--seed",
            str(seed),
        ]
        process = subprocess.Popen([*node, *options], stdout=log, stderr=log, cwd=folder)
        try:
            wait_until_it_answers(f"{url}/meta", process, folder / "emulator.log")
            yield Emulator(url, proxy)
        finally:
            process.terminate()
            process.wait()


def _forward(url: str) -> Callable[[Request], Reply]:
    """Pass requests on; the emulator takes an unknown token for its first user, GitHub does not."""

    known = {TOKEN}

    def answer(request: Request) -> Reply:
        token = request.headers.get("authorization", "").rpartition(" ")[2]
        signed_by_app = token.count(".") == 2  # a JSON Web Token, which the emulator checks itself
        if token not in known and not signed_by_app:
            return Reply(401, b'{"message": "Bad credentials"}')
        query = "&".join(f"{name}={value}" for name, values in request.query.items() for value in values)
        kept = {name: value for name, value in request.headers.items() if name not in {*_HOP_BY_HOP, "host"}}
        passed = requests.request(
            request.method, f"{url}{request.path}?{query}", data=request.body, headers=kept, timeout=60
        )
        if request.path.endswith("/access_tokens") and passed.ok:
            known.add(passed.json()["token"])
        headers = {name: value for name, value in passed.headers.items() if name.lower() not in _HOP_BY_HOP}
        return Reply(passed.status_code, passed.content, headers)

    return answer
