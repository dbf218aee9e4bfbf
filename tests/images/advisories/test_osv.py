import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from autobump.images.advisories.compare import compare_matches
from autobump.images.advisories.osv import OsvService
from autobump.images.advisories.source import open_advisories
from autobump.images.inside.system import InstalledOfSystem
from autobump.support.errors import RegistryError
from autobump.support.http.client import HttpClient, HttpLimits
from autobump.support.http.request_count import RequestCount
from tests.fixtures.osv import OsvStandIn, osv_record, osv_reply
from tests.fixtures.servers import Reply, Request, Server, free_port, serve

OLD, NEW = ("requests", "2.20.0"), ("requests", "2.32.0")
LIMITS = HttpLimits(answer_bytes=1 << 20, attempts=2, total_wait_seconds=5, list_pages=5, connections=4)
RECORD = osv_record("PYSEC-1", fixed="2.31.0")


def service(server: Server, cache: Path | None = None, **options: Any) -> OsvService:
    client = HttpClient(LIMITS, sleep=lambda _: None, **options)
    return OsvService(server.url, client, cache)


def find(server: Server, *wanted: tuple[str, str], cache: Path | None = None) -> dict[Any, set[str]]:
    """Return the ids of what a new pass finds."""
    server.requests.clear()
    found = service(server, cache).find(wanted)
    return {one: {record.id for record in records} for one, records in found.items()}


def test_records_that_affect_a_version_are_found_and_no_others() -> None:
    with serve(OsvStandIn.of(RECORD, osv_record("PYSEC-2", "flask", fixed="2.0")).answer) as server:
        assert find(server, OLD, NEW, ("flask", "1.0")) == {OLD: {"PYSEC-1"}, ("flask", "1.0"): {"PYSEC-2"}}


def test_cold_pass_asks_one_batch_and_each_record_once_and_a_warm_one_the_batch_alone(tmp_path: Path) -> None:
    records = [osv_record(f"PYSEC-{number}", fixed="2.31.0") for number in range(20)]
    with serve(OsvStandIn.of(*records).answer) as server:
        cold = find(server, OLD, NEW, cache=tmp_path)
        assert sorted(server.paths()) == sorted(
            ["POST /v1/querybatch", *(f"GET /v1/vulns/PYSEC-{number}" for number in range(20))]
        )
        assert find(server, OLD, NEW, cache=tmp_path) == cold
        assert server.paths() == ["POST /v1/querybatch"]


def test_requests_are_counted() -> None:
    count = RequestCount()
    with serve(OsvStandIn.of(RECORD).answer) as server:
        service(server, request_count=count).find([OLD, NEW])
    assert count.registry_requests == len(server.requests) == 2


def test_nothing_wanted_asks_nothing() -> None:
    with serve(OsvStandIn.of(RECORD).answer) as server:
        assert find(server) == {}
    assert server.requests == []


def test_pass_asks_for_nothing_twice() -> None:
    with serve(OsvStandIn.of(RECORD).answer) as server:
        osv = service(server)
        first = osv.find([OLD])
        server.requests.clear()
        assert osv.find([OLD]) == first
        assert server.requests == []
        assert osv.find([OLD, ("requests", "2.19")]).keys() == {OLD, ("requests", "2.19")}
        assert json.loads(server.requests[0].body) == {
            "queries": [{"package": {"name": "requests", "ecosystem": "PyPI"}, "version": "2.19"}]
        }


def test_packages_of_many_images_are_few_calls() -> None:
    hub = OsvStandIn.of(RECORD)
    wanted = [(f"package-{number}", "1.0") for number in range(2500)]
    with serve(hub.answer) as server:
        assert find(server, *wanted, *wanted, OLD) == {OLD: {"PYSEC-1"}}
    assert hub.asked == [1000, 1000, 501]


def test_versions_that_differ_in_who_built_them_are_one_query() -> None:
    hub = OsvStandIn.of(RECORD)
    local = ("requests", "2.20.0+debian1")
    with serve(hub.answer) as server:
        assert find(server, OLD, local) == {OLD: {"PYSEC-1"}, local: {"PYSEC-1"}}
    assert hub.asked == [1]


