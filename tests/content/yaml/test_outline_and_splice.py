import pytest
import ruamel.yaml
from hypothesis import given
from hypothesis import strategies as st

from autobump.content.item import ItemKind, parse_item, replace_image
from autobump.content.yaml.events import YamlFault
from autobump.content.yaml.load import load_with_places
from autobump.content.yaml.outline import MAX_KEYS, Scalar, read_outline
from autobump.content.yaml.splice import UnsafeEditError, splice_value

OLD = "demisto/python3:3.9.8.24399"
NEW = "demisto/python3:3.12.13.12042988"


def spliced(data: bytes, kind: ItemKind = ItemKind.SCRIPT, new: str = NEW) -> bytes:
    return replace_image(data, kind, parse_item(data, kind).image, new)


@pytest.mark.parametrize(
    "text",
    [
        f"name: a\ndockerimage: {OLD}\ntype: python\n",
        f"name: a\ndockerimage: {OLD}",
        f"name: a\r\ndockerimage: {OLD}\r\ntype: python\r\n",
        f"name: a\rdockerimage: {OLD}\rtype: python\r",
        f"\ufeffname: a\ndockerimage: {OLD}\n",
        f'name: a\ndockerimage: "{OLD}"\n',
        f"name: a\ndockerimage: '{OLD}'   # a comment about {OLD}\n",
        f"name: a\ndockerimage:    {OLD}   # why\n",
        f"name: a\ndockerimage:\n  {OLD}\n",
        f"name: a\ndockerimage: |-\n  {OLD}\ntype: python\n",
        f"name: a\ndockerimage: >-\n  {OLD}\ntype: python\n",
        f"{{name: a, dockerimage: {OLD}, type: python}}\n",
        f'{{"name": "a", "dockerimage": "{OLD}"}}\n',
        f"name: \u00e9\U0001f600\ndockerimage: {OLD} # \u00e9\n",
        f"%YAML 1.2\n---\nname: a\ndockerimage: {OLD}\n...\n",
        f"name: a\n? dockerimage\n: {OLD}\n",
        f"name: a\ndockerimage: &image {OLD}\n",
        f"script: |-\n  dockerimage: {OLD}\n  x\ndockerimage: {OLD}\n",
        f"comment: 'dockerimage: {OLD}'\ndockerimage: {OLD}\n",
        f"args:\n- dockerimage: {OLD}\n- dockerimage: {OLD}\ndockerimage: {OLD}\n",
        f"dockerimage45: {OLD}\nalt_dockerimages: [{OLD}]\ndockerimage: {OLD}\n",
    ],
)
def test_only_the_bytes_of_the_value_change(text: str) -> None:
    data = text.encode()
    new = spliced(data)
    # The key's own value is the last place the image stands at, but for comments and the like behind it.
    position = next(
        index
        for index in range(len(data))
        if data.startswith(OLD.encode(), index)
        and data[:index] + NEW.encode() + data[index + len(OLD) :] == new
    )
    assert parse_item(new, ItemKind.SCRIPT).image.text == NEW
    assert data[:position] == new[:position]


def test_integration_keeps_its_image_under_script() -> None:
    data = f"dockerimage: {OLD}\nscript:\n  dockerimage: {OLD}\n  type: python\n".encode()
    assert spliced(data, ItemKind.INTEGRATION) == (
        f"dockerimage: {OLD}\nscript:\n  dockerimage: {NEW}\n  type: python\n".encode()
    )


def test_value_an_alias_refers_to_is_refused() -> None:
    data = f"dockerimage: &image {OLD}\nother: *image\n".encode()
    with pytest.raises(UnsafeEditError, match="alias"):
        spliced(data)
    assert "alias" in parse_item(data, ItemKind.SCRIPT).image.unsafe


def test_value_written_with_escapes_is_refused() -> None:
    data = b'dockerimage: "demisto\\/python3:3.9.8.24399"\n'
    with pytest.raises(UnsafeEditError, match="one piece"):
        spliced(data)
    assert "one piece" in parse_item(data, ItemKind.SCRIPT).image.unsafe


def test_splice_that_would_change_more_is_refused() -> None:
    data = b"a: demisto/x:1.2.3\nb: 1\n"
    scalar = read_outline(data).outline["a"]
    assert isinstance(scalar, Scalar)
    for hostile in ("x\nb: 2", "x # ", "x: y", "[", "&a x", "x\n"):
        with pytest.raises(UnsafeEditError):
            splice_value(data, scalar, hostile)


