"""Passes over content made to harm: every file has its row, and nothing else is written, run or filled."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autobump.cli import run_command
from autobump.support.git import Git
from tests.fixtures.github import GitHubStandIn
from tests.fixtures.memory import measure_pass
from tests.fixtures.repositories import WHO, branches, item_yaml, make_repository, pack_metadata, show
from tests.fixtures.servers import Request, serve
from tests.fixtures.world import SETTINGS

OLD, NEW = "3.9.8.24399", "3.12.13.12042988"
IMAGE = f"demisto/python3:{OLD}"
MAX_PEAK_MIB = 300
MIB = 1024 * 1024


@dataclass(frozen=True)
class Pass:
    """What a pass in a process of its own ended with."""

    report: dict[str, Any]
    errors: str
    peak_mib: float

    @property
    def rows(self) -> dict[str, str]:
        """Reason of every row by its path; a bump has the reason `bump`."""
        found = {bump["path"]: "bump" for bump in self.report["bumps"]}
        found |= {row["path"]: row["reason"] for row in self.report["skipped"] + self.report["problems"]}
        listed = sum(len(self.report[name]) for name in ("bumps", "skipped", "problems"))
        assert len(found) == listed == self.report["files"]
        return found


def run_pass(repository: Path, tags: Path, command: str = "run", *more: str) -> Pass:
    """Run a pass, its memory measured by the operating system, its children's included."""
    arguments = [command, "--repo", str(repository), "--tags", f"file:{tags}", "--format", "json", *more]
    status, peak_mib, report, told = measure_pass(tags.parent, *arguments)
    assert status == 0, told
    return Pass(json.loads(report), told, peak_mib)


@pytest.fixture
def tags(tmp_path: Path) -> Path:
    return write_tags(tmp_path / "outside")


def write_tags(folder: Path) -> Path:
    """Write a file of tags, some of which a shell or git would misread, with what is inside the images."""
    folder.mkdir()
    inside = {"python": "3.9.8", "packages": {"requests": ["2.0", "MIT"]}}
    names = [f"$(touch {folder}/ran)", f"`touch {folder}/ran`", "--upload-pack=x", "../../x", OLD, NEW]
    path = folder / "tags.json"
    path.write_text(json.dumps({"demisto/python3": dict.fromkeys(names, inside)}))
    return path


def bomb(levels: int = 40) -> str:
    """Return YAML of a kilobyte that stands for more values than there are atoms."""
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def items(tags: Path) -> dict[str, tuple[str | bytes, str]]:
    """Return scripts of one pack by name, and the row each must get."""
    run_me = f"$(touch {tags.parent}/ran)"
    nested = "[" * 200 + "]" * 200
    steps = "".join(f"{' ' * depth}k:\n" for depth in range(1, 201))
    many_keys = "".join(f"k{number}:\n" for number in range(400_000))
    return {
        "AliasBomb": (item_yaml(IMAGE) + bomb(), "bump"),
        "Nested": (item_yaml(IMAGE) + f"deep: {nested}\n", "invalid-yaml"),
        "Steps": (item_yaml(IMAGE) + f"deep:\n{steps}", "invalid-yaml"),
        "ManyKeys": (item_yaml(IMAGE) + many_keys, "invalid-yaml"),
        "FiftyMegabytes": (item_yaml(IMAGE).encode() + b"#" * (50 * MIB), "too-large"),
        "Nul": (item_yaml(IMAGE) + "x: \0\n", "invalid-yaml"),
        "Latin1": (item_yaml(IMAGE).encode() + b"x: \xe9\n", "invalid-encoding"),
        "OtherYaml": ("%YAML 1.4\n---\n" + item_yaml(IMAGE) + "x: {a:b: c}\n", "invalid-yaml"),
        "Objects": (item_yaml(IMAGE) + f'x: !!python/object/apply:os.system ["{run_me[2:-1]}"]\n', "bump"),
        "ShellTag": (item_yaml(f"demisto/python3:{run_me}"), "invalid-docker-image"),
        "Traversal": (item_yaml("demisto/../../python3:1.2.3.4"), "invalid-docker-image"),
        "Option": (item_yaml("'--upload-pack=x'"), "invalid-docker-image"),
        "Lookalike": (item_yaml("d\u0435misto/python3:1.2.3.4"), "invalid-docker-image"),
        "Elsewhere": (item_yaml("evil.example/demisto/python3:1.2.3.4"), "unknown-registry"),
        "Many\u00a0Digits": (item_yaml(f"demisto/python3:{'9.' * 50}99999999999"), "ahead-of-registry"),
        "HalfName": (item_yaml(IMAGE, name='"\\ud800"'), "bump"),
        "LongName": (item_yaml(IMAGE, name="n" * 900), "bump"),
        "VeryLongName": (item_yaml(IMAGE, name="n" * 4 * MIB), "too-large"),
        "Directives": (
            f"{''.join(f'%TAG !a{n}! tag:x,{chr(10)}' for n in range(200_000))}---\n{item_yaml(IMAGE)}",
            "invalid-yaml",
        ),
        "SlowParser": (item_yaml(IMAGE) + "x: {a:b: c}\ny: [" + "a," * 2 * MIB + "]\n", "invalid-yaml"),
        "Mention": (item_yaml(IMAGE, name="'@everyone <script>` [x](y) -->'"), "bump"),
        "Sequence": (f"script:\n- name: x\n  dockerimage: {IMAGE}\n", "no-docker-image"),
    }


