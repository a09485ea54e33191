"""Secrets from the environment: `get_secret`, `get_secret_str`, `get_secret_bool`."""

from __future__ import annotations

import os


def get_secret(secret_name: str, default_value: str | bool | None = None) -> str | bool | None:
    """The environment variable of that name (`os.environ/NAME` too); `true` and `false` as booleans.

    Secret managers of LiteLLM's (`secret_manager_client`) are not asked.
    """
    value = os.environ.get(secret_name.removeprefix("os.environ/"))
    if value is None:
        return default_value
    lowered = value.strip().lower()
    return lowered == "true" if lowered in ("true", "false") else value


def get_secret_str(secret_name: str, default_value: str | bool | None = None) -> str | None:
    """The same, when it is text."""
    value = get_secret(secret_name, default_value)
    return value if isinstance(value, str) else None


def get_secret_bool(secret_name: str, default_value: bool | None = None) -> bool | None:
    """The same, as a boolean: `true` and `false` in any case."""
    value = get_secret(secret_name, default_value)
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value
