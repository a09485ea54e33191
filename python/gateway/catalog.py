"""What is known of models, with LiteLLM's names and signatures: limits, capabilities, prices. The map is the core's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gateway import _gateway


def _not_mapped(model: str, provider: str | None) -> Exception:
    from gateway.exceptions import ModelNotMappedError

    return ModelNotMappedError(
        f"This model isn't mapped yet. model={model}, custom_llm_provider={provider}. "
        "Add it here - https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json."
    )


def _register(key: str, entry: Any) -> None:
    from gateway.cost import forget_entries

    _gateway.register_entry(key, None if entry is None else json.dumps(entry).encode())
    forget_entries()


class _ModelCost(dict[str, Any]):
    """The price map as a dict. What a user changes in it counts for every call."""

    def __setitem__(self, key: str, entry: Any) -> None:
        super().__setitem__(key, entry)
        _register(key, entry)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        _register(key, None)

    def pop(self, key: str, *default: Any) -> Any:
        if key in self:
            _register(key, None)
        return super().pop(key, *default)

    def update(self, *args: Any, **kwargs: Any) -> None:
        for key, entry in dict(*args, **kwargs).items():
            self[key] = entry


def _load() -> _ModelCost:
    return _ModelCost(json.loads(_gateway.catalog_json()))


model_cost: dict[str, Any] = _load()


def get_model_info(
    model: str, custom_llm_provider: str | None = None, api_base: str | None = None, api_key: str | None = None
) -> dict[str, Any]:
    """What the price map tells of a model: always the same members, None where it is silent. Costs are USD per unit.

    Raises:
        ModelNotMappedError: neither the map nor a family of models that it describes has the name.
    """
    found = _gateway.model_info(model, custom_llm_provider)
    if found is None:
        raise _not_mapped(model, custom_llm_provider)
    from gateway.params import get_supported_openai_params

    info: dict[str, Any] = json.loads(found)
    info["supported_openai_params"] = get_supported_openai_params(model=model, custom_llm_provider=custom_llm_provider)
    return info


def get_max_tokens(model: str) -> int | None:
    """The most tokens that a model answers with.

    Raises:
        Exception: the price map does not have the model.
    """
    from gateway.params import get_llm_provider

    entry = model_cost.get(model)
    if entry is not None and "max_output_tokens" in entry:
        return int(entry["max_output_tokens"])
    try:
        entry = model_cost[get_llm_provider(model=model)[0]]
    except Exception:
        raise Exception(
            f"Model {model} isn't mapped yet. "
            "Add it here - https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json"
        ) from None
    limit = entry.get("max_output_tokens", entry.get("max_tokens"))
    return None if limit is None else int(limit)


def register_model(model_cost: str | Mapping[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Adds models to the price map, or members to models that it has.

    Args:
        model_cost: entries by name, or the path of a JSON file of them. Nothing is fetched from the internet.
    """
    entries: Mapping[str, Any]
    if isinstance(model_cost, str):
        with open(model_cost, encoding="utf-8") as file:
            entries = json.load(file)
    else:
        entries = model_cost
    for name, entry in entries.items():
        known = globals()["model_cost"]
        known[name] = {**known.get(name, {}), **entry}
    return dict(entries)


def _supports(model: str, provider: str | None, capability: str) -> bool:
    return _gateway.model_supports(model, provider, capability)


def supports_function_calling(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model can be given tools."""
    return _supports(model, custom_llm_provider, "supports_function_calling")


def supports_parallel_function_calling(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model can call several tools at once."""
    return _supports(model, custom_llm_provider, "supports_parallel_function_calling")


def supports_vision(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model takes images."""
    return _supports(model, custom_llm_provider, "supports_vision")


def supports_response_schema(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model's answer can be held to a JSON schema."""
    return _supports(model, custom_llm_provider, "supports_response_schema")


def supports_reasoning(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model reasons before it answers."""
    return _supports(model, custom_llm_provider, "supports_reasoning")


def supports_system_messages(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model takes system messages."""
    return _supports(model, custom_llm_provider, "supports_system_messages")


def supports_audio_input(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model takes audio."""
    return _supports(model, custom_llm_provider, "supports_audio_input")


def supports_audio_output(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model answers in audio."""
    return _supports(model, custom_llm_provider, "supports_audio_output")


def supports_pdf_input(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model takes PDF files."""
    return _supports(model, custom_llm_provider, "supports_pdf_input")


def supports_web_search(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model can search the web by itself."""
    return _supports(model, custom_llm_provider, "supports_web_search")


def supports_url_context(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model can read the pages that a prompt names."""
    return _supports(model, custom_llm_provider, "supports_url_context")


model_list: list[str] = sorted(model_cost)
models_by_provider: dict[str, set[str]] = {}
for _name, _entry in model_cost.items():
    models_by_provider.setdefault(str(_entry.get("litellm_provider")), set()).add(_name)

# LiteLLM's sets of model names, by the providers whose models they hold; any other `x_models` holds those of `x`.
_SETS = {
    "open_ai_chat_completion_models": "openai",
    "open_ai_text_completion_models": "text-completion-openai",
    "mistral_chat_models": "mistral",
    "text_completion_codestral_models": "text-completion-codestral",
    "vertex_language_models": "vertex_ai-language-models",
    "vertex_vision_models": "vertex_ai-vision-models",
    "vertex_chat_models": "vertex_ai-chat-models",
    "vertex_code_chat_models": "vertex_ai-code-chat-models",
    "vertex_text_models": "vertex_ai-text-models",
    "vertex_code_text_models": "vertex_ai-code-text-models",
    "vertex_embedding_models": "vertex_ai-embedding-models",
    "vertex_ai_image_models": "vertex_ai-image-models",
    "vertex_anthropic_models": "vertex_ai-anthropic_models",
    "vertex_llama3_models": "vertex_ai-llama_models",
    "vertex_mistral_models": "vertex_ai-mistral_models",
}


def __getattr__(name: str) -> set[str]:
    if not name.endswith("_models"):
        raise AttributeError(f"module 'gateway.catalog' has no attribute {name!r}")
    provider = _SETS.get(name, name.removesuffix("_models"))
    names: set[str] = globals().setdefault(name, set(models_by_provider.get(provider, ())))
    return names
