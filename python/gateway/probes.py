"""Questions that are asked before the real ones: whether a key is good, which models there are, whether one answers,
how many tokens a prompt has."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from gateway.types import LiteLLMBaseModel

# What LiteLLM asks where the caller says nothing.
GREETING = "Hey, how's it going?"
PROMPT = "test from litellm"

# The address is asked this long, seconds.
PATIENCE = 5.0


class TokenCountResponse(LiteLLMBaseModel):
    """How many tokens a prompt has, and who counted them."""

    total_tokens: int
    request_model: str
    model_used: str
    tokenizer_type: str
    original_response: dict[str, Any] | None = None
    error: bool = False
    error_message: str | None = None
    status_code: int | None = None


def check_valid_key(model: str, api_key: str) -> bool:
    """Whether a provider takes a key, found out by a call of ten tokens. Any failure counts as no."""
    import gateway

    messages = [{"role": "user", "content": GREETING}]
    try:
        gateway.completion(model=model, messages=messages, api_key=api_key, max_tokens=10)
    except Exception:
        return False
    return True


def get_valid_models(
    check_provider_endpoint: bool | None = None,
    custom_llm_provider: str | None = None,
    litellm_params: Any = None,
    api_key: str | None = None,
    api_base: str | None = None,
) -> list[str]:
    """The models of every provider whose key is in the environment (`PROVIDER_API_KEY`).

    Args:
        check_provider_endpoint: ask the providers' `/models` instead of the price map, where they answer; default:
            `litellm.check_provider_endpoint`.
        custom_llm_provider: only this provider, whether or not its key is in the environment.
        litellm_params: an object with `api_key` and `api_base`, for those that are not given.
        api_key, api_base: for the provider's address.
    """
    import gateway

    if check_provider_endpoint is None:
        check_provider_endpoint = bool(getattr(gateway, "check_provider_endpoint", False))
    key = api_key or getattr(litellm_params, "api_key", None)
    base = api_base or getattr(litellm_params, "api_base", None)
    providers = [custom_llm_provider] if custom_llm_provider else [p for p in gateway.provider_list if _has_key(p)]
    models: list[str] = []
    for provider in providers:
        name = str(getattr(provider, "value", provider))
        if name == "azure":
            models.append("Azure-LLM")
            continue
        told = _told(name, key, base) if check_provider_endpoint else None
        models.extend(sorted(gateway.models_by_provider.get(name, ())) if told is None else told)
    return models


def _has_key(provider: Any) -> bool:
    name = str(getattr(provider, "value", provider)).upper()
    return any(f"{spelling}_API_KEY" in os.environ for spelling in (name, name.replace("_", "")))


def _told(provider: str, api_key: str | None, api_base: str | None) -> list[str] | None:
    """What a provider's `/models` lists; None where it does not answer as OpenAI's does."""
    import urllib.request

    from gateway.params import get_llm_provider
    from gateway.verbose import verbose_logger

    try:
        _, _, found, base = get_llm_provider(model=f"{provider}/x", api_base=api_base, api_key=api_key)
        base = base or ("https://api.openai.com/v1" if provider == "openai" else None)
        key = api_key or found or os.environ.get(f"{provider.upper()}_API_KEY")
        if base is None or not base.startswith(("http://", "https://")):
            return None
        request = urllib.request.Request(f"{base.rstrip('/')}/models", headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
            listed = json.load(reply)["data"]
        ids = [str(model["id"]) for model in listed]
    except Exception as error:
        verbose_logger.warning("the models of %s cannot be listed: %s", provider, error)
        return None
    return ids if provider == "openai" else [f"{provider}/{name}" for name in ids]


async def ahealth_check(
    model_params: dict[str, Any],
    mode: str | None = None,
    prompt: str | None = None,
    input: list[Any] | None = None,
) -> dict[str, Any]:
    """Asks a deployment something small.

    Args:
        model_params: arguments of the call, `model` among them.
        mode: what the model does: `chat` (default), `completion`, `embedding`, `image_generation`,
            `audio_speech`, `rerank`, `responses`, `moderation`.
        prompt, input: what is asked.

    Returns:
        The rate-limit headers that came, or `{"error": what went wrong}`. It never raises.
    """
    import gateway

    given = {name: value for name, value in model_params.items() if name != "messages"}
    asked = prompt or PROMPT
    kind = mode or _mode(str(given.get("model")))
    try:
        if kind == "chat":
            given.setdefault("max_tokens", 16)
            messages = model_params.get("messages") or [{"role": "user", "content": asked}]
            reply: Any = await gateway.acompletion(messages=messages, **given)
        elif kind == "completion":
            reply = await gateway.atext_completion(prompt=asked, **given)
        elif kind == "embedding":
            reply = await gateway.aembedding(input=input or [PROMPT], **given)
        elif kind == "image_generation":
            reply = await gateway.aimage_generation(prompt=asked, **given)
        elif kind == "audio_speech":
            reply = await gateway.aspeech(**{"input": asked, "voice": "alloy", **given})
        elif kind == "rerank":
            reply = await gateway.arerank(query=asked, documents=["my sample text"], **given)
        elif kind == "responses":
            reply = await gateway.aresponses(input=asked, **given)
        elif kind == "moderation":
            reply = await gateway.amoderation(input=asked, **given)
        else:
            return {"error": f"Mode {kind} not supported. See modes here: https://docs.litellm.ai/docs/proxy/health"}
    except Exception as error:
        return {"error": str(error)}
    headers = getattr(reply, "_hidden_params", {}).get("additional_headers") or {}
    return {name: value for name, value in headers.items() if str(name).startswith("x-ratelimit-")}


def _mode(model: str) -> str:
    import gateway

    try:
        return str(gateway.get_model_info(model).get("mode") or "chat")
    except Exception:
        return "chat"


async def acount_tokens(
    model: str,
    messages: list[dict[str, Any]] | None = None,
    tools: list[dict[str, Any]] | None = None,
    system: str | None = None,
    api_key: str | None = None,
    api_base: str | None = None,
) -> TokenCountResponse:
    """How many tokens a prompt has, counted here with the model's tokenizer, on a thread that may be busy.

    Args:
        messages: the conversation.
        tools: what the model may call.
        system: a system prompt before it.
        api_key, api_base: taken for LiteLLM's sake; no provider is asked.
    """
    import gateway

    whole = [{"role": "system", "content": system}] if system else []
    whole += messages or []
    count = await asyncio.to_thread(gateway.token_counter, model=model, messages=whole, tools=tools)
    used = gateway.get_llm_provider(model=model)[0]
    return TokenCountResponse(
        total_tokens=count, request_model=model, model_used=used, tokenizer_type="openai_tokenizer"
    )
