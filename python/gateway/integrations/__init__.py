"""Callbacks by name: each is loaded, with its client, when it is first named.

`langfuse`, `otel` and `prometheus` speak through the services' own clients; `webhook` sends each call to an address.
"""

from __future__ import annotations

import importlib
from typing import Any

from gateway.verbose import verbose_logger

# Name -> `module:class`, or a function that makes one.
INTEGRATIONS: dict[str, str] = {
    "generic_api": "webhook:Webhook",
    "langfuse": "langfuse:LangfuseLogger",
    "langfuse_otel": "opentelemetry:langfuse_otel",
    "opentelemetry": "opentelemetry:OpenTelemetry",
    "otel": "opentelemetry:OpenTelemetry",
    "prometheus": "prometheus:PrometheusLogger",
    "webhook": "webhook:Webhook",
}

_made: dict[str, Any] = {}

# Those that were made, under the name that programs look them up by to flush or to patch them. One that is taken out
# is made anew when it is named again.
_in_memory_loggers: list[Any] = []


def named(name: str) -> Any:
    """The logger of that name, the same one every time; None, and an error in the log, when there is none."""
    made = _made.get(name)
    if name not in _made or (made is not None and all(made is not logger for logger in _in_memory_loggers)):
        made = _made[name] = _make(name)
        if made is not None:
            _in_memory_loggers.append(made)
    return made


def _make(name: str) -> Any:
    place = INTEGRATIONS.get(name)
    if place is None:
        verbose_logger.error(
            "the callback %r is not supported, and hears of nothing; supported are %s, and any CustomLogger. "
            "hint: use `webhook`, with the service's address in GENERIC_LOGGER_ENDPOINT",
            name,
            ", ".join(sorted(INTEGRATIONS)),
        )
        return None
    module, _, attribute = place.partition(":")
    try:
        return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)()
    except ImportError as error:
        verbose_logger.error(
            "the callback %r needs a package that is not installed: %s. hint: pip install %s", name, error, error.name
        )
    except Exception:
        verbose_logger.exception("the callback %r did not start, and hears of nothing", name)
    return None
