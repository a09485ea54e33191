"""What callbacks are told of a call: LiteLLM's `kwargs`, and its `standard_logging_object`.

Keys are left out: callbacks send what they are told on to other systems.
"""

from __future__ import annotations

import datetime
import uuid
from typing import Any

# Arguments that say how to make the call; the rest is for the model.
_NAMES = """
    api_base api_key api_version base_url custom_llm_provider drop_params additional_drop_params allowed_openai_params
    extra_headers fallbacks headers litellm_call_id litellm_trace_id max_retries metadata litellm_metadata mock_response
    model_info model_list modify_params num_retries organization proxy_server_request request_timeout tags timeout
    user_url_allowed_hosts user_url_validation cache caching ttl no-log litellm_session_id base_model
"""
_SETTINGS = frozenset(_NAMES.split())

_SECRET = frozenset({"api_key", "headers", "extra_headers"})


def _is_setting(name: str) -> bool:
    return name in _SETTINGS or name.startswith(("aws_", "vertex_", "azure_"))


def call_details(call_type: str, model: str, arguments: dict[str, Any], start: datetime.datetime) -> dict[str, Any]:
    """What is known before the call is made."""
    from gateway.params import get_llm_provider

    try:
        name, provider, _, base = get_llm_provider(
            model=model,
            custom_llm_provider=arguments.get("custom_llm_provider"),
            api_base=arguments.get("api_base"),
        )
    except Exception:
        # The call itself says so.
        name, provider, base = model, arguments.get("custom_llm_provider") or "", None
    messages = arguments.get("messages")
    if messages is None:
        messages = arguments.get("input", arguments.get("prompt"))
    optional = {
        key: value
        for key, value in arguments.items()
        if not _is_setting(key) and key not in ("messages", "input", "prompt", "stream_options")
    }
    settings = {
        key: value
        for key, value in arguments.items()
        if _is_setting(key) and key not in _SECRET and not key.startswith("aws_") and "credential" not in key
    }
    metadata = arguments.get("metadata") or {}
    call_id = arguments["litellm_call_id"]
    return {
        "litellm_call_id": call_id,
        "litellm_trace_id": arguments.get("litellm_trace_id") or str(uuid.uuid4()),
        "input": messages,
        "litellm_params": {
            **settings,
            "acompletion": call_type == "acompletion",
            "api_base": arguments.get("api_base") or base or "",
            "custom_llm_provider": provider,
            "litellm_call_id": call_id,
            "metadata": metadata,
            "model_info": arguments.get("model_info"),
            "proxy_server_request": arguments.get("proxy_server_request"),
            "stream_response": {},
        },
        "applied_guardrails": [],
        "model": name,
        "messages": messages,
        "optional_params": optional,
        **optional,
        "start_time": start,
        "stream": bool(arguments.get("stream")),
        "stream_options": arguments.get("stream_options"),
        "user": arguments.get("user"),
        "call_type": call_type,
        "completion_start_time": None,
        "standard_callback_dynamic_params": {},
        "custom_llm_provider": provider,
        "model_id": None,
        "additional_args": {"complete_input_dict": {"model": name, "messages": messages, **optional}},
    }


def add_success(details: dict[str, Any], result: Any, start: datetime.datetime, end: datetime.datetime) -> None:
    """The call succeeded."""
    hidden = getattr(result, "_hidden_params", None) or {}
    group = (hidden.get("additional_headers") or {}).get("x-litellm-model-group")
    if group:
        # A Router's call names a group; what answered is known now.
        details["model"], details["custom_llm_provider"] = hidden["litellm_model_name"], hidden["custom_llm_provider"]
        params = details["litellm_params"]
        params["custom_llm_provider"] = hidden["custom_llm_provider"]
        deployment = {"model_group": group, "model_info": {"id": hidden["model_id"]}}
        params["metadata"] = {**params["metadata"], **deployment}
    details.update(
        {
            "end_time": end,
            "completion_start_time": details["completion_start_time"] or end,
            "cache_hit": hidden.get("cache_hit"),
            "response_cost": 0.0 if hidden.get("cache_hit") else hidden.get("response_cost"),
            "response_headers": getattr(result, "_response_headers", None) or {},
            "original_response": _text(result),
            "log_event_type": "successful_api_call",
        }
    )
    details["standard_logging_object"] = _standard(details, result, hidden, None, start, end)


def add_failure(
    details: dict[str, Any], error: BaseException, trace: str, start: datetime.datetime, end: datetime.datetime
) -> None:
    """The call failed."""
    details.update(
        {
            "end_time": end,
            "completion_start_time": details["completion_start_time"] or end,
            "exception": error,
            "traceback_exception": trace,
            "response_cost": 0,
            "original_response": str(error),
            "log_event_type": "failed_api_call",
        }
    )
    details["standard_logging_object"] = _standard(details, None, {}, (error, trace), start, end)


def _text(result: Any) -> str:
    return str(result.model_dump_json()) if hasattr(result, "model_dump_json") else str(result)


