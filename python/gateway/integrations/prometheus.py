"""`prometheus`: LiteLLM's counters of calls, tokens, spend and latency, in `prometheus_client`'s default registry.

The labels are those that mean something in process; the server's own metrics, with all of LiteLLM's labels, need no
callback.
"""

from __future__ import annotations

from typing import Any

import prometheus_client

from gateway.integrations.payload import PayloadLogger

_LABELS = ("model", "requested_model", "model_id", "api_provider", "end_user", "user")
_BUCKETS = (0.005, 0.0125, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 60, 120, 240, 300)


class PrometheusLogger(PayloadLogger):
    """Counts finished calls."""

    def __init__(self, registry: Any = None) -> None:
        super().__init__()
        registry = registry or prometheus_client.REGISTRY

        def counter(name: str, text: str, labels: tuple[str, ...] = _LABELS) -> Any:
            return prometheus_client.Counter(name, text, labels, registry=registry)

        self.requests = counter("litellm_requests_metric", "Calls that were answered")
        self.failures = counter(
            "litellm_llm_api_failed_requests_metric", "Calls that failed", (*_LABELS, "exception_class")
        )
        self.spend = counter("litellm_spend_metric", "USD")
        self.total_tokens = counter("litellm_total_tokens_metric", "Tokens in and out")
        self.input_tokens = counter("litellm_input_tokens_metric", "Tokens in")
        self.output_tokens = counter("litellm_output_tokens_metric", "Tokens out")
        self.latency = prometheus_client.Histogram(
            "litellm_request_total_latency_metric",
            "Seconds from the call to its end",
            _LABELS,
            buckets=_BUCKETS,
            registry=registry,
        )
        self.first_token = prometheus_client.Histogram(
            "litellm_llm_api_time_to_first_token_metric",
            "Seconds to the first chunk of a stream",
            _LABELS,
            buckets=_BUCKETS,
            registry=registry,
        )

    def record(self, payload: dict[str, Any]) -> None:
        labels = {
            "model": payload["model"],
            "requested_model": payload["model_group"] or payload["model"],
            "model_id": payload["model_id"],
            "api_provider": payload["custom_llm_provider"] or "",
            "end_user": payload["end_user"] or "",
            "user": str(payload["model_parameters"].get("user") or ""),
        }
        if payload["status"] == "failure":
            self.failures.labels(**labels, exception_class=payload["error_information"]["error_class"]).inc()
            return
        self.requests.labels(**labels).inc()
        self.spend.labels(**labels).inc(payload["response_cost"])
        self.total_tokens.labels(**labels).inc(payload["total_tokens"])
        self.input_tokens.labels(**labels).inc(payload["prompt_tokens"])
        self.output_tokens.labels(**labels).inc(payload["completion_tokens"])
        self.latency.labels(**labels).observe(payload["endTime"] - payload["startTime"])
        if payload["stream"]:
            self.first_token.labels(**labels).observe(payload["completionStartTime"] - payload["startTime"])
