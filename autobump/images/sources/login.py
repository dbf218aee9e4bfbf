"""Logs in to a registry: with a token for each image, or with a user and a password."""

import base64
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, Field

from autobump.support.errors import RegistryError
from autobump.support.http.addresses import resolve_address, same_origin
from autobump.support.http.answer import Answer
from autobump.support.http.challenges import Challenge, find_challenge, parse_challenges
from autobump.support.http.client import HttpClient
from autobump.support.secrets import Secret

_SCOPES_PER_TOKEN = 40
_Scopes = tuple[tuple[str, ...], tuple[str, ...]]
"""Scopes of one token, and the images it serves."""


class _Token(BaseModel):
    token: Annotated[str, Field(max_length=1 << 16)] | None = None
    access_token: Annotated[str, Field(max_length=1 << 16)] | None = None
    expires_in: Annotated[float, Field(ge=0)] = 60


class Credentials:
    """What a registry may be told: a user with a password, or a bearer token; or nothing."""

    def __init__(
        self, username: str = "", password: Secret | None = None, bearer: Secret | None = None
    ) -> None:
        self._username = username
        self._password = password
        self._bearer = bearer

    def basic(self) -> str | None:
        """Return a Basic authorization, or None."""
        if self._password is None:
            return None
        pair = f"{self._username}:{self._password.reveal()}".encode()
        return f"Basic {Secret(base64.b64encode(pair).decode()).reveal()}"

    def bearer(self) -> str | None:
        """Return a Bearer authorization, or None."""
        return f"Bearer {self._bearer.reveal()}" if self._bearer else None


