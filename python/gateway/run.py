"""`python -m gateway run [-m module | script.py] args...`: a program, unchanged, with this package as its litellm."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from gateway.paths import install_as_litellm

USAGE = "usage: python -m gateway run [-m module | script.py] [arguments...]"


def run(arguments: list[str]) -> int:
    """Runs a module or a script as `__main__`; its exit is this process's."""
    if not arguments or arguments == ["-m"] or arguments[0] in ("-h", "--help"):
        print(USAGE, file=sys.stderr)
        return 0 if arguments and arguments[0] in ("-h", "--help") else 2
    install_as_litellm()
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        # As with `python -m`: the working directory comes first.
        sys.path.insert(0, "")
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return 0
    script = arguments[0]
    sys.argv = arguments
    sys.path.insert(0, str(Path(script).resolve().parent))
    runpy.run_path(script, run_name="__main__")
    return 0
