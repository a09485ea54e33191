//! The inbound request, parsed once: [`Call`] is what every later step reads.

use crate::options::Options;
use crate::params::Params;
use crate::trace::Trace;
use crate::upload::Upload;
use bytes::Bytes;
use http::Method;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// What is asked of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// `/v1/chat/completions`, `completion()`.
    Chat,
    /// `/v1/completions`, `text_completion()`.
    TextCompletion,
    /// `/v1/embeddings`, `embedding()`.
    Embeddings,
    /// Anthropic's `/v1/messages`, `anthropic_messages()`.
    Messages,
    /// Gemini's `:generateContent` and `:streamGenerateContent`, `generate_content()`.
    GenerateContent,
    /// `/v1/rerank`, `rerank()`.
    Rerank,
    /// How many tokens a prompt is, asked of the provider: `/v1/messages/count_tokens`, `:countTokens`.
    CountTokens,
    /// `/v1/images/generations`, `image_generation()`.
    ImageGeneration,
    /// `/v1/images/edits`, `image_edit()`.
    ImageEdit,
    /// `/v1/images/variations`, `image_variation()`.
    ImageVariation,
    /// `/v1/audio/transcriptions`, `transcription()`.
    Transcription,
    /// `/v1/audio/speech`, `speech()`.
    Speech,
    /// `/v1/moderations`, `moderation()`.
    Moderation,
    /// A provider's own API, passed through: `/anthropic/*` and the like.
    PassThrough,
    /// OpenAI's `/v1/responses`, `responses()`.
    Responses,
    /// A question about a response that the provider stores.
    Stored(Stored),
    /// A file, a batch or a fine-tuning job at the provider.
    Resource(Resource),
}

/// What is asked of a provider that keeps files, batches and fine-tuning jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// `create_file()`.
    CreateFile,
    /// `file_retrieve()`.
    RetrieveFile,
    /// `file_delete()`.
    DeleteFile,
    /// `file_list()`.
    ListFiles,
    /// `file_content()`.
    FileContent,
    /// `create_batch()`.
    CreateBatch,
    /// `retrieve_batch()`.
    RetrieveBatch,
    /// `cancel_batch()`.
    CancelBatch,
    /// `list_batches()`.
    ListBatches,
    /// `create_fine_tuning_job()`.
    CreateJob,
    /// `retrieve_fine_tuning_job()`.
    RetrieveJob,
    /// `cancel_fine_tuning_job()`.
    CancelJob,
    /// `list_fine_tuning_jobs()`.
    ListJobs,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::CreateFile,
        Self::RetrieveFile,
        Self::DeleteFile,
        Self::ListFiles,
        Self::FileContent,
        Self::CreateBatch,
        Self::RetrieveBatch,
        Self::CancelBatch,
        Self::ListBatches,
        Self::CreateJob,
        Self::RetrieveJob,
        Self::CancelJob,
        Self::ListJobs,
    ];

    /// LiteLLM's `call_type` of the asynchronous call.
    fn call_type(self) -> &'static str {
        match self {
            Self::CreateFile => "acreate_file",
            Self::RetrieveFile => "afile_retrieve",
            Self::DeleteFile => "afile_delete",
            Self::ListFiles => "afile_list",
            Self::FileContent => "afile_content",
            Self::CreateBatch => "acreate_batch",
            Self::RetrieveBatch => "aretrieve_batch",
            Self::CancelBatch => "acancel_batch",
            Self::ListBatches => "alist_batches",
            Self::CreateJob => "acreate_fine_tuning_job",
            Self::RetrieveJob => "aretrieve_fine_tuning_job",
            Self::CancelJob => "acancel_fine_tuning_job",
            Self::ListJobs => "alist_fine_tuning_jobs",
        }
    }
}

/// What is asked about a stored response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stored {
    /// `GET /v1/responses/{id}`.
    Get,
    /// `DELETE /v1/responses/{id}`.
    Delete,
    /// `POST /v1/responses/{id}/cancel`.
    Cancel,
    /// `GET /v1/responses/{id}/input_items`.
    InputItems,
    /// `POST /v1/responses/compact`.
    Compact,
    /// `POST /v1/responses/input_tokens`.
    InputTokens,
}

impl Stored {
    /// The verb of a question that is no POST: those have no body.
    pub fn method(self) -> Option<Method> {
        match self {
            Self::Get | Self::InputItems => Some(Method::GET),
            Self::Delete => Some(Method::DELETE),
            Self::Cancel | Self::Compact | Self::InputTokens => None,
        }
    }
}

