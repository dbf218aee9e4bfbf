from pathlib import Path

import pytest

from autobump.images.inside.page import parse_page
from autobump.images.inside.system import (
    InstalledOfSystem,
    SystemChange,
    SystemPackage,
    compare_system_packages,
    name_installed,
    parse_system_packages,
    summarise_system_packages,
)

ALPINE = [
    "* .python-rundeps-20210829.193729 noarch {.python-rundeps}",
    "* libcrypto1.1-1.1.1l-r0 x86_64 {openssl} (OpenSSL) [installed]",
    "* libstdc++-10.3.1_git20210424-r2 x86_64 {gcc}",
    "",
]


def test_packages_of_alpine_have_their_source() -> None:
    assert parse_system_packages(ALPINE) == {
        "libcrypto1.1": SystemPackage("1.1.1l-r0", "openssl"),
        "libstdc++": SystemPackage("10.3.1_git20210424-r2", "gcc"),
    }


def test_packages_of_debian_have_none() -> None:
    assert parse_system_packages(["* adduser\t3.118", "* libstdc++6:amd64\t1:8.3.0-6~deb10u1"]) == {
        "adduser": SystemPackage("3.118"),
        "libstdc++6": SystemPackage("1:8.3.0-6~deb10u1"),
    }


@pytest.mark.parametrize(
    "lines",
    [[], [*ALPINE, "* apk-tools 2.8.1, compiled for x86_64."], ["* x"], [f"* a{n}\t1" for n in range(5001)]],
    ids=["nothing", "help of the tool", "no version", "too many"],
)
def test_list_that_cannot_be_read_is_not_known(lines: list[str]) -> None:
    assert parse_system_packages(lines) is None


def test_what_differs_is_told_by_name() -> None:
    old = {"a": SystemPackage("1"), "b": SystemPackage("1"), "d": SystemPackage("1")}
    new = {"a": SystemPackage("1"), "b": SystemPackage("2"), "c": SystemPackage("3")}
    changes = compare_system_packages(old, new)
    assert changes == (("b", "1", "2"), ("c", "", "3"), ("d", "1", ""))
    assert summarise_system_packages(changes) == "1 removed, 1 changed, 1 added"
    assert summarise_system_packages(()) == "the same"
    assert summarise_system_packages([SystemChange("x", "1", "2")]) == "1 changed"


def test_advisories_are_asked_by_source_where_it_is_known() -> None:
    packages = parse_system_packages(ALPINE)
    assert set(name_installed("Alpine Linux v3.14", packages) or ()) == {
        InstalledOfSystem("Alpine:v3.14", "openssl", "1.1.1l-r0"),
        InstalledOfSystem("Alpine:v3.14", "gcc", "10.3.1_git20210424-r2"),
    }
    assert name_installed("Debian GNU/Linux 12 (bookworm)", packages) is None
    assert name_installed(None, packages) is None
    assert name_installed("Alpine Linux v3.14", None) is None


@pytest.mark.corpus
def test_all_sample_pages_but_one_list_their_packages(corpus: Path) -> None:
    pages = sorted((corpus / "dockerfiles-info").rglob("*.md"))
    unknown = [page.name for page in pages if parse_page(page.read_text("utf-8")).system_packages is None]
    assert len(pages) > 90
    assert unknown == ["1.0-alpine.md"]
