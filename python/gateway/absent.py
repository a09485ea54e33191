"""Names of LiteLLM's that this package does not have.

Libraries import many of them at their top and use few. So each of them can be imported; using it (calling it, making
one, subclassing and then making one) raises NotImplementedError, which names it. What is in `NAMES` is LiteLLM's own
machinery (its provider classes, its stores) or an endpoint that is not built; any other name is no name of LiteLLM's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

NAMES: frozenset[str] = frozenset((Path(__file__).parent / "absent.txt").read_text(encoding="utf-8").split())


def _refuse(name: str) -> NoReturn:
    raise NotImplementedError(
        f"`litellm.{name}` is not part of this package\n"
        "hint: docs/differences.md says what is; the rest of LiteLLM's names can be imported, but not used"
    )


def absent(name: str) -> Any:
    """The stand-in for a name, a class or a function as LiteLLM's is.

    Raises:
        AttributeError: LiteLLM has no such name either.
    """
    if name not in NAMES:
        raise AttributeError(f"module 'gateway' has no attribute {name!r}")
    is_class = name.lstrip("_")[:1].isupper()
    if not is_class:

        def stand_in(*args: Any, **kwargs: Any) -> Any:
            _refuse(name)

        stand_in.__name__ = stand_in.__qualname__ = name
        stand_in.__doc__ = f"LiteLLM's `{name}`, which this package does not have: calling it raises."
        return stand_in

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        _refuse(name)

    made = {"__init__": __init__, "__doc__": f"LiteLLM's `{name}`, which this package does not have.", "absent": True}
    return type(name, (), made)
