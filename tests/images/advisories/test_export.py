import gzip
import json
import logging
import lzma
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autobump.images.advisories.export import Export
from autobump.images.advisories.record import parse_record
from autobump.images.advisories.source import open_advisories
from autobump.support.errors import RegistryError, UsageError
from tests.fixtures.osv import osv_record

OLD, NEW = ("requests", "2.20.0"), ("requests", "2.32.0")
RECORDS = [
    osv_record("PYSEC-1", fixed="2.31.0", aliases=["CVE-1"], severity=[]),
    osv_record("PYSEC-2", "Flask", versions=["1.0", "1.1"]),
    osv_record("PYSEC-3", fixed="2.31.0", withdrawn="2026-01-01T00:00:00Z"),
]


def write_json(path: Path, records: list[dict[str, Any]] = RECORDS) -> Path:
    path.write_text(json.dumps({"meta": {"source": "made"}, "records": records}))
    return path


def write_zip(path: Path, files: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_folder(path: Path) -> Path:
    (path / "more").mkdir(parents=True)
    for number, record in enumerate(RECORDS):
        folder = path / "more" if number else path
        (folder / f"{record['id']}.json").write_text(json.dumps(record))
    (path / "README.md").write_text("no record")
    return path


def write_packed(path: Path, pack: Callable[[bytes], bytes]) -> Path:
    path.write_bytes(pack(json.dumps({"records": RECORDS}).encode()))
    return path


FORMS: dict[str, Callable[[Path], Path]] = {
    "json": lambda folder: write_json(folder / "osv.json"),
    "xz": lambda folder: write_packed(folder / "osv.json.xz", lzma.compress),
    "gz": lambda folder: write_packed(folder / "osv.json.gz", gzip.compress),
    "folder": lambda folder: write_folder(folder / "PyPI"),
    "zip": lambda folder: write_zip(
        folder / "all.zip",
        {"README": b"no record"} | {f"{one['id']}.json": json.dumps(one).encode() for one in RECORDS},
    ),
}


def ids(found: Any) -> dict[tuple[str, str], set[str]]:
    return {one: {record.id for record in records} for one, records in found.items()}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cached", [True, False])
def test_export_tells_what_affects_a_version(tmp_path: Path, form: str, cached: bool) -> None:
    path, cache = FORMS[form](tmp_path), tmp_path / "cache" if cached else None
    for _ in ("cold", "warm"):
        source = open_advisories(f"file:{path}", cache)
        assert source is not None
        found = source.find([OLD, NEW, ("flask", "1.0"), ("flask", "2.0"), ("django", "1.0")])
        assert ids(found) == {OLD: {"PYSEC-1"}, ("flask", "1.0"): {"PYSEC-2"}}


def test_records_at_hand_are_an_export_too() -> None:
    records = [record for one in RECORDS if (record := parse_record(one))]
    assert ids(Export(records).find([OLD, NEW, ("django", "1.0")])) == {OLD: {"PYSEC-1"}}


def test_warm_run_reads_no_export_and_finds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_json(tmp_path / "osv.json")
    cold = Export.open(path, tmp_path).find([OLD, NEW])
    monkeypatch.setattr("autobump.images.advisories.export.read_object", lambda _: pytest.fail("it is read"))
    warm = Export.open(path, tmp_path).find([OLD, NEW])
    assert warm == cold
    (record,) = warm[OLD]
    assert (record.aliases, record.summary, record.severity) == (("CVE-1",), "About PYSEC-1", "unknown")


def test_what_nobody_asked_for_before_is_looked_up_in_a_remembered_export(tmp_path: Path) -> None:
    path = write_json(tmp_path / "osv.json")
    Export.open(path, tmp_path).find([OLD])
    assert ids(Export.open(path, tmp_path).find([OLD, ("flask", "1.1")])).keys() == {OLD, ("flask", "1.1")}
    path.chmod(0o600)
    kept = Export.open(path, tmp_path)
    path.unlink()
    assert ids(kept.find([OLD, ("flask", "1.1")])).keys() == {OLD, ("flask", "1.1")}
    with pytest.raises(RegistryError, match=r"^advisories are not known: cannot read"):
        kept.find([("django", "1.0")])


@pytest.mark.parametrize("form", FORMS)
def test_export_that_changed_is_read_anew_and_the_old_one_forgotten(tmp_path: Path, form: str) -> None:
    path, cache = FORMS[form](tmp_path), tmp_path / "cache"
    Export.open(path, cache).find([NEW])
    changed = osv_record("PYSEC-1", fixed="2.33.0")
    if form == "folder":
        (path / "PYSEC-1.json").write_text(json.dumps(changed))
    else:
        write_zip(path, {"1.json": json.dumps(changed).encode()}) if form == "zip" else path.unlink()
        if form != "zip":
            pack: dict[str, Callable[[bytes], bytes]] = {"xz": lzma.compress, "gz": gzip.compress}
            data = json.dumps({"records": [changed]}).encode()
            path.write_bytes(pack.get(form, bytes)(data))
    assert ids(Export.open(path, cache).find([NEW])) == {NEW: {"PYSEC-1"}}
    with sqlite3.connect(cache / "advisories.sqlite") as connection:
        assert connection.execute("SELECT count(DISTINCT source) FROM matches").fetchone() == (1,)
    connection.close()


def test_record_whose_id_holds_a_space_is_found_each_time(tmp_path: Path) -> None:
    path = write_json(tmp_path / "osv.json", [osv_record("PYSEC 1", fixed="3"), RECORDS[0]])
    for _ in ("cold", "warm"):
        assert ids(Export.open(path, tmp_path).find([OLD, NEW])) == {
            OLD: {"PYSEC 1", "PYSEC-1"},
            NEW: {"PYSEC 1"},
        }


@pytest.mark.parametrize(
    "change", ["records SET record = '[1]'", "records SET record = '{'", "matches SET ids = 'X'"]
)
def test_remembered_entry_that_does_not_read_back_is_not_trusted(tmp_path: Path, change: str) -> None:
    path = write_json(tmp_path / "osv.json")
    Export.open(path, tmp_path).find([OLD])
    with sqlite3.connect(tmp_path / "advisories.sqlite") as connection:
        connection.execute(f"UPDATE {change}")
    connection.close()
    assert ids(Export.open(path, tmp_path).find([OLD])) == {OLD: {"PYSEC-1"}}


@pytest.mark.parametrize("damage", ["text", "cut", "hole"])
def test_damaged_cache_is_built_anew(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    path, cache = write_json(tmp_path / "osv.json"), tmp_path / "advisories.sqlite"
    Export.open(path, tmp_path).find([OLD, *((f"package-{number}", "1.0") for number in range(2000))])
    data = cache.read_bytes()
    cache.write_bytes(
        {
            "text": b"not a database, and long enough to be looked at " * 100,
            "cut": data[: len(data) // 2],
            "hole": data[:4096] + b"\xaa" * 4096 + data[8192:],
        }[damage]
    )
    with caplog.at_level(logging.WARNING):
        assert ids(Export.open(path, tmp_path).find([OLD])) == {OLD: {"PYSEC-1"}}
    assert "damaged" in caplog.text
    caplog.clear()
    assert ids(Export.open(path, tmp_path).find([OLD])) == {OLD: {"PYSEC-1"}}
    assert caplog.text == ""


WRITER = """
import sys
from pathlib import Path
from autobump.images.advisories.export import Export
path, cache = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
for number in range(int(sys.argv[3])):
    wanted = [("requests", f"2.{number % 40}.{patch}") for patch in range(50)]
    assert len(Export.open(path, cache).find(wanted)) == (50 if number % 40 < 31 else 0), number
"""


def test_two_processes_share_it_and_a_kill_leaves_it_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_json(tmp_path / "osv.json")
    command = [sys.executable, "-c", WRITER, str(path), str(tmp_path)]
    victim = subprocess.Popen([*command, "1000000"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert victim.stdout is not None
    victim.stdout.readline()
    other = subprocess.run([*command, "20"], capture_output=True, text=True, check=True)
    assert other.stderr == ""
    victim.kill()
    victim.wait()
    victim.stdout.close()
    with caplog.at_level(logging.WARNING):
        assert ids(Export.open(path, tmp_path).find([OLD, NEW])) == {OLD: {"PYSEC-1"}}
    assert caplog.text == ""


def encrypted(folder: Path) -> Path:
    path = write_zip(folder / "all.zip", {"1.json": b"{}"})
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    path.write_bytes(data)
    return path


def spoiled_zip(folder: Path) -> Path:
    path = write_zip(folder / "all.zip", {"1.json": json.dumps(RECORDS[0]).encode() * 50})
    data = bytearray(path.read_bytes())
    data[60:90] = b"\xff" * 30
    path.write_bytes(data)
    return path


def written(name: str, data: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return write


def empty_folder(folder: Path) -> Path:
    (folder / "PyPI").mkdir()
    return folder / "PyPI"


def folder_with_damage(folder: Path) -> Path:
    path = write_folder(folder / "PyPI")
    (path / "PYSEC-9.json").write_text("{")
    return path


NPM = {"id": "GHSA-1", "affected": [{"package": {"name": "requests", "ecosystem": "npm"}, "versions": ["1"]}]}
FAULTS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing": (lambda folder: folder / "osv.json", "cannot read"),
    "empty": (written("osv.json", b""), "damaged"),
    "no JSON": (written("osv.json", b"{"), "damaged"),
    "no text": (written("osv.json", b"\xff\xfe"), "damaged"),
    "deep": (written("osv.json", b'{"records":' + b"[" * 100_000), "damaged"),
    "list": (written("osv.json", b"[]"), "damaged"),
    "no xz": (written("osv.json.xz", b"not xz"), "damaged"),
    "cut xz": (written("osv.json.xz", lzma.compress(b"{}" * 1000)[:-20]), "damaged"),
    "no gzip": (written("osv.json.gz", b"not gzip"), "cannot read"),
    "spoiled gzip": (written("osv.json.gz", gzip.compress(b"{}" * 100)[:12] + b"\xff" * 40), "damaged"),
    "spoiled zip": (spoiled_zip, "damaged"),
    "encrypted zip": (encrypted, "damaged"),
    "zip without JSON": (lambda folder: write_zip(folder / "all.zip", {"1.json": b"{"}), "damaged"),
    "zip with an odd name": (lambda folder: write_zip(folder / "all.zip", {"a\nb.json": b"{"}), "damaged"),
    "folder with damage": (folder_with_damage, "damaged"),
    "no records": (written("osv.json", b'{"records": []}'), "no record"),
    "records of another shape": (written("osv.json", b'{"records": {"a": 1}}'), "no record"),
    "odd records": (written("osv.json", b'{"records": [1, null, [], {}, {"id": 5}]}'), "no record"),
    "another ecosystem": (lambda folder: write_json(folder / "osv.json", [NPM]), "no record"),
    "all withdrawn": (lambda folder: write_json(folder / "osv.json", [RECORDS[2]]), "no record"),
    "empty zip": (lambda folder: write_zip(folder / "all.zip", {}), "no record"),
    "empty folder": (empty_folder, "no record"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_export_that_cannot_be_used_is_one_line(tmp_path: Path, fault: str) -> None:
    make, expected = FAULTS[fault]
    path = make(tmp_path)
    with pytest.raises(UsageError) as told:
        Export.open(path, tmp_path / "cache")
    assert expected in str(told.value)
    assert str(path) in str(told.value)
    assert len(str(told.value).splitlines()) == 1


@pytest.mark.parametrize(("limit", "value"), [("_MOST_RECORD", 1000), ("_MOST_BYTES", 5000)])
@pytest.mark.parametrize("form", ["zip", "folder"])
def test_archive_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, form: str
) -> None:
    monkeypatch.setattr(f"autobump.images.advisories.export.{limit}", value)
    size = 1001 if limit == "_MOST_RECORD" else 900
    files = {f"{number}.json": b" " * (size - 2) + b"{}" for number in range(8)}
    if form == "zip":
        path = write_zip(tmp_path / "all.zip", files)
    else:
        path = tmp_path / "PyPI"
        path.mkdir()
        for name, data in files.items():
            (path / name).write_bytes(data)
    with pytest.raises(UsageError, match="larger than any record"):
        Export.open(path, None)


def test_export_that_is_replaced_while_it_is_read_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_json(tmp_path / "osv.json")
    from autobump.support.json_file import read_object

    def replacing(name: Path) -> dict[str, object]:
        found = read_object(name)
        os.utime(path, ns=(1, 1))
        return found

    monkeypatch.setattr("autobump.images.advisories.export.read_object", replacing)
    assert ids(Export.open(path, tmp_path).find([OLD])) == {OLD: {"PYSEC-1"}}
    with sqlite3.connect(tmp_path / "advisories.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM matches").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize(("flags", "method", "why"), [(1, 0, "password"), (0, 97, "compression")])
def test_archive_that_cannot_be_unpacked_is_damaged(
    tmp_path: Path, flags: int, method: int, why: str
) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("GHSA-1.json", json.dumps(RECORDS[0]))
    data = bytearray(path.read_bytes())
    for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.index(sign) + at
        data[start], data[start + 2] = flags, method
    path.write_bytes(data)
    with pytest.raises(UsageError, match=f"damaged: GHSA-1.json: .*{why}"):
        Export.open(path, None)
