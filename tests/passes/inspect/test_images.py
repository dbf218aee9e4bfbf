"""What `images` finds in small registries and repositories, and says of what it does not know."""

import json
from pathlib import Path
from typing import Any

import pytest

from autobump.cli import run_command
from tests.fixtures.osv import osv_record
from tests.fixtures.pages import make_page
from tests.fixtures.repositories import make_repository, script_pack

OLD, NEW = "1.0.0.1", "1.0.0.2"


def facts(**packages: str) -> dict[str, Any]:
    """Return what a tag file says of a tag."""
    return {
        "python": "3.12.1",
        "os": "Alpine",
        "size": "10.00 MB",
        "packages": {name.replace("_", "."): [version, "MIT"] for name, version in packages.items()},
    }


IMAGES: dict[str, Any] = {
    "demisto/a": {OLD: facts(numpy="1.0", six="1.0"), NEW: facts(NumPy="2.1.0", requests="2.0")},
    "demisto/b": {OLD: facts(numpy="2.1.0"), NEW: facts(six="1.0")},
    "demisto/c": {NEW: facts(numpy="2.1", zope_interface="5.0rc1", pyyaml="6")},
    "demisto/bare": {NEW: {}},
    "demisto/floating": {"latest": facts(numpy="2.1.0")},
    "other/d": {NEW: facts(numpy="2.1.0")},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, which holds tags, advisories and a content repository `r`."""
    (tmp_path / "tags.json").write_text(json.dumps(IMAGES))
    severity = {"database_specific": {"severity": "HIGH"}}
    record = osv_record("GHSA-1", "requests", fixed="3.0") | severity
    (tmp_path / "osv.json").write_text(json.dumps({"records": [record]}))
    items = {"One": f"demisto/a:{OLD}", "Two": f"demisto/c:{NEW}", "Three": f"docker.io/demisto/c:{NEW}"}
    make_repository(tmp_path / "r", script_pack("A", items))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def images(*arguments: str, status: int = 0) -> None:
    assert run_command(["images", "--tags", "file:tags.json", *arguments]) == status


def document(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    images(*arguments, "--format", "json", status=status)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def names(found: dict[str, Any]) -> list[str]:
    return [one["image"] for one in found["images"]]


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        (["numpy"], ["demisto/c", "demisto/a"]),
        (["NUMPY==2.1"], ["demisto/c", "demisto/a"]),
        (["numpy==2.1.*"], ["demisto/c", "demisto/a"]),
        (["numpy==1.0"], []),
        (["six"], ["demisto/b"]),
        (["numpy", "requests"], ["demisto/a"]),
        (["numpy", "six"], []),
        (["Zope_Interface"], ["demisto/c"]),
        (["zope-interface==5.0rc1"], ["demisto/c"]),
    ],
)
def test_image_is_found_by_all_packages_of_its_newest_tag(
    wanted: list[str], there: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [part for one in wanted for part in ("--with", one)]
    found = document(capsys, *asked, "--set", "registry.advisories=file:osv.json")
    assert names(found) == there
    assert found["packages"] == wanted


def test_result_tells_what_is_known_of_the_tag(capsys: pytest.CaptureFixture[str]) -> None:
    (one,) = document(capsys, "--with", "requests", "--set", "registry.advisories=file:osv.json")["images"]
    assert one["reference"] == f"docker.io/demisto/a:{NEW}"
    assert (one["python"], one["os"], one["size_mb"]) == ("3.12.1", "Alpine", 10.0)
    assert one["packages"] == {"requests": "2.0"}
    assert one["vulnerabilities"] == {"critical": 0, "high": 1, "medium": 0, "low": 0, "unknown": 0}
    assert "items" not in one


def test_vulnerabilities_nobody_tells_are_not_known_and_not_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert document(capsys, "--with", "requests")["images"][0]["vulnerabilities"] is None
    images("--with", "requests")
    assert "Known vulnerabilities are not told" in capsys.readouterr().out


def test_items_are_counted_in_the_repository_that_is_named_or_around(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = document(capsys, "--with", "numpy", "--repo", "r")["images"]
    assert [(one["image"], one["items"]) for one in found] == [("demisto/c", 2), ("demisto/a", 1)]
    monkeypatch.chdir(folder / "r")
    tags = f"file:{folder}/tags.json"
    assert run_command(["images", "--with", "numpy", "--tags", tags, "--format", "json"]) == 0
    assert [one["items"] for one in json.loads(capsys.readouterr().out)["images"]] == [2, 1]


def test_repository_without_packs_around_counts_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_repository(folder / "code", {"Dockerfile": "FROM x"})
    monkeypatch.chdir(folder / "code")
    tags = f"file:{folder}/tags.json"
    assert run_command(["images", "--with", "numpy", "--tags", tags, "--format", "json"]) == 0
    assert all("items" not in one for one in json.loads(capsys.readouterr().out)["images"])


def test_image_that_could_not_be_searched_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "--with", "numpy")
    assert {one["image"]: one["detail"] for one in found["unknown"]} == {
        "demisto/bare": "nothing is published of what is inside",
        "demisto/floating": "the registry holds no immutable tag of it",
    }
    images("--with", "numpy")
    assert "Not searched: demisto/bare: nothing is published" in capsys.readouterr().out


def test_newest_tag_is_one_that_no_hold_keeps_all_items_from(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = {"images": ["demisto/a"], "max_tag": OLD, "reason": "new one is slow"}
    (folder / "held.yml").write_text(json.dumps({"policy": {"holds": [rule]}}))
    found = document(capsys, "--with", "numpy", "--config", "held.yml")["images"]
    assert {one["image"]: one["tag"] for one in found} == {"demisto/a": OLD, "demisto/c": NEW}
    (folder / "held.yml").write_text(json.dumps({"policy": {"holds": [rule | {"packs": ["A"]}]}}))
    found = document(capsys, "--with", "numpy", "--config", "held.yml")["images"]
    assert {one["image"]: one["tag"] for one in found} == {"demisto/a": NEW, "demisto/c": NEW}


def test_package_of_no_image_gets_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    images("--with", "nunpy", "--format", "list")
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("No image has nunpy. Did you mean numpy?\n")


@pytest.mark.parametrize("wanted", ["foo=1", "", "a b", "foo==", "foo===1", "foo>=1", "foo==1..2"])
def test_malformed_package_is_refused_in_one_line(wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    images("--with", wanted, status=2)
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert repr(wanted) in told.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--with", "pip"], "pip cannot be searched for"),
        (["--with", "numpy", "--set", "registry.facts=none"], "there is no source of image facts"),
        (["--with", "numpy", "--set", "registry.namespaces=[nobody]"], "tells of no image of nobody"),
        (["--with", "numpy", "--in-use"], "not both"),
        ([], "name packages with --with"),
        (["--in-use"], "not a git repository"),
        (["--with", "numpy", "--output", "no/such/file"], "no/such"),
    ],
)
def test_search_that_cannot_be_made_says_why(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    images(*arguments, status=2)
    assert words in capsys.readouterr().err


def test_registry_that_does_not_answer_for_an_image_is_told_and_fails(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hosts = '{"r.example:1": {"source": "oci:http://127.0.0.1:9"}}'
    packs = script_pack("A", {"One": f"r.example:1/demisto/x:{OLD}", "Two": f"demisto/a:{OLD}"})
    make_repository(folder / "two", packs)
    found = document(capsys, "--in-use", "--repo", "two", "--set", f"registry.hosts={hosts}", status=1)
    assert ("r.example:1/demisto/x", OLD) in [(one["image"], one["tag"]) for one in found["images"]]
    assert [one["image"] for one in found["unknown"]] == ["r.example:1/demisto/x"]


def test_images_in_use_are_listed_at_the_tags_they_are_on_and_move_to(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = document(capsys, "--in-use", "--repo", "r", "--set", "registry.advisories=file:osv.json")
    rows = [(one["image"], one["tag"], one["items"], one["arriving"]) for one in found["images"]]
    assert rows == [("demisto/a", OLD, 1, 0), ("demisto/a", NEW, 0, 1), ("demisto/c", NEW, 2, 0)]
    assert [one["vulnerabilities"]["high"] for one in found["images"]] == [0, 1, 0]
    assert found["packages"] is None


def test_list_has_each_image_once_and_sorted(capsys: pytest.CaptureFixture[str]) -> None:
    images("--in-use", "--repo", "r", "--format", "list")
    wanted = [f"docker.io/demisto/a:{OLD}", f"docker.io/demisto/a:{NEW}", f"docker.io/demisto/c:{NEW}"]
    assert capsys.readouterr().out.splitlines() == wanted


def test_list_is_written_to_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images("--in-use", "--repo", "r", "--format", "list", "--output", "images.txt")
    assert capsys.readouterr().out == ""
    assert len((folder / "images.txt").read_text().splitlines()) == 3


def test_skopeo_gets_registries_images_and_tags(capsys: pytest.CaptureFixture[str]) -> None:
    images("--in-use", "--repo", "r", "--format", "skopeo")
    assert capsys.readouterr().out == (
        '"docker.io":\n  images:\n'
        f'    "demisto/a":\n      - "{OLD}"\n      - "{NEW}"\n'
        f'    "demisto/c":\n      - "{NEW}"\n'
    )


def test_what_a_list_of_images_cannot_hold_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packs: dict[str, str | bytes] = {**script_pack("A", {"One": "demisto/a:1.0.0.7", "Two": "python"})}
    packs |= {**script_pack("B", {"Three": "demisto/gone:1.0.0.1", "Four": "demisto/floating"})}
    packs["Packs/A/Scripts/bad.yml"] = "a: ["
    make_repository(folder / "odd", packs)
    found = document(capsys, "--in-use", "--repo", "odd")
    assert found["unread_files"] == 1
    assert ("demisto/floating", "latest") in [(one["image"], one["tag"]) for one in found["images"]]
    unknown = {one["image"]: one["detail"] for one in found["unknown"]}
    assert unknown["demisto/a:1.0.0.7"] == "the registry does not name this tag"
    assert "demisto/gone" in unknown["demisto/gone"]
    assert "no namespace" in unknown["Packs/A/Scripts/Two/Two.yml"]


def test_repository_that_uses_no_image_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_repository(folder / "none", {"Packs/A/pack_metadata.json": "{}"})
    images("--in-use", "--repo", "none")
    assert capsys.readouterr().out == "No item uses an image.\n"


def test_several_repositories_are_listed_together(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_repository(folder / "s", script_pack("B", {"Four": f"demisto/b:{OLD}"}))
    entries = [{"repository": f"o/{name}", "path": str(folder / name)} for name in ("r", "s")]
    (folder / "several.yml").write_text(json.dumps({"repositories": entries}))
    found = document(capsys, "--in-use", "--config", "several.yml")
    assert sorted(set(names(found))) == ["demisto/a", "demisto/b", "demisto/c"]


def test_images_are_found_in_a_clone_of_the_pages(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = folder / f"pages/demisto/p/{NEW}.md"
    page.parent.mkdir(parents=True)
    page.write_text(make_page("demisto/p", NEW, packages={"numpy": ("2.1.0", "MIT")}))
    source = ["--tags", f"dockerfiles-info:{folder}/pages"]
    assert run_command(["images", "--with", "numpy", *source, "--format", "list"]) == 0
    assert capsys.readouterr().out == f"docker.io/demisto/p:{NEW}\n"
