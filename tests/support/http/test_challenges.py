import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobump.support.http.challenges import find_challenge, parse_challenges
from autobump.support.http.headers import MAX_LENGTH

REALM = "https://t.example/token?a=1"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            'Bearer realm="https://t.example/token",service="r",scope="repository:a/x:pull,push"',
            [
                (
                    "bearer",
                    {
                        "realm": "https://t.example/token",
                        "service": "r",
                        "scope": "repository:a/x:pull,push",
                    },
                )
            ],
        ),
        (
            f'Basic realm="Corporate, registry", Bearer realm="{REALM}",service="r"',
            [("basic", {"realm": "Corporate, registry"}), ("bearer", {"realm": REALM, "service": "r"})],
        ),
        (
            f'Bearer realm="{REALM}", Basic realm="x"',
            [("bearer", {"realm": REALM}), ("basic", {"realm": "x"})],
        ),
        (f"Bearer realm={REALM},service=r", [("bearer", {"realm": REALM, "service": "r"})]),
        ("Basic, bearer realm=x", [("basic", {}), ("bearer", {"realm": "x"})]),
        (
            'Negotiate YII/+abc==, BEARER Realm = "x" , Service = "y"',
            [("negotiate", {}), ("bearer", {"realm": "x", "service": "y"})],
        ),
        ("Negotiate abc, Basic realm=x", [("negotiate", {}), ("basic", {"realm": "x"})]),
        (
            r'Digest realm="a \"b\", Bearer realm=\\", qop="auth", Bearer realm="y"',
            [("digest", {"realm": 'a "b", Bearer realm=\\', "qop": "auth"}), ("bearer", {"realm": "y"})],
        ),
        (' , ,Bearer realm="x",,error="e",', [("bearer", {"realm": "x", "error": "e"})]),
        ('Bearer realm="first",realm="second"', [("bearer", {"realm": "first"})]),
        ('Bearer realm="', [("bearer", {})]),
        ('Bearer realm="x,service=r', [("bearer", {"service": "r"})]),
        ("Basic", [("basic", {})]),
        ("realm=x", []),
        ('=,"",;', []),
        ("", []),
    ],
)
def test_challenges_are_read_in_their_order(header: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    assert [(one.scheme, dict(one.parameters)) for one in parse_challenges(header)] == expected


def test_challenge_is_found_wherever_it_stands() -> None:
    challenges = parse_challenges('Basic realm="x", Bearer realm="y", Bearer realm="z"')
    found = find_challenge(challenges, "bearer")
    assert found is not None
    assert found.parameters == {"realm": "y"}
    assert find_challenge(challenges, "digest") is None


PIECES = st.sampled_from(["Bearer ", "Basic", "realm", "=", '"', "\\", ",", " ", "a/b==", "\xff", "\n"])


@given(st.lists(PIECES | st.characters(max_codepoint=255)).map("".join))
def test_any_header_is_read_without_an_error(header: str) -> None:
    for challenge in parse_challenges(header):
        assert challenge.scheme in header.lower()
        assert all(name in header.lower() for name in challenge.parameters)


@pytest.mark.parametrize("text", ['a="', "a=", '"', 'a="\\', ",", "a ", "a,", 'a="",', "=", "a b=="])
def test_header_is_read_in_one_go_over_its_text(text: str) -> None:
    """As long as 25 of the longest that are read: what tries places twice does not come to an end here."""
    parse_challenges(text * (25 * MAX_LENGTH // len(text)))
