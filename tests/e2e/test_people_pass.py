"""What people do on GitHub counts, until they undo it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from autobump.pull_requests.labels import CLOSED_LABEL, OVERWRITTEN_LABEL
from autobump.pull_requests.marker import find_marker, replace_marker
from tests.fixtures.github import standing_in
from tests.fixtures.repositories import commit, item_yaml, script_pack, show
from tests.fixtures.servers import Reply, Request, serve
from tests.fixtures.world import OLD, World, digest_of

LABEL = "docker-image-auto-update"
ITEM = "Packs/A/Scripts/AOne/AOne.yml"
CODE = "Packs/A/Scripts/AOne/AOne.py"
UNIFIED = "Packs/B/Scripts/script-BOne.yml"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    files: dict[str, str | bytes] = {}
    for pack, image in (("A", "x"), ("B", "x"), ("C", "y")):
        files |= script_pack(pack, {f"{pack}One": f"demisto/{image}:{OLD}"})
    github = standing_in(tmp_path / "github", files)
    with serve(github.answer) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_TOKEN", "bot-token")
        yield World(tmp_path, github)


def is_managed(world: World) -> bool:
    """Whether a newer tag still reaches the first pull request, as the one commit on its branch."""
    world.publish(x=["1.0.0.2", "1.0.0.9"], y=["1.0.0.2"])
    actions = sorted(world.actions())
    pull = world.github.pull(1)
    own = world.github.git.line("rev-list", "--count", f"master..{pull.branch}")
    return actions == ["leave", "refresh"] and own == "1" and "1.0.0.9" in pull.title


def move_base(world: World, **files: str) -> None:
    commit(world.github.git, files or {"README.md": "moved on"})


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("button", ["update_branch", "rebase_branch"])
def test_update_branch_button_is_no_edit_and_costs_one_look(world: World, button: str, times: int) -> None:
    world.run()
    for number in range(times):
        move_base(world, **{f"README{number}.md": "moved on"})
        head = getattr(world.github, button)(1)
        world.writes()
        report = world.run()
        assert sorted(pr["action"] for pr in report["pull_requests"]) == ["leave", "refresh"]
        assert "brought up to date" in report["pull_requests"][0]["why"]
        # What the person pressed for stays; only the text speaks of the new commit.
        assert world.writes() == ["PATCH /repos/demisto/content/pulls/1"]
        assert world.github.head_of(world.github.pull(1).branch) == head
        assert world.actions() == ["leave", "leave"]
        assert len(world.github.calls) <= 5
    assert is_managed(world)


@pytest.mark.parametrize("button", ["update_branch", "rebase_branch"])
def test_newer_tag_reaches_a_branch_that_was_just_brought_up_to_date(world: World, button: str) -> None:
    world.run()
    move_base(world)
    getattr(world.github, button)(1)
    assert is_managed(world)


def test_buttons_of_both_kinds_after_one_another_are_no_edit(world: World) -> None:
    world.run()
    for button in ("update_branch", "rebase_branch", "update_branch"):
        move_base(world, **{f"{button}.md": "on", "README.md": button + str(len(world.github.calls))})
        getattr(world.github, button)(1)
    assert is_managed(world)


def test_button_after_the_base_changed_another_line_of_the_file_is_no_edit(world: World) -> None:
    text = item_yaml(f"demisto/x:{OLD}", name="AOne", comment="a", **{f"key{n}": "x" for n in range(9)})
    commit(world.github.git, {ITEM: text})
    world.run()
    commit(world.github.git, {ITEM: text.replace("id: AOne", "id: Another")})
    world.github.update_branch(1)
    assert sorted(world.actions()) == ["leave", "refresh"]
    assert is_managed(world)


def test_merge_that_brings_a_persons_work_along_is_an_edit(world: World) -> None:
    world.run()
    move_base(world)
    head = world.github.update_branch(1, files={CODE: "a fix\n"})
    assert sorted(world.actions()) == ["hold", "leave"]
    assert not is_managed(world)
    assert world.github.head_of(world.github.pull(1).branch) == head


def test_merge_that_settles_a_file_of_the_update_by_hand_is_an_edit(world: World) -> None:
    world.run()
    move_base(world)
    world.github.update_branch(1, files={ITEM: item_yaml("demisto/x:1.0.0.2", name="AOne", mine="yes")})
    assert sorted(world.actions()) == ["hold", "leave"]


@pytest.mark.parametrize("first", ["commit", "button"])
def test_persons_commit_beside_a_pressed_button_is_an_edit(world: World, first: str) -> None:
    world.run()
    branch = world.github.pull(1).branch
    move_base(world)
    if first == "button":
        world.github.update_branch(1)
    commit(world.github.git, {"Packs/A/README.md": "mine"}, branch=branch)
    if first == "commit":
        world.github.update_branch(1)
    assert sorted(world.actions()) == ["hold", "leave"]
    assert not is_managed(world)


def test_button_is_no_edit_where_the_server_compares_nothing(world: World) -> None:
    def no_comparison(request: Request) -> Reply | None:
        return Reply(404, b'{"message": "Not Found"}') if "/compare/" in request.path else None

    world.github.before = no_comparison
    world.run()
    move_base(world)
    world.github.update_branch(1)
    commit(world.github.git, {"Packs/C/x": "mine"}, branch=world.github.pull(2).branch)
    move_base(world)
    world.github.update_branch(2)
    assert sorted(world.actions()) == ["hold", "refresh"]
    assert world.actions() != ["leave", "leave"]


@pytest.mark.parametrize("copied", [False, True])
def test_persons_commit_under_the_bots_own_login_is_an_edit(world: World, copied: bool) -> None:
    """As with a token of the same account; also with the message of the bot's own commit."""
    world.run()
    github, branch = world.github, world.github.pull(1).branch
    head = github.head_of(branch)
    entries = [{"path": "Packs/A/README.md", "mode": "100644", "content": "mine"}]
    tree = github._create_tree({"base_tree": head, "tree": entries})[1]["sha"]
    message = github._look_at(head)["message"] if copied else "mine"
    mine = github._commit_tree(tree, [head], message, "content-bot")
    github.git.run("update-ref", f"refs/heads/{branch}", mine)
    assert sorted(world.actions()) == ["hold", "leave"]
    assert not is_managed(world)
    assert github.head_of(branch) == mine


