import json
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from autobump.service.health import FinishedPass, PassEnd, ServiceState, check_health

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
GRACE = timedelta(hours=1)


def after(end: PassEnd, detail: str = "") -> ServiceState:
    last = FinishedPass(NOON, 2.5, end, detail)
    return ServiceState(due=NOON + timedelta(days=1), last=last, last_success=NOON)


def test_service_is_well_before_its_first_pass_is_due() -> None:
    health = check_health(ServiceState(due=NOON), NOON - timedelta(hours=9), GRACE)
    assert (health.is_well, health.details["status"]) == (True, "waiting")
    assert health.details["next_run"] == "2026-06-01T12:00:00+00:00"


@pytest.mark.parametrize(
    ("end", "is_well"),
    [
        (PassEnd.DONE, True),
        (PassEnd.INCOMPLETE, False),
        (PassEnd.FAILED, False),
        (PassEnd.STOPPED, True),
    ],
)
def test_service_is_as_well_as_its_last_pass(end: PassEnd, is_well: bool) -> None:
    health = check_health(after(end), NOON, GRACE)
    assert (health.is_well, health.details["status"]) == (is_well, "ok" if is_well else "failed")


def test_service_is_overdue_when_a_pass_has_not_ended_in_time_whatever_the_last_one_did() -> None:
    state = replace(after(PassEnd.DONE), due=NOON, running_since=NOON)
    assert check_health(state, NOON + GRACE, GRACE).is_well
    late = check_health(state, NOON + GRACE + timedelta(seconds=1), GRACE)
    assert (late.is_well, late.details["status"]) == (False, "overdue")
    assert late.details["running_since"] == "2026-06-01T12:00:00+00:00"


def test_facts_can_be_written_as_json() -> None:
    details = check_health(after(PassEnd.FAILED, "it broke"), NOON, GRACE).details
    assert json.loads(json.dumps(details))["last_pass"] == {
        "started": "2026-06-01T12:00:00+00:00",
        "seconds": 2.5,
        "end": "failed",
        "detail": "it broke",
    }
