"""What a `Router` is told: `litellm.types.router`.

The core reads the same members from dicts; these classes are for those who build them by hand.
"""

from __future__ import annotations

import enum
import hashlib
import json
from typing import Any, TypedDict

import pydantic
from pydantic import ConfigDict

from gateway.types import BaseModel


class RetryPolicy(pydantic.BaseModel):
    """Retries by kind of error; what is not set falls to the number of retries."""

    BadRequestErrorRetries: int | None = None
    AuthenticationErrorRetries: int | None = None
    TimeoutErrorRetries: int | None = None
    RateLimitErrorRetries: int | None = None
    ContentPolicyViolationErrorRetries: int | None = None
    InternalServerErrorRetries: int | None = None
    ServiceUnavailableErrorRetries: int | None = None


class AllowedFailsPolicy(pydantic.BaseModel):
    """Failures within a minute before a deployment cools, by kind of error."""

    BadRequestErrorAllowedFails: int | None = None
    AuthenticationErrorAllowedFails: int | None = None
    TimeoutErrorAllowedFails: int | None = None
    RateLimitErrorAllowedFails: int | None = None
    ContentPolicyViolationErrorAllowedFails: int | None = None
    InternalServerErrorAllowedFails: int | None = None


class AlertingConfig(pydantic.BaseModel):
    """Where slow and failed calls are told. Read, and not obeyed here."""

    webhook_url: str
    alerting_threshold: float | None = 300


class RouterModelGroupAliasItem(TypedDict):
    """An alias that model lists may hide."""

    model: str
    hidden: bool


class ModelInfo(BaseModel):
    """A deployment's `model_info`: its id, and whatever else the user notes."""

    id: str | None = None
    db_model: bool = False
    base_model: str | None = None
    tier: str | None = None

    def __init__(self, id: Any = None, **params: Any) -> None:
        self._build(id=None if id is None else str(id), **params)


class CredentialLiteLLMParams(BaseModel):
    """Where a deployment is, and who asks it."""

    api_key: str | None = None
    api_base: str | None = None
    api_version: str | None = None
    vertex_project: str | None = None
    vertex_location: str | None = None
    vertex_credentials: str | dict[str, Any] | None = None
    region_name: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = None
    aws_region_name: str | None = None
    watsonx_region_name: str | None = None


class CustomPricingLiteLLMParams(BaseModel):
    """Prices of one's own, USD."""

    input_cost_per_token: float | None = None
    output_cost_per_token: float | None = None
    input_cost_per_second: float | None = None
    output_cost_per_second: float | None = None


class GenericLiteLLMParams(CredentialLiteLLMParams, CustomPricingLiteLLMParams):
    """`litellm_params` without a model."""

    custom_llm_provider: str | None = None
    tpm: int | None = None
    rpm: int | None = None
    timeout: float | str | None = None
    stream_timeout: float | str | None = None
    max_retries: int | None = None
    organization: str | None = None
    configurable_clientside_auth_params: list[Any] | None = None
    model_info: dict[str, Any] | None = None
    mock_response: Any = None
    tags: list[str] | None = None

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True, protected_namespaces=())


class LiteLLM_Params(GenericLiteLLMParams):
    """`litellm_params`: what a deployment's calls are made with."""

    model: str


class updateLiteLLMParams(GenericLiteLLMParams):
    """`litellm_params` to change."""

    model: str | None = None


class LiteLLMParamsTypedDict(TypedDict, total=False):
    """`litellm_params`, as a dict."""

    model: str
    custom_llm_provider: str | None
    tpm: int | None
    rpm: int | None
    order: int | None
    weight: int | None
    max_parallel_requests: int | None
    api_key: str | None
    api_base: str | None
    api_version: str | None
    timeout: float | str | None
    stream_timeout: float | str | None
    max_retries: int | None
    organization: list[str] | str | None
    tags: list[str] | None


