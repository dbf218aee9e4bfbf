import pytest

from autobump.support.secrets import Secret, find_secret, redact


def test_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("sesame-open")
    assert (str(secret), repr(secret), f"{secret}") == ("Secret(***)",) * 3
    assert secret.reveal() == "sesame-open"


def test_every_secret_that_was_read_is_taken_out_of_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", " ghp_one\n")
    monkeypatch.setenv("DOCKERHUB_TOKEN", "ghp_one_and_more")
    assert redact("ghp_one") == "ghp_one"  # not read yet
    find_secret("GITHUB_TOKEN")
    find_secret("DOCKERHUB_TOKEN")
    assert redact("a ghp_one, ghp_one_and_more; none") == "a ***, ***; none"


def test_no_line_of_a_key_is_shown_alone() -> None:
    Secret("-----BEGIN KEY-----\nAAAABBBBCCCCDDDDEEEE\nabc=\n-----END KEY-----")
    assert redact("ValueError: cannot read 'AAAABBBBCCCCDDDDEEEE'") == "ValueError: cannot read '***'"
    assert redact("abc= is not BEGIN") == "abc= is not BEGIN"
