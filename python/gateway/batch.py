"""Several calls at once from a thread that waits for them: `batch_completion` and its kin.

Each call runs on a thread of its own, through `litellm.completion` as it is at that moment.
"""

from __future__ import annotations

import concurrent.futures
from typing import Any


def batch_completion(
    model: str,
    messages: list[Any] = [],  # noqa: B006  LiteLLM's default; never changed
    functions: list[Any] | None = None,
    function_call: str | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    n: int | None = None,
    stream: bool | None = None,
    stop: Any = None,
    max_tokens: int | None = None,
    presence_penalty: float | None = None,
    frequency_penalty: float | None = None,
    logit_bias: dict[Any, Any] | None = None,
    user: str | None = None,
    deployment_id: Any = None,
    request_timeout: int | None = None,
    timeout: int | None = 600,
    max_workers: int | None = 100,
    **kwargs: Any,
) -> list[Any]:
    """One chat completion for each conversation of `messages`, at the same time.

    Args:
        messages: a list of conversations, each a list of messages.
        max_workers: how many calls are in flight at most.
        kwargs: as for `completion`.

    Returns:
        The replies in the order of the conversations; where a call failed, its exception.
    """
    given = {name: value for name, value in locals().items() if name not in ("kwargs", "messages", "max_workers")}
    import gateway

    with concurrent.futures.ThreadPoolExecutor(max_workers=max_workers) as threads:
        calls = [
            threads.submit(gateway.completion, messages=conversation, **given, **kwargs) for conversation in messages
        ]
    return [call.exception() or call.result() for call in calls]


def _started(models: list[str], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
    import gateway

    def ask(model: str) -> Any:
        return gateway.completion(*args, **{**kwargs, "model": model})

    threads = concurrent.futures.ThreadPoolExecutor(max_workers=len(models) or 1)
    return threads, [threads.submit(ask, model) for model in models]


def batch_completion_models(*args: Any, **kwargs: Any) -> Any:
    """One call to several models at the same time; the reply of whichever answers first.

    Args:
        models: the models' names; or
        deployments: dicts of `litellm_params`, each a model with its settings.
        kwargs: as for `completion`.

    Returns:
        The first reply, or None when no deployment answered.

    Raises:
        APIError: every one of `models` failed; the last one's error.
    """
    import gateway

    kwargs.pop("model", None)
    deployments = kwargs.pop("deployments", None)
    models = kwargs.pop("models", None)
    if deployments is not None:
        kwargs.pop("model_list", None)
        nested = kwargs.pop("kwargs", {})
        threads = concurrent.futures.ThreadPoolExecutor(max_workers=len(deployments) or 1)
        asked = [{**kwargs, **deployment, **nested} for deployment in deployments]
        calls = [threads.submit(gateway.completion, **call) for call in asked]
    elif models is not None:
        threads, calls = _started([models] if isinstance(models, str) else models, args, kwargs)
    else:
        return None
    failed: BaseException | None = None
    try:
        for call in concurrent.futures.as_completed(calls):
            failed = call.exception()
            if failed is None:
                return call.result()
    finally:
        # Whoever is slower is not waited for.
        threads.shutdown(wait=False, cancel_futures=True)
    if failed is not None and deployments is None:
        raise failed
    return None


def batch_completion_models_all_responses(*args: Any, **kwargs: Any) -> list[Any]:
    """One call to several models at the same time; the replies of all that answered, in the order of `models`.

    Raises:
        Exception: no `models` were given.
    """
    kwargs.pop("model", None)
    models = kwargs.pop("models", None)
    if models is None:
        raise Exception("'models' param not in kwargs")
    threads, calls = _started([models] if isinstance(models, str) else models, args, kwargs)
    with threads:
        concurrent.futures.wait(calls)
    return [call.result() for call in calls if call.exception() is None and call.result() is not None]


def completion_with_retries(*args: Any, **kwargs: Any) -> Any:
    """`completion`, tried up to `num_retries` (default 3) more times."""
    import gateway

    kwargs.pop("retry_strategy", None)
    original = kwargs.pop("original_function", None) or gateway.completion
    return original(*args, **{"num_retries": 3, **kwargs})


async def acompletion_with_retries(*args: Any, **kwargs: Any) -> Any:
    """`acompletion`, tried up to `num_retries` (default 3) more times."""
    import gateway

    kwargs.pop("retry_strategy", None)
    original = kwargs.pop("original_function", None) or gateway.acompletion
    return await original(*args, **{"num_retries": 3, **kwargs})