def test_commit_that_a_person_took_back_is_no_edit_any_more(world: World) -> None:
    world.run()
    github, branch = world.github, world.github.pull(1).branch
    head = github.head_of(branch)
    mine = commit(github.git, {"Packs/A/README.md": "mine"}, branch=branch)
    assert sorted(world.actions()) == ["hold", "leave"]
    told = f'Revert "Work"\n\nThis reverts commit {mine}.\n'
    back = github._commit_tree(github.git.line("rev-parse", f"{head}^{{tree}}"), [mine], told, "person")
    github.git.run("update-ref", f"refs/heads/{branch}", back)
    assert sorted(world.actions()) == ["leave", "refresh"]
    assert is_managed(world)


def test_commit_that_takes_back_the_update_itself_is_an_edit(world: World) -> None:
    world.run()
    github, branch = world.github, world.github.pull(1).branch
    head = github.head_of(branch)
    entries = [{"path": ITEM, "mode": "100644", "content": item_yaml(f"demisto/x:{OLD}", name="AOne")}]
    tree = github._create_tree({"base_tree": head, "tree": entries})[1]["sha"]
    mine = github._commit_tree(tree, [head], f"This reverts commit {head}.", "person")
    github.git.run("update-ref", f"refs/heads/{branch}", mine)
    assert sorted(world.actions()) == ["hold", "leave"]


