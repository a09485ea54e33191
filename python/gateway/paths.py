"""LiteLLM's module paths: below this package, and under the name `litellm`.

`from gateway.types.utils import Delta` works although there is no such file: [`Paths`] makes the modules that the table
in [`names`](names.py) lists. `install_as_litellm` gives the same modules their LiteLLM names, so that there is one of
everything whichever name it was imported by. Nothing is ever done at install time, and nothing before it is asked for.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from gateway.names import ELSEWHERE, PATHS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from typing import Any

ROOT = "gateway"
ALIAS = "litellm"

# The version whose contract this package keeps: what `importlib.metadata.version("litellm")` says under the alias.
LITELLM_VERSION = "1.109.1"


def names_at(path: str) -> Callable[[str], Any]:
    """The `__getattr__` of the module at LiteLLM's `path`: every public name, and what that path means otherwise."""

    def __getattr__(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {f'{ROOT}.{path}'!r} has no attribute {name!r}")
        home = ELSEWHERE.get(f"{path}:{name}")
        if home is not None:
            module, _, attribute = home.partition(":")
            return getattr(importlib.import_module(f"{ROOT}.{module}"), attribute)
        if f"{path}.{name}" in PATHS:
            return importlib.import_module(f"{ROOT}.{path}.{name}")
        return getattr(sys.modules[ROOT], name)

    return __getattr__


def _is_package(path: str) -> bool:
    return any(other.startswith(path + ".") for other in PATHS)


class _Made:
    """Loads a module that is nothing but a path to names."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        path = module.__name__.removeprefix(ROOT + ".")
        module.__doc__ = f"LiteLLM's module path `{path}`; see gateway/names.py."
        vars(module)["__getattr__"] = names_at(path)


class Paths:
    """Finds the module paths of the table that have no file here. It stands last: files come first."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not name.startswith(ROOT + ".") or name.removeprefix(ROOT + ".") not in PATHS:
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, _Made(), is_package=_is_package(name.removeprefix(ROOT + ".")))  # type: ignore[arg-type]


class _Same:
    """Loads `litellm.x` as the module `gateway.x`, the very same."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(ROOT + spec.name.removeprefix(ALIAS))
        # The import system writes the alias's spec into the module.
        self.own = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.own


class Alias:
    """Answers for `litellm` and everything below it, and for the distribution of that name."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != ALIAS and not name.startswith(ALIAS + "."):
            return None
        from importlib.machinery import ModuleSpec
        from importlib.util import find_spec

        if find_spec(ROOT + name.removeprefix(ALIAS)) is None:
            # Say so here: a LiteLLM that is installed as well must not answer for its half.
            raise ModuleNotFoundError(f"No module named {name!r} in this package (see gateway/names.py)", name=name)
        return ModuleSpec(name, _Same(), is_package=True)  # type: ignore[arg-type]

    @staticmethod
    def find_distributions(context: Any = None) -> Iterable[Any]:
        from importlib.metadata import Distribution

        class LitellmDistribution(Distribution):
            """What `importlib.metadata` says of `litellm`."""

            def read_text(self, filename: str) -> str | None:
                if filename != "METADATA":
                    return None
                return f"Metadata-Version: 2.1\nName: {ALIAS}\nVersion: {LITELLM_VERSION}\n"

            def locate_file(self, path: Any) -> Any:
                from pathlib import Path

                return Path(__file__).parent / path

        name = getattr(context, "name", None)
        return [LitellmDistribution()] if name is None or name.lower() == ALIAS else []


def install_as_litellm() -> None:
    """Makes this package answer to `import litellm`, for this process, from here on.

    Call it before anything imports `litellm`. It covers `import litellm`, `from litellm.x import y`, `importlib`, and
    `importlib.metadata.version("litellm")`. Calling it again does nothing. Processes that are spawned (not forked)
    start without it: there it has to be called again, or they are started by `python -m gateway run`.

    Raises:
        RuntimeError: another `litellm` is imported already.
    """
    root = sys.modules[ROOT]
    there = sys.modules.get(ALIAS)
    if there is root:
        return
    if there is not None:
        raise RuntimeError(
            f"another `litellm` is imported already, from {getattr(there, '__file__', None)}\n"
            "hint: call gateway.install_as_litellm() before anything that imports litellm"
        )
    sys.meta_path.insert(0, Alias)
    sys.modules[ALIAS] = root
