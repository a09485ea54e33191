"""`webhook`: each finished call as JSON to an address, in batches.

`GENERIC_LOGGER_ENDPOINT` is the address (`WEBHOOK_URL` too); `GENERIC_LOGGER_HEADERS` more headers, as
`name=value,name=value`. The body is a list of `standard_logging_object`s. An address that does not answer is tried
twice more; then the batch is dropped, and the log says so.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import Any

from gateway.integrations.payload import PayloadLogger
from gateway.verbose import verbose_logger
from gateway.worker import WORKER

# Calls in one request at most; those that wait while one is under way are joined.
_BATCH = 512
_SECONDS = 10
_ATTEMPTS = 3


class Webhook(PayloadLogger):
    """Sends finished calls to an address."""

    def __init__(self, endpoint: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__()
        self.endpoint = endpoint or os.environ.get("GENERIC_LOGGER_ENDPOINT") or os.environ.get("WEBHOOK_URL") or ""
        if not self.endpoint.startswith(("http://", "https://")):
            raise ValueError("GENERIC_LOGGER_ENDPOINT must be the http(s) address that calls are sent to")
        told = os.environ.get("GENERIC_LOGGER_HEADERS", "")
        pairs = (pair.split("=", 1) for pair in told.split(",") if "=" in pair)
        self.headers = {
            "content-type": "application/json",
            **{k.strip(): v.strip() for k, v in pairs},
            **(headers or {}),
        }
        self._waiting: list[dict[str, Any]] = []

    def record(self, payload: dict[str, Any]) -> None:
        """Called on the callbacks' thread only, so that nothing here needs a lock."""
        self._waiting.append(payload)
        if len(self._waiting) == 1:
            # After what is submitted already, which may be more calls.
            WORKER.submit(self._send)

    def _send(self) -> None:
        batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
        if self._waiting:
            WORKER.submit(self._send)
        body = json.dumps(batch, default=str).encode()
        for attempt in range(_ATTEMPTS):
            request = urllib.request.Request(self.endpoint, data=body, headers=self.headers, method="POST")
            try:
                with urllib.request.urlopen(request, timeout=_SECONDS):
                    return
            except (urllib.error.URLError, OSError) as error:
                if attempt == _ATTEMPTS - 1:
                    verbose_logger.error("the webhook got %d calls less: %s", len(batch), error)