class RegistryLogin:
    """What a registry let us in with; safe to share between threads.

    Source: the token authentication of the Distribution project (challenge, several scopes in one token),
    read 2026-11.
    """

    def __init__(self, root: str, client: HttpClient, credentials: Credentials) -> None:
        """Begin without a token.

        Args:
            root: `https://host` of the registry.
            client: Sends the requests.
            credentials: What the registry may be told.
        """
        self._root = root
        self._client = client
        self._credentials = credentials
        self._lock = threading.Lock()
        self._announced: list[str] = []
        self._one_scope_only = False
        self._tokens: dict[str, tuple[str, float]] = {}
        self._plain: str | None = credentials.bearer()

    def announce(self, paths: Sequence[str]) -> None:
        """Hear which images will be asked for, so that one token can serve many."""
        self._announced = list(paths)

    def send(
        self, method: str, url: str, path: str, headers: Mapping[str, str], most_bytes: int | None = None
    ) -> Answer:
        """Send a request, answering the registry's challenges when it makes any.

        Args:
            method: `GET` or `HEAD`.
            url: What is asked for.
            path: The image that it is about.
            headers: Beside the usual ones.
            most_bytes: Largest answer in place of that of the client's limits.

        Raises:
            RegistryError: The registry did not answer, or lets nobody in who knows no more.
        """

        def send_as(authorization: str | None) -> Answer:
            return self._client.send(
                method, url, headers=headers, authorization=authorization, most_bytes=most_bytes
            )

        used = self._authorization(path)
        answer = send_as(used)
        if not _is_challenged(answer):
            return answer
        self._forget(path, used)
        challenges = parse_challenges(answer.headers.get("www-authenticate", ""))
        bearer, basic = find_challenge(challenges, "bearer"), self._credentials.basic()
        if bearer is not None and bearer.parameters.get("realm"):
            for scopes, paths in self._choose_scopes(bearer, path):
                if token := self._fetch_token(bearer, scopes, paths):
                    answer = send_as(f"Bearer {token}")
                    if not _is_refused(answer):
                        self._one_scope_only |= len(paths) == 1 and path in self._announced
                        return answer
                    self._forget(path, f"Bearer {token}")
        if find_challenge(challenges, "basic") is not None:
            if basic is None and bearer is None:
                raise RegistryError(f"{self._root} wants AUTOBUMP_REGISTRY_USERNAME and _PASSWORD")
            if basic is not None:
                self._plain = basic
                return send_as(basic)
        hint = "" if basic else "; if it is private, set AUTOBUMP_REGISTRY_USERNAME and _PASSWORD"
        why = f", answered {answer.status}{answer.said}" if answer.said else ""
        raise RegistryError(f"{self._root} refuses access to {path}{why}{hint}")

    def _authorization(self, path: str) -> str | None:
        with self._lock:
            token, expires = self._tokens.get(path, ("", 0.0))
        return f"Bearer {token}" if time.monotonic() < expires else self._plain

    def _forget(self, path: str, used: str | None) -> None:
        """Drop the token that was just refused, unless another thread has replaced it already."""
        with self._lock:
            if used is not None and used == f"Bearer {self._tokens.get(path, ('', 0.0))[0]}":
                del self._tokens[path]

    def _choose_scopes(self, challenge: Challenge, path: str) -> list[_Scopes]:
        """Return the scopes to ask tokens for, one set after the other, each with the images it serves.

        That of the image itself comes before the one of the challenge, which may be a mere example; but when
        a token lacks the scope that a challenge names, that one comes first.

        Source: RFC 6750, section 3.1, for `insufficient_scope`.
        """
        own = ((f"repository:{path}:pull",), (path,))
        named = ((challenge.parameters.get("scope", ""),), (path,))
        if challenge.parameters.get("error") == "insufficient_scope":
            wanted: list[_Scopes] = [named, own]
        else:
            batch = self._batch(path)
            wanted = [(tuple(f"repository:{one}:pull" for one in batch), batch), own, named]
        return list(dict.fromkeys(one for one in wanted if one[0] != ("",)))

    def _batch(self, path: str) -> tuple[str, ...]:
        """Return the image with those around it that will be asked for, if one token can serve them all."""
        if path not in self._announced or self._one_scope_only:
            return (path,)
        start = self._announced.index(path) // _SCOPES_PER_TOKEN * _SCOPES_PER_TOKEN
        return tuple(self._announced[start : start + _SCOPES_PER_TOKEN])

    def _fetch_token(self, challenge: Challenge, scopes: Sequence[str], paths: Sequence[str]) -> str:
        """Fetch one token for several images; empty when the server will not give it."""
        realm = resolve_address(self._root, challenge.parameters["realm"])
        private = same_origin(realm, self._root) or (_is_loopback(realm) and _is_loopback(self._root))
        if urlsplit(realm).scheme != "https" and not private:
            raise RegistryError(f"{self._root} sends its users to a token server without TLS")
        with self._lock:
            # Threads that met the same challenge wait here, and then find the token.
            known = {self._tokens.get(path, ("", 0.0)) for path in paths}
            token, expires = next(iter(known))
            if len(known) == 1 and time.monotonic() < expires:
                return token
            service = challenge.parameters.get("service")
            query = [("service", service)] if service else []
            query += [("scope", scope) for scope in scopes]
            address = f"{realm}{'&' if urlsplit(realm).query else '?'}{urlencode(query)}"
            answer = self._client.send("GET", address, authorization=self._credentials.basic())
            if answer.status != 200:
                return ""
            reply = answer.parse(_Token)
            token = reply.token or reply.access_token or ""
            if token:
                expires = time.monotonic() + max(min(reply.expires_in, 3600) - 10, 5)
                self._tokens |= dict.fromkeys(paths, (token, expires))
            return token


def _is_challenged(answer: Answer) -> bool:
    """Whether a registry asks for a token: for the first one, or for another one than it was shown."""
    if answer.status == 403:
        challenges = parse_challenges(answer.headers.get("www-authenticate", ""))
        return any(one.parameters.get("error") == "insufficient_scope" for one in challenges)
    return answer.status == 401


def _is_refused(answer: Answer) -> bool:
    return answer.status in (401, 403)


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