def make_hostile_repository(folder: Path, tags: Path) -> tuple[Git, dict[str, str]]:
    """Return the repository, and the row every file must get, by path as reported."""
    files: dict[str, str | bytes] = {"Packs/Items/pack_metadata.json": pack_metadata()}
    expected: dict[str, str] = {}
    for name, (text, reason) in items(tags).items():
        files[f"Packs/Items/Scripts/{name}.yml"] = text
        expected[f"Packs/Items/Scripts/{name}.yml"] = reason
    modes: dict[str, str] = {}
    commit_name = "1" * 40
    packs: dict[str, tuple[str | bytes, str]] = {
        "q\"u\\o'te": (pack_metadata(), "bump"),
        "-rf": (pack_metadata(), "bump"),
        "--output=x": (pack_metadata(), "bump"),
        "$(touch ran)": (pack_metadata(), "bump"),
        "Alpha": (pack_metadata(), "bump"),
        "ALPHA": (pack_metadata(), "bump"),
        "\u0410lpha": (pack_metadata(), "bump"),
        "p" * 200: (pack_metadata(), "bump"),
        "Notes": (pack_metadata(), "bump"),
        "BadTypes": (pack_metadata(hidden=["true"], support={"a": 1}, name=7), "bump"),
        "HalfSupport": (pack_metadata(support="\ud800"), "bump"),
        "NotesFile": (pack_metadata(), "unsafe-edit"),
        "NotesLink": (pack_metadata(), "unsafe-edit"),
        "NotesModule": (pack_metadata(), "unsafe-edit"),
        "Twice": ('{"currentVersion": "1.0.0", "currentVersion": "2.0.0"}', "invalid-pack-metadata"),
        "Digits": (pack_metadata("1.0." + "9" * 10_000), "invalid-pack-metadata"),
        "Number": ('{"currentVersion": 1' + "0" * 10_000 + "}", "invalid-pack-metadata"),
        "Exponent": ('{"currentVersion": 1e999999}', "invalid-pack-metadata"),
        "Deep": ('{"currentVersion": "1.0.0", "x": ' + "[" * 100_000, "invalid-pack-metadata"),
        "Objects": (
            '{"currentVersion": "1.0.0", "x": [' + '{"":0},' * 700_000 + "0]}",
            "invalid-pack-metadata",
        ),
        "LongTexts": (pack_metadata(name="n" * 200_000), "invalid-pack-metadata"),
        "Huge": ('{"currentVersion": "1.0.0", "x": "' + "x" * 11 * MIB + '"}', "invalid-pack-metadata"),
    }
    for pack, (metadata, reason) in packs.items():
        path = f"Packs/{pack}/Scripts/S/S.yml"
        files |= {f"Packs/{pack}/pack_metadata.json": metadata, path: item_yaml(IMAGE, name="S")}
        expected[path] = reason
    files |= {
        "Packs/Notes/ReleaseNotes/1_0_1.md/x.md": "a folder",
        "Packs/NotesFile/ReleaseNotes": "a file",
        "Packs/NotesLink/ReleaseNotes": "../../../outside",
        "Packs/NotesModule/ReleaseNotes": commit_name,
        "Packs/Module": commit_name,
        "Packs/Items/Scripts/Module": commit_name,
        "Packs/Items/Scripts/Module.yml": commit_name,
        "Packs/Items/Scripts/Link.yml": "/etc/passwd",
        "Packs/Link": str(tags.parent),
        "Packs/Items/Scripts/line\nfeed.yml": item_yaml(IMAGE),
        "Packs/Items/Scripts/\x1b[2J.yml": item_yaml(IMAGE),
    }
    modes |= {path: "160000" for path, text in files.items() if text == commit_name}
    modes |= dict.fromkeys(
        ("Packs/NotesLink/ReleaseNotes", "Packs/Items/Scripts/Link.yml", "Packs/Link"), "120000"
    )
    expected |= {
        "Packs/Items/Scripts/line\\nfeed.yml": "unsafe-path",
        "Packs/Items/Scripts/\\x1b[2J.yml": "unsafe-path",
    }
    codes: dict[str, str | bytes] = {
        "HugeCode": b"x = 1\n" * MIB,
        "WideCode": "aaaaaaa;" * (MIB // 2),
        "DeepCode": "(" * (4 * MIB),
        "Semicolons": "print 1\n" + " " * 2 * MIB + "a" + ";" * 2 * MIB + "\n",
        "LongString": "x = '''" + "a" * 4 * MIB + "'''\nprint 1\n",
        "Quotes": "print 1\n" + "x = ''\n" * 500_000,
        "Statements": "a\n" * 74_000,
        "MinusCode": "-" * 900_000 + "1",
        "NulCode": "import os\0\n",
        "SpaceCode": "print 1\nfrom a import b" + " " * 2_000_000 + "c\n",
        "ManyImports": "".join(f"import a{number}\n" for number in range(50_000)),
        "RunsAtImport": f"import os\nos.system('touch {tags.parent}/ran')\n",
    }
    for name, code in codes.items():
        path = f"Packs/Code/Scripts/{name}/{name}"
        files |= {f"{path}.yml": item_yaml(IMAGE, name=name), f"{path}.py": code}
        expected[f"{path}.yml"] = "bump"
    files["Packs/Code/pack_metadata.json"] = pack_metadata()
    return make_repository(folder, files, modes=modes), expected


def changed_paths(git: Git, head: str) -> set[str]:
    listing = git.run("diff", "--name-only", "-z", "--no-renames", "master", head)
    return {path.decode() for path in listing.split(b"\0") if path}


def planned_paths(paths: Iterable[str]) -> set[str]:
    """Return what a pull request for these items may touch: them, their packs' metadata, a note each."""
    packs = {path.split("/")[1] for path in paths}
    return {
        *paths,
        *(f"Packs/{pack}/pack_metadata.json" for pack in packs),
        *(f"Packs/{pack}/ReleaseNotes/1_0_{2 if pack == 'Notes' else 1}.md" for pack in packs),
    }


@dataclass(frozen=True)
class Hostile:
    """The hostile repository, its tags, the row every file must get, and the home of passes over it."""

    git: Git
    tags: Path
    expected: dict[str, str]
    home: Path

    def copy(self, folder: Path) -> Git:
        """Return a copy that a pass can write to."""
        shutil.copytree(self.git.directory, folder)
        return Git(folder)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Hostile:
    folder = tmp_path_factory.mktemp("hostile")
    tags = write_tags(folder / "outside")
    git, expected = make_hostile_repository(folder / "r", tags)
    (folder / "home").mkdir()
    return Hostile(git, tags, expected, folder / "home")


@pytest.fixture
def hostile(shared: Hostile, monkeypatch: pytest.MonkeyPatch) -> Hostile:
    """Return what both tests use; the code that takes seconds to read is read in the first of them."""
    monkeypatch.setenv("HOME", str(shared.home))
    return shared


def test_hostile_repository_gets_its_rows_and_nothing_else_is_touched(
    tmp_path: Path, hostile: Hostile
) -> None:
    git, tags, expected = hostile.copy(tmp_path / "r"), hostile.tags, hostile.expected
    before = git.line("for-each-ref")
    done = run_pass(git.directory, tags)
    assert done.rows == expected
    assert done.errors == ""
    heads = branches(git)
    assert {pr["branch"]: pr["head"] for pr in done.report["pull_requests"]} == heads
    for pr in done.report["pull_requests"]:
        assert changed_paths(git, pr["head"]) == planned_paths(pr["paths"])
        for path in pr["paths"]:
            old, new = show(git, "master", path), show(git, pr["head"], path)
            assert new == old.replace(OLD.encode(), NEW.encode(), 1)
        assert len(pr["body"]) <= 65_536
    refs = git.line("for-each-ref").splitlines()
    assert [ref for ref in refs if "refs/heads/autobump/" not in ref] == before.splitlines()
    assert {path.name for path in tags.parent.iterdir()} == {"tags.json", "out.json", "err.txt"}
    assert {path.name for path in tags.parent.parent.iterdir()} == {"home", "outside", "r"}
    assert {path.name for path in tmp_path.iterdir()} == {"r"}
    assert done.peak_mib < MAX_PEAK_MIB
    again = run_pass(git.directory, tags)
    assert branches(git) == heads
    assert again.rows == done.rows


def test_hostile_repository_sends_github_nothing_but_its_planned_paths(
    tmp_path: Path, hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    git, tags, expected = hostile.copy(tmp_path / "r"), hostile.tags, hostile.expected
    config = tmp_path / "settings.json"
    config.write_text(json.dumps(SETTINGS))
    options = ["--forge", "github", "--rev", "master", "--config", str(config)]
    sent: list[dict[str, str]] = []

    def keep(request: Request) -> None:
        if request.path.endswith("/git/trees"):
            entries = json.loads(request.body)["tree"]
            assert {entry["mode"] for entry in entries} == {"100644"}
            sent.append({entry["path"]: entry["content"] for entry in entries})

    github = GitHubStandIn(git)
    github.before = keep
    with serve(github.answer) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_TOKEN", "bot-token")
        done = run_pass(git.directory, tags, "run", *options)
    assert done.rows == expected
    assert done.errors == ""
    made = [pr for pr in done.report["pull_requests"] if pr["action"] == "create"]
    assert made
    assert [set(files) for files in sent] == [planned_paths(pr["paths"]) for pr in made]
    for pr, files in zip(made, sent, strict=True):
        assert changed_paths(git, pr["head"]) == set(files)
        for path in pr["paths"]:
            assert files[path] == show(git, "master", path).decode().replace(OLD, NEW, 1)
    assert {pull.branch for pull in github.pulls} == set(branches(git)) == {pr["branch"] for pr in made}
    assert git.line("for-each-ref", "--format=%(refname)").splitlines() == [
        *sorted(f"refs/heads/{pr['branch']}" for pr in made),
        "refs/heads/master",
    ]
    assert done.peak_mib < MAX_PEAK_MIB


def test_many_large_items_are_written_one_pull_request_in_memory_at_a_time(
    tmp_path: Path, tags: Path
) -> None:
    files: dict[str, str | bytes] = {}
    for number in range(12):
        comment = f"# {number:02}" + "x" * 4_900_000
        files |= {
            f"Packs/P{number}/pack_metadata.json": pack_metadata(),
            f"Packs/P{number}/Scripts/S.yml": item_yaml(IMAGE, name="S") + f"{comment}\n",
        }
    git = make_repository(tmp_path / "r", files)
    config = tags.parent / "autobump.yml"
    config.write_text("pull_requests: {max_items: 3}\n")
    done = run_pass(git.directory, tags, "run", "--config", str(config))
    assert set(done.rows.values()) == {"bump"}
    assert [len(pr["paths"]) for pr in done.report["pull_requests"]] == [3] * 4
    # It takes 84, and 116 when the twelve new ones are kept.
    assert done.peak_mib < 100


def test_names_that_only_a_tree_made_by_hand_has_cost_their_own_files_only(
    tmp_path: Path, tags: Path
) -> None:
    git = make_repository(tmp_path / "r", {"Packs/Good/Scripts/S.yml": item_yaml(IMAGE)})
    item = write_object(git, "blob", item_yaml(IMAGE).encode())
    metadata = write_object(git, "blob", pack_metadata().encode())
    folder = write_tree(git, [("100644", b"S.yml", item)])
    pack = write_tree(git, [("40000", b"Scripts", folder), ("100644", b"pack_metadata.json", metadata)])
    names = [b".", b"..", b".GIT", b".git", b"Good", b"\xff"]
    packs = write_tree(git, [("40000", name, pack) for name in names])
    root = write_tree(git, [("40000", b"Packs", packs)])
    text = f"tree {root}\nauthor {WHO}\ncommitter {WHO}\n\nBy hand\n"
    git.run("update-ref", "refs/heads/master", write_object(git, "commit", text.encode()))
    done = run_pass(git.directory, tags)
    rows = {path: reason for path, reason in done.rows.items() if "Good" not in path}
    assert set(rows.values()) == {"unsafe-path"}
    assert len(rows) == len(names) - 1
    (head,) = branches(git).values()
    changed = git.run("diff", "--name-only", "master", head).decode().splitlines()
    assert all(path.startswith("Packs/Good/") for path in changed)


def test_hundred_thousand_files_are_read_in_memory_that_grows_with_their_number_alone(
    tmp_path: Path, tags: Path
) -> None:
    peaks = []
    for number in (20_000, 40_000, 100_000):  # what fewer take is hidden by what starting takes
        done = run_pass(make_wide_repository(tmp_path / str(number), number), tags, "plan")
        assert set(done.rows.values()) == {"not-containerised"}
        assert done.report["files"] == number
        peaks.append(done.peak_mib)
    assert peaks[-1] < MAX_PEAK_MIB
    # Three times as many files more, no more than three times as much memory more, but for some noise.
    assert peaks[2] - peaks[1] < 1.2 * 3 * (peaks[1] - peaks[0]) + 16


def make_wide_repository(folder: Path, number: int) -> Path:
    """Return a repository of so many scripts, all of them different, in packs of 500."""
    files: dict[str, str | bytes] = {}
    for each in range(number):
        pack = f"Packs/P{each // 500}"
        files[f"{pack}/Scripts/S{each}.yml"] = f"name: S{each}\ntype: javascript\n"
        files[f"{pack}/pack_metadata.json"] = "{}"
    return make_repository(folder, files).directory


def test_work_grows_no_faster_than_the_number_of_items(
    tmp_path: Path, tags: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def items(size: int) -> dict[str, str | bytes]:
        files: dict[str, str | bytes] = {}
        for number in range(size):
            files |= {
                f"Packs/P{number}/pack_metadata.json": pack_metadata(),
                f"Packs/P{number}/Scripts/S/S.yml": item_yaml(IMAGE, name=f"S{number}") + bomb(12),
                f"Packs/P{number}/Scripts/S/S.py": f"import a{number}\n",
            }
        return files

    grows_in_step([work_of_a_plan(tmp_path / str(size), tags, items(size)) for size in (70, 140, 280)])


GROWING: dict[str, tuple[str, Callable[[int], str]]] = {
    "semicolons": (".py", lambda n: f"print 1\n{' ' * n}a{';' * n}\n"),
    "nested tries": (
        ".py",
        lambda n: "print 1\n" + "".join(f"{' ' * (k % 40)}try:\n" for k in range(n // 20)),
    ),
    "strings": (".py", lambda n: "print 1\n" + "x = ''\n" * (n // 7)),
    "brackets": (".py", lambda n: "print 1\n" + "ab(" * (n // 3)),
    "imports": (".py", lambda n: "print 1\n" + "from a import b\n" * (n // 16)),
    "names": (".py", lambda n: "print 1\nfrom a import " + "b, " * (n // 3) + "c\n"),
    "directives": (".yml", lambda n: "".join(f"%TAG !a{k}! tag:x,\n" for k in range(n // 20)) + "---\n"),
    "long value": (".yml", lambda n: f"name: {'a:' * n}\n"),
    "keys": (".yml", lambda n: "".join(f"k{k}: a\n" for k in range(n // 10))),
    "comments": (".yml", lambda n: item_yaml(IMAGE) + "#\n" * n),
    "elements": (".yml", lambda n: item_yaml(IMAGE) + '"x":\n' + "- a\n" * (n // 4)),
    "aliases": (".yml", lambda n: item_yaml(IMAGE) + "x: &a 1\ny:\n" + "- *a\n" * (n // 5)),
    "metadata": (".json", lambda n: '{"currentVersion": "1.0.0", "x": [' + '{"":0},' * (n // 7) + "0]}"),
}


@pytest.mark.parametrize("name", GROWING)
def test_work_grows_no_faster_than_one_file(
    tmp_path: Path, tags: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    ending, text = GROWING[name]

    def one(size: int) -> dict[str, str | bytes]:
        files: dict[str, str | bytes] = {
            "Packs/P/pack_metadata.json": pack_metadata(),
            "Packs/P/Scripts/S/S.yml": item_yaml(IMAGE, name="S"),
        }
        path = "Packs/P/pack_metadata.json" if ending == ".json" else f"Packs/P/Scripts/S/S{ending}"
        return files | {path: text(size)}

    sizes = (5_000, 10_000, 20_000)
    grows_in_step([work_of_a_plan(tmp_path / str(size), tags, one(size)) for size in sizes])


def test_work_grows_no_faster_than_the_files_of_one_folder(
    tmp_path: Path, tags: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def folder(size: int) -> dict[str, str | bytes]:
        files: dict[str, str | bytes] = {"Packs/P/pack_metadata.json": pack_metadata()}
        for number in range(size):
            path = f"Packs/P/Scripts/S/S{number}"
            files |= {f"{path}.yml": item_yaml(IMAGE, name=f"S{number}"), f"{path}.py": "import a\n"}
        return files

    grows_in_step([work_of_a_plan(tmp_path / str(size), tags, folder(size)) for size in (70, 140, 280)])


def grows_in_step(work: list[int]) -> None:
    """Assert that twice as much more of something is no more than twice as much more work."""
    assert work[2] - work[1] < 2.3 * (work[1] - work[0]) + 2_000


def work_of_a_plan(folder: Path, tags: Path, files: dict[str, str | bytes]) -> int:
    """Return how much a plan calls, of Python and of C, and how many characters its functions hand back.

    The first plan is not counted, as it imports and compiles.
    """
    git = make_repository(folder, files)
    config = folder / "autobump.yml"
    config.write_text("pull_requests: {max_open: 100, max_new_per_run: 100}\n")
    arguments = ["plan", "--repo", str(git.directory), "--tags", f"file:{tags}", "--config", str(config)]
    work = 0

    def count(_frame: object, event: str, argument: object) -> None:
        nonlocal work
        work += event in ("call", "c_call")
        if event == "return" and isinstance(argument, str | bytes | tuple):
            work += sum(
                len(one)
                for one in (argument if isinstance(argument, tuple) else [argument])
                if isinstance(one, str | bytes)
            )

    run_command([*arguments, "--format", "json"])
    facts = Path(os.environ["HOME"]) / ".cache/autobump/facts.sqlite"
    facts.unlink(missing_ok=True)
    previous = sys.getprofile()
    sys.setprofile(count)
    try:
        assert run_command([*arguments, "--format", "json"]) == 0
    finally:
        sys.setprofile(previous)
    return work


def write_object(git: Git, kind: str, data: bytes) -> str:
    written = git.run("hash-object", "-t", kind, "-w", "--literally", "--stdin", stdin=data)
    return written.decode().strip()


def write_tree(git: Git, entries: list[tuple[str, bytes, str]]) -> str:
    """Write a tree as given, whatever its names are."""
    data = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)
    return write_object(git, "tree", data)
