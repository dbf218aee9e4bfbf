import pytest

from autobump.content.item import ItemKind, find_item_files, parse_item
from autobump.content.listing import TreeEntry
from autobump.content.yaml.events import YamlFault


def paths_of_items(*paths: str, mode: str = "100644") -> list[str]:
    return [
        file.path for file in find_item_files((TreeEntry(path, mode, "0" * 40) for path in paths), "Packs/")
    ]


def test_unified_and_split_files_are_items() -> None:
    paths = [
        "Packs/A/Integrations/Thing.yml",
        "Packs/A/Integrations/Thing/Thing.yml",
        "Packs/A/Scripts/Thing.yml",
        "Packs/A/Scripts/Thing/Thing.yml",
        "Packs/A/Scripts/thing/Thing.yml",  # folder and file differ in letter case
    ]
    assert paths_of_items(*paths) == paths


@pytest.mark.parametrize(
    "path",
    [
        "Packs/A/Integrations/Thing/data_test/docker.yml",
        "Packs/A/TestPlaybooks/playbook.yml",
        "Packs/A/Integrations/Thing/Thing.yaml",
        "Packs/A/Integrations/Thing/Thing.py",
        "Packs/Integrations/Thing.yml",
        "Other/Packs/A/Scripts/Thing.yml",
        "Packs/A/Playbooks/Thing.yml",
    ],
)
def test_other_files_are_no_items(path: str) -> None:
    assert paths_of_items(path) == []


@pytest.mark.parametrize("mode", ["120000", "160000"])
def test_links_and_submodules_are_no_items(mode: str) -> None:
    assert paths_of_items("Packs/A/Scripts/Thing.yml", mode=mode) == []


def test_integration_is_called_by_its_display_name() -> None:
    facts = parse_item(b"name: raw\ndisplay: Shown\nscript: {type: python}\n", ItemKind.INTEGRATION)
    assert (facts.name, facts.language) == ("Shown", "python")


def test_script_is_called_by_its_name() -> None:
    assert parse_item(b"name: Raw\ncommonfields: {id: other}\n", ItemKind.SCRIPT).name == "Raw"


def test_item_without_a_name_is_called_by_its_id() -> None:
    assert parse_item(b"commonfields: {id: other}\n", ItemKind.SCRIPT).name == "other"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("false", False), ("False", False), ('"false"', False), ("no", False), ("true", True), ("maybe", None)],
)
def test_auto_update_is_read_as_its_writer_meant_it(value: str, expected: bool | None) -> None:
    facts = parse_item(f"autoUpdateDockerImage: {value}\n".encode(), ItemKind.SCRIPT)
    assert facts.auto_update is expected
    assert not facts.auto_update_misplaced


def test_misplaced_refusal_counts_even_against_a_true_at_top_level() -> None:
    data = b"autoUpdateDockerImage: true\nscript:\n  autoUpdateDockerImage: false\n"
    facts = parse_item(data, ItemKind.INTEGRATION)
    assert facts.auto_update is False
    assert facts.auto_update_misplaced


def test_misplaced_true_is_told_but_not_taken() -> None:
    facts = parse_item(b"script:\n  autoUpdateDockerImage: true\n", ItemKind.INTEGRATION)
    assert facts.auto_update is None
    assert facts.auto_update_misplaced


@pytest.mark.parametrize("value", ["", "~", "null", "''", '""'])
def test_empty_image_counts_as_missing(value: str) -> None:
    image = parse_item(f"dockerimage: {value}\n".encode(), ItemKind.SCRIPT).image
    assert (image.text, image.flaw) == (None, "")


@pytest.mark.parametrize("value", ["[a]", "{a: b}", "!!str demisto/x:1.2.3", "!!python/object:os.system x"])
def test_image_that_is_no_plain_string_has_a_flaw(value: str) -> None:
    assert parse_item(f"dockerimage: {value}\n".encode(), ItemKind.SCRIPT).image.flaw


def test_image_that_is_an_alias_has_a_flaw() -> None:
    image = parse_item(b"a: &a demisto/x:1.2.3\ndockerimage: *a\n", ItemKind.SCRIPT).image
    assert "an alias" in image.flaw


@pytest.mark.parametrize("comment", ["", "'quoted': key\n"], ids=["by its lines", "by the parser"])
@pytest.mark.parametrize(
    "line", ["name: {}", "type: {}", "commonfields:\n  id: {}", "dockerimage: demisto/{}:1"]
)
def test_value_that_would_fill_the_memory_of_a_pass_is_told_with_its_place(line: str, comment: str) -> None:
    parse_item((comment + line.format("x" * 900) + "\n").encode(), ItemKind.SCRIPT)
    data = (comment + line.format("x" * 1_001) + "\n").encode()
    with pytest.raises(YamlFault, match="characters are more than the 1,000 that are read") as caught:
        parse_item(data, ItemKind.SCRIPT)
    assert caught.value.reason == "too-large"
    assert caught.value.line == data.count(b"\n")
