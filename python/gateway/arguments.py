"""The arguments of a call as the core takes them: module settings filled in, what is Python's own taken out.

Settings that are obeyed: those of `_SETTINGS`, keys of providers (`_KEYS`), `model_alias_map`, `model_fallbacks`,
`user_url_validation`, `user_url_allowed_hosts`, `callbacks` and its kin, `cache`, `custom_provider_map`.
"""

from __future__ import annotations

from typing import Any

from gateway.response_format import as_response_format, is_class

# Arguments that are Python objects of the caller's, or say which form of the call it is; the core has no use for them.
OURS = frozenset(
    {
        "acompletion",
        "aembedding",
        "aimage_edit",
        "aimg_generation",
        "arerank",
        "aspeech",
        "atranscription",
        "atext_completion",
        "async_call",
        "client",
        "logger_fn",
        "litellm_logging_obj",
        "model_list",
        "shared_session",
        "verbose",
        "azure_ad_token_provider",
        "hf_model_name",
    }
)

# Module settings that stand in for an argument that was not given.
_SETTINGS = {
    "drop_params": "drop_params",
    "modify_params": "modify_params",
    "use_litellm_proxy": "use_litellm_proxy",
    "api_key": "api_key",
    "api_base": "api_base",
    "api_version": "api_version",
    "organization": "organization",
    "num_retries": "num_retries",
    "request_timeout": "timeout",
    "headers": "extra_headers",
}

# Module settings that hold the key of one provider, in the order in which LiteLLM looks at them.
_KEYS = {
    "openai_key": ("openai", "text-completion-openai"),
    "azure_key": ("azure", "azure_text"),
    "anthropic_key": ("anthropic",),
    "groq_key": ("groq",),
    "xai_key": ("xai",),
    "cohere_key": ("cohere", "cohere_chat"),
    "databricks_key": ("databricks",),
    "huggingface_key": ("huggingface",),
    "infinity_key": ("infinity",),
    "openrouter_key": ("openrouter",),
    "togetherai_api_key": ("together_ai",),
    "cloudflare_api_key": ("cloudflare",),
    "vercel_ai_gateway_key": ("vercel_ai_gateway",),
    "novita_api_key": ("novita",),
    "nebius_key": ("nebius",),
    "ollama_key": ("ollama", "ollama_chat"),
}


def settings() -> dict[str, Any]:
    """What the module's settings say for every call."""
    import gateway

    values = vars(gateway)
    given = {
        argument: values[name]
        for name, argument in _SETTINGS.items()
        if values.get(name) not in (None, False) and not (name == "request_timeout" and values[name] == 6000)
    }
    # On unless it is switched off.
    if values.get("user_url_validation") is False:
        given["user_url_validation"] = False
    if values.get("user_url_allowed_hosts"):
        given["user_url_allowed_hosts"] = values["user_url_allowed_hosts"]
    return given


def _provider_of(model: str, arguments: dict[str, Any]) -> str | None:
    from gateway.params import get_llm_provider

    try:
        return get_llm_provider(
            model=model,
            custom_llm_provider=arguments.get("custom_llm_provider"),
            api_base=arguments.get("api_base"),
        )[1]
    except Exception:
        # The call itself says so.
        return None


def _key_of_provider(model: str, arguments: dict[str, Any]) -> str | None:
    """A key that the module's settings hold for the model's provider."""
    import gateway

    values = vars(gateway)
    assigned = [name for name in gateway.provider_keys if values.get(name)]
    if not assigned:
        return None
    provider = _provider_of(model, arguments)
    return next((values[name] for name in assigned if provider in _KEYS.get(name, ())), None)


def _seconds(timeout: Any) -> Any:
    """An httpx.Timeout as seconds: the read timeout is the one that a call waits on."""
    if isinstance(timeout, (int, float, str)) or timeout is None:
        return timeout
    return getattr(timeout, "read", None) or getattr(timeout, "connect", None)


def for_the_core(given: dict[str, Any], routed: bool = False) -> tuple[str, dict[str, Any]]:
    """Model and keyword arguments for the core, of a function's `locals()`.

    `routed`: the model is a group of a Router's, whose deployments have keys and addresses of their own.
    """
    import gateway

    given.update(given.pop("kwargs"))
    model = given.pop("model")
    token_provider = given.get("azure_ad_token_provider")
    if token_provider is not None and given.get("azure_ad_token") is None:
        given["azure_ad_token"] = _token(token_provider())
    arguments = {name: value for name, value in given.items() if value is not None and name not in OURS}
    for name, value in settings().items():
        if not routed or name not in ("api_key", "api_base", "api_version", "organization"):
            arguments.setdefault(name, value)
    if "base_url" in arguments:
        arguments.setdefault("api_base", arguments["base_url"])
        del arguments["base_url"]
    if "timeout" in arguments:
        arguments["timeout"] = _seconds(arguments["timeout"])
    if "response_format" in arguments:
        wanted = arguments["response_format"]
        provider = _provider_of(_aliased(model), arguments) if is_class(wanted) and not routed else None
        arguments["response_format"] = as_response_format(wanted, provider)
    mock = arguments.get("mock_response")
    if isinstance(mock, Exception):
        raise _mocked(mock, model)
    if mock is not None and hasattr(mock, "model_dump"):
        arguments["mock_response"] = mock.model_dump(exclude_none=True)
    deployment = arguments.pop("deployment_id", None)
    model = _aliased(deployment if deployment is not None else model)
    if gateway.provider_keys and not routed and "api_key" not in arguments:
        key = _key_of_provider(model, arguments)
        if key is not None:
            arguments["api_key"] = key
    return model, arguments


def _token(token: Any) -> str:
    """A token of Entra ID that the caller's function gave."""
    if not isinstance(token, str):
        raise TypeError(f"Azure AD token must be a string, got {type(token)}")
    return token


def _aliased(model: str) -> str:
    import gateway

    aliases: dict[str, str] = gateway.model_alias_map
    return aliases.get(model, model) if aliases else model


def _mocked(mock: Exception, model: str) -> Exception:
    """What a call with an exception as `mock_response` raises."""
    import openai

    from gateway import exceptions
    from gateway.params import get_llm_provider

    if isinstance(mock, openai.APIError):
        return mock
    name, provider, _, _ = get_llm_provider(model=model)
    provider = provider or ""
    title = "OpenAI" if provider == "openai" else provider.capitalize()
    message = f"InternalServerError: {title}Exception - litellm.MockException: {mock}"
    return exceptions.InternalServerError(message=message, llm_provider=provider, model=name)
