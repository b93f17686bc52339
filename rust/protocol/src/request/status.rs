//! `status_update`: sets an agent's status (sections 5 and 9, Status).

use serde::Serialize;

use super::payload::Payload;
use crate::codes::Refusal;
use crate::fields::Fields;
use crate::identity::Identity;
use crate::limits::{STATUS_CHARS_MAX, TASK_CHARS_MAX};

/// The fields to change. None leaves a field unchanged.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StatusUpdate {
    /// Free text of up to 32 characters. `idle`, `busy`, `blocked`, `error` and `online` have a known meaning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The agent's current task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_task: Option<String>,
    /// The progress, 0 to 1. `Some(None)` is `null` on the wire: no progress to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Option<f64>>,
    #[serde(flatten)]
    pub identity: Identity<Option<String>>,
}

impl StatusUpdate {
    /// Parses the update from a payload, or from the body of an HTTP request.
    ///
    /// # Errors
    /// `INVALID_FIELD`, `TOO_LARGE`.
    pub fn from_fields(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            status: fields.short_text("status", STATUS_CHARS_MAX)?,
            current_task: fields.short_text("current_task", TASK_CHARS_MAX)?,
            progress: fields.has("progress").then(|| fields.fraction("progress")).transpose()?,
            identity: Identity::from_fields(fields)?,
        })
    }
}

impl Payload for StatusUpdate {
    const TYPE: &'static str = "status_update";
    const NEEDS_REGISTER: bool = true;

    fn parse(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Self::from_fields(fields)
    }
}
