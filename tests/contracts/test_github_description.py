"""Every request to GitHub, and every answer of the stand-in, is as GitHub's own descriptions say."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autobump.evidence.compare import Observation
from tests.fixtures.emulator import APP_ID, APP_KEY
from tests.fixtures.evidence import RAISED, write_evidence
from tests.fixtures.github import standing_in
from tests.fixtures.github_description import (
    Description,
    Exchange,
    check_graphql,
    load_description,
    record,
)
from tests.fixtures.repositories import commit, script_pack
from tests.fixtures.servers import Reply, Request, serve
from tests.fixtures.world import OLD, World, every_action, prepare_every_action

LABEL = "docker-image-auto-update"
REPOSITORY = "/repos/demisto/content"


@pytest.fixture(scope="module")
def description() -> Description:
    return load_description()


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> list[Exchange]:
    """Return all that was asked and answered in the lives of many pull requests."""
    made: list[Exchange] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda _: None)
        patch.setenv("GITHUB_TOKEN", "bot-token")
        for live in (
            live_through_every_action,
            live_with_people,
            live_under_limits,
            live_as_an_app,
            live_with_evidence,
        ):
            live(tmp_path_factory.mktemp("world"), patch, made)
    return made


def live_through_every_action(folder: Path, patch: pytest.MonkeyPatch, made: list[Exchange]) -> None:
    world = every_action(folder)
    with serve(record(world.github.answer, made)) as server:
        patch.setenv("GITHUB_API_URL", server.url)
        prepare_every_action(world)
        assert set(world.actions()) == {"create", "adopt", "refresh", "leave", "close", "hold"}


def open_world(folder: Path) -> World:
    files: dict[str, str | bytes] = {}
    for pack, image in (("A", "x"), ("B", "x"), ("C", "y")):
        files |= script_pack(pack, {f"{pack}One": f"demisto/{image}:{OLD}"})
    world = World(folder, standing_in(folder / "github", files))
    people = [f"person{number}" for number in range(11)]
    world.settings["registry"] = {"facts": "none"}
    world.settings["content"] = {"base": "release/1"}
    world.github.git.run("branch", "release/1", "master")
    world.settings["pull_requests"] |= {
        "dashboard": True,
        "automerge": True,
        "labels": [LABEL, "area/images"],
        "reviewers": ["reviewer", "stranger"],
        "team_reviewers": ["team"],
        "assignees": people,
    }
    return world


def live_with_people(folder: Path, patch: pytest.MonkeyPatch, made: list[Exchange]) -> None:
    world = open_world(folder)
    github = world.github
    with serve(record(github.answer, made)) as server:
        patch.setenv("GITHUB_API_URL", server.url)
        github.offers_drafts, github.merge_methods = False, {"squash"}
        world.settings["pull_requests"]["draft"] = True
        world.run("--image", "demisto/x", status=1)
        world.settings["pull_requests"]["draft"] = False
        assert "create" in act(world)
        assert github.pull(2).merge_method == "squash"
        for path in ("README.md", "OTHER.md"):
            commit(github.git, {path: "moved on"}, branch="release/1")
            github.update_branch(1)
            assert "refresh" in act(world)
        commit(github.git, {"README.md": "and on"}, branch="release/1")
        github.rebase_branch(2)
        assert "refresh" in act(world)
        commit(github.git, {"Packs/A/README.md": "mine"}, branch=github.pull(1).branch)
        assert "hold" in act(world)
        github.add_label(1, "autobump:rebuild")
        assert "refresh" in act(world)
        github.remove_label(1, LABEL)
        assert "hold" in act(world)
        github.add_label(1, LABEL)
        # What nothing is known of meanwhile is not to be merged by itself.
        world.settings["registry"] = {}
        world.publish(x=["1.0.0.2"], y=["1.0.0.3"])
        tags = json.loads(world.tags.read_text())
        del tags["demisto/y"]["1.0.0.3"]["packages"]
        world.tags.write_text(json.dumps(tags))
        assert "refresh" in act(world)
        assert not github.pull(2).automerge
        github.pull(2).body = "Another text."
        github.close(2, delete_branch=True)
        assert "hold" in act(world)
        issue = github.issues[0]
        issue.body = issue.body.replace("- [ ] <!-- lift:#2 -->", "- [x] <!-- lift:#2 -->")
        assert "lift" in act(world)
        github.close(1)
        assert "hold" in act(world)
        github.reopen(1)
        assert "refresh" in act(world)
        world.settings["policy"] = {"exclude_packs": ["A", "B", "C"]}
        assert "close" in act(world)


def act(world: World) -> list[str]:
    """Run a pass, which may well be refused something, and return its actions."""
    return [pr["action"] for pr in world.run(status=None)["pull_requests"]]


def live_under_limits(folder: Path, patch: pytest.MonkeyPatch, made: list[Exchange]) -> None:
    """A commit that GitHub does not have, answers that are lost, and a branch that is there already."""
    world = open_world(folder)
    github = world.github
    git = github.git
    stranger = git.run("commit-tree", "master^{tree}", "-m", "elsewhere").decode().strip()
    lost = ["/pulls", "/issues", "/git/refs"]

    def missing(request: Request) -> Reply | None:
        known = request.path.endswith(f"/git/commits/{stranger}") and request.method == "GET"
        return Reply(404, b'{"message": "Not Found"}') if known else None

    def lose(request: Request) -> Reply | None:
        for path in lost:
            if request.method == "POST" and request.path.endswith(path):
                lost.remove(path)
                return Reply(hang_up=True)
        return None

    github.before, github.after = missing, lose
    with serve(record(github.answer, made)) as server:
        patch.setenv("GITHUB_API_URL", server.url)
        world.settings["pull_requests"]["assignees"] = []
        world.run("--rev", stranger, status=1)
    assert (lost, len(github.open_pulls())) == ([], 2)


def live_as_an_app(folder: Path, patch: pytest.MonkeyPatch, made: list[Exchange]) -> None:
    world = open_world(folder)
    with serve(record(world.github.answer, made)) as server:
        patch.setenv("GITHUB_API_URL", server.url)
        patch.setenv("AUTOBUMP_APP_ID", str(APP_ID))
        patch.setenv("AUTOBUMP_APP_PRIVATE_KEY", APP_KEY)
        world.run(status=1)
        assert {pull.user for pull in world.github.pulls} == {"autobump-test[bot]"}
        patch.delenv("AUTOBUMP_APP_ID")
        patch.delenv("AUTOBUMP_APP_PRIVATE_KEY")
        # A token that is none, a token of a workflow.
        patch.setenv("GITHUB_TOKEN", "wrong")
        world.run(status=1)
        world.github.tokens["workflow-token"] = "github-actions[bot]"
        patch.setenv("GITHUB_TOKEN", "workflow-token")
        world.run("--dry-run")
        patch.setenv("GITHUB_TOKEN", "bot-token")


def live_with_evidence(folder: Path, patch: pytest.MonkeyPatch, made: list[Exchange]) -> None:
    world = open_world(folder)
    files = {f"Packs/{pack}/Scripts/{pack}One/{pack}One.py": f"code = '{pack}'\n" for pack in "ABC"}
    commit(world.github.git, files, branch="master")
    world.settings["content"] = {}
    did: dict[str, dict[str, Observation]] = {
        f"{image}:{tag}": {} for image in "xy" for tag in (OLD, "1.0.0.2")
    }
    evidence = write_evidence(world, did | {"y:1.0.0.2": {"COne": RAISED}})
    with serve(record(world.github.answer, made)) as server:
        patch.setenv("GITHUB_API_URL", server.url)
        world.run("--evidence", str(evidence), status=None)
    states = [state for told in world.github.statuses.values() for state, _ in told.values()]
    assert sorted(states) == ["failure", "success"]


def of_rest(exchanges: list[Exchange]) -> list[Exchange]:
    return [one for one in exchanges if one.request.path != "/graphql"]


def of_graphql(exchanges: list[Exchange]) -> list[Exchange]:
    return [one for one in exchanges if one.request.path == "/graphql"]


def find(exchanges: list[Exchange], method: str, path: str) -> Exchange:
    return next(
        one
        for one in exchanges
        if one.request.method == method and one.request.path.endswith(path) and one.reply.status < 300
    )


def test_every_request_and_every_answer_is_as_described(
    description: Description, exchanges: list[Exchange]
) -> None:
    assert sorted({problem for one in of_rest(exchanges) for problem in description.check(one)}) == []


def test_every_mutation_and_every_answer_fits_the_schema(exchanges: list[Exchange]) -> None:
    calls = of_graphql(exchanges)
    named = {json.loads(one.request.body)["query"].split("(input")[0].split()[-1] for one in calls}
    assert named == {"enablePullRequestAutoMerge", "disablePullRequestAutoMerge"}
    assert [problem for problems in check_graphql(calls) for problem in problems] == []


def test_everything_that_the_bot_calls_is_called_here(
    description: Description, exchanges: list[Exchange]
) -> None:
    """What is not called is not checked; a new call is added to this list and to one of the lives."""
    repository = "/repos/{owner}/{repo}"
    calls = {
        "GET": (
            "", "/installation", "/git/matching-refs/{ref}", "/git/ref/{ref}", "/git/commits/{commit_sha}",
            "/commits", "/commits/{ref}", "/compare/{basehead}", "/pulls", "/pulls/{pull_number}", "/issues",
            "/issues/{issue_number}", "/issues/{issue_number}/events", "/issues/{issue_number}/comments",
        ),
        "POST": (
            "/git/trees", "/git/commits", "/git/refs", "/pulls", "/pulls/{pull_number}/requested_reviewers",
            "/issues", "/issues/{issue_number}/assignees", "/issues/{issue_number}/labels",
            "/issues/{issue_number}/comments", "/statuses/{sha}",
        ),
        "PATCH": ("/git/refs/{ref}", "/pulls/{pull_number}", "/issues/{issue_number}"),
        "DELETE": ("/git/refs/{ref}", "/issues/{issue_number}/labels/{name}"),
    }  # fmt: skip
    expected = {f"{method} {repository}{path}" for method, paths in calls.items() for path in paths}
    expected |= {"GET /user", "POST /app/installations/{installation_id}/access_tokens"}
    assert {description.name(one.request) for one in of_rest(exchanges)} == expected


def sent(one: Exchange, **changes: Any) -> Exchange:
    return replace(one, request=replace(one.request, **changes))


def answered(one: Exchange, change: Any) -> Exchange:
    document = json.loads(one.reply.body)
    change(document)
    return replace(one, reply=replace(one.reply, body=json.dumps(document).encode()))


def test_what_is_made_up_is_found(description: Description, exchanges: list[Exchange]) -> None:
    """The check itself: each of these differs in one thing from what was asked and answered."""
    refs = find(exchanges, "GET", "/git/matching-refs/heads/autobump/")
    pulls, issues = find(exchanges, "GET", "/pulls"), find(exchanges, "GET", "/issues")
    opened = find(exchanges, "POST", "/pulls")
    body = json.loads(opened.request.body)

    def with_body(**changes: Any) -> Exchange:
        kept = {name: value for name, value in {**body, **changes}.items() if value is not None}
        return sent(opened, body=json.dumps(kept).encode())

    wrong = {
        "no parameter page": sent(refs, query={"page": ["1"]}),
        "no parameter pagesize": sent(pulls, query={**pulls.request.query, "pagesize": ["100"]}),
        "parameter state": sent(issues, query={**issues.request.query, "state": ["finished"]}),
        "parameter per_page": sent(pulls, query={**pulls.request.query, "per_page": ["many"]}),
        "no such path": sent(pulls, path=f"{REPOSITORY}/pull-requests"),
        "PATCH": sent(opened, method="PATCH"),
        "'drafty'": with_body(drafty=True),
        "'yes' is not of type 'boolean'": with_body(draft="yes"),
        "'base' is a required property": with_body(base=None),
        "no body": sent(opened, body=b""),
        "no answer 299": replace(opened, reply=replace(opened.reply, status=299)),
        "'merged' is a required property": answered(opened, lambda pull: pull.pop("merged")),
        "'repo' is a required property": answered(opened, lambda pull: pull["head"].pop("repo")),
        "'seven' is not of type 'integer'": answered(opened, lambda pull: pull.update(number="seven")),
        "'ref' is a required property": answered(refs, lambda found: found.append({})),
    }
    for told, exchange in wrong.items():
        problems = list(description.check(exchange))
        assert any(told in problem for problem in problems), (told, problems)
    for exchange in (refs, pulls, issues, opened):
        assert list(description.check(exchange)) == []


def test_mutation_that_is_made_up_is_found(exchanges: list[Exchange]) -> None:
    call = of_graphql(exchanges)[0]
    asked, given = json.loads(call.request.body), json.loads(call.reply.body)
    variables = asked["variables"]["input"]

    def changed(changes: dict[str, Any], data: Any = given["data"]) -> Exchange:
        request = replace(call.request, body=json.dumps(asked | changes).encode())
        return Exchange(request, replace(call.reply, body=json.dumps({"data": data}).encode()))

    wrong = {
        "turnOnAutoMerge": changed({"query": "mutation { turnOnAutoMerge { id } }"}),
        "FASTEST": changed({"variables": {"input": {**variables, "mergeMethod": "FASTEST"}}}),
        "pullRequestId": changed({"variables": {"input": {}}}),
        "speed": changed({"variables": {"input": {**variables, "speed": 1}}}),
        "$id is not declared": changed({"variables": {**asked["variables"], "id": "PR_1"}}),
        "enablePullRequestAutoMerge is missing": changed({}, {}),
        "was not asked for": changed({}, {**given["data"], "more": 1}),
    }
    right, *found = check_graphql([call, *wrong.values()])
    assert right == []
    for told, problems in zip(wrong, found, strict=True):
        assert told in " ".join(problems)