@pytest.mark.parametrize("one", [("requests", "unknown"), ("", "1.0"), ("a b", "1.0"), ("requests", "")])
def test_what_nothing_could_match_is_not_asked_for_as_it_would_fail_the_batch(one: tuple[str, str]) -> None:
    hub = OsvStandIn.of(RECORD)
    with serve(hub.answer) as server:
        assert find(server, one, OLD) == {OLD: {"PYSEC-1"}}
    assert hub.asked == [1]


def test_pages_are_read_for_the_queries_that_have_more() -> None:
    records = [osv_record(f"PYSEC-{number}", fixed="2.31.0") for number in range(5)]
    hub = OsvStandIn.of(*records, osv_record("PYSEC-9", "flask", fixed="2.0"))
    hub.page_size = 2
    with serve(hub.answer) as server:
        found = find(server, OLD, ("flask", "1.0"), ("pip", "1.0"))
    assert found == {OLD: {f"PYSEC-{number}" for number in range(5)}, ("flask", "1.0"): {"PYSEC-9"}}
    assert hub.asked == [3, 1, 1]


def paged(*pages: dict[str, Any]) -> dict[str, list[Reply]]:
    return {"/v1/querybatch": [osv_reply({"results": [page]}) for page in pages]}


NAMED = {"vulns": [{"id": "PYSEC-1", "modified": "2026-01-01T00:00:00Z"}]}


def test_page_may_hold_nothing_but_a_token() -> None:
    hub = OsvStandIn.of(RECORD)
    hub.replies = paged({"next_page_token": "a"}, {"next_page_token": "b"}, NAMED)
    with serve(hub.answer) as server:
        assert find(server, OLD) == {OLD: {"PYSEC-1"}}


@pytest.mark.parametrize(
    "pages",
    [
        [{"next_page_token": "a"}],
        [{"next_page_token": "a"}, {"next_page_token": "b"}, {"next_page_token": "a"}],
        [{"next_page_token": str(number)} for number in range(9)],
    ],
)
def test_pages_without_end_are_not_known(pages: list[dict[str, Any]]) -> None:
    hub = OsvStandIn.of(RECORD)
    hub.replies = paged(*pages)
    with serve(hub.answer) as server, pytest.raises(RegistryError, match=r"not known: .*page"):
        find(server, OLD)
    assert len(server.requests) <= LIMITS.list_pages


def test_as_many_pages_as_allowed_are_read() -> None:
    hub = OsvStandIn.of(RECORD)
    hub.replies = paged(*({"next_page_token": str(number)} for number in range(4)), NAMED)
    with serve(hub.answer) as server:
        assert find(server, OLD) == {OLD: {"PYSEC-1"}}


@pytest.mark.parametrize("empty", [{}, {"vulns": []}, {"vulns": None}, {"next_page_token": ""}])
def test_no_match_is_no_advisory(empty: dict[str, Any]) -> None:
    hub = OsvStandIn.of(RECORD)
    hub.replies = paged(empty)
    with serve(hub.answer) as server:
        assert find(server, OLD) == {}
    assert len(server.requests) == 1


def test_twins_are_both_found_and_told_as_one() -> None:
    twins = OsvStandIn.of(
        osv_record("PYSEC-1", fixed="2.31.0", aliases=["CVE-1"]),
        osv_record("GHSA-1", fixed="2.31.0", aliases=["CVE-1"]),
    )
    with serve(twins.answer) as server:
        found = service(server).find([OLD, NEW])
    (told,) = compare_matches({"requests": found[OLD]}, {}).fixed
    assert (told.id, told.aliases) == ("GHSA-1", ("CVE-1", "PYSEC-1"))