class DeploymentTypedDict(TypedDict, total=False):
    """A deployment, as a dict: an item of `model_list`."""

    model_name: str
    litellm_params: LiteLLMParamsTypedDict
    model_info: dict[str, Any]


def deployment_id(model_name: str, litellm_params: dict[str, Any]) -> str:
    """The id of a deployment that was given none."""
    told = json.dumps([model_name, litellm_params], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()


class Deployment(BaseModel):
    """A deployment: its group, what its calls are made with, and what is known of it."""

    model_name: str
    litellm_params: LiteLLM_Params
    model_info: ModelInfo

    def __init__(self, model_name: str, litellm_params: Any, model_info: Any = None, **params: Any) -> None:
        if isinstance(litellm_params, dict):
            litellm_params = LiteLLM_Params(**litellm_params)
        if isinstance(model_info, dict):
            model_info = ModelInfo(**model_info)
        elif model_info is None:
            model_info = ModelInfo()
        if model_info.id is None:
            model_info.id = deployment_id(model_name, litellm_params.model_dump(exclude_none=True))
        self._build(model_name=model_name, litellm_params=litellm_params, model_info=model_info, **params)

    def to_json(self, **kwargs: Any) -> Any:
        """The deployment as an item of `model_list`."""
        return self.model_dump(exclude_none=True)


class updateDeployment(BaseModel):
    """A deployment to change."""

    model_name: str | None = None
    litellm_params: updateLiteLLMParams | None = None
    model_info: ModelInfo | None = None


class ModelGroupInfo(BaseModel):
    """What a model group can do: the best of its deployments."""

    model_group: str
    providers: list[str]
    max_input_tokens: float | None = None
    max_output_tokens: float | None = None
    input_cost_per_token: float | None = None
    output_cost_per_token: float | None = None
    mode: str | None = None
    tpm: int | None = None
    rpm: int | None = None
    supports_parallel_function_calling: bool = False
    supports_vision: bool = False
    supports_web_search: bool = False
    supports_reasoning: bool = False
    supports_function_calling: bool = False
    supported_openai_params: list[str] | None = None


class RouterErrors(enum.Enum):
    """How the router's own errors begin."""

    user_defined_ratelimit_error = "Deployment over user-defined ratelimit."
    no_deployments_available = "No deployments available for selected model"
    no_deployments_with_tag_routing = "Not allowed to access model due to tags configuration"
    no_deployments_with_provider_budget_routing = "No deployments available - crossed budget"


class RouterRateLimitError(ValueError):
    """Every deployment of a group cools."""

    status_code = 429

    def __init__(
        self, model: str, cooldown_time: float, enable_pre_call_checks: bool, cooldown_list: list[str], **more: Any
    ) -> None:
        self.model = model
        self.cooldown_time = cooldown_time
        self.enable_pre_call_checks = enable_pre_call_checks
        self.cooldown_list = cooldown_list
        super().__init__(
            f"{RouterErrors.no_deployments_available.value}, Try again in {cooldown_time} seconds. "
            f"Passed model={model}. pre-call-checks={enable_pre_call_checks}, cooldown_list={cooldown_list}"
        )


class RoutingStrategy(enum.Enum):
    """How a deployment of a group is picked."""

    LEAST_BUSY = "least-busy"
    LATENCY_BASED = "latency-based-routing"
    COST_BASED = "cost-based-routing"
    USAGE_BASED_ROUTING_V2 = "usage-based-routing-v2"
    USAGE_BASED_ROUTING = "usage-based-routing"
    PROVIDER_BUDGET_LIMITING = "provider-budget-routing"
    SIMPLE_SHUFFLE = "simple-shuffle"


class ModelPrices(TypedDict, total=False):
    """What `get_model_info` returns: prices in USD, limits in tokens."""

    key: str
    max_tokens: int | None
    max_input_tokens: int | None
    max_output_tokens: int | None
    input_cost_per_token: float
    output_cost_per_token: float
    litellm_provider: str
    mode: str | None
