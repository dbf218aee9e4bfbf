import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from autobump.decisions.level import Level
from autobump.evidence import store as store_module
from autobump.evidence.compare import Observation, not_run
from autobump.evidence.store import ObservationKey, ObservationStore, runner_version
from autobump.support.errors import UsageError

KEY = ObservationKey("program", "sha256:1", Level.LOAD)
OTHER = ObservationKey("program", "sha256:2", Level.TESTS)
RAN: Observation = {"outcome": "ran", "missing": [], "optional": []}
RAISED: Observation = {"outcome": "raised", "message": "NameError: x", "line": 3}


def filled(folder: Path) -> Path:
    """Return a folder whose store knows two observations."""
    ObservationStore(folder).add({KEY: RAN, OTHER: RAISED})
    return folder


def change(folder: Path, statement: str, *values: str) -> None:
    connection = sqlite3.connect(folder / "evidence.sqlite")
    with connection:
        connection.execute(statement, values)
    connection.close()


def test_what_was_seen_is_known_to_the_next_pass(tmp_path: Path) -> None:
    found = ObservationStore(filled(tmp_path)).find([KEY, OTHER, KEY._replace(program="new")])
    assert found == {KEY: RAN, OTHER: RAISED}


def test_another_level_or_image_is_not_known(tmp_path: Path) -> None:
    store = ObservationStore(filled(tmp_path))
    assert store.find([KEY._replace(level=Level.TESTS), KEY._replace(image="sha256:3")]) == {}


def test_many_images_are_found(tmp_path: Path) -> None:
    many = {KEY._replace(image=f"sha256:{number}"): RAN for number in range(900)}
    ObservationStore(tmp_path).add(many)
    assert ObservationStore(tmp_path).find(many) == many


def test_without_a_folder_it_knows_what_this_pass_saw() -> None:
    store = ObservationStore(None)
    store.add({KEY: RAN})
    assert store.find([KEY]) == {KEY: RAN}


def test_another_runner_sees_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path)
    monkeypatch.setattr(store_module, "runner_version", lambda: "another")
    assert ObservationStore(tmp_path).find([KEY]) == {}


@pytest.mark.parametrize(
    "seen", [{"outcome": "timeout"}, {"outcome": "died"}, {"outcome": "lost"}, not_run("no engine")]
)
def test_what_may_end_otherwise_next_time_is_known_in_this_pass_only(
    tmp_path: Path, seen: Observation
) -> None:
    store = ObservationStore(tmp_path)
    store.add({KEY: seen})
    assert store.find([KEY]) == {KEY: seen}
    assert store.export()["observations"] == []
    assert ObservationStore(tmp_path).find([KEY]) == {}


def test_damaged_file_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "evidence.sqlite").write_bytes(b"no database" * 1_000)
    assert ObservationStore(filled(tmp_path)).find([KEY]) == {KEY: RAN}


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"outcome": "lost"}', "[" * 100_000])
def test_damaged_entry_is_seen_anew(tmp_path: Path, text: str) -> None:
    change(filled(tmp_path), "UPDATE observations SET observation = ? WHERE image = 'sha256:1'", text)
    store = ObservationStore(tmp_path)
    assert store.find([KEY, OTHER]) == {OTHER: RAISED}
    store.add({KEY: RAN})
    assert ObservationStore(tmp_path).find([KEY, OTHER]) == {KEY: RAN, OTHER: RAISED}


def test_entry_of_an_unknown_level_is_not_looked_at(tmp_path: Path) -> None:
    change(filled(tmp_path), "UPDATE observations SET level = 'all' WHERE image = 'sha256:1'")
    assert ObservationStore(tmp_path).find([KEY, OTHER]) == {OTHER: RAISED}


def test_folder_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = ObservationStore(tmp_path / "file")
    store.add({KEY: RAN})
    assert store.find([KEY]) == {KEY: RAN}


def written(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document))
    return path


