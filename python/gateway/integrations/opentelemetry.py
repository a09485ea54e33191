"""`otel`: a span for each call, by OpenTelemetry's conventions for generative AI.

Spans go to the tracer provider that the program has set up; without one, to the OTLP endpoint that the usual
`OTEL_EXPORTER_OTLP_*` variables name. Messages and replies become attributes only with
`OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true`.
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

from __future__ import annotations

import base64
import json
import os
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from gateway.integrations.payload import PayloadLogger

_OPERATIONS = {"completion": "chat", "text_completion": "text_completion", "embedding": "embeddings"}
_NANOSECONDS = 1_000_000_000


def _exported_provider(endpoint: str | None = None, headers: dict[str, str] | None = None) -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, headers=headers)))
    return provider


class OpenTelemetry(PayloadLogger):
    """Makes spans of finished calls."""

    def __init__(self, tracer_provider: Any = None) -> None:
        super().__init__()
        if tracer_provider is None:
            tracer_provider = trace.get_tracer_provider()
            if not isinstance(tracer_provider, TracerProvider):
                tracer_provider = _exported_provider()
        self.tracer = tracer_provider.get_tracer("litellm")
        capture = os.environ.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "")
        self.captures_content = capture.lower() == "true"

    def record(self, payload: dict[str, Any]) -> None:
        operation = _OPERATIONS.get(payload["call_type"].removeprefix("a"), payload["call_type"])
        span = self.tracer.start_span(
            "litellm_request", kind=SpanKind.CLIENT, start_time=int(payload["startTime"] * _NANOSECONDS)
        )
        params = payload["model_parameters"]
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": operation,
            "gen_ai.system": payload["custom_llm_provider"] or "",
            "gen_ai.provider.name": payload["custom_llm_provider"] or "",
            "gen_ai.request.model": payload["model"],
            "gen_ai.request.temperature": params.get("temperature"),
            "gen_ai.request.top_p": params.get("top_p"),
            "gen_ai.request.max_tokens": params.get("max_tokens"),
            "gen_ai.response.id": payload["id"],
            "gen_ai.usage.input_tokens": payload["prompt_tokens"],
            "gen_ai.usage.output_tokens": payload["completion_tokens"],
            "gen_ai.usage.total_tokens": payload["total_tokens"],
            "gen_ai.cost.total_cost": payload["response_cost"],
            "llm.is_streaming": str(bool(payload["stream"])),
        }
        response = payload["response"]
        if isinstance(response, dict) and response.get("model"):
            attributes["gen_ai.response.model"] = response["model"]
        if self.captures_content:
            attributes["gen_ai.input.messages"] = json.dumps(payload["messages"], default=str)
            attributes["gen_ai.output.messages"] = json.dumps(response, default=str)
        span.set_attributes({name: value for name, value in attributes.items() if value is not None})
        if payload["status"] == "failure":
            span.set_attribute("error.type", payload["error_information"]["error_class"])
            span.set_status(Status(StatusCode.ERROR, payload["error_str"]))
        else:
            span.set_status(Status(StatusCode.OK))
        span.end(int(payload["endTime"] * _NANOSECONDS))


def langfuse_otel() -> OpenTelemetry:
    """The same, to Langfuse's OTLP endpoint (`LANGFUSE_PUBLIC_KEY`, `LANGFUSE_SECRET_KEY`, `LANGFUSE_HOST`)."""
    host = os.environ.get("LANGFUSE_HOST", "https://cloud.langfuse.com").rstrip("/")
    keys = f"{os.environ['LANGFUSE_PUBLIC_KEY']}:{os.environ['LANGFUSE_SECRET_KEY']}"
    headers = {"Authorization": "Basic " + base64.b64encode(keys.encode()).decode()}
    made = OpenTelemetry(_exported_provider(f"{host}/api/public/otel/v1/traces", headers))
    made.captures_content = True
    return made
