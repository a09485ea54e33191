"""Cached replies: `litellm.cache = Cache(...)`, `enable_cache`, `disable_cache`, `update_cache`.

The cache is the core's, the same that the server has: replies, and streams once they were read to their end, by a key
of the model and everything that it is asked. One call may say more: `caching=False`, and `cache={...}` with `no-cache`,
`no-store`, `ttl`, `s-maxage` (seconds), `namespace` and `use-cache`. A reply of the cache has
`_hidden_params["cache_hit"]` and costs nothing.
"""

from __future__ import annotations

import enum
import json
from typing import Any

from gateway import _gateway
from gateway.paths import names_at

# LiteLLM's `caching` is a package; its paths are in names.py.
__path__: list[str] = []
__getattr__ = names_at("caching")


class LiteLLMCacheType(str, enum.Enum):
    """Where replies are kept, by LiteLLM's names. `local` (this process's memory), `disk` and `redis` are supported."""

    LOCAL = "local"
    REDIS = "redis"
    REDIS_SEMANTIC = "redis-semantic"
    S3 = "s3"
    DISK = "disk"
    QDRANT_SEMANTIC = "qdrant-semantic"
    AZURE_BLOB = "azure-blob"
    GCS = "gcs"


class CacheMode(str, enum.Enum):
    """Whether calls are cached unless they say otherwise."""

    default_on = "default_on"
    default_off = "default_off"


def _word(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value


class Cache:
    """Settings of the cache. It is in force as long as it is `litellm.cache`.

    Args:
        type: `local` (this process's memory), `disk` or `redis`.
        host, port, password: of the Redis; else `REDIS_HOST`, `REDIS_PORT`, `REDIS_PASSWORD`, or `REDIS_URL`.
        mode: `default_off` caches only calls with `cache={"use-cache": True}`.
        ttl: seconds that replies are kept (default 120; in Redis 60; on disk until 1 GiB is reached).
        disk_cache_dir: the folder of a `disk` cache (default `.litellm_cache`); processes may share it.
        single_flight: the same calls at the same time are asked once, and share the reply; streams are not.
        default_in_redis_ttl: the same, in Redis.
        namespace: stands before every key.
        supported_call_types: LiteLLM's names of the functions that are cached; default: chats, text completions,
            embeddings, reranks, responses and messages.

    Raises:
        ValueError: a type that is not supported.
    """

    def __init__(
        self,
        type: Any = LiteLLMCacheType.LOCAL,
        mode: Any = CacheMode.default_on,
        host: str | None = None,
        port: str | None = None,
        password: str | None = None,
        namespace: str | None = None,
        ttl: float | None = None,
        default_in_memory_ttl: float | None = None,
        default_in_redis_ttl: float | None = None,
        similarity_threshold: float | None = None,
        supported_call_types: list[str] | None = None,
        disk_cache_dir: str | None = None,
        single_flight: bool = False,
        **kwargs: Any,
    ) -> None:
        self.type = _word(type) or "local"
        self.mode = _word(mode)
        self.namespace = namespace
        self.ttl = ttl if ttl is not None else default_in_memory_ttl
        self.supported_call_types = supported_call_types
        self.disk_cache_dir = disk_cache_dir
        self.single_flight = single_flight
        self.redis: dict[str, Any] = {}
        if self.type == "redis":
            self.ttl = ttl if ttl is not None else default_in_redis_ttl
            self.redis = {"host": host, "port": port, "password": password}
            self.redis |= {
                name: kwargs[name] for name in ("url", "redis_url", "db", "username", "ssl") if name in kwargs
            }
        elif self.type not in ("local", "disk"):
            raise ValueError(
                f"a cache of type `{self.type}` is not supported; `local` keeps replies in this process's memory, "
                "`disk` in a folder, `redis` in a Redis"
            )

    def settings(self) -> str:
        """The settings as the core reads them: JSON of LiteLLM's `cache_params`."""
        given = {
            "type": self.type,
            "mode": self.mode,
            "namespace": self.namespace,
            "ttl": self.ttl,
            "supported_call_types": self.supported_call_types,
            "disk_cache_dir": None if self.disk_cache_dir is None else str(self.disk_cache_dir),
            "single_flight": self.single_flight,
            **self.redis,
        }
        return json.dumps({name: value for name, value in given.items() if value is not None})

    def flush_cache(self) -> None:
        """Forgets every reply."""
        _gateway.clear_cache()


def assigned(cache: Any) -> None:
    """`litellm.cache` was assigned: the core keeps replies as it says, or none.

    Raises:
        TypeError: it is no `Cache`.
    """
    if cache is not None and not isinstance(cache, Cache):
        raise TypeError("litellm.cache must be a litellm.Cache, or None")
    _gateway.use_cache(None if cache is None else cache.settings())


def enable_cache(type: Any = LiteLLMCacheType.LOCAL, **kwargs: Any) -> None:
    """Sets `litellm.cache`, when there is none. Arguments are those of `Cache`."""
    import gateway

    if gateway.cache is None:
        gateway.cache = Cache(type=type, **kwargs)


def update_cache(type: Any = LiteLLMCacheType.LOCAL, **kwargs: Any) -> None:
    """Sets `litellm.cache` anew. Arguments are those of `Cache`."""
    import gateway

    gateway.cache = Cache(type=type, **kwargs)


def disable_cache() -> None:
    """Takes `litellm.cache` away."""
    import gateway

    gateway.cache = None
