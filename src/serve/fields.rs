//! Bodies of the small tools (`/utils/...`, `/cost/estimate`): a few typed members, and LiteLLM's 422 that names every
//! one that is missing or of the wrong type.

use super::body::ReplyBody;
use super::refusal;
use crate::params::Params;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

/// The members of a body, and what was found wrong with them.
pub struct Fields {
    params: Params,
    problems: Vec<Value>,
}

impl Fields {
    /// Reads a body.
    ///
    /// # Errors
    /// 422 when it is no JSON object.
    // The reply is what the caller sends on; boxing it would only move the allocation.
    #[allow(clippy::result_large_err)]
    pub fn read(body: &Bytes) -> Result<Self, Response<ReplyBody>> {
        match Params::parse(body) {
            Ok(params) => Ok(Self {
                params,
                problems: Vec::new(),
            }),
            Err(error) if error.is_data() => Err(problem(&[
                ("type", "dict_type".into()),
                ("loc", json!(["body"])),
                ("msg", "Input should be a valid dictionary".into()),
            ])),
            Err(error) => Err(problem(&[
                ("type", "json_invalid".into()),
                ("loc", json!(["body", error.column()])),
                ("msg", "JSON decode error".into()),
            ])),
        }
    }

    /// The raw JSON of a member; `null` counts as not given.
    pub fn raw(&self, name: &str) -> Option<&Bytes> {
        self.params.raw(name).filter(|raw| &raw[..] != b"null")
    }

    /// A member that has to be there.
    fn required(&mut self, name: &str) -> Option<Value> {
        let value = self
            .params
            .raw(name)
            .map(|raw| serde_json::from_slice(raw).unwrap_or_default());
        if value.is_none() {
            self.refuse("missing", name, "Field required");
        }
        value
    }

    fn refuse(&mut self, kind: &str, name: &str, message: &str) {
        let problem = json!({ "type": kind, "loc": ["body", name], "msg": message });
        self.problems.push(problem);
    }

    /// A text that has to be there.
    pub fn text(&mut self, name: &str) -> String {
        match self.required(name) {
            Some(Value::String(text)) => return text,
            Some(_) => self.refuse("string_type", name, "Input should be a valid string"),
            None => {}
        }
        String::new()
    }

    /// A text that may be missing.
    pub fn optional_text(&mut self, name: &str) -> Option<String> {
        self.raw(name)?;
        Some(self.text(name))
    }

    /// A list of objects that may be missing.
    pub fn objects(&mut self, name: &str) -> Option<Vec<Value>> {
        let raw = self.raw(name)?;
        match serde_json::from_slice(raw) {
            Ok(Value::Array(items)) if items.iter().all(Value::is_object) => return Some(items),
            Ok(Value::Array(_)) => {
                self.refuse("dict_type", name, "every item should be a valid dictionary");
            }
            _ => self.refuse("list_type", name, "Input should be a valid list"),
        }
        None
    }

    /// An object that has to be there, raw.
    pub fn object(&mut self, name: &str) -> Params {
        let Some(raw) = self.params.raw(name) else {
            self.refuse("missing", name, "Field required");
            return Params::default();
        };
        Params::parse(raw).unwrap_or_else(|_| {
            self.refuse("dict_type", name, "Input should be a valid dictionary");
            Params::default()
        })
    }

    /// A whole number from 0 that has to be there.
    pub fn count(&mut self, name: &str) -> u64 {
        match self.required(name) {
            Some(value) => self.whole(name, &value).unwrap_or(0),
            None => 0,
        }
    }

    /// A whole number from 0 that may be missing.
    pub fn optional_count(&mut self, name: &str) -> Option<u64> {
        let raw = self.raw(name)?;
        let value = serde_json::from_slice(raw).unwrap_or_default();
        self.whole(name, &value)
    }

    fn whole(&mut self, name: &str, value: &Value) -> Option<u64> {
        let number = value
            .as_f64()
            .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
        match number {
            Some(number) if number.fract() != 0.0 || !number.is_finite() => self.refuse(
                "int_from_float",
                name,
                "Input should be a valid integer, got a number with a fractional part",
            ),
            Some(number) if number < 0.0 => self.refuse(
                "greater_than_equal",
                name,
                "Input should be greater than or equal to 0",
            ),
            Some(number) => return Some(number as u64),
            None => self.refuse("int_type", name, "Input should be a valid integer"),
        }
        None
    }

    /// Whether everything read so far was right.
    ///
    /// # Errors
    /// 422 with all that was not.
    #[allow(clippy::result_large_err)]
    pub fn settled(&self) -> Result<(), Response<ReplyBody>> {
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(refusal::detail(
            StatusCode::UNPROCESSABLE_ENTITY,
            self.problems.clone(),
        ))
    }
}

fn problem(members: &[(&str, Value)]) -> Response<ReplyBody> {
    let problem: serde_json::Map<String, Value> = members
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    refusal::detail(StatusCode::UNPROCESSABLE_ENTITY, json!([problem]))
}
