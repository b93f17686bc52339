//! Reach: the way of a message to the agent behind a connection (section 9, Reach).

use serde::{Deserialize, Serialize};

use crate::codes::Refusal;
use crate::fields::{Fields, invalid};

/// The promise of a connection about messages delivered to it. Variants are ordered by how soon a message reaches the
/// agent, so the best of several is their minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// A message starts a turn of an idle agent.
    Wake,
    /// A working agent sees messages in its next turn; an idle one is not woken.
    Turn,
    /// Messages wait until the agent reads its inbox. A client treats unknown words of a newer hub as this.
    #[default]
    #[serde(other)]
    Poll,
}

impl Reach {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Reach::Poll => "poll",
            Reach::Turn => "turn",
            Reach::Wake => "wake",
        }
    }

    /// Reads the field `reach`; None if absent.
    pub(crate) fn from_fields(fields: &Fields<'_>) -> Result<Option<Self>, Refusal> {
        match fields.text("reach")?.as_deref() {
            None => Ok(None),
            Some("poll") => Ok(Some(Reach::Poll)),
            Some("turn") => Ok(Some(Reach::Turn)),
            Some("wake") => Ok(Some(Reach::Wake)),
            Some(other) => Err(invalid("reach", "\"wake\", \"turn\" or \"poll\"", &format!("{other:?}"))),
        }
    }
}
