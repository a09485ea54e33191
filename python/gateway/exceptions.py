"""LiteLLM's exception tree: every class is a subclass of openai's class for the same status.

    openai.OpenAIError
     +- OpenAIError
     +- openai.APIError
         +- APIError
         +- openai.APIStatusError
         |   +- BadRequestError (400)
         |   |   +- ContextWindowExceededError, ContentPolicyViolationError, UnsupportedParamsError,
         |   |      RejectedRequestError, PaymentRequiredError (402), ImageFetchError, LiteLLMUnknownProvider, ...
         |   +- AuthenticationError (401), PermissionDeniedError (403), NotFoundError (404)
         |   +- UnprocessableEntityError (422), RateLimitError (429), InternalServerError (500)
         |   +- BadGatewayError (502), ServiceUnavailableError (503)
         +- openai.APIConnectionError
         |   +- APIConnectionError (500)
         |   +- openai.APITimeoutError
         |       +- Timeout (408)
         +- openai.APIResponseValidationError
             +- APIResponseValidationError (500), JSONSchemaValidationError
    Exception
     +- BudgetExceededError, ModelNotMappedError

This is the only module that loads openai; it is itself loaded when an exception is first touched.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from typing import Any

import openai

try:
    # openai 3 moved to httpx2; an exception's `response` is of the client that openai uses.
    import httpx2 as httpx
except ImportError:
    import httpx  # type: ignore[no-redef,import-not-found,unused-ignore]

_MOCK_URL = "https://litellm.ai"


def _response(status: int, response: httpx.Response | None) -> httpx.Response:
    """The upstream's response, or one made up of the status; openai's classes want one with a request."""
    if response is None:
        return httpx.Response(status_code=status, request=httpx.Request("GET", _MOCK_URL))
    if getattr(response, "_request", None) is None:
        response.request = httpx.Request("GET", _MOCK_URL)
    return response


class _Described:
    """What LiteLLM's exceptions share: who failed, and how often it was tried."""

    message: str
    status_code: Any
    llm_provider: str | None
    model: str | None
    litellm_debug_info: str | None = None
    max_retries: int | None = None
    num_retries: int | None = None

    def _describe(
        self,
        status_code: int,
        message: str,
        llm_provider: str | None,
        model: str | None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        self.status_code = status_code
        self.message = message
        self.llm_provider = llm_provider
        self.model = model
        self.litellm_debug_info = litellm_debug_info
        self.max_retries = max_retries
        self.num_retries = num_retries

    def __str__(self) -> str:
        text = self.message
        if self.num_retries:
            text += f" LiteLLM Retried: {self.num_retries} times"
        if self.max_retries:
            text += f", LiteLLM Max Retries: {self.max_retries}"
        return text

    def __repr__(self) -> str:
        return self.__str__()


class AuthenticationError(_Described, openai.AuthenticationError):
    """401: the key is missing or wrong."""

    def __init__(
        self,
        message: str,
        llm_provider: str | None,
        model: str | None,
        response: httpx.Response | None = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        body: Mapping[str, object] | None = None,
    ) -> None:
        text = f"litellm.AuthenticationError: {message}"
        self.response = _response(401, response)
        openai.AuthenticationError.__init__(self, text, response=self.response, body=body)
        self._describe(401, text, llm_provider, model, litellm_debug_info, max_retries, num_retries)


class CallerCredentialAuthenticationError(AuthenticationError):
    """401 for a key that the caller brought along."""


class NotFoundError(_Described, openai.NotFoundError):
    """404: the model or the address does not exist."""

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        response: httpx.Response | None = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        body: Mapping[str, object] | None = None,
    ) -> None:
        text = f"litellm.NotFoundError: {message}"
        self.response = _response(404, response)
        openai.NotFoundError.__init__(self, text, response=self.response, body=body)
        self._describe(404, text, llm_provider, model, litellm_debug_info, max_retries, num_retries)


class BadRequestError(_Described, openai.BadRequestError):
    """400: the request cannot work as it is."""

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        response: httpx.Response | None = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        body: Mapping[str, object] | None = None,
    ) -> None:
        text = f"litellm.BadRequestError: {message}"
        self.response = _response(400, response)
        openai.BadRequestError.__init__(self, text, response=self.response, body=body)
        self._describe(400, text, llm_provider, model, litellm_debug_info, max_retries, num_retries)


class ImageFetchError(BadRequestError):
    """An image of the prompt could not be fetched."""

    def __init__(
        self,
        message: str,
        model: str | None = None,
        llm_provider: str | None = None,
        response: httpx.Response | None = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        body: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message, model, llm_provider, response, litellm_debug_info, max_retries, num_retries, body)


