"""Advisories from the service of osv.dev, or from another that answers as it does."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, Field, RootModel

from autobump.images.advisories.record import (
    PYPI,
    Installed,
    Record,
    parse_record,
    parse_system_record,
    version_key,
)
from autobump.images.advisories.remembered import RememberedAdvisories
from autobump.images.inside.system import InstalledOfSystem
from autobump.support.errors import RegistryError
from autobump.support.http.addresses import shown_url
from autobump.support.http.answer import Answer
from autobump.support.http.client import HttpClient
from autobump.support.progress import Silent
from autobump.support.threads import map_in_threads

MOST_QUERIES = 1000
"""Most queries of one call; of more the service answers 400."""

MOST_RECORDS = 20_000
"""Most records that are fetched for one pass; PyPI has not many more."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_SYSTEM_TEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_~:-]*")
_MAX_TEXT = 200
_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$")]
_Moment = Annotated[str, Field(max_length=64)]


class _Named(BaseModel):
    id: _Id
    modified: _Moment = ""


class _Found(BaseModel):
    """What is known of one query. No match has no `vulns`, and a page may hold nothing but a token."""

    vulns: list[_Named] | None = None
    next_page_token: Annotated[str, Field(max_length=4096)] | None = None


class _Batch(BaseModel):
    results: list[_Found]


_AnyRecord = RootModel[dict[str, Any]]


Query = tuple[str, str, str]
"""An ecosystem, a package of it, and a version."""


