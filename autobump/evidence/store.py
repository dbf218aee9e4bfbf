"""Remembers what items did in images, so that nothing is run twice; and carries it between machines."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from autobump.decisions.level import Level
from autobump.evidence.compare import LASTING, Observation, read_observation
from autobump.support.errors import UsageError
from autobump.support.sqlite_file import SqliteCache

_SCHEMA = """
CREATE TABLE IF NOT EXISTS observations (
    program TEXT NOT NULL, image TEXT NOT NULL, level TEXT NOT NULL, runner TEXT NOT NULL,
    observation TEXT NOT NULL, PRIMARY KEY (program, image, level, runner)
) WITHOUT ROWID
"""
_COLUMNS = "program, image, level, observation"
_VERSION = 1
_MAX_ROWS = 200_000
_BATCH = 400
_MOST_FILE = 256 * 1024 * 1024


class ObservationKey(NamedTuple):
    """What was run where: the program, the image's digest, and how much of the program."""

    program: str
    image: str
    level: Level


@cache
def runner_version() -> str:
    """Return what names the runner: another one may see other things."""
    runner = resources.files("autobump.evidence.runner").joinpath("loop.py")
    return hashlib.sha256(runner.read_bytes()).hexdigest()[:16]


class ObservationStore:
    """What was seen, on disk and from files; the part on disk may be deleted at any time."""

    def __init__(self, folder: Path | None, files: Iterable[Path] = ()) -> None:
        """Open the store in a folder, or none, and read evidence files.

        Raises:
            UsageError: A file is no evidence, or of another version of autobump.
        """
        path = folder / "evidence.sqlite" if folder else None
        self._file = SqliteCache(path, _VERSION, _SCHEMA, ["observations"])
        self._seen: dict[ObservationKey, Observation] = {}
        for file in files:
            self._seen |= _read(file)

    def find(self, keys: Iterable[ObservationKey]) -> dict[ObservationKey, Observation]:
        """Return what is known of these."""
        wanted = set(keys)
        found = {key: self._seen[key] for key in wanted & self._seen.keys()}
        images = sorted({key.image for key in wanted - found.keys()})
        for start in range(0, len(images), _BATCH):
            batch = images[start : start + _BATCH]
            holes = ",".join("?" * len(batch))
            query = f"SELECT {_COLUMNS} FROM observations WHERE runner = ? AND image IN ({holes})"  # noqa: S608 - no text from outside
            for program, image, level, text in self._file.rows(query, (runner_version(), *batch)):
                try:
                    key = ObservationKey(program, image, Level(level))
                    if key in wanted and key not in found:
                        found[key] = _checked(json.loads(text))
                except (ValueError, TypeError, RecursionError):
                    continue  # it is run again, and written anew
        self._seen |= found
        return found

    def add(self, observations: Mapping[ObservationKey, Observation]) -> None:
        """Remember for this pass what was seen, and on disk what comes again when it is run again."""
        self._seen |= observations
        rows = [
            (key.program, key.image, key.level.value, runner_version(), json.dumps(seen))
            for key, seen in observations.items()
            if seen["outcome"] in LASTING
        ]
        if rows:
            self._file.write("INSERT OR REPLACE INTO observations VALUES (?, ?, ?, ?, ?)", rows)
            statement = "DELETE FROM observations WHERE (SELECT count(*) FROM observations) > ?"
            self._file.write(statement, [(_MAX_ROWS,)])

    def export(self) -> dict[str, Any]:
        """Return what this pass knows as plain data, for other machines."""
        return {
            "runner": runner_version(),
            "observations": [
                [*key, seen] for key, seen in sorted(self._seen.items()) if seen["outcome"] in LASTING
            ],
        }


def _read(path: Path) -> dict[ObservationKey, Observation]:
    try:
        if path.stat().st_size > _MOST_FILE:
            raise UsageError(f"{path} is larger than any evidence")
        document = json.loads(path.read_bytes())
    except OSError as exc:
        raise UsageError(f"cannot read {path}: {exc.strerror}") from exc
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"{path} is no evidence: {exc}") from exc
    carried = _carried(document)
    if not carried:
        raise UsageError(
            f"{path} holds no evidence; write it with autobump verify --format json --output {path}"
        )
    if any(one["runner"] != runner_version() for one in carried):
        raise UsageError(f"{path} is of another version of autobump; run autobump verify again")
    try:
        return {
            ObservationKey(str(program), str(image), Level(level)): _checked(seen)
            for one in carried
            for program, image, level, seen in one["observations"]
        }
    except (ValueError, TypeError, KeyError) as exc:
        raise UsageError(f"{path} is damaged: {exc}") from exc


def _carried(document: object) -> list[dict[str, Any]]:
    """Return what a report tells of evidence: that of one repository, or of each of several."""
    several = document.get("repositories") if isinstance(document, dict) else None
    parts = several if isinstance(several, list) else [document]
    told = [part.get("observations") for part in parts if isinstance(part, dict)]
    return [one for one in told if isinstance(one, dict) and "runner" in one]


def _checked(seen: object) -> Observation:
    observation = read_observation(seen)
    if observation["outcome"] not in LASTING:
        raise ValueError(f"no observation: {str(seen)[:80]}")
    return observation
