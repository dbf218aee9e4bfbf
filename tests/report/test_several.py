import json

from autobump.passes.result import RepositoryOutcome
from autobump.report.json import json_parts
from autobump.report.several import several_json_parts
from tests.fixtures.bumps import make_bumps
from tests.fixtures.results import make_result


def test_json_of_several_repositories_has_a_line_for_each_with_what_it_has_alone() -> None:
    results = [make_result(make_bumps("A", 3)), make_result([])]
    outcomes = [RepositoryOutcome(name, result) for name, result in zip(("a/b", "c/d"), results, strict=True)]
    outcomes.append(RepositoryOutcome("e/f", None, "no such repository"))
    parts = list(several_json_parts(outcomes))
    alone = [json.loads("".join(json_parts(result))) for result in results]
    expected = [
        {"repository": "a/b", "failure": None} | alone[0],
        {"repository": "c/d", "failure": None} | alone[1],
        {"repository": "e/f", "failure": "no such repository"},
    ]
    rows = ",\n    ".join(json.dumps(row) for row in expected)
    assert "".join(parts) == f'{{\n  "version": 1,\n  "repositories": [\n    {rows}\n  ]\n}}\n'


def test_json_of_several_repositories_is_made_row_by_row() -> None:
    outcome = RepositoryOutcome("a/b", make_result(make_bumps("A", 50)))
    assert len(list(several_json_parts([outcome, outcome]))) > 2 * 50
