"""What calls cost, in USD, with LiteLLM's names and signatures. The arithmetic and the price map are the core's."""

from __future__ import annotations

import functools
import json
from typing import Any

from pydantic_core import to_json

from gateway import _gateway

_TIERS = frozenset({"flex", "balanced", "priority", "fast", "ultrafast"})
_IMAGE_CALLS = frozenset({"image_generation", "aimage_generation", "image_edit", "aimage_edit"})
_SPEECH_CALLS = frozenset({"speech", "aspeech"})
_RERANK_CALLS = frozenset({"rerank", "arerank"})
_TRANSCRIPTION_CALLS = frozenset({"transcription", "atranscription"})
# What kind of call a reply that is no chat is of.
_CALL_TYPES = {
    "RerankResponse": "rerank",
    "TranscriptionResponse": "transcription",
    "HttpxBinaryResponseContent": "speech",
}
_TOKEN_RATES = ("input_cost_per_token", "output_cost_per_token", "tiered_pricing")


# What a search costs at Google where the map says nothing. USD.
_GOOGLE_SEARCH = 0.035
_GOOGLE = frozenset({"gemini", "vertex_ai", "vertex_ai_beta"})

# Usage of the Responses API under the names of a chat's.
_CHAT_NAMES = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens_details": "completion_tokens_details",
}


@functools.lru_cache(maxsize=1024)
def _entry(model: str, provider: str | None) -> dict[str, Any] | None:
    """An entry of the price map, until another is registered; who reads it changes nothing."""
    found = _gateway.price_entry(model, provider)
    return None if found is None else json.loads(found[1])


def forget_entries() -> None:
    """The price map has changed."""
    _entry.cache_clear()
    _ranked.cache_clear()


def _not_mapped(model: str, provider: str | None) -> Exception:
    from gateway.exceptions import ModelNotMappedError

    return ModelNotMappedError(
        f"This model isn't mapped yet. model={model}, custom_llm_provider={provider}. "
        "Add it here - https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json."
    )


def _plain(usage: Any) -> dict[str, Any]:
    told = usage if isinstance(usage, dict) else None
    if told is None:
        told = usage.model_dump(exclude_none=True) if hasattr(usage, "model_dump") else dict(usage)
    plain = {name: value for name, value in told.items() if value is not None}
    if "input_tokens" in plain and "prompt_tokens" not in plain:
        plain = {_CHAT_NAMES.get(name, name): value for name, value in plain.items()}
    return plain


def _provider_of(model: str) -> str:
    from gateway.params import get_llm_provider

    return get_llm_provider(model=model)[1] or ""


def cost_per_token(
    model: str = "",
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
    response_time_ms: float | None = 0.0,
    custom_llm_provider: str | None = None,
    region_name: str | None = None,
    prompt_characters: int | None = None,
    completion_characters: int | None = None,
    cache_creation_input_tokens: int | None = 0,
    cache_read_input_tokens: int | None = 0,
    custom_cost_per_token: Any = None,
    custom_cost_per_second: float | None = None,
    number_of_queries: int | None = None,
    usage_object: Any = None,
    rerank_billed_units: Any = None,
    call_type: str = "completion",
    audio_transcription_file_duration: float = 0.0,
    service_tier: str | None = None,
    **kwargs: Any,
) -> tuple[float, float]:
    """Cost of a call's input and of its output, in USD.

    Args:
        model: with or without `provider/`.
        usage_object: usage of a reply; else `prompt_tokens` and the other counts are used.
        custom_cost_per_token: prices instead of the map's (`input_cost_per_token`, `output_cost_per_token`, ...).
        custom_cost_per_second: price of a second, with `response_time_ms`.
        service_tier: `flex`, `priority`, ...: prices of that tier, where there are any.
        audio_transcription_file_duration: seconds of audio, for transcriptions.

    Raises:
        ModelNotMappedError: the price map does not have the model.
    """
    if usage_object:
        plain = _plain(usage_object)
    else:
        from gateway.types import Usage

        made = Usage(
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            total_tokens=prompt_tokens + completion_tokens,
            **_cache_counts(cache_creation_input_tokens, cache_read_input_tokens),
        )
        plain = _plain(made)
    if custom_cost_per_token is not None:
        return _custom(plain, prompt_tokens, completion_tokens, custom_cost_per_token)
    if custom_cost_per_second is not None:
        return 0.0, custom_cost_per_second * (response_time_ms or 0.0) / 1000
    return _priced(
        plain,
        model,
        custom_llm_provider,
        service_tier,
        call_type,
        region=region_name,
        response_time_ms=response_time_ms,
        characters=prompt_characters,
        seconds=audio_transcription_file_duration,
        units=rerank_billed_units,
    )


