"""LiteLLM's contract at the speed of a bare proxy: `import gateway as litellm`.

Names resolve on first use (PEP 562), so that importing costs next to nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from gateway.names import HOMES, MODULES
from gateway.paths import Paths
from gateway.paths import install_as_litellm as install_as_litellm

# `typing` takes a third of this import's time; type checkers take any constant of this name to be true.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Settings: read with every call, to be assigned by the user.
api_key: str | None = None
api_base: str | None = None
api_version: str | None = None
organization: str | None = None
openai_key: str | None = None
headers: dict[str, str] | None = None
drop_params: bool = False
modify_params: bool = False
user_url_validation: bool = True
user_url_allowed_hosts: list[str] = []
num_retries: int | None = None
request_timeout: float = 6000
model_alias_map: dict[str, str] = {}
set_verbose: bool = False
suppress_debug_info: bool = False
telemetry: bool = False
add_function_to_prompt: bool = False
include_cost_in_streaming_usage: bool = False
use_client: bool = False
cache: Any = None
callbacks: list[Any] = []
success_callback: list[Any] = []
failure_callback: list[Any] = []
input_callback: list[Any] = []
service_callback: list[Any] = []
custom_provider_map: list[Any] = []

# Names of the settings that were assigned and may hold the key of one provider (`anthropic_key`, ...).
provider_keys: set[str] = set()


class _Root(ModuleType):
    """The package as a module whose functions keep their names.

    LiteLLM has modules that are named as its functions are (`responses`, `batch_completion`): importing one must not
    put the module in the function's place.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and name in HOMES:
            return
        if name.endswith("_key") and name != "api_key":
            provider_keys.add(name)
        if name == "cache" and (value is not None or self.cache is not None):
            from gateway.caching import assigned

            assigned(value)
        super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    home = HOMES.get(name)
    value: Any
    if home is not None:
        value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    elif name in MODULES:
        value = importlib.import_module(f"{__name__}.{MODULES[name]}")
    elif name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    else:
        from gateway.absent import absent
        from gateway.settings import DEFAULTS

        value = DEFAULTS[name]() if name in DEFAULTS else absent(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *HOMES, *MODULES})


sys.modules[__name__].__class__ = _Root
sys.meta_path.append(Paths)
