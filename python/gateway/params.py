"""Provider lookup and parameter tables, with LiteLLM's names and signatures.

The tables live in the core; this module gives them Python's shapes and raises LiteLLM's exception classes.
"""

from __future__ import annotations

import importlib
import json
from enum import Enum
from typing import Any, NoReturn

from gateway import _gateway

# Names of LiteLLM's enum that are not the upper-case form of the provider's name.
_ENUM_NAMES = {"sap": "SAP_GENERATIVE_AI_HUB", "meta_llama": "LLAMA", "nano-gpt": "NANOGPT"}

# Providers that LiteLLM calls through the OpenAI SDK; parameters of their own go into its `extra_body`.
openai_compatible_providers: list[str] = [
    "anyscale",
    "groq",
    "nvidia_nim",
    "cerebras",
    "baseten",
    "sambanova",
    "ai21_chat",
    "ai21",
    "volcengine",
    "codestral",
    "deepseek",
    "tencent",
    "deepinfra",
    "clf_ai_gateway",
    "perplexity",
    "xinference",
    "xai",
    "zai",
    "together_ai",
    "fireworks_ai",
    "empower",
    "friendliai",
    "azure_ai",
    "github",
    "litellm_proxy",
    "hosted_vllm",
    "llamafile",
    "lm_studio",
    "galadriel",
    "zerogpu",
    "github_copilot",
    "chatgpt",
    "novita",
    "meta_llama",
    "publicai",
    "aiand",
    "synthetic",
    "tensormesh",
    "apertis",
    "nano-gpt",
    "poe",
    "chutes",
    "parasail",
    "libertai",
    "featherless_ai",
    "nscale",
    "nebius",
    "dashscope",
    "qwencloud",
    "qwen_ai_platform",
    "modelscope",
    "moonshot",
    "v0",
    "helicone",
    "morph",
    "opencode_go",
    "lambda_ai",
    "inception",
    "hyperbolic",
    "vercel_ai_gateway",
    "aiml",
    "edenai",
    "wandb",
    "cometapi",
    "clarifai",
    "docker_model_runner",
    "ragflow",
    "pinstripes",
    "openinfer",
    "darkbloom",
    "meta",
    "cognition",
    "coralbricks",
    "cortecs",
    "scx-ai",
    "prism",
    "hostinger_router",
    "sail",
    "reka",
    "streamlake",
]

_EXTRA_BODY = frozenset({"openai", "azure", "text-completion-openai", "bigmodel", *openai_compatible_providers})

provider_list: list[str] = _gateway.provider_names()

LlmProviders = Enum(  # type: ignore[misc]
    "LlmProviders",
    {_ENUM_NAMES.get(name, name.upper().replace("-", "_")): name for name in provider_list},
    type=str,
    module=__name__,
)


def _raise(error: _gateway.CoreError) -> NoReturn:
    """Raises what the core refused as LiteLLM's exception."""
    exceptions = importlib.import_module("gateway.exceptions")
    raise exceptions.from_core(error.args[0]) from None


def dumps(value: Any) -> bytes:
    return json.dumps(value, default=_plain).encode()


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return str(value)


def get_llm_provider(
    model: str,
    custom_llm_provider: str | None = None,
    api_base: str | None = None,
    api_key: str | None = None,
    litellm_params: Any | None = None,
) -> tuple[str, str | None, str | None, str | None]:
    """Finds who serves a model.

    Returns the model as named upstream, the provider, the key and the base URL, as far as they are settled by the
    arguments, the environment and the provider's row.

    Raises:
        BadRequestError: nothing says who serves the model.
    """
    if litellm_params is not None and custom_llm_provider is None and api_base is None and api_key is None:
        custom_llm_provider = getattr(litellm_params, "custom_llm_provider", None)
        api_base = getattr(litellm_params, "api_base", None)
        api_key = getattr(litellm_params, "api_key", None)
    import gateway

    if gateway.use_litellm_proxy or getattr(litellm_params, "use_litellm_proxy", None):
        model, custom_llm_provider = f"litellm_proxy/{model.removeprefix('litellm_proxy/')}", None
    try:
        found: tuple[str, str | None, str | None, str | None] = _gateway.lookup_provider(
            model, custom_llm_provider, api_base, api_key
        )
    except _gateway.CoreError as error:
        _raise(error)
    return found