def test_record_that_changed_is_fetched_again(tmp_path: Path) -> None:
    hub = OsvStandIn.of(RECORD)
    with serve(hub.answer) as server:
        assert find(server, NEW, cache=tmp_path) == {}
        hub.records["PYSEC-1"] = osv_record("PYSEC-1", fixed="2.33.0", modified="2026-02-02T00:00:00Z")
        assert find(server, NEW, cache=tmp_path) == {NEW: {"PYSEC-1"}}
        assert len(server.requests) == 2
        assert find(server, NEW, cache=tmp_path) == {NEW: {"PYSEC-1"}}
        assert len(server.requests) == 1


def test_record_that_changes_between_batch_and_fetch_counts_as_fetched(tmp_path: Path) -> None:
    hub = OsvStandIn.of(RECORD)

    def editing(request: Request) -> Reply:
        reply = hub.answer(request)
        if request.method == "POST":
            hub.records["PYSEC-1"] = osv_record("PYSEC-1", fixed="2.33.0", modified="2026-02-02T00:00:00Z")
        return reply

    with serve(editing) as server:
        assert find(server, NEW, cache=tmp_path) == {NEW: {"PYSEC-1"}}
        assert find(server, NEW, cache=tmp_path) == {NEW: {"PYSEC-1"}}
        assert server.paths() == ["POST /v1/querybatch"]


def test_record_that_is_withdrawn_between_batch_and_fetch_is_left_out(tmp_path: Path) -> None:
    hub = OsvStandIn.of(RECORD)
    hub.replies = {"/v1/vulns/PYSEC-1": [osv_reply(RECORD | {"withdrawn": "2026-02-02T00:00:00Z"})]}
    with serve(hub.answer) as server:
        assert find(server, OLD, cache=tmp_path) == {}
        assert find(server, OLD, cache=tmp_path) == {}
        assert server.paths() == ["POST /v1/querybatch"]


def test_record_that_is_not_there_is_left_out_and_asked_for_again(tmp_path: Path) -> None:
    hub = OsvStandIn.of(RECORD, osv_record("PYSEC-2", fixed="2.31.0"))
    hub.replies = {"/v1/vulns/PYSEC-1": [osv_reply({"code": 5, "message": "Bug not found."}, 404)]}
    with serve(hub.answer) as server:
        assert find(server, OLD, cache=tmp_path) == {OLD: {"PYSEC-2"}}
        hub.replies = {}
        assert find(server, OLD, cache=tmp_path) == {OLD: {"PYSEC-1", "PYSEC-2"}}


FAULTS = {
    "500": Reply(500),
    "400": osv_reply({"code": 3, "message": "Invalid query"}, 400),
    "limit": Reply(429),
    "closed": Reply(hang_up=True),
    "page": Reply(200, b"<html><title>Log in</title>", {"Content-Type": "text/html"}),
    "no page": Reply(404, b"<html><title>Not found</title>", {"Content-Type": "text/html"}),
    "no JSON": Reply(200, b"{"),
    "deep": Reply(200, b"[" * 100_000),
    "list": osv_reply([1]),
    "number": osv_reply(7),
    "nothing": osv_reply({}),
    "null": osv_reply(None),
    "flood": Reply(200, b"x" * (1 << 16), repeat=64),
    "values": Reply(200, b"[" + b"1," * 400_000 + b"1]"),
    "redirect": Reply(302, headers={"Location": "/v1/vulns/PYSEC-1"}),
}


@pytest.mark.parametrize("path", ["/v1/querybatch", "/v1/vulns/PYSEC-1"])
@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_answer_is_not_known_and_never_no_advisory(path: str, fault: str) -> None:
    hub = OsvStandIn.of(RECORD)
    hub.replies = {path: [FAULTS[fault]]}
    with serve(hub.answer) as server, pytest.raises(RegistryError, match=r"^advisories are not known: "):
        find(server, OLD)
    assert len(server.requests) <= 6


