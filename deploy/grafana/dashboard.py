"""Writes the Grafana dashboard of the gateway: one row of the table below is one panel.

python deploy/grafana/dashboard.py            # writes charts/gateway/dashboards/gateway.json
python deploy/grafana/dashboard.py --check    # exit status 1 when the file is not what this script writes
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[2] / "charts" / "gateway" / "dashboards" / "gateway.json"

#: Every query is limited to the models chosen on top of the board.
MODELS = 'requested_model=~"$model"'
GROUPS = 'model_group=~"$model"'


def quantile(q: float, metric: str, by: str = "", where: str = GROUPS) -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket{{{where}}}[$__rate_interval])))"


def rate(metric: str, by: str, where: str = MODELS) -> str:
    return f"sum by ({by}) (rate({metric}_total{{{where}}}[$__rate_interval]))"


#: Title, unit of Grafana, width of 24, [(query, legend)].
ROWS: list[tuple[str, list[tuple[str, str, int, list[tuple[str, str]]]]]] = [
    (
        "Now",
        [
            (
                "Requests",
                "reqps",
                4,
                [(f"sum(rate(litellm_proxy_total_requests_metric_total{{{MODELS}}}[$__rate_interval]))", "requests")],
            ),
            (
                "Failures",
                "percentunit",
                4,
                [
                    (
                        f"(sum(rate(litellm_proxy_failed_requests_metric_total{{{MODELS}}}[$__rate_interval]))"
                        " or vector(0))"
                        f" / sum(rate(litellm_proxy_total_requests_metric_total{{{MODELS}}}[$__rate_interval]))",
                        "failures",
                    )
                ],
            ),
            (
                "Tokens a minute",
                "short",
                4,
                [(f"sum(rate(litellm_total_tokens_metric_total{{{MODELS}}}[$__rate_interval])) * 60", "tokens")],
            ),
            (
                "Cost an hour",
                "currencyUSD",
                4,
                [(f"sum(rate(litellm_spend_metric_total{{{MODELS}}}[$__rate_interval])) * 3600", "cost")],
            ),
            ("In flight", "short", 4, [("sum(litellm_in_flight_requests)", "in flight")]),
            ("Deployments out", "short", 4, [("count(litellm_deployment_state == 2) or vector(0)", "out")]),
        ],
    ),
    (
        "Traffic",
        [
            (
                "Requests by model",
                "reqps",
                8,
                [(rate("litellm_proxy_total_requests_metric", "requested_model"), "{{requested_model}}")],
            ),
            (
                "Requests by status",
                "reqps",
                8,
                [(rate("litellm_proxy_total_requests_metric", "status_code"), "{{status_code}}")],
            ),
            (
                "Failures by class",
                "reqps",
                8,
                [
                    (
                        rate("litellm_proxy_failed_requests_metric", "exception_class, exception_status"),
                        "{{exception_class}} {{exception_status}}",
                    )
                ],
            ),
        ],
    ),
    (
        "Time",
        [
            (
                "Whole call",
                "s",
                8,
                [(quantile(q, "litellm_request_total_latency_metric"), f"p{int(q * 100)}") for q in (0.5, 0.95, 0.99)],
            ),
            (
                "First token",
                "s",
                8,
                [
                    (quantile(q, "litellm_llm_api_time_to_first_token_metric"), f"p{int(q * 100)}")
                    for q in (0.5, 0.95, 0.99)
                ],
            ),
            (
                "Added by the gateway",
                "s",
                8,
                [(quantile(q, "litellm_overhead_latency_metric"), f"p{int(q * 100)}") for q in (0.5, 0.95, 0.99)],
            ),
            (
                "First token by model, p95",
                "s",
                12,
                [(quantile(0.95, "litellm_llm_api_time_to_first_token_metric", "model_group"), "{{model_group}}")],
            ),
            (
                "Time for each token of output by deployment, p95",
                "s",
                12,
                [
                    (
                        quantile(0.95, "litellm_deployment_latency_per_output_token", "litellm_model_name, api_base"),
                        "{{litellm_model_name}} {{api_base}}",
                    )
                ],
            ),
        ],
    ),
    (
        "Tokens and cost",
        [
            (
                "Input tokens by model",
                "short",
                8,
                [(rate("litellm_input_tokens_metric", "requested_model") + " * 60", "{{requested_model}}")],
            ),
            (
                "Output tokens by model",
                "short",
                8,
                [(rate("litellm_output_tokens_metric", "requested_model") + " * 60", "{{requested_model}}")],
            ),
            (
                "Read from the provider's cache",
                "short",
                8,
                [(rate("litellm_input_cached_tokens_metric", "requested_model") + " * 60", "{{requested_model}}")],
            ),
            (
                "Cost an hour by model",
                "currencyUSD",
                12,
                [(rate("litellm_spend_metric", "model") + " * 3600", "{{model}}")],
            ),
            (
                "Cost an hour by key",
                "currencyUSD",
                12,
                [(rate("litellm_spend_metric", "api_key_alias") + " * 3600", "{{api_key_alias}}")],
            ),
        ],
    ),
    (
        "Deployments",
        [
            (
                "State (0 well, 1 partly, 2 out)",
                "short",
                8,
                [
                    (
                        "max by (litellm_model_name, api_base, model_id) (litellm_deployment_state)",
                        "{{litellm_model_name}} {{api_base}}",
                    )
                ],
            ),
            (
                "Failures",
                "reqps",
                8,
                [
                    (
                        rate("litellm_deployment_failure_responses", "litellm_model_name, exception_status"),
                        "{{litellm_model_name}} {{exception_status}}",
                    )
                ],
            ),
            (
                "Cooldowns a minute",
                "short",
                8,
                [
                    (
                        rate("litellm_deployment_cooled_down", "litellm_model_name", "") + " * 60",
                        "{{litellm_model_name}}",
                    )
                ],
            ),
            (
                "Fallbacks",
                "reqps",
                8,
                [
                    (
                        rate("litellm_deployment_successful_fallbacks", "requested_model, fallback_model"),
                        "{{requested_model}} to {{fallback_model}}",
                    ),
                    (
                        rate("litellm_deployment_failed_fallbacks", "requested_model, fallback_model"),
                        "failed: {{requested_model}} to {{fallback_model}}",
                    ),
                ],
            ),
            (
                "Requests left at the provider",
                "short",
                8,
                [
                    (
                        "min by (litellm_model_name, api_base) (litellm_remaining_requests_metric)",
                        "{{litellm_model_name}}",
                    )
                ],
            ),
            (
                "Tokens left at the provider",
                "short",
                8,
                [("min by (litellm_model_name, api_base) (litellm_remaining_tokens_metric)", "{{litellm_model_name}}")],
            ),
        ],
    ),
    (
        "Resilience",
        [
            (
                "Circuit breakers (0 closed, 1 half-open, 2 open)",
                "short",
                8,
                [
                    (
                        "max by (litellm_model_name, api_base) (gateway_circuit_breaker_state)",
                        "{{litellm_model_name}} {{api_base}}",
                    )
                ],
            ),
            (
                "Saturation: calls in flight of those allowed",
                "percentunit",
                8,
                [
                    (
                        "max by (litellm_model_name, api_base)"
                        " (gateway_deployment_in_flight_requests / gateway_deployment_concurrency_limit)",
                        "{{litellm_model_name}} {{api_base}}",
                    )
                ],
            ),
            (
                "Calls that wait for a deployment",
                "short",
                8,
                [
                    (
                        "sum by (litellm_model_name, api_base) (gateway_deployment_queued_requests)",
                        "{{litellm_model_name}} {{api_base}}",
                    )
                ],
            ),
            (
                "Retries that the budget denied",
                "reqps",
                8,
                [(rate("gateway_retries_denied", "model_group", GROUPS), "{{model_group}}")],
            ),
            (
                "Second calls (hedging)",
                "reqps",
                8,
                [(rate("gateway_hedged_calls", "model_group", GROUPS), "{{model_group}}")],
            ),
            (
                "Refused as too many, decided without Redis",
                "reqps",
                8,
                [
                    ("sum by (instance) (rate(gateway_shed_requests_total[$__rate_interval]))", "refused {{instance}}"),
                    (
                        "sum by (instance) (rate(gateway_redis_unavailable_total[$__rate_interval]))",
                        "without Redis {{instance}}",
                    ),
                ],
            ),
        ],
    ),
    (
        "The gateway itself",
        [
            ("In flight by instance", "short", 8, [("sum by (instance) (litellm_in_flight_requests)", "{{instance}}")]),
            (
                "Wait before routing, p99",
                "s",
                8,
                [(quantile(0.99, "litellm_request_queue_time_seconds", where=MODELS), "p99")],
            ),
            (
                "Stages of a call, p95",
                "s",
                8,
                [(quantile(0.95, "gateway_stage_seconds", "stage", ""), "{{stage}}")],
            ),
            (
                "Configuration",
                "short",
                8,
                [
                    ("max by (instance) (gateway_config_version)", "version {{instance}}"),
                    ("sum by (result) (increase(gateway_config_reloads_total[$__rate_interval]))", "{{result}}"),
                ],
            ),
            (
                "Series folded into `other`",
                "short",
                8,
                [("sum by (metric) (gateway_metric_series_folded_total)", "{{metric}}")],
            ),
            (
                "Log lines and spans lost",
                "short",
                8,
                [
                    (
                        "sum by (instance) (increase(gateway_log_lines_dropped_total[$__rate_interval]))",
                        "lines {{instance}}",
                    ),
                    (
                        "sum by (instance) (increase(gateway_otel_spans_dropped_total[$__rate_interval]))",
                        "spans {{instance}}",
                    ),
                ],
            ),
        ],
    ),
]


def dashboard() -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    y = 0
    for row, cells in ROWS:
        panels.append(
            {
                "type": "row",
                "title": row,
                "id": len(panels) + 1,
                "gridPos": {"x": 0, "y": y, "w": 24, "h": 1},
                "panels": [],
            }
        )
        y += 1
        x = 0
        height = 4 if row == "Now" else 8
        for title, unit, width, queries in cells:
            if x + width > 24:
                x, y = 0, y + height
            panels.append(
                panel(len(panels) + 1, title, unit, queries, {"x": x, "y": y, "w": width, "h": height}, row == "Now")
            )
            x += width
        y += height
    return {
        "uid": "gateway",
        "title": "Gateway",
        "description": "Tokens, cost, time, errors and deployments of the gateway",
        "tags": ["llm", "gateway", "litellm"],
        "timezone": "browser",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
                {
                    "name": "model",
                    "type": "query",
                    "label": "Model",
                    "datasource": {"type": "prometheus", "uid": "${datasource}"},
                    "query": "label_values(litellm_proxy_total_requests_metric_total, requested_model)",
                    "includeAll": True,
                    "allValue": ".*",
                    "multi": True,
                    "refresh": 2,
                    "current": {"text": "All", "value": "$__all"},
                },
            ]
        },
        "panels": panels,
    }


def panel(
    ident: int, title: str, unit: str, queries: list[tuple[str, str]], place: dict[str, int], single: bool
) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "id": ident,
        "type": "stat" if single else "timeseries",
        "title": title,
        "datasource": source,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}}
        if single
        else {"legend": {"displayMode": "list", "placement": "bottom"}},
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": source, "expr": query, "legendFormat": legend}
            for at, (query, legend) in enumerate(queries)
        ],
    }


def main() -> int:
    written = json.dumps(dashboard(), indent=2) + "\n"
    if "--check" in sys.argv[1:]:
        return 0 if FILE.read_text() == written else 1
    FILE.write_text(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