def _priced(
    plain: dict[str, Any],
    model: str,
    provider: str | None,
    service_tier: str | None,
    call_type: str,
    region: str | None = None,
    response_time_ms: float | None = 0.0,
    characters: int | None = None,
    seconds: float = 0.0,
    units: Any = None,
) -> tuple[float, float]:
    """The same by the price map, of usage as `_plain` has it."""
    if provider is None:
        provider = _provider_of(model)
    else:
        while model.startswith(f"{provider}/{provider}/"):
            model = model[len(provider) + 1 :]
    key = _priced_key(model, provider, region)
    entry = _entry(key, provider) or _entry(model, provider)
    if call_type in _RERANK_CALLS:
        return _rerank(entry, provider, units)
    if entry is None and provider == "fireworks_ai":
        from gateway import price_classes

        key = price_classes.fireworks(model)
        entry = _entry(key, provider)
    if entry is None and provider in ("huggingface", "ollama", "ollama_chat"):
        return 0.0, 0.0
    if entry is None and provider == "together_ai":
        from gateway import price_classes

        key = price_classes.together(model, call_type)
        entry = _entry(key, provider)
    if entry is None:
        raise _not_mapped(model, provider)
    if call_type in _TRANSCRIPTION_CALLS and not plain.get("prompt_tokens_details"):
        return _by_second(entry, seconds)
    if call_type in _SPEECH_CALLS and entry.get("input_cost_per_character") is not None:
        return (characters or 0) * float(entry["input_cost_per_character"]), 0.0
    if not any(entry.get(rate) is not None for rate in _TOKEN_RATES):
        return _by_time(entry, response_time_ms)
    if provider == "perplexity":
        return _perplexity(entry, plain)
    counts = to_json(plain)
    cost = _gateway.token_cost(key, provider, counts, service_tier)
    if cost is None:
        cost = _gateway.token_cost(model, provider, counts, service_tier)
    if cost is None:
        raise _not_mapped(model, provider)
    return cost


def _cache_counts(written: int | None, read: int | None) -> dict[str, int]:
    counts = {"cache_creation_input_tokens": written, "cache_read_input_tokens": read}
    return {name: count for name, count in counts.items() if count}


def _priced_key(model: str, provider: str, region: str | None) -> str:
    bare = model.removeprefix(f"{provider}/")
    if region is not None and _gateway.price_entry(f"{provider}/{region}/{bare}", provider) is not None:
        return f"{provider}/{region}/{bare}"
    return model