class VectorStoreSearchError(BadRequestError):
    """A search in a vector store failed."""

    def __init__(self, failures: Any, model: str | None = None, llm_provider: str | None = None) -> None:
        self.failures = failures
        super().__init__(f"Vector store search failed: {failures}", model, llm_provider)


class MalformedRequestFieldError(BadRequestError):
    """A member of the request has a form that the provider does not take."""


class UnsupportedEndpointError(BadRequestError):
    """The provider has no such endpoint."""


class EndpointNotSupportedByModelError(BadRequestError):
    """The model does not serve this endpoint."""

    def __init__(self, message: str, model: str, llm_provider: str = "") -> None:
        super().__init__(message, model, llm_provider)
        self.message = message


class LiteLLMUnknownProvider(BadRequestError):
    """The provider is not known for this endpoint."""

    def __init__(self, model: str, custom_llm_provider: str | None = None) -> None:
        message = (
            f"Unmapped LLM provider for this endpoint. You passed model={model}, "
            f"custom_llm_provider={custom_llm_provider}. Check supported provider and route: "
            "https://docs.litellm.ai/docs/providers"
        )
        super().__init__(message, model, None)


class UnsupportedParamsError(BadRequestError):
    """The provider or model does not take a parameter; `drop_params=True` drops it instead."""

    def __init__(
        self,
        message: str,
        llm_provider: str | None = None,
        model: str | None = None,
        status_code: int = 400,
        response: httpx.Response | None = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        super().__init__(message, model, llm_provider, response)
        text = f"litellm.UnsupportedParamsError: {message}"
        self._describe(status_code, text, llm_provider, model, litellm_debug_info, max_retries, num_retries)


class ContextWindowExceededError(BadRequestError):
    """400: prompt and answer do not fit the model's context window."""

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        response: httpx.Response | None = None,
        litellm_debug_info: str | None = None,
        body: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message, model, llm_provider, response, litellm_debug_info, body=body)
        self.message = f"litellm.ContextWindowExceededError: {self.message}"


class PaymentRequiredError(BadRequestError):
    """402: the account has no credit."""

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        response: httpx.Response | None = None,
        litellm_debug_info: str | None = None,
    ) -> None:
        super().__init__(message, model, llm_provider, _response(402, response), litellm_debug_info)
        self.status_code = 402
        self.message = f"litellm.PaymentRequiredError: {message}"


class RejectedRequestError(BadRequestError):
    """A hook rejected the request."""

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        request_data: dict[str, Any],
        litellm_debug_info: str | None = None,
    ) -> None:
        text = f"litellm.RejectedRequestError: {message}"
        super().__init__(text, model, llm_provider, None, litellm_debug_info)
        self.request_data = request_data
        self.message = text


class ContentPolicyViolationError(BadRequestError):
    """400: the provider's content policy refuses the prompt or the answer."""

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        response: httpx.Response | None = None,
        litellm_debug_info: str | None = None,
        provider_specific_fields: dict[str, Any] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> None:
        text = f"litellm.ContentPolicyViolationError: {message}"
        super().__init__(text, model, llm_provider, response, litellm_debug_info, body=body)
        self.provider_specific_fields = provider_specific_fields


class InvalidRequestError(openai.BadRequestError):
    """The name of openai-python 0.x, kept for old code."""

    def __init__(self, message: str, model: str | None, llm_provider: str | None) -> None:
        super().__init__(message, response=_response(400, None), body=None)
        self.status_code = 400
        self.message = message
        self.model = model
        self.llm_provider = llm_provider


class UnprocessableEntityError(_Described, openai.UnprocessableEntityError):
    """422: the request is well formed and cannot be processed."""

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        response: httpx.Response | None = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        text = f"litellm.UnprocessableEntityError: {message}"
        openai.UnprocessableEntityError.__init__(self, text, response=_response(422, response), body=None)
        self._describe(422, text, llm_provider, model, litellm_debug_info, max_retries, num_retries)


class Timeout(_Described, openai.APITimeoutError):
    """408: a clock of the call ran out."""

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        headers: dict[str, str] | None = None,
        exception_status_code: int | None = None,
        response: httpx.Response | None = None,
    ) -> None:
        openai.APITimeoutError.__init__(self, request=httpx.Request("POST", "https://api.openai.com/v1"))
        text = f"litellm.Timeout: {message}"
        status = exception_status_code or 408
        self._describe(status, text, llm_provider, model, litellm_debug_info, max_retries, num_retries)
        self.headers = headers
        self.response = response