def report(path: Path, **changes: Any) -> Path:
    """Write the report of a pass that saw one item; `changes` go into its observations."""
    seen = {"runner": runner_version(), "observations": [[*KEY, RAN]]}
    return written(path, {"version": 1, "observations": seen | changes})


def test_what_another_machine_saw_is_known(tmp_path: Path) -> None:
    one, two = ObservationStore(None), ObservationStore(None)
    one.add({KEY: RAN})
    two.add({OTHER: RAISED})
    files = [
        written(tmp_path / f"{number}.json", {"observations": store.export()})
        for number, store in enumerate((one, two))
    ]
    assert ObservationStore(None, files).find([KEY, OTHER]) == {KEY: RAN, OTHER: RAISED}


def test_what_is_carried_on_holds_what_was_carried_here_and_what_was_found(tmp_path: Path) -> None:
    store = ObservationStore(
        filled(tmp_path), [report(tmp_path / "file", observations=[["a", "b", "load", RAN]])]
    )
    store.find([KEY])
    assert store.export() == {
        "runner": runner_version(),
        "observations": [["a", "b", "load", RAN], [*KEY, RAN]],
    }


def test_report_of_several_repositories_carries_what_was_seen_in_each(tmp_path: Path) -> None:
    one, two = ([[*key, RAN]] for key in (KEY, OTHER))
    seen = [{"observations": {"runner": runner_version(), "observations": rows}} for rows in (one, two)]
    file = written(tmp_path / "file", {"repositories": [*seen, {"failure": "no access"}]})
    assert ObservationStore(None, [file]).find([KEY, OTHER]) == {KEY: RAN, OTHER: RAN}


def read_fault(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        ObservationStore(None, [path])
    return str(caught.value).replace(f"{path}", "FILE")


def test_evidence_file_that_is_missing_says_so(tmp_path: Path) -> None:
    assert read_fault(tmp_path / "none.json") == "cannot read FILE: No such file or directory"


def test_folder_is_no_evidence_file(tmp_path: Path) -> None:
    assert read_fault(tmp_path) == "cannot read FILE: Is a directory"


@pytest.mark.parametrize("text", ["", "no JSON", "[" * 100_000, "\xff"])
def test_file_without_json_is_no_evidence(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text, encoding="latin-1")
    assert read_fault(tmp_path / "file").startswith("FILE is no evidence: ")


@pytest.mark.parametrize(
    "document",
    [
        7,
        [],
        {},
        {"observations": None},
        {"observations": []},
        {"repositories": [7]},
        {"repositories": 7},
        {"observations": {}},
    ],
)
def test_report_of_a_pass_that_ran_nothing_says_how_to_make_one(tmp_path: Path, document: Any) -> None:
    assert read_fault(written(tmp_path / "file", document)) == (
        "FILE holds no evidence; write it with autobump verify --format json --output FILE"
    )


def test_evidence_of_another_runner_is_not_taken(tmp_path: Path) -> None:
    assert read_fault(report(tmp_path / "file", runner="0123")) == (
        "FILE is of another version of autobump; run autobump verify again"
    )


@pytest.mark.parametrize(
    "observations",
    [
        None,
        7,
        [7],
        [[]],
        [["program", "image", "load"]],
        [["program", "image", "all", RAN]],
        [["program", "image", "load", None]],
        [["program", "image", "load", {}]],
        [["program", "image", "load", {"outcome": "lost"}]],
        [["program", "image", "load", {"outcome": "ran", "missing": 7}]],
        [["program", "image", ["load"], RAN]],
    ],
)
def test_damaged_evidence_says_so(tmp_path: Path, observations: Any) -> None:
    assert read_fault(report(tmp_path / "file", observations=observations)).startswith("FILE is damaged: ")


def test_file_larger_than_any_evidence_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as out:
        out.truncate(300 * 1024 * 1024)
    assert read_fault(tmp_path / "file") == "FILE is larger than any evidence"
