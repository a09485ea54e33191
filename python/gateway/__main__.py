"""`python -m gateway serve | check | bench | ...`: the command line of the binary; `run` is Python's own."""

from __future__ import annotations

import signal
import sys

from gateway import _gateway


def main() -> int:
    """Runs the command line and returns its exit status."""
    if sys.argv[1:2] == ["run"]:
        from gateway.run import run

        return run(sys.argv[2:])
    # The core handles Ctrl-C and SIGTERM itself: it drains.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _gateway.run_command(["gateway", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
