"""LiteLLM's HTTP clients, for programs that use them themselves: httpx with its errors told as LiteLLM tells them.

No call of this package goes through them; the core has a client of its own.
"""

from __future__ import annotations

import functools
import importlib
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from gateway.exceptions import Timeout
from gateway.paths import LITELLM_VERSION


def _httpx() -> Any:
    """httpx where it is installed, since programs give this client what is httpx's; openai 3 brings httpx2 only."""
    try:
        return importlib.import_module("httpx")
    except ImportError:
        return importlib.import_module("httpx2")


httpx: Any = _httpx()

# LiteLLM's `COMPLETION_HTTP_FALLBACK_SECONDS` and `HTTP_HANDLER_CONNECT_TIMEOUT_SECONDS`.
_DEFAULT_TIMEOUT = httpx.Timeout(timeout=600.0, connect=5.0)

# httpx.TimeoutException -> how LiteLLM names what timed out, and httpx's name of the clock.
_CLOCKS = {
    httpx.ConnectTimeout: ("Connection", "connect"),
    httpx.ReadTimeout: ("Read", "read"),
    httpx.WriteTimeout: ("Write", "write"),
    httpx.PoolTimeout: ("Connection pool", "pool"),
}

_Hooks = Mapping[str, list[Callable[..., Any]]]


def _masked(text: str) -> str:
    """A text without the key of a query string: `?key=...`."""
    before, found, after = text.partition("key=")
    if not found:
        return text
    _, more, rest = after.partition("&")
    return f"{before}key=[REDACTED_API_KEY]{more}{rest}"


class MaskedHTTPStatusError(httpx.HTTPStatusError):  # type: ignore[misc]
    """A 4xx or 5xx reply, without the key that was in its address.

    `message` and `text` are the reply's body, `status_code` its status.
    """

    def __init__(self, original_error: Any, message: str | None = None, text: str | None = None) -> None:
        reply = original_error.response
        request = httpx.Request(
            method=original_error.request.method,
            url=_masked(str(original_error.request.url)),
            headers=original_error.request.headers,
        )
        encodings = {"content-encoding", "content-length", "transfer-encoding"}
        headers = [(name, value) for name, value in reply.headers.items() if name.lower() not in encodings]
        content = reply.content if reply.is_stream_consumed or reply.is_closed else b""
        response = httpx.Response(reply.status_code, headers=headers, content=content, request=request)
        super().__init__(_masked(str(original_error)), request=request, response=response)
        self.message = message
        self.text = text
        self.status_code = reply.status_code


def _timed_out(error: Any, started: float) -> NoReturn:
    label, clock = _CLOCKS.get(type(error), ("Request", "read"))
    seconds = error.request.extensions.get("timeout", {}).get(clock)
    raise Timeout(
        message=f"{label} timed out. Timeout passed={seconds}, time taken={round(time.time() - started, 3)} seconds",
        model="default-model-name",
        llm_provider="litellm-httpx-handler",
    ) from None


def _request(data: Any, content: Any, **others: Any) -> dict[str, Any]:
    """Arguments of httpx: a text or bytes given as `data` are its `content`."""
    if isinstance(data, (bytes, str)):
        data, content = None, data if content is None else content
    given = {"data": data, "content": content, **others}
    return {name: value for name, value in given.items() if value is not None}


def _client_arguments(timeout: Any, hooks: _Hooks | None, ssl_verify: Any, transport: Any, **others: Any) -> Any:
    import gateway

    if ssl_verify is None:
        ssl_verify = getattr(gateway, "ssl_verify", None)
    if isinstance(ssl_verify, str) and ssl_verify.lower() in {"true", "false"}:
        ssl_verify = ssl_verify.lower() == "true"
    return {
        "timeout": _DEFAULT_TIMEOUT if timeout is None else timeout,
        "event_hooks": hooks,
        "verify": True if ssl_verify is None else ssl_verify,
        "cert": getattr(gateway, "ssl_certificate", None),
        "transport": transport,
        "headers": {"User-Agent": os.environ.get("LITELLM_USER_AGENT", f"litellm/{LITELLM_VERSION}")},
        **others,
    }


