"""Every fuzz target on its seeds, which hold what was found, and on thousands of changed ones."""

import random
import zlib

import pytest

from fuzz.targets import NAMES, load_target

_RUNS = 600
_PIECES = (
    b"\n",
    b"\r",
    b"\t",
    b"\0",
    b"\xff",
    b"\xe2\x80\xa8",
    b"\\ud800",
    b"\\",
    b'"',
    b"'",
    b"`",
    b"|",
    b"-",
    b"- ",
    b"  ",
    b":",
    b": ",
    b"#",
    b" #",
    b"{",
    b"}",
    b"[",
    b"]",
    b"&a ",
    b"*a",
    b"!!x ",
    b"? ",
    b"---\n",
    b"%YAML 1.4\n",
    b"9" * 30,
    b"-->",
    b"<!--",
    b"$(x)",
    b"..",
    b"/",
    b"https://[x",
    b"null",
    b"1e999",
    b"2026-13-45",
)


@pytest.mark.parametrize("name", NAMES)
def test_target_holds_for_its_seeds_and_for_changed_ones(name: str) -> None:
    target = load_target(name)
    for seed in target.SEEDS:
        target.check(seed)
    chance = random.Random(zlib.crc32(name.encode()))  # noqa: S311 - the same changes every time are wanted
    for _ in range(_RUNS):
        target.check(_changed(chance, target.SEEDS))


def _changed(chance: random.Random, seeds: tuple[bytes, ...]) -> bytes:
    """Return a seed with up to four places cut, doubled, swapped for another seed, or filled with a piece."""
    data = chance.choice(seeds)
    for _ in range(chance.randint(1, 4)):
        start = chance.randint(0, len(data))
        end = min(len(data), start + chance.choice((0, 1, 2, 8, 40)))
        other = chance.choice(seeds)
        at = chance.randint(0, len(other))
        middle = chance.choice(
            (
                b"",
                data[start:end] * 2,
                other[at : at + 20],
                chance.choice(_PIECES),
                bytes([chance.randint(0, 255)]),
            )
        )
        data = data[:start] + middle + data[end:]
    return data
