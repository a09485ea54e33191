"""LiteLLM's logger and its switches: `verbose_logger`, `set_verbose`, `_turn_on_debug`, `print_verbose`."""

from __future__ import annotations

import json
import logging
import os
import sys
import time

verbose_logger = logging.getLogger("LiteLLM")
verbose_router_logger = logging.getLogger("LiteLLM Router")
verbose_proxy_logger = logging.getLogger("LiteLLM Proxy")

_LOGGERS = (verbose_logger, verbose_router_logger, verbose_proxy_logger)

_wanted = os.environ.get("LITELLM_LOG", "").upper()
if _wanted in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
    for _logger in _LOGGERS:
        _logger.setLevel(_wanted)


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "message": record.getMessage(),
            "level": record.levelname,
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(record.created)),
        }
        if record.exc_info:
            line["stacktrace"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _to_stderr(formatter: logging.Formatter) -> None:
    for logger in _LOGGERS:
        if not logger.handlers:
            logger.addHandler(logging.StreamHandler(sys.stderr))
        for handler in logger.handlers:
            handler.setFormatter(formatter)


def _turn_on_debug() -> None:
    """Logs what calls do, to stderr. Keys and prompts are never logged."""
    _to_stderr(logging.Formatter("%(asctime)s - %(name)s:%(levelname)s: %(message)s"))
    for logger in _LOGGERS:
        logger.setLevel(logging.DEBUG)


turn_on_debug = _turn_on_debug


def _turn_on_json() -> None:
    """Logs lines of JSON."""
    _to_stderr(JsonFormatter())


turn_on_json = _turn_on_json


def print_verbose(print_statement: object) -> None:
    """Logs at debug level, and prints while `litellm.set_verbose` is on."""
    import gateway

    verbose_logger.debug("%s", print_statement)
    if gateway.set_verbose:
        print(print_statement)
