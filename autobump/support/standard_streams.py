"""Stands in for standard streams that a parent closed, so that nothing else takes their place."""

import io
import os
import sys


def replace_closed_streams() -> None:
    """Put something in the place of each standard stream that is closed: stderr is lost, stdout refuses.

    Python leaves the stream away and its number free for the next file that is opened, so that what a
    library or a child prints would end in a cache. Writing to stdout still has to fail: the result is lost.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Opened in this order, each gets the lowest number that is free: that of the stream.
            os.set_inheritable(os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY), True)
    streams: dict[str, object] = vars(sys)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if streams[name] is None:
            file = io.FileIO(number, "r" if number == 0 else "w", closefd=False)
            # Nothing may be left in a buffer, which Python would write, in vain, at its end.
            setattr(sys, name, io.TextIOWrapper(file, encoding="utf-8", write_through=True))
