"""What signals ask of the service: SIGTERM and Ctrl-C stop it, SIGHUP loads the settings again."""

import queue
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from types import FrameType

_LOOK_SECONDS = 1.0


class SignalRequest(Enum):
    """What a signal asks for."""

    STOP = "stop"
    RELOAD = "reload"


class Signals:
    """Catches signals while it is entered, and hands out what they ask for.

    Attributes:
        interrupted: Whether Ctrl-C was pressed.
    """

    def __init__(self) -> None:
        """Catch nothing yet."""
        self.interrupted = False
        self._requests: queue.SimpleQueue[SignalRequest] = queue.SimpleQueue()

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Catch signals while the block runs, and give them back to who had them."""

        def stop(number: int, _: FrameType | None) -> None:
            if number == signal.SIGINT:
                if self.interrupted:
                    raise KeyboardInterrupt
                self.interrupted = True
            self._requests.put(SignalRequest.STOP)

        def reload(_: int, __: FrameType | None) -> None:
            self._requests.put(SignalRequest.RELOAD)

        wanted = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: reload}
        before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def wait(self) -> SignalRequest:
        """Wait for a signal.

        The system may hand a signal to another thread while one is pending for this one. Then nothing wakes
        this thread, which alone runs the handlers; so it looks every now and then by itself.
        """
        while True:
            try:
                return self._requests.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
