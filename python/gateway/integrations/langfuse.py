"""`langfuse`: a generation for each call, through Langfuse's own client (version 3 or newer).

The client reads `LANGFUSE_PUBLIC_KEY`, `LANGFUSE_SECRET_KEY` and `LANGFUSE_HOST`. Of a call's `metadata`,
`generation_name`, `trace_user_id`, `session_id` and `tags` are Langfuse's; the rest is attached as it is.
"""

from __future__ import annotations

from typing import Any

from langfuse import Langfuse

from gateway.integrations.payload import PayloadLogger

# LiteLLM's `integrations.langfuse` is a package.
__path__: list[str] = []


class LangfuseLogger(PayloadLogger):
    """Makes generations of finished calls."""

    def __init__(self, client: Any = None) -> None:
        super().__init__()
        self.client = client or Langfuse()

    def log_success_event(self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        self._remember(kwargs)
        super().log_success_event(kwargs, response_obj, start_time, end_time)

    def log_failure_event(self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        self._remember(kwargs)
        super().log_failure_event(kwargs, response_obj, start_time, end_time)

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        self._remember(kwargs)
        await super().async_log_success_event(kwargs, response_obj, start_time, end_time)

    async def async_log_failure_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        self._remember(kwargs)
        await super().async_log_failure_event(kwargs, response_obj, start_time, end_time)

    @staticmethod
    def _remember(kwargs: dict[str, Any]) -> None:
        kwargs["standard_logging_object"]["langfuse_metadata"] = dict(kwargs["litellm_params"]["metadata"])

    def record(self, payload: dict[str, Any]) -> None:
        metadata = payload.pop("langfuse_metadata", {})
        failed = payload["status"] == "failure"
        response = payload["response"]
        generation = self.client.start_observation(
            as_type="generation",
            name=metadata.pop("generation_name", None) or f"litellm-{payload['call_type']}",
            model=payload["model"],
            input=payload["messages"],
            output=None if failed else response.get("choices", response) if isinstance(response, dict) else response,
            model_parameters={name: str(value) for name, value in payload["model_parameters"].items()},
            metadata={**metadata, "litellm_call_id": payload["litellm_call_id"]},
            usage_details={
                "input": payload["prompt_tokens"],
                "output": payload["completion_tokens"],
                "total": payload["total_tokens"],
            },
            cost_details={"total": payload["response_cost"]},
            level="ERROR" if failed else "DEFAULT",
            status_message=payload["error_str"],
        )
        update = getattr(generation, "update_trace", None)
        if update is not None:
            update(
                user_id=metadata.get("trace_user_id"),
                session_id=metadata.get("session_id"),
                tags=payload["request_tags"] or None,
            )
        generation.end()