@pytest.mark.parametrize(
    ("data", "reason", "line", "column"),
    [
        (b"", "invalid-yaml", 1, 1),
        (b"# only a comment\n", "invalid-yaml", 1, 1),
        (b"- a\n- b\n", "invalid-yaml", 1, 1),
        (b"just text\n", "invalid-yaml", 1, 1),
        (b"a: 1\n---\nb: 2\n", "invalid-yaml", 2, 1),
        (b"a: 1\ndockerimage: demisto/oauthlib:\n", "invalid-yaml", 2, 29),
        (b"a: 1\n\tb: 2\n", "invalid-yaml", 2, 1),
        (b"a: [1, 2\n", "invalid-yaml", 2, 1),
        (b"a: 1\nb: \xff\n", "invalid-encoding", 2, 4),
        (b"a: \x00\n", "invalid-yaml", 1, 1),
        (b"a: 1\nb: 2\na: 3\n", "duplicate-key", 3, 1),
        (b"a: *nowhere\n{", "invalid-yaml", 2, 1),
    ],
)
def test_text_that_is_no_mapping_is_told_with_its_place(
    data: bytes, reason: str, line: int, column: int
) -> None:
    with pytest.raises(YamlFault) as caught:
        read_outline(data)
    assert (caught.value.reason, caught.value.line) == (reason, line)
    assert caught.value.column in (column, column + 1)


def test_key_twice_under_script_is_told() -> None:
    data = b"script:\n  dockerimage: a/b:1.2.3\n  dockerimage: a/b:1.2.4\n"
    with pytest.raises(YamlFault) as caught:
        parse_item(data, ItemKind.INTEGRATION)
    assert (caught.value.reason, caught.value.line) == ("duplicate-key", 3)


def test_deep_nesting_is_refused_and_not_recursed_into() -> None:
    for text in ("a: " + "[" * 200 + "]" * 200, "a: " + "{b: " * 5000 + "1" + "}" * 5000):
        with pytest.raises(YamlFault, match="nested"):
            read_outline(text.encode())


def test_aliases_are_never_expanded() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 64)]
    assert len(read_outline("\n".join(lines).encode()).outline) == 64


_KEYS = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8
)
_PLAIN = st.sampled_from(
    ["x", "1", "true", "null", "'quoted: text'", '"\\u00e9"', "[a, b]", "{a: b}", "|-\n  two\n  lines"]
)
_QUOTES = st.sampled_from(["", "'", '"'])
_ENDS = st.sampled_from(["\n", "\r\n"])
_TAGS = st.lists(st.integers(0, 10**9), min_size=3, max_size=5).map(lambda parts: ".".join(map(str, parts)))