class AsyncHTTPHandler:
    """An `httpx.AsyncClient` with LiteLLM's methods and errors.

    Args:
        timeout: seconds, or an `httpx.Timeout`; by default 5 s to connect and 600 s for all else.
        event_hooks: httpx's.
        concurrent_limit: taken and not used, as in LiteLLM.
        client_alias: a name for logs.
        ssl_verify: whether to check certificates, or the path of a CA bundle.
        shared_session: a session of aiohttp; not supported.
        transport: the transport to use instead of httpx's own.
        follow_redirects: whether redirects are followed.
        http2: whether HTTP/2 is spoken; needs `httpx[http2]`.

    Raises:
        NotImplementedError: a `shared_session` was given.
    """

    def __init__(
        self,
        timeout: Any = None,
        event_hooks: _Hooks | None = None,
        concurrent_limit: int | None = None,
        client_alias: str | None = None,
        ssl_verify: Any = None,
        shared_session: Any = None,
        transport: Any = None,
        follow_redirects: bool = True,
        http2: bool = False,
    ) -> None:
        self.timeout = timeout
        self.event_hooks = event_hooks
        self.client_alias = client_alias
        self.ssl_verify = ssl_verify
        self.transport = transport
        self.follow_redirects = follow_redirects
        self.http2 = http2
        self._owns_client = True
        self._client = self.create_client(timeout, event_hooks, ssl_verify, shared_session)

    @property
    def client(self) -> Any:
        """The `httpx.AsyncClient`; a new one where the last was closed. One that is set is its owner's to close."""
        if self._owns_client and self._client.is_closed:
            self._client = self.create_client(self.timeout, self.event_hooks, self.ssl_verify)
        return self._client

    @client.setter
    def client(self, client: Any) -> None:
        self._client, self._owns_client = client, False

    def create_client(
        self, timeout: Any, event_hooks: _Hooks | None, ssl_verify: Any = None, shared_session: Any = None
    ) -> Any:
        """A new `httpx.AsyncClient`."""
        if shared_session is not None:
            raise NotImplementedError(
                "`shared_session` is not supported: there is no aiohttp here\nhint: give an httpx `transport` instead"
            )
        others = {"follow_redirects": self.follow_redirects, "http2": self.http2}
        return httpx.AsyncClient(**_client_arguments(timeout, event_hooks, ssl_verify, self.transport, **others))

    async def close(self) -> None:
        """Closes the client, unless it was set from outside."""
        if self._owns_client:
            await self._client.aclose()

    async def __aenter__(self) -> Any:
        return self.client

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def get(
        self,
        url: str,
        params: Any = None,
        headers: Any = None,
        follow_redirects: bool | None = None,
        timeout: Any = None,
    ) -> Any:
        """Asks for a page; any status is an answer."""
        arguments = _request(None, None, headers=headers, follow_redirects=follow_redirects, timeout=timeout)
        query = httpx.URL(url).params.merge(params or {})
        return await self.client.get(url, params=query, **arguments)

    async def _send(
        self,
        method: str,
        url: str,
        data: Any = None,
        json: Any = None,
        params: Any = None,
        headers: Any = None,
        timeout: Any = None,
        stream: bool = False,
        content: Any = None,
        follow_redirects: bool | None = None,
        files: Any = None,
    ) -> Any:
        """A request with a body; raises as `post` does."""
        started = time.time()
        timeout = self.timeout if timeout is None else timeout
        arguments = _request(data, content, json=json, params=params, headers=headers, files=files, timeout=timeout)
        how = {"stream": stream}
        if follow_redirects is not None:
            how["follow_redirects"] = follow_redirects
        try:
            try:
                response = await self.client.send(self.client.build_request(method, url, **arguments), **how)
            except httpx.ConnectError:
                # Nothing was sent: once more, on a connection of its own.
                again = self.create_client(self.timeout, self.event_hooks, self.ssl_verify)
                try:
                    response = await again.send(again.build_request(method, url, **arguments), **how)
                finally:
                    await again.aclose()
            response.raise_for_status()
        except httpx.TimeoutException as error:
            _timed_out(error, started)
        except httpx.HTTPStatusError as error:
            if stream:
                await error.response.aread()
            text = _masked(error.response.text)
            raise MaskedHTTPStatusError(error, message=text, text=text) from None
        return response

    async def post(
        self,
        url: str,
        data: Any = None,
        json: Any = None,
        params: Any = None,
        headers: Any = None,
        timeout: Any = None,
        stream: bool = False,
        logging_obj: Any = None,
        files: Any = None,
        content: Any = None,
    ) -> Any:
        """POST.

        Raises:
            MaskedHTTPStatusError: the status is 4xx or 5xx.
            Timeout: a clock ran out.
        """
        return await self._send("POST", url, data, json, params, headers, timeout, stream, content, files=files)

    # PUT, PATCH and DELETE with LiteLLM's arguments, in its order; each raises as `post` does.
    put = functools.partialmethod(_send, "PUT")
    patch = functools.partialmethod(_send, "PATCH")
    delete = functools.partialmethod(_send, "DELETE")