impl Op {
    /// LiteLLM's `call_type` of the asynchronous call.
    pub fn call_type(self) -> &'static str {
        match self {
            Self::Chat => "acompletion",
            Self::TextCompletion => "atext_completion",
            Self::Embeddings => "aembedding",
            Self::Messages => "anthropic_messages",
            Self::GenerateContent => "agenerate_content",
            Self::Rerank => "arerank",
            Self::CountTokens => "acount_tokens",
            Self::ImageGeneration => "aimage_generation",
            Self::ImageEdit => "aimage_edit",
            Self::ImageVariation => "aimage_variation",
            Self::Transcription => "atranscription",
            Self::Speech => "aspeech",
            Self::Moderation => "amoderation",
            Self::PassThrough => "allm_passthrough_route",
            Self::Responses => "aresponses",
            Self::Stored(Stored::Get) => "aget_responses",
            Self::Stored(Stored::Delete) => "adelete_responses",
            Self::Stored(Stored::Cancel) => "acancel_responses",
            Self::Stored(Stored::InputItems) => "alist_input_items",
            Self::Stored(Stored::Compact) => "acompact_responses",
            Self::Stored(Stored::InputTokens) => "acount_response_input_tokens",
            Self::Resource(resource) => resource.call_type(),
        }
    }

    /// The dialect in which it is asked and answered.
    pub fn format(self) -> Format {
        match self {
            Self::Messages => Format::Anthropic,
            Self::GenerateContent => Format::Gemini,
            Self::Responses | Self::Stored(_) => Format::Responses,
            _ => Format::OpenAi,
        }
    }

    /// Members that are the dialect's own, although LiteLLM has settings of that name.
    pub fn own_members(self) -> &'static [&'static str] {
        match self {
            Self::Messages => &["metadata", "id"],
            Self::Responses | Self::Resource(Resource::CreateBatch | Resource::CreateJob) => {
                &["metadata"]
            }
            _ => &[],
        }
    }

    /// The operation that carries it to a provider that does not answer it itself.
    #[must_use]
    pub fn carrier(self) -> Self {
        match self {
            Self::Messages
            | Self::GenerateContent
            | Self::CountTokens
            | Self::Responses
            | Self::Stored(_) => Self::Chat,
            own => own,
        }
    }

    /// The SDK's function for it.
    pub fn function(self) -> &'static str {
        match self {
            Self::Messages => self.call_type(),
            _ => self.call_type().strip_prefix('a').unwrap_or_default(),
        }
    }

    /// The operation of an SDK's function, asynchronous or not.
    pub fn of_function(name: &str) -> Option<Self> {
        let resources = Resource::ALL.into_iter().map(Self::Resource);
        Self::ALL
            .into_iter()
            .chain(resources)
            .find(|op| op.function() == name || op.call_type() == name)
    }

    /// Whether it is done elsewhere than in the provider's own adapter: in [`crate::adapt::endpoints`].
    pub fn is_endpoint(self) -> bool {
        matches!(
            self,
            Self::Rerank
                | Self::ImageGeneration
                | Self::ImageEdit
                | Self::ImageVariation
                | Self::Transcription
                | Self::Speech
                | Self::Moderation
                | Self::PassThrough
                | Self::Resource(_)
        )
    }

    /// Whether a caller can ask for a stream.
    pub fn streams(self) -> bool {
        !self.is_endpoint() && !matches!(self, Self::Embeddings | Self::Stored(_))
    }

    /// All that ask a model, or about what it answered.
    pub const ALL: [Self; 19] = [
        Self::Chat,
        Self::TextCompletion,
        Self::Embeddings,
        Self::Messages,
        Self::GenerateContent,
        Self::Rerank,
        Self::ImageGeneration,
        Self::ImageEdit,
        Self::ImageVariation,
        Self::Transcription,
        Self::Speech,
        Self::Moderation,
        Self::Responses,
        Self::Stored(Stored::Get),
        Self::Stored(Stored::Delete),
        Self::Stored(Stored::Cancel),
        Self::Stored(Stored::InputItems),
        Self::Stored(Stored::Compact),
        Self::Stored(Stored::InputTokens),
    ];
}

/// The dialect the caller speaks; replies and errors go back in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// OpenAI's.
    #[default]
    OpenAi,
    /// Anthropic's.
    Anthropic,
    /// Gemini's.
    Gemini,
    /// OpenAI's, as the Responses API speaks it.
    Responses,
}

impl Format {
    /// The headers by which the dialect says what it means.
    pub fn headers(self) -> &'static [&'static str] {
        match self {
            Self::OpenAi | Self::Gemini | Self::Responses => &[],
            Self::Anthropic => &["anthropic-version", "anthropic-beta"],
        }
    }
}