@given(
    before=st.lists(st.tuples(_KEYS, _PLAIN), max_size=4),
    after=st.lists(st.tuples(_KEYS, _PLAIN), max_size=4),
    quote=_QUOTES,
    end=_ENDS,
    comment=st.sampled_from(["", " # é dockerimage: demisto/x:1.1.1"]),
    bom=st.booleans(),
    final_end=st.booleans(),
    tags=st.tuples(_TAGS, _TAGS),
)
def test_any_generated_document_changes_in_its_tag_only(
    before: list[tuple[str, str]],
    after: list[tuple[str, str]],
    quote: str,
    end: str,
    comment: str,
    bom: bool,
    final_end: bool,
    tags: tuple[str, str],
) -> None:
    old_tag, new_tag = tags
    keys = {key: value for key, value in [*before, *after] if key not in ("dockerimage", "script")}
    lines = [f"{json_string(key)}: {value}".replace("\n", end) for key, value in keys.items()]
    image = f"dockerimage: {quote}demisto/x:{old_tag}{quote}{comment}"
    lines.insert(len(lines) // 2, image)
    head = end.join(lines[: len(lines) // 2 + 1])
    text = ("\ufeff" if bom else "") + end.join(lines) + (end if final_end else "")
    data = text.encode()
    new = spliced(data, new=f"demisto/x:{new_tag}")
    at = (("\ufeff" if bom else "") + head).encode().rindex(image.encode()) + len(
        f"dockerimage: {quote}demisto/x:".encode()
    )
    assert new == data[:at] + new_tag.encode() + data[at + len(old_tag) :]
    old_outline, new_outline = read_outline(data).outline, read_outline(new).outline
    assert [*old_outline] == [*new_outline]
    for key, node in old_outline.items():
        other = new_outline[key]
        if key != "dockerimage" and isinstance(node, Scalar) and isinstance(other, Scalar):
            assert node.value == other.value


def json_string(text: str) -> str:
    import json

    return json.dumps(text)


def test_small_file_is_loaded_with_the_place_of_everything() -> None:
    data, places = load_with_places("a: 1\nb:\n  - c: [x, null]\n    d: 2027-01-31\n")
    assert data == {"a": 1, "b": [{"c": ["x", None], "d": "2027-01-31"}]}
    assert places[("a",)] == (1, 1)
    assert places[("b", 0)] == (3, 5)
    assert places[("b", 0, "c", 1)] == (3, 12)
    assert places[("b", 0, "d")] == (4, 5)


def test_aliases_of_a_small_file_stand_for_what_they_name() -> None:
    assert load_with_places("a: &one [x]\nb: *one\n")[0] == {"a": ["x"], "b": ["x"]}


_LAUGHS = "\n".join(
    ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9))]
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\na: 2\n", (2, 1, 'the key "a" stands twice')),
        ("? [a]\n: b\n", (1, 3, "a key must be text")),
        ("a:\n  b: !secret x\n", (2, 6, "!secret is no plain data")),
        ("a: !!set {x}\n", (1, 4, "tag:yaml.org,2002:set is no plain data")),
        ("a: !!map x\n", (1, 4, "tag:yaml.org,2002:map is no plain data")),
        ("a: !!int many\n", (1, 4, "many is no int")),
        ("a: !!bool maybe\n", (1, 4, "maybe is no bool")),
        ("a: &one [*one]\n", (1, 4, "nested too deep or too large")),
        ("[" * 5000, (1, 1, "nested too deep")),
        (_LAUGHS, (1, 5, "nested too deep or too large")),
        ("a: [\n", (1, 4, "a bracket that opens in line 1 is never closed")),
        ("a: \x01\n", (1, 1, "unacceptable character #x0001: special characters are not allowed")),
    ],
)
def test_small_file_that_is_no_plain_data_is_told_with_its_place(
    text: str, fault: tuple[int, int, str]
) -> None:
    with pytest.raises(YamlFault) as caught:
        load_with_places(text)
    assert (caught.value.line, caught.value.column, caught.value.detail) == fault


def test_version_of_yaml_that_the_parser_does_not_know_costs_that_file_only() -> None:
    with pytest.raises(YamlFault, match="the parser gives up"):
        read_outline(b"%YAML 1.4\n---\na: !x b\n")


def test_escape_for_half_of_a_character_reads_as_text_that_can_be_shown() -> None:
    facts = parse_item(b'name: "\\ud83d\\ude00 \\ud800"\ntype: python\n', ItemKind.SCRIPT)
    assert facts.name == "\U0001f600 \ufffd"


@pytest.mark.parametrize("line", ["k{}:\n", "'k{}': &a x\n"])
def test_mapping_of_very_many_keys_is_refused_before_it_fills_the_memory(line: str) -> None:
    data = "".join(line.format(number) for number in range(MAX_KEYS + 1)).encode()
    with pytest.raises(YamlFault, match="more than 10,000 keys"):
        parse_item(data, ItemKind.SCRIPT)


@pytest.mark.parametrize(
    "before", ["", "\ufeff", "%YAML 1.2\n", "# a\r", "# a\x85", "a: 1\n...\n", "# a\u2028"]
)
def test_directive_for_tags_is_refused_before_the_parser_sees_it(
    before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The parser compares each with all before it, and copies its text into every tag.
    monkeypatch.setattr(ruamel.yaml.YAML, "parse", None)
    with pytest.raises(YamlFault, match="%TAG, which no item needs"):
        read_outline(f"{before}%TAG !a! tag:x,\n---\nb: !a!c d\n".encode())


def test_percent_sign_that_begins_no_line_is_no_directive() -> None:
    assert read_outline(b"a: '\n  %TAG !a! x'\nb: '%TAG'\n# %TAG\n").outline.keys() == {"a", "b"}


def test_slow_parser_reads_small_files_only() -> None:
    refused_by_the_fast_one = b"x: {a:b: c}\n"
    fill = b"# some words\n"
    small = refused_by_the_fast_one + fill * 2_400
    assert read_outline(small).outline.keys() == {"x"}
    with pytest.raises(YamlFault, match="':'"):
        read_outline(small + fill * 200)


def test_fault_that_names_a_key_as_long_as_the_file_is_told_in_short() -> None:
    key = "k" * 1_000_000
    with pytest.raises(YamlFault, match="the key") as caught:
        read_outline(f"? {key}\n: 1\n? {key}\n: 2\n".encode())
    assert len(caught.value.detail) == 200