# Of the server's callers; in process there are none.
_OF_KEYS = """
    user_api_key_hash user_api_key_alias user_api_key_spend user_api_key_max_budget user_api_key_budget_reset_at
    user_api_key_team_id user_api_key_org_id user_api_key_user_id user_api_key_team_alias user_api_key_user_email
    user_api_key_end_user_id user_api_key_request_route spend_logs_metadata requester_ip_address user_agent
    requester_metadata prompt_management_metadata mcp_tool_call_metadata vector_store_request_metadata
    requester_custom_headers cold_storage_object_key user_api_key_auth_metadata
"""
_NO_ONE: dict[str, Any] = dict.fromkeys(_OF_KEYS.split())


def _standard(
    details: dict[str, Any],
    result: Any,
    hidden: dict[str, Any],
    failure: tuple[BaseException, str] | None,
    start: datetime.datetime,
    end: datetime.datetime,
) -> dict[str, Any]:
    """LiteLLM's StandardLoggingPayload."""
    usage = getattr(result, "usage", None)
    metadata = details["litellm_params"].get("metadata") or {}
    first = details["completion_start_time"]
    status = "failure" if failure else "success"
    response = result.model_dump() if hasattr(result, "model_dump") else result
    cost = details["response_cost"] or 0.0
    params = {
        key: value for key, value in details["optional_params"].items() if key not in ("extra_body", "max_retries")
    }
    return {
        "id": getattr(result, "id", None) or details["litellm_call_id"],
        "litellm_call_id": details["litellm_call_id"],
        "trace_id": details["litellm_trace_id"],
        "session_id": str(details["litellm_params"].get("litellm_session_id") or ""),
        "call_type": details["call_type"],
        "cache_hit": details.get("cache_hit"),
        "stream": details["stream"] or None,
        "status": status,
        "status_fields": {"llm_api_status": status, "guardrail_status": "not_run"},
        "custom_llm_provider": details["custom_llm_provider"],
        "saved_cache_cost": (hidden.get("response_cost") or 0.0) if hidden.get("cache_hit") else 0.0,
        "startTime": start.timestamp(),
        "endTime": end.timestamp(),
        "completionStartTime": first.timestamp(),
        "response_time": (first if details["stream"] else end).timestamp() - start.timestamp(),
        "model": details["model"],
        "metadata": {**_NO_ONE, "applied_guardrails": [], "usage_object": _plain(usage)},
        "cache_key": hidden.get("cache_key"),
        "response_cost": cost,
        "cost_breakdown": None,
        "total_tokens": getattr(usage, "total_tokens", 0) or 0,
        "prompt_tokens": getattr(usage, "prompt_tokens", 0) or 0,
        "completion_tokens": getattr(usage, "completion_tokens", 0) or 0,
        "request_tags": list(metadata.get("tags") or details["litellm_params"].get("tags") or []),
        "end_user": details["user"] if metadata.get("user_api_key_end_user_id") else None,
        "api_base": hidden.get("api_base") or details["litellm_params"]["api_base"],
        "model_group": metadata.get("model_group") or "",
        "model_id": hidden.get("model_id") or "",
        "requester_ip_address": None,
        "user_agent": None,
        "messages": details["messages"],
        "response": response if response is not None else {},
        "model_parameters": params,
        "hidden_params": {
            "model_id": hidden.get("model_id"),
            "cache_key": hidden.get("cache_key"),
            "api_base": hidden.get("api_base"),
            "response_cost": cost,
            "additional_headers": hidden.get("additional_headers") or {},
            "litellm_overhead_time_ms": hidden.get("litellm_overhead_time_ms"),
            "batch_models": None,
            "litellm_model_name": hidden.get("litellm_model_name"),
            "usage_object": None,
        },
        "model_map_information": _prices(details["model"], details["custom_llm_provider"]),
        "error_str": str(failure[0]) if failure else None,
        "error_information": _error(failure, details["custom_llm_provider"]),
        "response_cost_failure_debug_info": None,
        "guardrail_information": None,
        "standard_built_in_tools_params": {
            "web_search_options": params.get("web_search_options"),
            "file_search": None,
        },
    }


def _plain(usage: Any) -> Any:
    return usage.model_dump() if hasattr(usage, "model_dump") else usage


def _prices(model: str, provider: str) -> dict[str, Any]:
    from gateway.catalog import get_model_info

    try:
        return {"model_map_key": model, "model_map_value": get_model_info(model, provider or None)}
    except Exception:
        # No entry in the price map.
        return {"model_map_key": model, "model_map_value": None}


def _error(failure: tuple[BaseException, str] | None, provider: str) -> dict[str, Any]:
    if failure is None:
        return {"error_code": "", "error_class": "", "llm_provider": "", "traceback": "", "error_message": ""}
    error, trace = failure
    return {
        "error_code": str(getattr(error, "status_code", "") or ""),
        "error_class": type(error).__name__,
        "llm_provider": getattr(error, "llm_provider", None) or provider,
        "traceback": trace,
        "error_message": str(error),
    }
