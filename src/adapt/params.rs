//! Which OpenAI parameters a provider takes, and what becomes of those it does not.

#[rustfmt::skip]
pub mod sets;
