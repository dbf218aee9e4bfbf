from hypothesis import given
from hypothesis import strategies as st

from autobump.pull_requests.marker import (
    Marker,
    MarkerImage,
    find_marker,
    find_trailer,
    find_tree,
    hash_base,
    render_marker,
    render_trailer,
    render_tree,
)

_TEXT = st.text(alphabet=st.characters(codec="utf-8")) | st.sampled_from(
    ["-->", "--!>", "<!--", "\n", "\x00"]
)


@given(
    st.builds(
        Marker,
        image=_TEXT,
        target=_TEXT,
        digest=_TEXT,
        packs=st.lists(_TEXT, max_size=4).map(tuple),
        paths=st.lists(_TEXT, max_size=4).map(tuple),
        base=_TEXT,
        head=_TEXT,
        evidence=_TEXT,
        batch=st.lists(
            st.builds(
                MarkerImage,
                image=_TEXT,
                target=_TEXT,
                digest=_TEXT,
                packs=st.lists(_TEXT, max_size=2).map(tuple),
                paths=st.lists(_TEXT, max_size=2).map(tuple),
            ),
            max_size=3,
        ).map(tuple),
    )
)
def test_marker_reads_back_as_written_and_never_ends_its_comment_early(marker: Marker) -> None:
    comment = render_marker(marker)
    assert comment.count("-->") == 1
    assert comment.endswith("-->")
    assert find_marker(f"Body\n\n{comment}\n") == marker
    assert find_trailer(f"Title\n\n{render_trailer(marker)}\n") == marker


def test_marker_says_nothing_of_evidence_where_there_is_none() -> None:
    assert "evidence" not in render_marker(Marker("demisto/x", "1.0.0.1", "", (), (), ""))


def test_last_marker_counts() -> None:
    one, two = (Marker("demisto/x", target, "", (), (), "") for target in ("1.0.0.1", "1.0.0.2"))
    assert find_marker(render_marker(one) + render_marker(two)) == two


def test_body_without_a_readable_marker_has_none() -> None:
    for body in (
        "",
        "<!-- autobump:v1 -->",
        "<!-- autobump:v1 {} -->",
        "<!-- autobump:v1 {broken} -->",
        '<!-- autobump:v1 {"image": 1, "packs": [], "paths": []} -->',
        '<!-- autobump:v1 {"image": "x", "packs": [1], "paths": []} -->',
        '<!-- autobump:v1 {"image": "x", "packs": [], "paths": [], "batch": {}} -->',
        '<!-- autobump:v1 {"image": "x", "packs": [], "paths": [], "batch": ["x"]} -->',
        '<!-- autobump:v1 {"image": "x", "packs": [], "paths": [], "batch": [{"image": 1}]} -->',
        '<!-- autobump:v2 {"packs": [], "paths": []} -->',
        "<!-- autobump:v1 {" + '"a":[' * 5000 + "]" * 5000 + "} -->",
    ):
        assert find_marker(body) is None


def test_base_hash_changes_with_every_file_and_not_with_their_order() -> None:
    files = [("a", "1"), ("b", "2")]
    assert hash_base(files) == hash_base(reversed(files))
    assert len({hash_base(files), hash_base(files[:1]), hash_base([("a", "1"), ("b", "3")])}) == 3


def test_tree_of_a_commit_is_read_back_from_its_message() -> None:
    tree = "0123456789" * 4
    marker = Marker("demisto/x", "1.0.0.2", "", ("A",), (), "")
    message = f"Title\n\n{render_trailer(marker)}\n{render_tree(tree)}\n"
    assert find_tree(message) == tree
    assert find_trailer(message) == marker
    assert find_tree("Title\n\nAutobump-Tree: none\n") == ""


def test_marker_of_one_image_says_nothing_of_a_batch() -> None:
    marker = Marker("demisto/x", "1.0.0.2", "sha256:ab", ("A",), ("Packs/A/x.yml",), "")
    assert '"batch"' not in render_marker(marker)
    (image,) = marker.images
    assert image == MarkerImage("demisto/x", "1.0.0.2", "sha256:ab", ("A",), ("Packs/A/x.yml",))
