"""The marker of a pull request: any body is read, and what is written reads back and ends no comment."""

from autobump.pull_requests.marker import (
    Marker,
    find_marker,
    find_trailer,
    render_marker,
    render_trailer,
    replace_marker,
)

SEEDS = (
    b'text <!-- autobump:v1 {"image":"a/b","target":"1","digest":"","packs":["P"],"paths":[],"base":"x"} --> end',
    b'Autobump: {"image":"a/b","packs":[],"paths":["--> <!-- autobump:v1 {} -->"]}',
    b"<!-- autobump:v1 {" + b'"a":[' * 40 + b"} -->",
    b'<!-- autobump:v1 {"packs":[1],"paths":null} --><!-- autobump:v1 {"image":1' + b"0" * 50 + b"} -->",
    b'<!-- autobump:v1 {"packs":[],"paths":[],"image":"\\ud800"} -->',
)


def check(data: bytes) -> None:
    """Check one body, and a marker made of it."""
    text = data.decode("utf-8", "replace")
    for found in (find_marker(text), find_trailer(text)):
        if found is not None:
            _check_written(found, text)
    _check_written(Marker(text, text[::-1], text[:9], (text,), (text, ""), "", text), text)


def _check_written(marker: Marker, body: str) -> None:
    written = render_marker(marker)
    assert written.count("-->") == 1
    assert written.count("--") == 2
    assert "\n" not in written
    written.encode()
    assert find_marker(written) == marker
    assert find_marker(replace_marker(body, marker)) == marker
    assert find_trailer(f"Title\n\n{render_trailer(marker)}\n") == marker
