"""An answer of a server: read as JSON, or told of in an error."""

import re
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec import Struct
from pydantic import BaseModel, OnErrorOmit, ValidationError

from autobump.support.errors import RegistryError
from autobump.support.http.addresses import shown_url
from autobump.support.printable import printable
from autobump.support.secrets import redact

_MAX_VALUES = 250_000
"""Most values in an answer; one takes up to 200 bytes while it is parsed. The list of pages has 90,000."""

_LOOKED_AT = 10_000
"""Most bytes of a body that are read for what it says of an error."""

_TITLE = re.compile(r"<title[^<>]*>([^<>]*)", re.IGNORECASE)
_Model = TypeVar("_Model", bound=BaseModel)


class _Error(BaseModel):
    """What registries and Docker Hub say of an error.

    Source: OCI distribution specification 1.1, error codes; Docker Hub answers `detail` or `message`.
    """

    class One(BaseModel):
        code: str = ""
        message: str = ""

    detail: str = ""
    message: str = ""
    errors: list[OnErrorOmit[One]] = []


class Answer(Struct, frozen=True):
    """An answer read to its end.

    Attributes:
        status: Its HTTP status.
        headers: Those of its headers that anybody reads, names in lower case.
        body: Its body, unpacked.
        url: Where it came from, after redirects.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    def parse(self, model: type[_Model]) -> _Model:
        """Validate the body as JSON.

        Raises:
            RegistryError: It is something else.
        """
        if self.is_web_page:
            raise RegistryError(f"{shown_url(self.url)} answered {self.status}{self.said}")
        # Each value of JSON has a comma or a bracket before it, but for the first and those of an object.
        if sum(map(self.body.count, (b",", b"[", b"{"))) > _MAX_VALUES:
            raise RegistryError(f"{shown_url(self.url)} answered more than {_MAX_VALUES} values")
        try:
            return model.model_validate_json(self.body)
        except ValidationError as exc:
            error = exc.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in error["loc"]) or "the top"
            message = f"{shown_url(self.url)} answered something unexpected at {where}: {error['msg']}"
            raise RegistryError(message) from exc

    @property
    def host(self) -> str:
        """Who answered."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_web_page(self) -> bool:
        """Whether it is written for a browser, as a firewall, a proxy or a page to log in sends it."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        start = self.body[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        return start.startswith((b"<!doctype html", b"<html")) or (
            kind in ("text/html", "application/xhtml+xml") and not start.startswith((b"{", b"["))
        )

    @property
    def said(self) -> str:
        """What the body says of an error, to go on behind its status: `: text`, or nothing."""
        text = self.body[:_LOOKED_AT].decode("utf-8", "replace")
        if self.is_web_page:
            title = _TITLE.search(text)
            named = _one_line(title[1]) if title else ""
            return (
                f" with a web page{f' ({named})' if named else ''}: something stands before {self.host}, "
                "such as a firewall, a proxy or a page to log in; let autobump through to it"
            )
        try:
            error = _Error.model_validate_json(text)
        except ValidationError:
            plain = self.headers.get("content-type", "").lower().startswith("text/plain")
            said = text if plain else ""
        else:
            first = next(iter(error.errors), _Error.One())
            said = error.detail or error.message or first.message or first.code
        return f": {_one_line(said)}" if _one_line(said) else ""


def _one_line(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return redact(printable(line[:200]))
