"""Entry point of `autobump` and `python -m autobump`."""

import gc
import sys


def main() -> None:
    """Run autobump and leave with its exit code."""
    # Nearly everything that is made is needed to the end: looking for what is not costs a tenth of a pass.
    gc.set_threshold(1_000_000, 50, 50)
    try:
        from autobump.cli import main as run
    except KeyboardInterrupt:  # the imports take long enough for it
        sys.stderr.write("autobump: interrupted\n")
        sys.exit(130)
    status = run()
    # The end of the process frees all that is left; Python would look at each of it first.
    gc.freeze()
    sys.exit(status)


if __name__ == "__main__":
    main()
