from autobump.decisions.evidence import Evidence, Verdict, tell_verdicts
from autobump.decisions.level import Level


def test_verdicts_are_ranked_the_worst_first() -> None:
    ranked = sorted(Verdict, key=lambda verdict: verdict.rank)
    assert [verdict.value for verdict in ranked] == ["breaks", "inconclusive", "not-run", "mends", "same"]


def test_verdicts_are_counted_the_worst_first() -> None:
    wanted = ["same"] * 1_100 + ["not-run", "breaks", "same"]
    evidence = [Evidence(Level.LOAD, Verdict(verdict)) for verdict in wanted]
    assert tell_verdicts(evidence) == "1 breaks, 1 not run, 1,101 same"
    assert tell_verdicts([]) == ""
