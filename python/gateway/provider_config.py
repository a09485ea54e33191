"""How providers are asked, for programs that decide by it: over which API a chat goes, and where a provider is.

LiteLLM keeps a class for each provider; here the registry of the core answers, through small objects with the methods
that programs call.
"""

from __future__ import annotations

from typing import Any

from gateway import _gateway
from gateway.params import dumps, get_llm_provider

# Providers of whose models LiteLLM has information apart from the price map: `get_provider_model_info`.
_INFORMED = """
    anthropic azure_ai baseten bedrock clarifai edenai fireworks_ai gemini hosted_vllm lemonade litellm_proxy ollama
    ollama_chat openai opencode_go openrouter topaz vertex_ai vllm xai
"""
# Addresses that LiteLLM tells without the version that calls have in them.
_ROOTS = {
    "gemini": "https://generativelanguage.googleapis.com",
    "xai": "https://api.x.ai",
}


def _name(provider: Any) -> str:
    return str(getattr(provider, "value", provider))


class ProviderModelInfo:
    """Where a provider is, and which models it says it has."""

    def __init__(self, provider: str) -> None:
        self.custom_llm_provider = provider

    def get_api_base(self, api_base: str | None = None) -> str | None:
        """The address that calls go to: the one given, the environment's, or the provider's own."""
        if api_base:
            return api_base
        _, _, _, found = get_llm_provider("model", self.custom_llm_provider)
        default: str | None = _gateway.default_base(self.custom_llm_provider)
        if self.custom_llm_provider in _ROOTS and found in {None, default}:
            return _ROOTS[self.custom_llm_provider]
        return found or default

    def get_api_key(self, api_key: str | None = None) -> str | None:
        """The key that calls are made with: the one given, `litellm.api_key`, or the environment's."""
        import gateway

        return api_key or gateway.api_key or _gateway.key_from_environment(self.custom_llm_provider)

    def get_base_model(self, model: str) -> str | None:
        """The model without the provider's prefix."""
        return model.removeprefix(f"{self.custom_llm_provider}/")

    def get_models(self, api_key: str | None = None, api_base: str | None = None) -> list[str]:
        """The models that the provider's `/models` names, as `provider/model`; without an answer, the price map's."""
        from gateway.probes import get_valid_models

        return get_valid_models(True, self.custom_llm_provider, None, api_key, api_base)


class ProviderResponsesAPIConfig:
    """A provider's own Responses API."""

    def __init__(self, provider: str, model: str | None) -> None:
        self.custom_llm_provider = provider
        self._model = model or "model"

    def get_complete_url(self, api_base: str | None, litellm_params: dict[str, Any]) -> str:
        """The address that `responses()` posts to.

        Raises:
            ValueError: the provider has no address of its own, and none is given.
        """
        url = _responses_address(self.custom_llm_provider, self._model, api_base, litellm_params)
        if url is None:
            raise ValueError(f"api_base is required for {self.custom_llm_provider}'s Responses API")
        return url


def _responses_address(
    provider: str, model: str | None, api_base: str | None, settings: dict[str, Any] | None = None
) -> str | None:
    call = {"model": model or "model", "input": "", **(settings or {}), "custom_llm_provider": provider}
    if api_base:
        call["api_base"] = api_base
    # A key is asked for when the call is made.
    call.setdefault("api_key", "none")
    try:
        return _gateway.responses_address(dumps(call))
    except _gateway.CoreError:
        return None


class ProviderConfigManager:
    """LiteLLM's lookup of what it knows of providers, as far as programs use it."""

    @staticmethod
    def get_provider_model_info(model: str | None, provider: Any) -> ProviderModelInfo | None:
        """What is known of a provider's models apart from the price map; None for most providers."""
        name = _name(provider)
        return ProviderModelInfo(name) if name in _INFORMED.split() else None

    @staticmethod
    def get_provider_responses_api_config(
        provider: Any, model: str | None = None, api_base: str | None = None
    ) -> ProviderResponsesAPIConfig | None:
        """The provider's own Responses API; None where `responses()` asks the provider through chat completions."""
        name = _name(provider)
        place = api_base or _gateway.default_base(name) or "https://host.invalid"
        if _responses_address(name, model, place) is None:
            return None
        return ProviderResponsesAPIConfig(name, model)


def responses_api_bridge_check(
    model: str,
    custom_llm_provider: str,
    web_search_options: Any = None,
    tools: Any = None,
    reasoning_effort: Any = None,
    reasoning_summary: Any = None,
    api_base: str | None = None,
    deployment_model_info: Any = None,
) -> tuple[dict[str, Any], str]:
    """Over which API a chat goes.

    Args:
        model: the model, without the provider; `responses/<model>` asks for the Responses API.
        custom_llm_provider: the provider.
        web_search_options, tools, reasoning_effort, api_base: as the call has them.
        reasoning_summary: the summary that the call wants of the model's reasoning.
        deployment_model_info: a deployment's `model_info`; its `mode` decides where it is `chat` or `responses`.

    Returns what the price map tells of the model, with the mode `responses` for a chat that is asked over the Responses
    API, and the model as it is named there.
    """
    from gateway.catalog import get_model_info
    from gateway.exceptions import ModelNotMappedError

    try:
        info = get_model_info(model, custom_llm_provider)
    except ModelNotMappedError:
        info = {}
    call: dict[str, Any] = {"model": model, "custom_llm_provider": custom_llm_provider, "messages": []}
    others = {
        "web_search_options": web_search_options,
        "tools": list(tools) if tools else None,
        "reasoning_effort": reasoning_effort,
        "reasoning_summary": reasoning_summary,
        "model_info": deployment_model_info,
        "api_base": api_base,
    }
    call.update({name: value for name, value in others.items() if value is not None})
    call.setdefault("api_base", _gateway.default_base(custom_llm_provider) or "https://host.invalid")
    try:
        over_responses = _gateway.asks_responses(dumps(call))
    except _gateway.CoreError:
        over_responses = False
    if over_responses:
        info["mode"] = "responses"
        model = model.replace("responses/", "")
    elif info.get("mode") != "responses" and dict(deployment_model_info or {}).get("mode") == "chat":
        info["mode"] = "chat"
    return info, model
