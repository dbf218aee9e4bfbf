"""The matrix of a workflow, made of what came of several repositories."""

import json

from autobump.decisions.bump import Bump
from autobump.passes.result import RepositoryOutcome
from autobump.passes.several import render_image_matrix
from tests.fixtures.bumps import make_bumps
from tests.fixtures.results import make_result


def rows(**repositories: list[Bump]) -> list[tuple[str, str, int]]:
    """Return repository, image and number of items of each row; a repository is called `owner/KEY`."""
    outcomes = [
        RepositoryOutcome(f"owner/{name}", make_result(bumps)) for name, bumps in repositories.items()
    ]
    include = json.loads(render_image_matrix(outcomes))["include"]
    return [(row["repository"], row["image"], row["items"]) for row in include]


def test_rows_with_as_many_items_keep_the_order_of_repositories_and_then_of_names() -> None:
    one = [*make_bumps("A", 2, image="demisto/z"), *make_bumps("B", 2, image="demisto/a")]
    assert rows(one=one, two=make_bumps("A", 3), three=make_bumps("A", 2)) == [
        ("owner/two", "demisto/python3", 3),
        ("owner/one", "demisto/a", 2),
        ("owner/one", "demisto/z", 2),
        ("owner/three", "demisto/python3", 2),
    ]


def test_items_of_an_image_are_counted_over_all_packs() -> None:
    assert rows(one=[*make_bumps("A", 2), *make_bumps("B", 3)]) == [("owner/one", "demisto/python3", 5)]


def test_image_of_another_registry_is_named_in_full() -> None:
    bumps = make_bumps("A", 1, image="registry.example/demisto/python3")
    assert rows(one=bumps) == [("owner/one", "registry.example/demisto/python3", 1)]


def test_repository_that_failed_has_no_rows() -> None:
    outcomes = [RepositoryOutcome("owner/one", None, "not reached")]
    assert render_image_matrix(outcomes) == '{"include": []}\n'


def test_single_repository_is_not_named() -> None:
    text = render_image_matrix([RepositoryOutcome("", make_result(make_bumps("A", 1)))])
    assert text == '{"include": [{"image": "demisto/python3", "items": 1}]}\n'