class OsvService:
    """The service, asked in batches.

    What it answers to a query says which records to fetch; whether one affects a version is decided here. So
    a record is fetched once for each time that it was modified, and remembered. What it answers to queries is
    not: a new advisory is to show in the next pass, and a thousand queries are one call. Operating systems
    count versions in their own ways: of their packages the service decides.

    A source lives as long as a pass. Nothing is asked twice in it, and after a failure nothing is asked.

    Source: the API of google/osv.dev at 7e6c189.
    """

    def __init__(self, url: str, client: HttpClient, cache: Path | None) -> None:
        """Use a service; nothing is asked yet."""
        self._url = url.rstrip("/")
        self._client = client
        self._remembered = RememberedAdvisories(cache, self._url)
        self._known: dict[Installed, tuple[Record, ...]] = {}
        self._failure: RegistryError | None = None
        self._of_system: dict[InstalledOfSystem, tuple[Record, ...]] = {}

    def find(self, wanted: Iterable[Installed]) -> Mapping[Installed, tuple[Record, ...]]:
        """Return the records that affect each package and version.

        Raises:
            RegistryError: They are not known.
        """
        wanted = set(wanted)
        if self._failure is not None:
            raise self._failure
        try:
            self._learn(sorted(wanted - self._known.keys()))
        except RegistryError as exc:
            self._failure = RegistryError(f"advisories are not known: {exc}")
            raise self._failure from exc
        return {one: hits for one in wanted if (hits := self._known[one])}

    def find_of_system(
        self, wanted: Iterable[InstalledOfSystem]
    ) -> Mapping[InstalledOfSystem, tuple[Record, ...]]:
        """Return the records that affect packages of operating systems.

        Raises:
            RegistryError: They are not known.
        """
        wanted = set(wanted)
        missing: list[Query] = sorted(one for one in wanted - self._of_system.keys() if _can_ask(one))
        named = self._ask(missing)
        records = self._fetch(
            {one.id: one.modified for found in named.values() for one in found}, parse_system_record
        )
        for query, found in named.items():
            fetched = [records[name] for name in sorted({one.id for one in found})]
            self._of_system[InstalledOfSystem(*query)] = tuple(record for record in fetched if record)
        return {one: hits for one in wanted if (hits := self._of_system.get(one))}

    def _learn(self, missing: Sequence[Installed]) -> None:
        queries: dict[Query, list[Installed]] = {}
        for package, version in missing:
            self._known[package, version] = ()
            # One bad query fails the whole batch, and nothing could be matched to these.
            if _NAME.fullmatch(package) and len(package) <= _MAX_TEXT and _is_version(version):
                query = (PYPI, package, version.partition("+")[0].strip())  # who built it changes nothing
                queries.setdefault(query, []).append((package, version))
        named = self._ask(list(queries))
        records = self._fetch(
            {one.id: one.modified for found in named.values() for one in found}, parse_record
        )
        for query, found in named.items():
            fetched = [records[name] for name in sorted({one.id for one in found})]
            for package, version in queries[query]:
                self._known[package, version] = tuple(
                    record for record in fetched if record and record.affects(package, version)
                )

    def _ask(self, queries: Sequence[Query]) -> dict[Query, list[_Named]]:
        """Return the records that the service names for each query.

        Raises:
            RegistryError: It does not answer, or without end.
        """
        found: dict[Query, list[_Named]] = {query: [] for query in queries}
        tokens: dict[Query, list[str]] = {query: [] for query in queries}
        pages = self._client.count_pages(f"what {shown_url(self._url)} names")
        waiting = list(queries)
        while waiting:
            next(pages)
            more: list[Query] = []
            for start in range(0, len(waiting), MOST_QUERIES):
                part = waiting[start : start + MOST_QUERIES]
                for query, answer in zip(part, self._ask_batch(part, tokens), strict=True):
                    found[query] += answer.vulns or ()
                    if token := answer.next_page_token:
                        if token in tokens[query]:
                            raise RegistryError(f"{shown_url(self._url)} names the same page again")
                        tokens[query].append(token)
                        more.append(query)
            waiting = more
        return found

    def _ask_batch(self, queries: Sequence[Query], tokens: Mapping[Query, Sequence[str]]) -> list[_Found]:
        asked = [
            {"package": {"name": query[1], "ecosystem": query[0]}, "version": query[2]}
            | ({"page_token": tokens[query][-1]} if tokens[query] else {})
            for query in queries
        ]
        answer = self._client.send("POST", f"{self._url}/v1/querybatch", json={"queries": asked})
        _require(answer)
        results = answer.parse(_Batch).results
        if len(results) != len(queries):
            told = f"answered {len(results)} results to {len(queries)} queries"
            raise RegistryError(f"{shown_url(answer.url)} {told}")
        return results

    def _fetch(
        self, modified: Mapping[str, str], parse: Callable[[object], Record | None]
    ) -> dict[str, Record | None]:
        """Return the records; None for one that is withdrawn, or is not there any more."""
        if len(modified) > MOST_RECORDS:
            raise RegistryError(f"{shown_url(self._url)} names more than {MOST_RECORDS} records")
        found = self._remembered.find_records(modified)
        missing = [name for name in modified if name not in found]
        threads = self._client.limits.connections
        return found | map_in_threads(
            lambda name: self._fetch_record(name, parse), missing, threads, Silent()
        )

    def _fetch_record(self, name: str, parse: Callable[[object], Record | None]) -> Record | None:
        answer = self._client.send("GET", f"{self._url}/v1/vulns/{quote(name, safe='')}")
        if answer.status == 404 and not answer.is_web_page:
            return None
        _require(answer)
        data = answer.parse(_AnyRecord).root
        if data.get("id") != name:
            raise RegistryError(f"{shown_url(answer.url)} answered another record")
        record = parse(data)
        if isinstance(moment := data.get("modified"), str):  # it may have changed since it was named
            self._remembered.store_record(name, moment, record)
        return record


def _can_ask(one: InstalledOfSystem) -> bool:
    return all(len(text) <= _MAX_TEXT and _SYSTEM_TEXT.fullmatch(text) for text in (one.package, one.version))


def _is_version(text: str) -> bool:
    return len(text) <= _MAX_TEXT and version_key(text) is not None


def _require(answer: Answer) -> None:
    if answer.status != 200:
        raise RegistryError(f"{shown_url(answer.url)} answered {answer.status}{answer.said}")
