"""The dashboard as an issue on GitHub: found by its author, its label and its mark."""

from pydantic import BaseModel

from autobump.forges.github.api import GitHubApi, parse
from autobump.forges.github.errors import LostAnswerError, RefusedError
from autobump.forges.github.models import User
from autobump.pull_requests.dashboard import TITLE, is_dashboard, read_requests, tick_boxes
from autobump.pull_requests.labels import DASHBOARD_LABEL
from autobump.support.errors import ForgeError


class _Issue(BaseModel):
    number: int
    state: str
    body: str | None = None
    user: User | None = None
    pull_request: object = None


class GitHubDashboard:
    """The one issue of the bot's own account that carries the mark.

    Closed by a person it is left alone until somebody opens it again; one that is gone is made anew.
    """

    def __init__(self, api: GitHubApi) -> None:
        """Use a repository; nothing is asked yet."""
        self._api = api
        self._found: _Issue | None = None

    def fetch(self) -> str:
        """Return its text as it stands, or nothing when there is none that is open; one call."""
        self._found = self._find()
        return _text(self._found) if self._found is not None and self._found.state == "open" else ""

    def write(self, text: str) -> None:
        """Bring it to a text, after `fetch` or an earlier text; one that says so already is not touched.

        What people ticked since it was fetched stays ticked, for the next pass.
        """
        found = self._found
        if found is None:
            self._create(text)
        elif found.state == "open" and _text(found).strip() != text.strip():
            self._edit(found, text)

    def _find(self) -> _Issue | None:
        """Return the issue, an open one before a closed one, the oldest first."""
        me = self._api.login()
        what = "look for the dashboard"
        query = {"creator": me, "labels": DASHBOARD_LABEL, "state": "all"}
        issues = [parse(_Issue, data, what) for data in self._api.list_pages("/issues", what, query, first=1)]
        ours = [issue for issue in issues if _is_ours(issue, me)]
        return min(ours, key=lambda issue: (issue.state != "open", issue.number), default=None)

    def _create(self, text: str) -> None:
        body = {"title": TITLE, "body": text, "labels": [DASHBOARD_LABEL]}
        for attempt in range(3):
            try:
                self._api.write("POST", "/issues", "make the dashboard", body, once=True)
                return
            except LostAnswerError:
                # It may have happened; look before trying again.
                if self._find() is not None:
                    return
                if attempt == 2:
                    raise
            except RefusedError as exc:
                if exc.status == 410:
                    raise ForgeError("cannot make the dashboard: the repository has no issues") from exc
                raise

    def _edit(self, found: _Issue, text: str) -> None:
        path, what = f"/issues/{found.number}", "look at the dashboard"
        try:
            now: _Issue = parse(_Issue, self._api.get(path, what), what)
        except RefusedError as exc:
            if exc.status in (404, 410):
                return  # deleted while the pass ran; the next one makes another
            raise
        if now.state == "open":
            late = read_requests(_text(now)).without(read_requests(_text(found)))
            self._api.write("PATCH", path, "bring the dashboard up to date", {"body": tick_boxes(text, late)})
            self._found = found.model_copy(update={"body": text})


def _is_ours(issue: _Issue, me: str) -> bool:
    """Whether the bot wrote it: anybody can write a mark."""
    return (
        issue.pull_request is None
        and issue.user is not None
        and issue.user.login == me
        and is_dashboard(issue.body or "")
    )


def _text(issue: _Issue) -> str:
    """Return its text with the line ends it was written with; an editor on the web leaves others."""
    return (issue.body or "").replace("\r\n", "\n")