def get_supported_openai_params(
    model: str,
    custom_llm_provider: str | None = None,
    request_type: str = "chat_completion",
    base_model: str | None = None,
) -> list[str] | None:
    """The OpenAI parameters that a model takes, in LiteLLM's order; `None` when its provider has no table.

    `base_model` names a model whose capabilities count too; it can only add.
    """
    if not custom_llm_provider:
        try:
            _, custom_llm_provider, _, _ = _gateway.lookup_provider(model)
        except _gateway.CoreError:
            return None
    if not custom_llm_provider:
        return None
    names: list[str] | None = _gateway.supported_params(model, custom_llm_provider, request_type)
    if names is not None and base_model and base_model != model:
        more = _gateway.supported_params(base_model, custom_llm_provider, request_type)
        names = list(dict.fromkeys([*names, *(more or [])]))
    return names


def get_optional_params(
    model: str,
    functions: Any = None,
    function_call: Any = None,
    temperature: Any = None,
    top_p: Any = None,
    n: Any = None,
    stream: Any = False,
    stream_options: Any = None,
    stop: Any = None,
    max_tokens: Any = None,
    max_completion_tokens: Any = None,
    modalities: Any = None,
    prediction: Any = None,
    audio: Any = None,
    presence_penalty: Any = None,
    frequency_penalty: Any = None,
    logit_bias: Any = None,
    user: Any = None,
    custom_llm_provider: str = "",
    response_format: Any = None,
    seed: Any = None,
    tools: Any = None,
    tool_choice: Any = None,
    max_retries: Any = None,
    logprobs: Any = None,
    top_logprobs: Any = None,
    extra_headers: Any = None,
    api_version: Any = None,
    parallel_tool_calls: Any = None,
    drop_params: Any = None,
    allowed_openai_params: list[str] | None = None,
    reasoning_effort: Any = None,
    verbosity: Any = None,
    additional_drop_params: list[str] | None = None,
    messages: Any = None,
    thinking: Any = None,
    web_search_options: Any = None,
    safety_identifier: str | None = None,
    store: bool | None = None,
    prompt_cache_key: str | None = None,
    base_model: str | None = None,
    model_info: Any = None,
    **kwargs: Any,
) -> dict[str, Any]:
    """The parameters of a chat call in the provider's form.

    Raises:
        UnsupportedParamsError: the provider does not take one of them, and `drop_params` is not set.
    """
    given = {
        name: value
        for name, value in {**locals(), **kwargs}.items()
        if value is not None and name not in _NOT_SENT and name != "kwargs"
    }
    try:
        params, extra = _gateway.map_params(dumps(given), model, custom_llm_provider)
    except _gateway.CoreError as error:
        _raise(error)
    mapped: dict[str, Any] = json.loads(params)
    own: dict[str, Any] = json.loads(extra)
    takes = get_supported_openai_params(model, custom_llm_provider)
    if (takes is None or "stream" in takes) and (stream or custom_llm_provider not in _STREAM_IF_TRUE):
        mapped = {"stream": stream, **mapped}
    if extra_headers is not None and (takes is None or "extra_headers" in takes):
        mapped["extra_headers"] = extra_headers
    if max_retries is not None and (takes is None or "max_retries" in takes):
        mapped["max_retries"] = max_retries
    if custom_llm_provider in _EXTRA_BODY or _gateway.is_plain(custom_llm_provider):
        mapped["extra_body"] = own
    elif custom_llm_provider == "mistral":
        mapped.update({"extra_body": own} if own else {})
    else:
        mapped.update(own)
    return mapped


# Providers to which `stream` goes only when it is true.
_STREAM_IF_TRUE = frozenset(
    {
        "anthropic",
        "codestral",
        "gemini",
        "microsoft_365_copilot",
        "mistral",
        "text-completion-codestral",
        "vertex_ai",
        "vertex_ai_beta",
    }
)

_NOT_SENT = frozenset(
    {
        "model",
        "messages",
        "stream",
        "custom_llm_provider",
        "extra_headers",
        "max_retries",
        "api_version",
        "base_model",
        "model_info",
    }
)


def validate_environment(
    model: str | None = None,
    api_key: str | None = None,
    api_base: str | None = None,
    api_version: str | None = None,
) -> dict[str, Any]:
    """Says which environment variables a model's provider still needs.

    Returns `{"keys_in_environment": bool, "missing_keys": [names]}`. What is passed here does not count as missing.
    """
    if model is None:
        return {"keys_in_environment": False, "missing_keys": []}
    missing: list[str] = _gateway.missing_environment(model)
    for value, part in ((api_key, "api_key"), (api_base, "api_base"), (api_version, "api_version")):
        if value is not None:
            missing = [name for name in missing if part not in name.lower()]
    return {"keys_in_environment": not missing, "missing_keys": missing}
