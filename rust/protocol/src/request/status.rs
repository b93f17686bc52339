//! `status_update`: what an agent is doing (sections 5 and 9, Status).

use serde::Serialize;

use crate::codes::Refusal;
use crate::fields::Fields;
use crate::limits::{IDENTITY_CHARS_MAX, STATUS_CHARS_MAX, TASK_CHARS_MAX};

/// The fields to change; those that are None stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StatusUpdate {
    /// Free text of up to 32 characters; `idle`, `busy`, `blocked`, `error` and `online` are the known ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What it works on now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_task: Option<String>,
    /// How far it is, 0 to 1. `Some(None)` on the wire is `null`: no progress to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Option<f64>>,
    /// The machine it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What it works on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Its identity across names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The model it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl StatusUpdate {
    /// The update that a payload or a body holds.
    ///
    /// # Errors
    /// `INVALID_FIELD`, `TOO_LARGE`.
    pub fn from_fields(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let identity = |name| fields.short_text(name, IDENTITY_CHARS_MAX);
        Ok(Self {
            status: fields.short_text("status", STATUS_CHARS_MAX)?,
            current_task: fields.short_text("current_task", TASK_CHARS_MAX)?,
            progress: fields.has("progress").then(|| fields.fraction("progress")).transpose()?,
            machine: identity("machine")?,
            role: identity("role")?,
            project: identity("project")?,
            agent_id: identity("agent_id")?,
            model: identity("model")?,
        })
    }
}
