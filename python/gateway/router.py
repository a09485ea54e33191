"""`Router`: model groups in process, LiteLLM's constructor and methods over the core's routes.

What the constructor is given becomes the configuration that the server would read, so that both pick deployments,
retry, fall back and cool down alike. Settings that are not obeyed are named in the log, once.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from gateway import _gateway
from gateway.calls import acall, bound, call
from gateway.paths import names_at
from gateway.router_types import Deployment, ModelGroupInfo, RouterRateLimitError
from gateway.verbose import verbose_router_logger

# LiteLLM's `router` has other names too.
__getattr__ = names_at("router")

# Arguments of the constructor that are settings of the core's router, by the same name.
_SETTINGS = (
    "num_retries",
    "max_fallbacks",
    "timeout",
    "stream_timeout",
    "default_litellm_params",
    "default_max_parallel_requests",
    "default_fallbacks",
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "model_group_alias",
    "enable_pre_call_checks",
    "enable_tag_filtering",
    "tag_filtering_match_any",
    "retry_after",
    "retry_policy",
    "model_group_retry_policy",
    "allowed_fails",
    "allowed_fails_policy",
    "cooldown_time",
    "disable_cooldowns",
    "routing_strategy",
    "routing_strategy_args",
    "optional_pre_call_checks",
    "provider_budget_config",
)

# Arguments of the constructor that nothing here obeys, with the values that ask for nothing.
_NOT_OBEYED: dict[str, Any] = {
    "assistants_config": None,
    "search_tools": None,
    "guardrail_list": None,
    "caching_groups": None,
    "default_priority": None,
    "plugins": None,
    "tag_routing_prefix": "",
    "routing_groups": None,
    "alerting_config": None,
    "model_group_affinity_config": None,
    "enable_health_check_routing": False,
    "enable_weighted_failover": False,
    "enable_mid_stream_fallback_continuation": False,
    "fallback_access_check": None,
    "fallback_budget_check": None,
    "auto_router_capability_limit": None,
    "session_affinity_repin_on_failover": False,
}


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if hasattr(value, "model_dump"):
        return value.model_dump(exclude_none=True)
    if isinstance(value, Mapping):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    if hasattr(value, "value") and hasattr(value, "name"):
        return value.value
    return value


class Router:
    """Calls by the name of a model group, each to one of the group's deployments.

    Args:
        model_list: deployments: `{"model_name": group, "litellm_params": {"model": ..., "api_key": ...}}`. In
            `litellm_params`, `rpm`, `tpm`, `weight`, `order`, `tags` and `max_parallel_requests` steer the choice.
        num_retries: more attempts in the group, each at a deployment that has not failed this call.
        fallbacks: `[{"group": ["other group", ...]}]`; `context_window_fallbacks` and `content_policy_fallbacks` are
            for these errors, `default_fallbacks` for groups without any.
        allowed_fails: failures of a deployment within a minute before it cools for `cooldown_time` seconds.
        retry_policy: retries by kind of error; `model_group_retry_policy` by group.
        routing_strategy: how a deployment is picked, by LiteLLM's names.
        timeout: seconds for a whole call; `stream_timeout` for a stream.
        cache_responses: turns `litellm.cache` on, with Redis where `redis_url` or `redis_host` is given.

    Raises:
        ValueError: the model list or a setting cannot be what it says; the message names the place.
    """

    def __init__(
        self,
        model_list: Sequence[Any] | None = None,
        assistants_config: Any = None,
        search_tools: Any = None,
        guardrail_list: Any = None,
        redis_url: str | None = None,
        redis_host: str | None = None,
        redis_port: int | None = None,
        redis_password: str | None = None,
        redis_db: int | None = None,
        cache_responses: bool | None = False,
        cache_kwargs: dict[str, Any] = {},  # noqa: B006  LiteLLM's default; never changed
        caching_groups: Any = None,
        client_ttl: int = 3600,
        polling_interval: float | None = None,
        default_priority: int | None = None,
        num_retries: int | None = None,
        max_fallbacks: int | None = None,
        timeout: float | None = None,
        stream_timeout: float | None = None,
        default_litellm_params: dict[str, Any] | None = None,
        default_max_parallel_requests: int | None = None,
        set_verbose: bool = False,
        debug_level: str = "INFO",
        default_fallbacks: list[str] | None = None,
        fallbacks: list[Any] = [],  # noqa: B006
        context_window_fallbacks: list[Any] = [],  # noqa: B006
        content_policy_fallbacks: list[Any] = [],  # noqa: B006
        model_group_alias: Mapping[str, Any] | None = {},
        enable_pre_call_checks: bool = False,
        enable_tag_filtering: bool = False,
        tag_filtering_match_any: bool = True,
        tag_routing_prefix: str = "",
        plugins: Any = None,
        retry_after: int = 0,
        retry_policy: Any = None,
        model_group_retry_policy: Mapping[str, Any] = {},
        allowed_fails: int | None = None,
        allowed_fails_policy: Any = None,
        cooldown_time: float | None = None,
        disable_cooldowns: bool | None = None,
        fallback_on_unsupported_params: bool = True,
        routing_strategy: str = "simple-shuffle",
        optional_pre_call_checks: list[str] | None = None,
        routing_strategy_args: dict[str, Any] = {},  # noqa: B006
        routing_groups: Any = None,
        provider_budget_config: Any = None,
        alerting_config: Any = None,
        router_general_settings: Any = None,
        deployment_affinity_ttl_seconds: int = 3600,
        model_group_affinity_config: Any = None,
        ignore_invalid_deployments: bool = False,
        enable_health_check_routing: bool = False,
        health_check_staleness_threshold: int | None = None,
        health_check_ignore_transient_errors: bool = False,
        background_health_check_model_groups: Any = None,
        enable_weighted_failover: bool = False,
        enable_mid_stream_fallback_continuation: bool = False,
        fallback_access_check: Any = None,
        fallback_budget_check: Any = None,
        auto_router_capability_limit: Any = None,
        session_affinity_repin_on_failover: bool = False,
    ) -> None:
        given = locals()
        if set_verbose:
            verbose_router_logger.setLevel(debug_level)
        for name, nothing in _NOT_OBEYED.items():
            if given[name] != nothing:
                verbose_router_logger.warning("Router: `%s` is not supported, and not obeyed", name)
        self._settings = {
            name: _plain(given[name])
            for name in _SETTINGS
            if given[name] is not None and given[name] is not False and given[name] not in ({}, [], "")
        }
        self._settings["tag_filtering_match_any"] = tag_filtering_match_any
        self._changing = threading.Lock()
        self._entries: list[dict[str, Any]] = [_plain(entry) for entry in model_list or []]
        self._core = _gateway.Router(self._document(self._entries))
        self._ids = self._core.all_ids()
        for note in self._core.notes:
            verbose_router_logger.warning("Router: %s", note)
        if self._core.notes and not ignore_invalid_deployments:
            verbose_router_logger.warning("Router: deployments that are left out get no calls")
        if cache_responses:
            self._start_cache(redis_url, redis_host, redis_port, redis_password, redis_db, cache_kwargs)

    @staticmethod
    def _start_cache(
        url: str | None, host: str | None, port: int | None, password: str | None, db: int | None, more: dict[str, Any]
    ) -> None:
        import gateway

        redis = {"redis_url": url, "host": host, "port": port, "password": password, "db": db}
        where = {name: value for name, value in redis.items() if value is not None}
        kind = "redis" if url or host else "local"
        if gateway.cache is None:
            gateway.cache = gateway.Cache(**{"type": kind, **where, **more})

    def _document(self, entries: list[dict[str, Any]]) -> str:
        return json.dumps({"model_list": entries, "router_settings": self._settings}, default=str)

    def _replace(self, entries: list[dict[str, Any]]) -> None:
        self._core.replace(self._document(entries))
        self._entries, self._ids = entries, self._core.all_ids()

    # The model list.

    @property
    def model_list(self) -> list[dict[str, Any]]:
        """The deployments, each with its id."""
        return [
            {**entry, "model_info": {**(entry.get("model_info") or {}), "id": id}}
            for entry, id in zip(self._entries, self._ids, strict=False)
        ]

    @property
    def model_names(self) -> set[str]:
        """The groups' names."""
        return {entry["model_name"] for entry in self._entries}

    def set_model_list(self, model_list: Sequence[Any]) -> None:
        """Other deployments from the next call on. Those that stay keep their cooldowns."""
        with self._changing:
            self._replace([_plain(entry) for entry in model_list])

    def add_deployment(self, deployment: Any) -> Deployment | None:
        """One deployment more; None when there is one of that id."""
        entry = _plain(deployment)
        with self._changing:
            if (entry.get("model_info") or {}).get("id") in self._ids:
                return None
            self._replace([*self._entries, entry])
        return self.get_deployment(self._ids[-1])

    def upsert_deployment(self, deployment: Any) -> Deployment | None:
        """Adds a deployment, or puts it in the place of the one with its id."""
        entry = _plain(deployment)
        id = (entry.get("model_info") or {}).get("id")
        if id not in self._ids:
            return self.add_deployment(entry)
        with self._changing:
            place = self._ids.index(id)
            self._replace([*self._entries[:place], entry, *self._entries[place + 1 :]])
        return self.get_deployment(id)

    def delete_deployment(self, id: str) -> Deployment | None:
        """Takes a deployment out; None when there is none of that id."""
        found = self.get_deployment(id)
        if found is not None:
            with self._changing:
                place = self._ids.index(id)
                self._replace([*self._entries[:place], *self._entries[place + 1 :]])
        return found

    def get_deployment(self, model_id: str) -> Deployment | None:
        """The deployment of that id."""
        for entry in self.model_list:
            if entry["model_info"]["id"] == model_id:
                return Deployment(**entry)
        return None

    def get_deployment_by_model_group_name(self, model_group_name: str) -> Deployment | None:
        """The first deployment of a group."""
        found = self.get_model_list(model_group_name)
        return Deployment(**found[0]) if found else None

    def get_model_list(self, model_name: str | None = None, team_id: str | None = None) -> list[dict[str, Any]] | None:
        """The deployments, or those of one group, or of what an alias or a wildcard means by the name."""
        if model_name is None:
            return self.model_list
        ids = set(self._core.ids(model_name))
        return [entry for entry in self.model_list if entry["model_info"]["id"] in ids]

    def get_model_names(self, team_id: str | None = None) -> list[str]:
        """The names that can be called: groups, and aliases that are not hidden."""
        aliases = self._settings.get("model_group_alias") or {}
        shown = [name for name, to in aliases.items() if not (isinstance(to, dict) and to.get("hidden"))]
        return list(dict.fromkeys([*(entry["model_name"] for entry in self._entries), *shown]))

    def get_model_ids(self, model_name: str | None = None, exclude_team_models: bool = False) -> list[str]:
        """The deployments' ids, all of them or a group's."""
        return list(self._ids) if model_name is None else self._core.ids(model_name)

    def has_model_id(self, candidate_id: str) -> bool:
        """Whether there is a deployment of that id."""
        return candidate_id in self._ids

    def get_model_info(self, id: str) -> dict[str, Any] | None:
        """The deployment of that id as a dict."""
        return next((entry for entry in self.model_list if entry["model_info"]["id"] == id), None)

    def get_model_group_info(
        self, model_group: str, *, include_hidden: bool = False, team_id: str | None = None
    ) -> ModelGroupInfo | None:
        """What a group can do: the best of its deployments."""
        from gateway.catalog import get_model_info
        from gateway.params import get_llm_provider

        entries = self.get_model_list(model_group)
        if not entries:
            return None
        providers: list[str] = []
        found: dict[str, Any] = {}
        for entry in entries:
            model = entry["litellm_params"]["model"]
            try:
                provider = get_llm_provider(model=model)[1] or ""
                info = dict(get_model_info(entry["model_info"].get("base_model") or model))
            except Exception:
                # A model that the price map does not have.
                provider, info = model.partition("/")[0], {}
            if provider not in providers:
                providers.append(provider)
            for name in ModelGroupInfo.model_fields:
                value = info.get(name)
                if value is not None and name not in ("rpm", "tpm", "supported_openai_params"):
                    found[name] = max(value, found.get(name) or value) if not isinstance(value, str) else value
            for name in ("rpm", "tpm"):
                if entry["litellm_params"].get(name):
                    found[name] = (found.get(name) or 0) + entry["litellm_params"][name]
        return ModelGroupInfo(model_group=model_group, providers=providers, **found)

    # What would be picked.

    def get_available_deployment(
        self,
        model: str,
        messages: Any = None,
        input: Any = None,
        specific_deployment: bool | None = False,
        request_kwargs: Any = None,
    ) -> dict[str, Any]:
        """The deployment that a call would go to now.

        Raises:
            BadRequestError: there is no such group.
            RouterRateLimitError: every deployment of the group cools.
        """
        from gateway.exceptions import BadRequestError

        id = self._core.pick(model)
        found = None if id is None else self.get_model_info(id)
        if found is not None:
            return found
        if not self._core.knows(model):
            raise BadRequestError(
                message=f"You passed in model={model}. There are no healthy deployments for this model",
                model=model,
                llm_provider="",
            )
        raise RouterRateLimitError(
            model=model,
            cooldown_time=self._settings.get("cooldown_time", 5),
            enable_pre_call_checks=bool(self._settings.get("enable_pre_call_checks")),
            cooldown_list=self._core.cooling(model),
        )

    async def async_get_available_deployment(
        self,
        model: str,
        request_kwargs: Any = None,
        messages: Any = None,
        input: Any = None,
        specific_deployment: bool | None = False,
    ) -> dict[str, Any]:
        """As `get_available_deployment`."""
        return self.get_available_deployment(model, messages, input, specific_deployment, request_kwargs)

    # Settings.

    def get_settings(self) -> dict[str, Any]:
        """The settings that are in force."""
        return dict(self._settings)

    def update_settings(self, **kwargs: Any) -> None:
        """Other settings from the next call on. Cooldowns are kept."""
        with self._changing:
            for name, value in kwargs.items():
                if name not in _SETTINGS:
                    verbose_router_logger.warning("Router: `%s` is not supported, and not obeyed", name)
                    continue
                self._settings[name] = _plain(value)
            self._replace(self._entries)

    @property
    def fallbacks(self) -> list[Any]:
        """The fallbacks in force."""
        return self._settings.get("fallbacks") or []

    @property
    def num_retries(self) -> int:
        """Retries in a group; LiteLLM's default is 2."""
        found: int = self._settings.get("num_retries", 2)
        return found

    @property
    def routing_strategy(self) -> str:
        """How a deployment is picked."""
        found: str = self._settings.get("routing_strategy", "simple-shuffle")
        return found

    def reset(self) -> None:
        """Nothing to do: there are no callbacks of its own."""

    def discard(self) -> None:
        """Nothing to do: connections are the process's."""

    def flush_cache(self) -> None:
        """Forgets cached replies."""
        import gateway

        if gateway.cache is not None:
            gateway.cache.flush_cache()

    # Calls.

    def completion(self, model: str, messages: list[Any], **kwargs: Any) -> Any:
        """As `litellm.completion`, to a group."""
        return call("completion", {"model": model, "messages": messages, "kwargs": kwargs}, self._core)

    async def acompletion(self, model: str, messages: list[Any], stream: bool = False, **kwargs: Any) -> Any:
        """As `litellm.acompletion`, to a group."""
        given = {"model": model, "messages": messages, "stream": stream or None, "kwargs": kwargs}
        return await acall("completion", given, self._core)

    def embedding(self, model: str, input: Any, is_async: bool | None = False, **kwargs: Any) -> Any:
        """As `litellm.embedding`, to a group."""
        return call("embedding", {"model": model, "input": input, "kwargs": kwargs}, self._core)

    async def aembedding(self, model: str, input: Any, is_async: bool | None = True, **kwargs: Any) -> Any:
        """As `litellm.aembedding`, to a group."""
        return await acall("embedding", {"model": model, "input": input, "kwargs": kwargs}, self._core)

    def text_completion(
        self,
        model: str,
        prompt: Any,
        is_retry: bool | None = False,
        is_fallback: bool | None = False,
        is_async: bool | None = False,
        **kwargs: Any,
    ) -> Any:
        """As `litellm.text_completion`, to a group."""
        return call("text_completion", {"model": model, "prompt": prompt, "kwargs": kwargs}, self._core)

    async def atext_completion(
        self,
        model: str,
        prompt: Any,
        is_retry: bool | None = False,
        is_fallback: bool | None = False,
        is_async: bool | None = False,
        **kwargs: Any,
    ) -> Any:
        """As `litellm.atext_completion`, to a group."""
        return await acall("text_completion", {"model": model, "prompt": prompt, "kwargs": kwargs}, self._core)

    async def abatch_completion(self, models: list[str], messages: list[Any], **kwargs: Any) -> list[Any]:
        """Each conversation at each of several groups, at the same time; where a call fails, its exception.

        Returns:
            For one conversation a list by group; for several, a list of such lists.
        """
        one = not messages or isinstance(messages[0], Mapping)
        conversations = [messages] if one else messages

        async def at(model: str, conversation: Any) -> Any:
            try:
                return await self.acompletion(model=model, messages=conversation, **kwargs)
            except Exception as error:
                return error

        answers = await asyncio.gather(*(at(model, talk) for talk in conversations for model in models))
        by_talk = [list(answers[i : i + len(models)]) for i in range(0, len(answers), len(models))]
        return by_talk[0] if one else by_talk

    async def abatch_completion_fastest_response(
        self, model: str, messages: list[Any], stream: bool = False, **kwargs: Any
    ) -> Any:
        """One conversation at several groups (`"a, b"`), at the same time; the reply of whichever answers first.

        Raises:
            Exception: the last one's, when every group fails.
        """
        waiting = {
            asyncio.ensure_future(self.acompletion(model=name.strip(), messages=messages, stream=stream, **kwargs))
            for name in model.split(",")
        }
        failed: BaseException | None = None
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    failed = task.exception()
                    if failed is None:
                        return task.result()
        finally:
            for task in waiting:
                task.cancel()
        if failed is not None:
            raise failed
        return None


def _of_an_endpoint(op: str, asynchronous: bool) -> Any:
    """A method that calls a group as the module's function of that name calls a model."""
    name = f"a{op}" if asynchronous else op

    def method(self: Router, *args: Any, **kwargs: Any) -> Any:
        import gateway

        given = bound(getattr(gateway, op), args, kwargs)
        # Deployments say who is asked.
        given.pop("custom_llm_provider", None)
        if not (given.get("model") or kwargs.get("model")):
            raise TypeError(f"Router.{name}() is missing `model`: the group whose provider is asked")
        return acall(op, given, self._core) if asynchronous else call(op, given, self._core)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"As `litellm.{name}`, to a group."
    return method


_ENDPOINTS = """
    rerank responses image_generation image_edit transcription speech moderation create_file file_content file_delete
    file_list create_batch retrieve_batch cancel_batch list_batches create_fine_tuning_job
"""
for _op in _ENDPOINTS.split():
    setattr(Router, _op, _of_an_endpoint(_op, asynchronous=False))
    setattr(Router, f"a{_op}", _of_an_endpoint(_op, asynchronous=True))
