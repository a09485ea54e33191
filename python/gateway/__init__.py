"""LiteLLM's contract at the speed of a bare proxy: `import gateway as litellm`.

Names resolve on first use (PEP 562), so that importing costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

# Public name -> module of this package that holds it.
_HOMES: dict[str, str] = {
    "LlmProviders": "params",
    "get_llm_provider": "params",
    "get_optional_params": "params",
    "get_supported_openai_params": "params",
    "openai_compatible_providers": "params",
    "provider_list": "params",
    "stream_chunk_builder": "streams",
    "validate_environment": "params",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
