"""A stand-in for the Docker Hub API that serves given tags in the Hub's shapes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.servers import Reply, Request

Tags = dict[str, dict[str, Any]]


@dataclass
class HubStandIn:
    """Answers as Docker Hub does.

    Attributes:
        images: `{name: {tag: {"created", "digest"}}}`; changing it is a push.
        replies: Replies by path that come instead, for tests of faults; `*` stands for every path.
        page_size: Entries a page, whatever is asked.
        url: Own address, for `next` links.
        account: Username and access token that may log in; then anonymous calls are refused.
    """

    images: dict[str, Tags]
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    page_size: int = 100
    url: str = ""
    account: tuple[str, str] | None = None
    session: str = "hub-session-token"

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        for key in (request.path, "*"):
            if self.replies.get(key):
                queue = self.replies[key]
                return queue.pop(0) if len(queue) > 1 else queue[0]
        if request.path == "/v2/auth/token":
            return self._log_in(json.loads(request.body))
        if self.account and request.headers.get("authorization") != f"Bearer {self.session}":
            return _json({"detail": "authentication required"}, 401)
        parts = request.path.strip("/").split("/")
        match parts:
            case ["v2", "repositories", _]:
                entries = [
                    {"name": name, "last_updated": _newest(tags)} for name, tags in self.images.items()
                ]
                return self._page(request, entries)
            case ["v2", "repositories", _, name, "tags"] if name in self.images:
                assert request.query["ordering"] == ["last_updated"]
                return self._page(request, _sorted_tags(self.images[name]))
            case ["v2", "repositories", _, name, "tags", tag] if tag in self.images.get(name, {}):
                return _json(_tag(tag, self.images[name][tag]))
        return _json({"message": "object not found", "errinfo": {}}, 404)

    def _log_in(self, body: Mapping[str, str]) -> Reply:
        if self.account != (body.get("identifier"), body.get("secret")):
            return _json({"detail": "Incorrect authentication credentials"}, 401)
        return _json({"access_token": self.session})

    def _page(self, request: Request, entries: list[dict[str, Any]]) -> Reply:
        number = int(request.query.get("page", ["1"])[0])
        shown = entries[(number - 1) * self.page_size : number * self.page_size]
        more = len(entries) > number * self.page_size
        query = "&".join(f"{key}={value[0]}" for key, value in request.query.items() if key != "page")
        link = f"{self.url}{request.path}?{query}&page={number + 1}" if more else None
        return _json({"count": len(entries), "next": link, "previous": None, "results": shown})


def _tag(name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "creator": 1,
        "name": name,
        "full_size": facts.get("size") or 1,
        "last_updated": facts.get("created"),
        "tag_last_pushed": facts.get("created"),
        "tag_status": "active",
        "digest": facts.get("digest"),
        "images": [{"architecture": "amd64", "os": "linux", "digest": facts.get("digest")}],
    }


def _sorted_tags(tags: Tags) -> list[dict[str, Any]]:
    newest_first = sorted(tags, key=lambda name: tags[name].get("created") or "", reverse=True)
    return [_tag(name, tags[name]) for name in newest_first]


def _newest(tags: Tags) -> str:
    return max((facts.get("created") or "" for facts in tags.values()), default="")


def _json(document: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(document).encode(), {"Content-Type": "application/json"})