/// When a call has to be over, whatever it is doing.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(pub Option<Instant>);

impl Deadline {
    /// No limit.
    pub const NONE: Self = Self(None);

    /// `after` from now.
    pub fn after(now: Instant, after: Duration) -> Self {
        Self(now.checked_add(after))
    }

    /// What is left, or `None` without a limit.
    pub fn left(self, now: Instant) -> Option<Duration> {
        self.0.map(|at| at.saturating_duration_since(now))
    }
}

/// Who is calling, as far as accounting and metrics name them.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// SHA-256 of the key, or `litellm_proxy_master_key`; never the key.
    pub hashed_key: Option<Cow<'static, str>>,
    /// The key's alias.
    pub key_alias: Option<String>,
    /// The key's user id.
    pub user_id: Option<Cow<'static, str>>,
    /// `user` of the body, or a customer header.
    pub end_user: Option<String>,
    /// Address of the client.
    pub client_ip: Option<Arc<str>>,
    /// The client's `user-agent`.
    pub user_agent: Option<String>,
    /// How it was asked.
    pub method: http::Method,
    /// The route as matched, for example `/chat/completions`.
    pub route: Cow<'static, str>,
}

/// One inbound request.
#[derive(Clone, Debug)]
pub struct Call {
    /// What is asked.
    pub op: Op,
    /// The caller's dialect.
    pub format: Format,
    /// The model as the caller named it: a model group, an alias, or `provider/model` in process.
    pub model: String,
    /// Whether the reply is streamed.
    pub stream: bool,
    /// The body's members that are for the model, raw. `model` and `stream` are among them.
    pub params: Params,
    /// The files that came with it.
    pub uploads: Vec<Upload>,
    /// The members (or keyword arguments, or headers) that say how to make the call; never sent upstream.
    pub options: Options,
    /// Extra headers of the client that are to be forwarded upstream.
    pub forward_headers: Vec<(String, String)>,
    /// Headers of the caller's dialect, for a target that speaks it: `anthropic-beta`, `anthropic-version`.
    pub dialect_headers: Vec<(String, String)>,
    /// Who calls.
    pub caller: Caller,
    /// The client's name for the model where `model` is another: one that the path or the configuration forces.
    pub shown_model: Option<String>,
    /// Whole replies keep the upstream's model name where the server would show the client's: after a fallback, and
    /// where the client named no model in the body.
    pub keep_upstream_model: bool,
    /// When it must be over.
    pub deadline: Deadline,
    /// Its place in a line, where it says one: lower goes first.
    pub priority: Option<i64>,
    /// Whether it wants to know what became of it and why.
    pub explain: bool,
    /// `x-litellm-call-id`.
    pub id: String,
    /// The trace that it belongs to, where calls are traced.
    pub trace: Option<Box<Trace>>,
    /// When its body had come, before anything of it was read.
    pub received: Instant,
    /// When it came in.
    pub started: Instant,
    /// The same by the wall clock, Unix seconds: `created` of replies that have none.
    pub created: i64,
}

/// A random UUID, as text: the id of what has none.
pub fn new_id() -> String {
    let id = uuid::Uuid::new_v4();
    id.hyphenated()
        .encode_lower(&mut uuid::Uuid::encode_buffer())
        .to_owned()
}

impl Call {
    /// A call with everything that is not given left empty.
    pub fn new(op: Op, model: impl Into<String>, params: Params) -> Self {
        let stream = op.streams() && params.get::<bool>("stream").unwrap_or(false);
        let started = Instant::now();
        Self {
            op,
            format: op.format(),
            model: model.into(),
            stream,
            params,
            uploads: Vec::new(),
            options: Options::default(),
            forward_headers: Vec::new(),
            dialect_headers: Vec::new(),
            caller: Caller::default(),
            shown_model: None,
            keep_upstream_model: false,
            deadline: Deadline::NONE,
            priority: None,
            explain: false,
            id: new_id(),
            trace: None,
            received: started,
            started,
            created: SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .map_or(0, |since| since.as_secs().cast_signed()),
        }
    }

    /// Time since it came in, by the clock that timers run on.
    pub fn elapsed(&self) -> Duration {
        let now = tokio::time::Instant::now().into_std();
        now.saturating_duration_since(self.started)
    }

    /// The model's name in replies that show the client's.
    pub fn shown_model(&self) -> &str {
        self.shown_model.as_deref().unwrap_or(&self.model)
    }

    /// The raw `messages`, or an empty list.
    pub fn messages(&self) -> Bytes {
        self.params
            .raw("messages")
            .cloned()
            .unwrap_or_else(|| Bytes::from_static(b"[]"))
    }
}
