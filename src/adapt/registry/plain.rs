//! Providers that speak OpenAI's protocol and need no more than an address and a key.

use super::{Provider, plain, sdk, unlisted};
use crate::adapt::habits;
use crate::adapt::params::sets;
use crate::adapt::providers::{anthropic_native, openai_responses};

/// The rows.
#[rustfmt::skip]
pub static ROWS: &[Provider] = &[
    plain("refuseless", "https://api.refuseless.com/v1", &["REFUSELESS_API_KEY"], &[], sets::FULL).responses(&openai_responses::ALIKE),
    plain("abliteration", "https://api.abliteration.ai/v1", &["ABLITERATION_API_KEY"], &[], sets::FULL),
    plain("publicai", "https://api.publicai.co/v1", &["PUBLICAI_API_KEY"], &["PUBLICAI_API_BASE"], sets::FULL).habits(&habits::chat::PUBLICAI),
    plain("assemblyai", "https://llm-gateway.assemblyai.com/v1", &["ASSEMBLYAI_API_KEY"], &[], sets::FULL),
    plain("charity_engine", "https://api.charityengine.services/remotejobs/v2/inference", &["CHARITY_ENGINE_API_KEY"], &[], sets::FULL).habits(&habits::OLDER_MAX_TOKENS),
    plain("helicone", "https://ai-gateway.helicone.ai/", &["HELICONE_API_KEY"], &[], sets::FULL),
    plain("scaleway", "https://api.scaleway.ai/v1", &["SCW_SECRET_KEY"], &[], sets::FULL),
    plain("synthetic", "https://api.synthetic.new/openai/v1", &["SYNTHETIC_API_KEY"], &[], sets::FULL).habits(&habits::OLDER_MAX_TOKENS_AND_TEXT),
    plain("apertis", "https://api.stima.tech/v1", &["STIMA_API_KEY"], &[], sets::FULL).habits(&habits::OLDER_MAX_TOKENS_AND_TEXT),
    plain("nano-gpt", "https://nano-gpt.com/api/v1", &["NANOGPT_API_KEY"], &[], sets::FULL).habits(&habits::OLDER_MAX_TOKENS_AND_TEXT),
    plain("poe", "https://api.poe.com/v1", &["POE_API_KEY"], &[], sets::FULL).habits(&habits::OLDER_MAX_TOKENS_AND_TEXT),
    plain("chutes", "https://llm.chutes.ai/v1/", &["CHUTES_API_KEY"], &[], sets::FULL).habits(&habits::OLDER_MAX_TOKENS_AND_TEXT),
    plain("neosantara", "https://api.neosantara.xyz/v1", &["NEOSANTARA_API_KEY"], &["NEOSANTARA_API_BASE"], sets::FULL).habits(&habits::OLDER_MAX_TOKENS).responses(&openai_responses::ALIKE),
    plain("aiand", "https://api.aiand.com/v1", &["AIAND_API_KEY"], &["AIAND_API_BASE"], sets::FULL).responses(&openai_responses::ALIKE).messages(&anthropic_native::BESIDE),
    plain("parasail", "https://api.parasail.io/v1", &["PARASAIL_API_KEY"], &["PARASAIL_API_BASE"], sets::FULL).responses(&openai_responses::PARASAIL),
    plain("xiaomi_mimo", "https://api.xiaomimimo.com/v1", &["XIAOMI_MIMO_API_KEY"], &[], sets::FULL).habits(&habits::OLDER_MAX_TOKENS),
    plain("tensormesh", "https://serverless.tensormesh.ai/v1", &["TENSORMESH_INFERENCE_API_KEY"], &["TENSORMESH_SERVERLESS_BASE_URL"], sets::FULL).habits(&habits::OLDER_MAX_TOKENS_AND_TEXT).responses(&openai_responses::ALIKE),
    plain("libertai", "https://api.libertai.io/v1", &["LIBERTAI_API_KEY"], &["LIBERTAI_API_BASE"], sets::FULL).habits(&habits::OLDER_MAX_TOKENS),
    plain("pinstripes", "https://pinstripes.io/v1", &["PINSTRIPES_API_KEY"], &["PINSTRIPES_API_BASE"], sets::FULL).habits(&habits::OLDER_MAX_TOKENS).responses(&openai_responses::ALIKE),
    plain("cognition", "https://api.cognition.ai/v1", &["COGNITION_API_KEY"], &["COGNITION_API_BASE"], sets::FULL),
    plain("coralbricks", "https://inference.coralbricks.ai/v1", &["CORALBRICKS_API_KEY"], &["CORALBRICKS_API_BASE"], sets::FULL).responses(&openai_responses::ALIKE).messages(&anthropic_native::BESIDE),
    plain("cortecs", "https://api.cortecs.ai/v1", &["CORTECS_API_KEY"], &["CORTECS_API_BASE"], sets::FULL).responses(&openai_responses::ALIKE).messages(&anthropic_native::BESIDE),
    plain("scx-ai", "https://api.scx.ai/v1", &["SCX_API_KEY"], &["SCX_API_BASE"], sets::FULL).habits(&habits::chat::SCX),
    plain("prism", "https://api.prisminference.com/v1", &["PRISM_API_KEY"], &["PRISM_API_BASE"], sets::FULL).responses(&openai_responses::ALIKE).messages(&anthropic_native::BESIDE),
    plain("openinfer", "https://api.openinfer.ai/v1", &["OPENINFER_API_KEY"], &["OPENINFER_API_BASE"], sets::FULL).always_tools().responses(&openai_responses::ALIKE).messages(&anthropic_native::BESIDE),
    plain("inferenceapis", "https://api.inferenceapis.com/v1", &["INFERENCEAPIS_API_KEY"], &["INFERENCEAPIS_API_BASE"], sets::FULL).responses(&openai_responses::ALIKE).messages(&anthropic_native::BESIDE),
    plain("hostinger_router", "https://router.hostinger.com/v1", &["HOSTINGER_ROUTER_API_KEY"], &["HOSTINGER_ROUTER_API_BASE"], sets::FULL),
    plain("zerogpu", "https://api.zerogpu.ai/v1", &["ZEROGPU_API_KEY"], &["ZEROGPU_API_BASE"], sets::FULL).responses(&openai_responses::ALIKE),
    plain("darkbloom", "https://api.darkbloom.dev/v1", &["DARKBLOOM_API_KEY"], &["DARKBLOOM_API_BASE"], sets::FULL).habits(&habits::OLDER_MAX_TOKENS),
    plain("meta", "https://api.meta.ai/v1", &["META_API_KEY"], &["META_API_BASE"], sets::FULL).responses(&openai_responses::ALIKE).messages(&anthropic_native::BESIDE),
    sdk("sail", "https://api.sailresearch.com/v1", &["SAIL_API_KEY"], &["SAIL_API_BASE"], sets::SAIL).responses(&openai_responses::SAIL).messages(&anthropic_native::BESIDE),
    plain("reka", "https://api.reka.ai/v1", &["REKA_API_KEY"], &["REKA_API_BASE"], sets::FULL),
    sdk("streamlake", "https://vanchin.streamlake.ai/api/gateway/v1/endpoints", &["STREAMLAKE_API_KEY"], &["STREAMLAKE_API_BASE"], sets::FULL).habits(&habits::chat::STREAMLAKE),
    plain("kyma", "https://kymaapi.com/v1", &["KYMA_API_KEY"], &[], sets::FULL).always_tools(),
    unlisted("veniceai", "https://api.venice.ai/api/v1", &["VENICE_AI_API_KEY"], &[], &[]),
    unlisted("llamagate", "https://api.llamagate.dev/v1", &["LLAMAGATE_API_KEY"], &[], &[]),
    unlisted("gmi", "https://api.gmi-serving.com/v1", &["GMI_API_KEY"], &[], &[]),
    unlisted("sarvam", "https://api.sarvam.ai/v1", &["SARVAM_API_KEY"], &[], &[]),
    unlisted("aihubmix", "https://aihubmix.com/v1", &["AIHUBMIX_API_KEY"], &["AIHUBMIX_API_BASE"], &[]),
    unlisted("crusoe", "https://api.inference.crusoecloud.com/v1", &["CRUSOE_API_KEY"], &["CRUSOE_API_BASE"], &[]),
    unlisted("siliconflow", "https://api.siliconflow.com/v1", &["SILICONFLOW_API_KEY"], &["SILICONFLOW_API_BASE"], sets::FULL),
    unlisted("empiriolabs", "https://api.empiriolabs.ai/v1", &["EMPIRIOLABS_API_KEY"], &["EMPIRIOLABS_API_BASE"], &[]),
];