def exclude(world: World, *packs: str) -> None:
    world.settings["policy"] = {"exclude_packs": list(packs)}


def close_as_autobump(world: World) -> None:
    """Let the bot close the first pull request, because nothing of it is wanted for a while."""
    world.run()
    exclude(world, "A", "B")
    assert sorted(world.actions()) == ["close", "leave"]
    exclude(world)


def put_back(world: World, revision: str = "master^") -> None:
    """Take back, as a person, what the last commit on the base changed."""
    git = world.github.git
    there = git.run("ls-tree", "-r", "--name-only", revision).decode().split("\n")
    changed = git.run("diff", "--name-only", revision, "master").decode().split()
    commit(git, {path: show(git, revision, path) if path in there else None for path in changed})


@pytest.mark.parametrize("by", ["autobump", "person"])
def test_pull_request_that_a_person_opened_again_is_managed_and_says_so(world: World, by: str) -> None:
    if by == "autobump":
        close_as_autobump(world)
    else:
        world.run()
        world.github.close(1)
        world.run()
        assert CLOSED_LABEL in world.github.pull(1).labels
    world.github.reopen(1)
    report = world.run()
    assert [(pr["action"], pr["why"]) for pr in report["pull_requests"] if pr["why"]] == [
        ("refresh", "a person opened it again")
    ]
    pull = world.github.pull(1)
    marker = find_marker(pull.body)
    assert marker is not None
    assert (pull.state, pull.labels, marker.closed) == ("open", [LABEL], "")
    assert world.actions() == ["leave", "leave"]
    assert is_managed(world)


@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize("end", ["merge", "close"])
def test_end_of_a_pull_request_that_was_opened_again_counts(world: World, end: str, seen: bool) -> None:
    """Whether or not a pass saw it open in between."""
    close_as_autobump(world)
    world.github.reopen(1)
    if seen:
        world.run()
    getattr(world.github, end)(1)
    if end == "merge":
        put_back(world)
        report = world.run()
        assert [pr["action"] for pr in report["pull_requests"]] == ["leave"]
        assert {skip["reason"] for skip in report["skipped"]} == {"held"}
    else:
        for _ in range(2):
            assert sorted(world.actions()) == ["hold", "leave"]
    assert len(world.github.pulls) == 2


def test_what_autobump_closed_stays_closed_by_autobump(world: World) -> None:
    close_as_autobump(world)
    assert sorted(world.actions()) == ["create", "leave"]


def test_pull_request_opened_again_and_pushed_to_is_held_without_the_mark_of_its_end(world: World) -> None:
    close_as_autobump(world)
    world.github.reopen(1)
    world.github.add_label(1, CLOSED_LABEL)
    commit(world.github.git, {"Packs/A/README.md": "mine"}, branch=world.github.pull(1).branch)
    pull = world.github.pull(1)
    pull.body = "Mine now.\n\n" + pull.body
    assert sorted(world.actions()) == ["hold", "leave"]
    marker = find_marker(pull.body)
    assert marker is not None
    assert (marker.closed, pull.labels, pull.body[:9]) == ("", [LABEL], "Mine now.")
    world.writes()
    assert sorted(world.actions()) == ["hold", "leave"]
    assert world.writes() == []


def test_overwritten_tag_that_is_what_it_was_again_loses_the_label(world: World) -> None:
    world.run()
    right = world.tags.read_text()
    tags = json.loads(right)
    tags["demisto/x"]["1.0.0.2"]["digest"] = digest_of("another")
    world.tags.write_text(json.dumps(tags))
    assert sorted(world.actions()) == ["hold", "leave"]
    world.tags.write_text(right)
    head = world.github.head_of(world.github.pull(1).branch)
    assert sorted(world.actions()) == ["leave", "refresh"]
    pull = world.github.pull(1)
    assert (OVERWRITTEN_LABEL in pull.labels, world.github.head_of(pull.branch)) == (False, head)
    assert world.actions() == ["leave", "leave"]