@pytest.mark.parametrize(
    "results",
    [
        [],
        [{}, {}],
        [None],
        [{"vulns": [{"modified": "2026-01-01T00:00:00Z"}]}],
        [{"vulns": [{"id": "../../x"}]}],
        [{"vulns": [{"id": ".."}]}],
        [{"vulns": [{"id": "P" * 300}]}],
        [{"vulns": ["PYSEC-1"]}],
        [{"vulns": {}}],
        [{"next_page_token": 7}],
    ],
)
def test_batch_of_another_shape_is_not_known(results: list[Any]) -> None:
    hub = OsvStandIn.of(RECORD)
    hub.replies = {"/v1/querybatch": [osv_reply({"results": results})]}
    with serve(hub.answer) as server, pytest.raises(RegistryError, match=r"^advisories are not known: "):
        find(server, OLD)
    assert len(server.requests) == 1


@pytest.mark.parametrize("record", [{"id": "PYSEC-2"}, {"id": 5}, {"affected": []}])
def test_another_record_than_was_asked_for_is_not_known(record: dict[str, Any]) -> None:
    hub = OsvStandIn.of(RECORD)
    hub.replies = {"/v1/vulns/PYSEC-1": [osv_reply(record)]}
    with serve(hub.answer) as server, pytest.raises(RegistryError, match="another record"):
        find(server, OLD)


@pytest.mark.parametrize(
    "odd",
    [
        {"affected": None},
        {"affected": [None, 5, {"package": "requests"}, {"package": {"ecosystem": "PyPI", "name": 5}}]},
        {"affected": [{"package": {"ecosystem": "PyPI", "name": "requests"}, "ranges": 5, "versions": {}}]},
        {"affected": [{"package": {"ecosystem": "npm", "name": "requests"}, "versions": ["2.20.0"]}]},
        {"aliases": "CVE-1", "affected": []},
    ],
)
def test_record_of_another_shape_affects_nothing(odd: dict[str, Any]) -> None:
    hub = OsvStandIn.of(RECORD)
    hub.replies = {"/v1/vulns/PYSEC-1": [osv_reply(RECORD | odd)]}
    with serve(hub.answer) as server:
        assert find(server, OLD) == {}


def test_batch_that_names_records_without_end_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autobump.images.advisories.osv.MOST_RECORDS", 3)
    hub = OsvStandIn.of(*(osv_record(f"PYSEC-{number}") for number in range(4)))
    with serve(hub.answer) as server, pytest.raises(RegistryError, match="more than 3 records"):
        find(server, OLD)
    assert len(server.requests) == 1


def test_fault_that_passes_is_tried_again() -> None:
    hub = OsvStandIn.of(RECORD)
    fine = osv_reply({"results": [NAMED]})
    hub.replies = {"/v1/querybatch": [Reply(503), fine], "/v1/vulns/PYSEC-1": [Reply(503), osv_reply(RECORD)]}
    with serve(hub.answer) as server:
        assert find(server, OLD) == {OLD: {"PYSEC-1"}}
    assert len(server.requests) == 4


def test_dead_server_is_not_known_and_asked_no_more_in_this_pass() -> None:
    server = Server(f"http://127.0.0.1:{free_port()}")
    count = RequestCount()
    osv = service(server, request_count=count)
    for _ in range(3):
        with pytest.raises(RegistryError, match="cannot be reached"):
            osv.find([OLD])
    assert count.registry_requests == LIMITS.attempts


def test_what_was_fetched_before_a_fault_is_remembered(tmp_path: Path) -> None:
    hub = OsvStandIn.of(RECORD, osv_record("PYSEC-2", "flask", fixed="2.0"))
    hub.replies = {"/v1/vulns/PYSEC-2": [Reply(400)]}
    with serve(hub.answer) as server:
        assert find(server, OLD, cache=tmp_path) == {OLD: {"PYSEC-1"}}
        with pytest.raises(RegistryError):
            find(server, OLD, ("flask", "1.0"), cache=tmp_path)
        hub.replies = {}
        assert find(server, OLD, ("flask", "1.0"), cache=tmp_path).keys() == {OLD, ("flask", "1.0")}
        assert server.paths() == ["POST /v1/querybatch", "GET /v1/vulns/PYSEC-2"]


