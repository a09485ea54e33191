"""A logger that hears of every finished call once, whichever way it was made, by its `standard_logging_object`."""

from __future__ import annotations

from typing import Any

from gateway.custom_logger import CustomLogger


class PayloadLogger(CustomLogger):
    """Override `record`. It may block: it runs on the callbacks' thread."""

    def record(self, payload: dict[str, Any]) -> None:
        """One finished call; `payload["status"]` is `success` or `failure`."""

    def log_success_event(self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        self.record(kwargs["standard_logging_object"])

    def log_failure_event(self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        from gateway.worker import WORKER

        WORKER.submit(lambda: self.record(kwargs["standard_logging_object"]))

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        from gateway.worker import WORKER

        WORKER.submit(lambda: self.record(kwargs["standard_logging_object"]))

    async def async_log_failure_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        from gateway.worker import WORKER

        WORKER.submit(lambda: self.record(kwargs["standard_logging_object"]))
