"""Writes `gateway/__init__.pyi`: what type checkers and editors see of names that resolve on first use.

    python python/stub.py > python/gateway/__init__.pyi

The names are those of `gateway/names.py`, the settings those that `gateway/__init__.py` declares; a test compares.
"""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent / "gateway"

HEAD = '''"""What `import gateway` offers, for type checkers: written by `python/stub.py`."""

from typing import Any

from gateway import exceptions as exceptions
from gateway import main as main
from gateway import types as types
from gateway.paths import install_as_litellm as install_as_litellm
'''

TAIL = """
# LiteLLM's other names and settings, and its modules (`utils`, `constants`, ...).
def __getattr__(name: str) -> Any: ...
"""


def homes() -> dict[str, str]:
    """Each module of the package and its public names, as `names.py` says."""
    for node in ast.parse((PACKAGE / "names.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "BY_HOME":
            found: dict[str, str] = ast.literal_eval(node.value) if node.value else {}
            return found
    raise ValueError("names.py has no BY_HOME")


def settings() -> list[str]:
    """The annotated settings of the package's root."""
    root = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    declared = [node for node in root.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    return [f"{ast.unparse(node.target)}: {ast.unparse(node.annotation)}" for node in declared]


def stub() -> str:
    """The whole file."""
    imports = [
        f"from gateway.{home} import {name} as {name}"
        for home, names in sorted(homes().items())
        for name in sorted(names.split())
    ]
    return HEAD + "\n".join([*imports, "", *settings()]) + "\n" + TAIL


if __name__ == "__main__":
    print(stub(), end="")