def test_services_are_remembered_apart(tmp_path: Path) -> None:
    with serve(OsvStandIn.of(RECORD).answer) as server:
        assert find(server, NEW, cache=tmp_path) == {}
    with serve(OsvStandIn.of(osv_record("PYSEC-1", fixed="2.33.0")).answer) as server:
        assert find(server, NEW, cache=tmp_path) == {NEW: {"PYSEC-1"}}


def test_remembered_record_that_does_not_read_back_is_fetched_again(tmp_path: Path) -> None:
    with serve(OsvStandIn.of(RECORD).answer) as server:
        find(server, OLD, cache=tmp_path)
        with sqlite3.connect(tmp_path / "advisories.sqlite") as connection:
            connection.execute("UPDATE records SET record = '[1]'")
        assert find(server, OLD, cache=tmp_path) == {OLD: {"PYSEC-1"}}


def test_credentials_in_the_address_are_not_told() -> None:
    server = Server(f"http://user:secret@127.0.0.1:{free_port()}")
    with pytest.raises(RegistryError) as told:
        service(server).find([OLD])
    assert "secret" not in str(told.value)


def test_settings_name_the_service() -> None:
    with serve(OsvStandIn.of(RECORD).answer) as server:
        source = open_advisories(f"osv:{server.url}/", None)
        assert source is not None
        assert source.find([OLD])
    assert server.paths() == ["POST /v1/querybatch", "GET /v1/vulns/PYSEC-1"]


def test_answer_over_the_limit_of_the_service_ends_the_reading() -> None:
    hub = OsvStandIn.of(RECORD)
    hub.replies = {"/v1/vulns/PYSEC-1": [Reply(200, b" " * (1 << 20), repeat=40)]}
    with serve(hub.answer) as server:
        source = open_advisories(f"osv:{server.url}", None)
        assert source is not None
        with pytest.raises(RegistryError, match="more than 32 MiB"):
            source.find([OLD])


OPENSSL = InstalledOfSystem("Alpine:v3.17", "openssl", "3.0.7-r0")
ALPINE_RECORD = {
    "id": "ALPINE-CVE-2023-0286",
    "modified": "2026-01-01T00:00:00Z",
    "upstream": ["CVE-2023-0286"],
    "details": "Types are confused",
    "affected": [
        {"package": {"ecosystem": "Alpine:v3.17", "name": "openssl"}, "versions": ["3.0.7-r0", "3.0.7-r1"]}
    ],
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:H"}],
}


def test_packages_of_systems_are_asked_in_one_batch_and_the_service_decides(tmp_path: Path) -> None:
    newer = OPENSSL._replace(version="3.0.9-r0")
    with serve(OsvStandIn.of(ALPINE_RECORD, RECORD).answer) as server:
        found = service(server, tmp_path).find_of_system([OPENSSL, newer])
        assert [(one.id, one.aliases, one.severity) for one in found[OPENSSL]] == [
            ("ALPINE-CVE-2023-0286", ("CVE-2023-0286",), "high")
        ]
        assert newer not in found
        assert server.paths() == ["POST /v1/querybatch", "GET /v1/vulns/ALPINE-CVE-2023-0286"]
        server.requests.clear()
        assert service(server, tmp_path).find_of_system([OPENSSL]) == found
        assert server.paths() == ["POST /v1/querybatch"]


def test_unknown_system_costs_nothing_that_is_known_of_python() -> None:
    with serve(OsvStandIn.of(RECORD).answer) as server:
        asked = service(server)
        with pytest.raises(RegistryError, match="Invalid ecosystem"):
            asked.find_of_system([InstalledOfSystem("Alpine:v9.9", "openssl", "1-r0")])
        assert asked.find([OLD])


@pytest.mark.parametrize("text", ["", "open ssl", "x" * 300, "-x"])
def test_name_or_version_that_would_fail_the_batch_is_not_asked_for(text: str) -> None:
    with serve(OsvStandIn.of(RECORD).answer) as server:
        asked = service(server)
        odd = [OPENSSL._replace(package=text), OPENSSL._replace(version=text)]
        assert asked.find_of_system(odd) == {}
        assert server.requests == []