def _custom(
    usage: dict[str, Any], prompt_tokens: int, completion_tokens: int, prices: dict[str, float]
) -> tuple[float, float]:
    details = usage.get("prompt_tokens_details") or {}
    read = usage.get("cache_read_input_tokens") or details.get("cached_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or details.get("cache_creation_tokens") or 0
    prompt = prompt_tokens or usage.get("prompt_tokens", 0)
    if "cache_read_input_tokens" in usage or "cache_creation_input_tokens" in usage:
        prompt += read + written
    rate = prices["input_cost_per_token"]
    cost = max(prompt - read - written, 0) * rate
    cost += read * prices.get("cache_read_input_token_cost", rate)
    cost += written * prices.get("cache_creation_input_token_cost", rate)
    return cost, (completion_tokens or usage.get("completion_tokens", 0)) * prices["output_cost_per_token"]


def _rerank(entry: dict[str, Any] | None, provider: str, units: Any) -> tuple[float, float]:
    """By the query as the reply counts them, or by the token; what the price map does not have costs nothing."""
    by_token = provider in ("jina_ai", "voyage")
    price = (entry or {}).get("input_cost_per_token" if by_token else "input_cost_per_query")
    count = (units or {}).get("total_tokens" if by_token else "search_units")
    return float(price or 0.0) * (count or 0), 0.0


def _by_second(entry: dict[str, Any], seconds: float) -> tuple[float, float]:
    if entry.get("output_cost_per_second"):
        return 0.0, float(entry["output_cost_per_second"]) * seconds
    if entry.get("input_cost_per_second") is not None:
        return float(entry["input_cost_per_second"]) * seconds, 0.0
    return 0.0, 0.0


def _by_time(entry: dict[str, Any], response_time_ms: float | None) -> tuple[float, float]:
    for name in ("cost_per_second", "input_cost_per_second", "output_cost_per_second"):
        if entry.get(name) is not None:
            return float(entry[name]) * (response_time_ms or 0.0) / 1000, 0.0
    return 0.0, 0.0


def _perplexity(entry: dict[str, Any], usage: dict[str, Any]) -> tuple[float, float]:
    """Perplexity bills citations, reasoning and searches apart; a cost that it states itself is the cost."""
    stated = usage.get("cost")
    if isinstance(stated, dict):
        stated = stated.get("total_cost")
    if isinstance(stated, (int, float)) and not isinstance(stated, bool):
        return 0.0, float(stated)

    def rate(name: str) -> float:
        return float(entry.get(name) or 0.0)

    prompt = usage.get("prompt_tokens", 0) * rate("input_cost_per_token")
    prompt += (usage.get("citation_tokens") or 0) * rate("citation_cost_per_token")
    details = usage.get("completion_tokens_details") or {}
    reasoning = usage.get("reasoning_tokens") or details.get("reasoning_tokens") or 0
    completion = usage.get("completion_tokens", 0)
    if reasoning and entry.get("output_cost_per_reasoning_token") is not None:
        cost = max(0, completion - reasoning) * rate("output_cost_per_token")
        cost += reasoning * rate("output_cost_per_reasoning_token")
    else:
        cost = completion * rate("output_cost_per_token")
    searches = (usage.get("prompt_tokens_details") or {}).get("web_search_requests") or 0
    per_search = entry.get("search_queries_cost_per_query") or entry.get("search_context_cost_per_query")
    if searches and per_search is not None:
        if isinstance(per_search, dict):
            per_search = per_search.get("search_context_size_low", 0)
        cost += searches * float(per_search)
    return prompt, cost


@functools.lru_cache(maxsize=2)
def _provider_names(count: int) -> frozenset[str]:
    """The names in `provider_list` while it has so many."""
    from gateway.params import provider_list

    return frozenset(str(getattr(name, "value", name)) for name in provider_list)


def _names(model: str | None, served: str | None, provider: str | None) -> tuple[str, ...]:
    """The names a reply may be priced by, best first: what served it, then what was asked for."""
    from gateway.params import provider_list

    return _ranked(model, served, provider, len(provider_list))


@functools.lru_cache(maxsize=1024)
def _ranked(model: str | None, served: str | None, provider: str | None, providers: int) -> tuple[str, ...]:
    known = _provider_names(providers)

    def mapped(name: str) -> str:
        return name if provider is None or name.split("/")[0] in known else f"{provider}/{name}"

    names: list[str] = []
    served_name = mapped(served) if served else None
    asked = mapped(model) if model else None
    if served_name and (asked is None or served_name in (asked, asked.partition("/")[2])):
        names = [served_name]
    elif served_name and asked:
        entry = _entry(served_name, provider)
        names = (
            [served_name, asked]
            if entry and any(entry.get(r) is not None for r in _TOKEN_RATES)
            else [asked, served_name]
        )
    elif asked:
        names = [asked]
    return (*names, *(name for name in (served, model) if name and name not in names))


def completion_cost(
    completion_response: Any = None,
    model: str | None = None,
    prompt: str = "",
    messages: list[Any] = [],  # noqa: B006  LiteLLM's default; never changed
    completion: str = "",
    total_time: float | None = 0.0,
    call_type: str | None = None,
    custom_llm_provider: str | None = None,
    region_name: str | None = None,
    size: str | None = None,
    quality: str | None = None,
    n: int | None = None,
    custom_cost_per_token: Any = None,
    custom_cost_per_second: float | None = None,
    optional_params: dict[str, Any] | None = None,
    custom_pricing: bool | None = None,
    base_model: str | None = None,
    service_tier: str | None = None,
    **kwargs: Any,
) -> float:
    """Cost of a reply, or of a prompt and its completion, in USD.

    Args:
        completion_response: a reply (object or dict) with `usage` and `model`.
        model: what was asked for; prices the reply when the map does not have the model that served it.
        prompt, messages, completion: texts to count instead of a reply's usage.
        custom_cost_per_token, custom_cost_per_second: prices instead of the map's.

    Raises:
        Exception: the price map has none of the names.
    """
    hidden = getattr(completion_response, "_hidden_params", None) or {}
    call_type = call_type or _CALL_TYPES.get(type(completion_response).__name__)
    provider = custom_llm_provider or hidden.get("custom_llm_provider")
    served = _member(completion_response, "model")
    names = (base_model,) if base_model else _names(model, served, provider or _known_provider(model))
    if type(completion_response).__name__ == "ImageResponse":
        return _images(completion_response, model or "", provider or _known_provider(model), n, size, quality)
    if call_type in _IMAGE_CALLS:
        return 0.0
    if completion_response is None and not names:
        raise ValueError("Model is None and does not exist in passed completion_response.")
    usage = _member(completion_response, "usage")
    tier = _tier(service_tier, completion_response, usage)
    failure: Exception | None = None
    plain: dict[str, Any] = {} if usage is None else _plain(usage)
    kind = call_type or "completion"
    more: dict[str, Any] = {"response_time_ms": total_time, "characters": len(prompt)}
    more["region"] = region_name or hidden.get("region_name")
    if kind in _TRANSCRIPTION_CALLS:
        more["seconds"] = float(_member(completion_response, "duration") or 0.0)
    if kind in _RERANK_CALLS:
        more["units"] = (_member(completion_response, "meta") or {}).get("billed_units")
    for name in names:
        try:
            if completion_response is None:
                plain = _count(name, prompt, messages, completion)
            given, dialect = _split(name, provider)
            if custom_cost_per_token is not None or custom_cost_per_second is not None:
                costs = cost_per_token(
                    prompt_tokens=plain.get("prompt_tokens", 0),
                    completion_tokens=plain.get("completion_tokens", 0),
                    response_time_ms=total_time,
                    custom_cost_per_token=custom_cost_per_token,
                    custom_cost_per_second=custom_cost_per_second,
                    usage_object=plain,
                )
            else:
                costs = _priced(plain, given, dialect, tier, kind, **more)
            return costs[0] + costs[1] + _tool_cost(name, dialect, plain)
        except Exception as error:
            failure = failure or error
    raise failure or ValueError("no model to price")


def _images(
    response: Any, model: str, provider: str | None, n: int | None, size: str | None, quality: str | None
) -> float:
    name = model.removeprefix(f"{provider}/") if provider in ("openai", "azure", "bedrock") else model
    cost = _gateway.images_cost(
        name,
        provider or "",
        len(response.data or []) if n is None else n,
        size or response.size,
        quality or response.quality,
        None if response.usage is None else response.usage.model_dump_json().encode(),
    )
    if cost is None:
        raise _not_mapped(model, provider)
    return cost


def _known_provider(model: str | None) -> str | None:
    try:
        return _provider_of(model) if model else None
    except Exception:
        return None


def _split(name: str, provider: str | None) -> tuple[str, str | None]:
    if provider is not None:
        return name, provider
    from gateway.params import get_llm_provider

    bare, found, _, _ = get_llm_provider(model=name)
    return bare, found


def _member(response: Any, name: str) -> Any:
    if isinstance(response, dict):
        return response.get(name)
    try:
        more = response.__pydantic_extra__
    except AttributeError:
        return getattr(response, name, None)
    # Asking a model for a member that it does not have would cost it an exception.
    own = response.__dict__
    if name in own:
        return own[name]
    return more.get(name) if more else None


def _tier(asked: str | None, response: Any, usage: Any) -> str | None:
    """The tier that served the call wins over the one that was asked for."""
    served = _member(response, "service_tier") or _member(usage, "service_tier")
    if isinstance(served, str):
        if served.lower() in _TIERS:
            return served.lower()
        if served.lower() in ("default", "standard"):
            return None
    return asked if isinstance(asked, str) and asked.lower() != "auto" else None


def _count(model: str, prompt: str, messages: list[Any], completion: str) -> dict[str, int]:
    from gateway.tokens import token_counter

    if messages:
        asked = token_counter(model=model, messages=messages)
    else:
        asked = token_counter(model=model, text=prompt) if prompt else 0
    said = token_counter(model=model, text=completion)
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _tool_cost(model: str, provider: str | None, usage: dict[str, Any]) -> float:
    """Web searches that ran on the provider's side. Google bills those of a call together, unless the map says else."""
    searches = (usage.get("server_tool_use") or {}).get("web_search_requests") or 0
    grounded = (usage.get("prompt_tokens_details") or {}).get("web_search_requests") or 0
    if not searches and not grounded:
        return 0.0
    entry = _entry(model, provider) or {}
    prices = entry.get("search_context_cost_per_query") or {}
    each = prices.get("search_context_size_medium")
    if provider in _GOOGLE and "anthropic" not in str(entry.get("litellm_provider")):
        searches = searches or grounded
        each = _GOOGLE_SEARCH if each is None else each
        if entry.get("web_search_billing_unit") != "per_query":
            searches = min(searches, 1)
    return float(each or 0.0) * float(searches)