def test_label_that_a_person_took_off_and_put_back_does_not_count_when_another_is_new(world: World) -> None:
    world.run()
    world.github.remove_label(1, LABEL)
    assert sorted(world.actions()) == ["hold", "leave"]
    world.github.add_label(1, LABEL)
    world.settings["pull_requests"]["labels"] = [LABEL, "new"]
    assert world.actions() == ["refresh", "refresh"]
    assert [sorted(pull.labels) for pull in world.github.pulls] == [[LABEL, "new"]] * 2


def merge_and_put_back(world: World) -> None:
    world.run()
    assert world.github.merge(1)
    put_back(world)
    assert [pr["action"] for pr in world.run()["pull_requests"]] == ["leave"]


def edit(world: World, path: str, old: str, new: str) -> None:
    text = show(world.github.git, "master", path).decode()
    assert old in text
    commit(world.github.git, {path: text.replace(old, new)})


@pytest.fixture
def coded(world: World) -> World:
    """Return a world in which an item has its code beside it, and another one has it inside."""
    inside = item_yaml(f"demisto/x:{OLD}", name="BOne").replace("script: '-'", "script: |-\n  import json")
    old = {"Packs/B/Scripts/BOne/BOne.yml": None}
    commit(world.github.git, {CODE: "import json\n", UNIFIED: inside, **old})
    return world


def held(world: World) -> list[str]:
    report = world.run()
    return sorted(skip["path"] for skip in report["skipped"] if skip["reason"] == "held")


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (ITEM, "id: AOne", "id: Another"),
        (ITEM, "version: -1", "version: 7"),
        (ITEM, "type: python\n", "type: python\ndescription: new\n"),
        (UNIFIED, "name: BOne", "name: Another"),
        (UNIFIED, "version: -1", "version: 7"),
        ("Packs/A/pack_metadata.json", "1.0.0", "1.2.0"),
    ],
)
def test_update_that_was_taken_back_stays_away_when_something_else_changes(
    coded: World, path: str, old: str, new: str
) -> None:
    merge_and_put_back(coded)
    edit(coded, path, old, new)
    assert held(coded) == [ITEM, UNIFIED]
    commit(coded.github.git, {CODE.replace(".py", "_test.py"): "import pytest\n", "Packs/A/README.md": "x"})
    assert held(coded) == [ITEM, UNIFIED]
    assert len(coded.github.pulls) == 2


@pytest.mark.parametrize(("path", "other"), [(CODE, UNIFIED), (UNIFIED, ITEM)])
def test_update_that_was_taken_back_is_proposed_again_for_new_code(
    coded: World, path: str, other: str
) -> None:
    merge_and_put_back(coded)
    edit(coded, path, "import json", "import yaml")
    assert held(coded) == [other]
    assert [pull.number for pull in coded.github.open_pulls()] == [2, 3]
    # Nobody took that one back.
    assert coded.github.merge(3)
    assert held(coded) == [other]


def test_update_that_was_taken_back_is_proposed_again_from_another_tag(coded: World) -> None:
    merge_and_put_back(coded)
    edit(coded, ITEM, OLD, "1.0.0.0")
    assert held(coded) == [UNIFIED]


def test_marker_of_an_earlier_version_still_tells_what_was_taken_back(coded: World) -> None:
    coded.run()
    pull = coded.github.pull(1)
    marker = find_marker(pull.body)
    assert marker is not None
    names = [coded.github.git.line("rev-parse", f"master:{path}")[:8] for path in marker.paths]
    pull.body = replace_marker(pull.body, replace(marker, items=(), blobs=tuple(names)))
    assert coded.actions() == ["leave", "leave"]
    assert coded.github.merge(1)
    put_back(coded)
    assert held(coded) == [ITEM, UNIFIED]
    edit(coded, ITEM, "id: AOne", "id: Another")
    assert held(coded) == [UNIFIED]