class PermissionDeniedError(_Described, openai.PermissionDeniedError):
    """403: the key may not do this."""

    def __init__(
        self,
        message: str,
        llm_provider: str | None,
        model: str | None,
        response: httpx.Response | None = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        text = f"litellm.PermissionDeniedError: {message}"
        openai.PermissionDeniedError.__init__(self, text, response=_response(403, response), body=None)
        self._describe(403, text, llm_provider, model, litellm_debug_info, max_retries, num_retries)


class RateLimitErrorCategory(str, enum.Enum):
    """Who limits."""

    VENDOR_RATE_LIMIT = "vendor_rate_limit"


class RateLimitError(_Described, openai.RateLimitError):
    """429: too many requests or tokens, or no quota."""

    def __init__(
        self,
        message: str,
        llm_provider: str | None,
        model: str | None,
        response: httpx.Response | None = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        category: str | RateLimitErrorCategory = RateLimitErrorCategory.VENDOR_RATE_LIMIT,
        rate_limit_type: str | None = None,
        headers: dict[str, str] | None = None,
        detail: object = None,
        body: object | None = None,
    ) -> None:
        text = f"litellm.RateLimitError: {message}"
        self.response = _response(429, response)
        openai.RateLimitError.__init__(self, text, response=self.response, body=body)
        self._describe(429, text, llm_provider, model, litellm_debug_info, max_retries, num_retries)
        self.code = "429"
        self.type = "throttling_error"
        self.category = category
        self.rate_limit_type = rate_limit_type
        self.headers = headers
        self.detail = detail


class CallerCredentialRateLimitError(RateLimitError):
    """429 for a key that the caller brought along."""


class ServiceUnavailableError(_Described, openai.APIStatusError):
    """503: the provider is overloaded or down."""

    def __init__(
        self,
        message: str,
        llm_provider: str | None,
        model: str | None,
        response: httpx.Response | None = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        text = f"litellm.ServiceUnavailableError: {message}"
        self.response = _response(503, response)
        openai.APIStatusError.__init__(self, text, response=self.response, body=None)
        self._describe(503, text, llm_provider, model, litellm_debug_info, max_retries, num_retries)


class MidStreamFallbackError(ServiceUnavailableError):
    """A stream broke; `generated_content` holds what had come."""

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        original_exception: Exception | None = None,
        response: httpx.Response | None = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        generated_content: str = "",
        is_pre_first_chunk: bool = False,
        emitted_disqualifying_content: bool = False,
    ) -> None:
        super().__init__(message, llm_provider, model, response, litellm_debug_info, max_retries, num_retries)
        self.original_exception = original_exception
        self.generated_content = generated_content
        self.is_pre_first_chunk = is_pre_first_chunk
        self.emitted_disqualifying_content = emitted_disqualifying_content


class BadGatewayError(_Described, openai.APIStatusError):
    """502: something between here and the provider failed."""

    def __init__(
        self,
        message: str,
        llm_provider: str | None,
        model: str | None,
        response: httpx.Response | None = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        text = f"litellm.BadGatewayError: {message}"
        self.response = _response(502, response)
        openai.APIStatusError.__init__(self, text, response=self.response, body=None)
        self._describe(502, text, llm_provider, model, litellm_debug_info, max_retries, num_retries)


class InternalServerError(_Described, openai.InternalServerError):
    """500: the provider failed, or could not be reached."""

    def __init__(
        self,
        message: str,
        llm_provider: str | None,
        model: str | None,
        response: httpx.Response | None = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        body: object | None = None,
    ) -> None:
        text = f"litellm.InternalServerError: {message}"
        self.response = _response(500, response)
        openai.InternalServerError.__init__(self, text, response=self.response, body=body)
        self._describe(500, text, llm_provider, model, litellm_debug_info, max_retries, num_retries)


class APIError(_Described, openai.APIError):
    """Any other status."""

    def __init__(
        self,
        status_code: int,
        message: str,
        llm_provider: str | None,
        model: str | None,
        request: httpx.Request | None = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        body: object | None = None,
        response: httpx.Response | None = None,
    ) -> None:
        text = f"litellm.APIError: {message}"
        openai.APIError.__init__(self, text, request=request or httpx.Request("POST", _MOCK_URL), body=body)
        self._describe(status_code, text, llm_provider, model, litellm_debug_info, max_retries, num_retries)
        self.response = response


class MockException(openai.APIError):
    """Raised for an exception given as `mock_response`."""

    def __init__(
        self,
        status_code: int,
        message: str,
        llm_provider: str | None,
        model: str | None,
        request: httpx.Request | None = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        self.message = f"litellm.MockException: {message}"
        super().__init__(self.message, request=request or httpx.Request("POST", _MOCK_URL), body=None)
        self.status_code = status_code
        self.llm_provider = llm_provider
        self.model = model


class APIConnectionError(_Described, openai.APIConnectionError):
    """The call broke on the way."""

    def __init__(
        self,
        message: str,
        llm_provider: str | None,
        model: str | None,
        request: httpx.Request | None = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        text = f"litellm.APIConnectionError: {message}"
        openai.APIConnectionError.__init__(self, message=text, request=request or httpx.Request("POST", _MOCK_URL))
        self._describe(500, text, llm_provider, model, litellm_debug_info, max_retries, num_retries)


class APIResponseValidationError(_Described, openai.APIResponseValidationError):
    """The reply is not what it should be."""

    def __init__(
        self,
        message: str,
        llm_provider: str | None,
        model: str | None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        openai.APIResponseValidationError.__init__(self, response=_response(500, None), body=None, message=message)
        self._describe(500, message, llm_provider, model, litellm_debug_info, max_retries, num_retries)


class JSONSchemaValidationError(APIResponseValidationError):
    """The answer does not fit the schema that was asked for."""

    def __init__(self, model: str, llm_provider: str, raw_response: str, schema: str) -> None:
        self.raw_response = raw_response
        self.schema = schema
        message = (
            f"litellm.JSONSchemaValidationError: model={model}, returned an invalid response={raw_response}, "
            f"for schema={schema}.\nAccess raw response with `e.raw_response`"
        )
        super().__init__(message=message, llm_provider=llm_provider, model=model)


class OpenAIError(openai.OpenAIError):
    """Wraps another exception."""

    def __init__(self, original_exception: Any = None) -> None:
        super().__init__()
        self.llm_provider = "openai"
        self.original_exception = original_exception


class ModelNotMappedError(Exception):
    """The price map does not know the model."""


class BudgetExceededError(Exception):
    """A budget is used up."""

    def __init__(
        self,
        current_cost: float,
        max_budget: float,
        message: str | None = None,
        llm_provider: str | None = None,
        entity_type: str | None = None,
        entity_id: str | None = None,
    ) -> None:
        self.status_code = 422
        self.current_cost = current_cost
        self.max_budget = max_budget
        self.llm_provider = llm_provider or ""
        self.entity_type = entity_type
        self.entity_id = entity_id
        self.message = message or f"Budget has been exceeded! Current cost: {current_cost}, Max budget: {max_budget}"
        super().__init__(self.message)


def from_core(parts: dict[str, Any]) -> Exception:
    """The exception for an error of the core.

    `parts`: class, status, message (without the leading `litellm.Class: `), llm_provider, model, param, code, fields
    (provider_specific_fields as JSON), body (bytes or None) and headers (pairs) of the upstream's response.
    """
    name = parts["class"]
    cls: Any = globals()[name]
    status = parts["status"]
    message = parts["message"]
    provider, model = parts["llm_provider"], parts["model"]
    if cls is ImageFetchError:
        # The address was the caller's: it is nobody's failure.
        provider, model = provider or None, model or None
    response = None
    if parts.get("headers") is not None:
        response = httpx.Response(
            status_code=status,
            headers=[(k, v) for k, v in parts["headers"] if k not in ("content-encoding", "content-length")],
            content=parts.get("body") or b"",
            request=httpx.Request("POST", parts.get("url") or _MOCK_URL),
        )
    if cls is APIError:
        error: Any = APIError(status, message, provider, model, response=response)
    elif cls in (APIConnectionError, APIResponseValidationError):
        error = cls(message=message, llm_provider=provider, model=model)
    elif cls is Timeout:
        error = Timeout(message, model, provider, response=response, exception_status_code=status)
    elif cls is BudgetExceededError:
        error = BudgetExceededError(0.0, 0.0, message)
    elif cls is JSONSchemaValidationError:
        error = JSONSchemaValidationError(model, provider, message, "")
    else:
        error = cls(message=message, llm_provider=provider, model=model, response=response)
        if error.status_code != status:
            error.status_code = status
    if parts.get("fields") is not None:
        error.provider_specific_fields = json.loads(parts["fields"])
    for member in ("param", "code"):
        if parts.get(member) is not None:
            setattr(error, member, parts[member])
    exception: Exception = error
    return exception
