//! An agent's identity: five short texts that the agent gives itself (sections 5 to 7 and 9).

use serde::{Deserialize, Serialize, Serializer};

use crate::codes::Refusal;
use crate::fields::Fields;
use crate::limits::IDENTITY_CHARS_MAX;

/// An agent's description of itself. A register and an agent's row have all five texts; empty means not given. In a
/// status update a text is optional, and None leaves it unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Identity<T = String> {
    /// The agent's machine.
    pub machine: T,
    /// The agent's role.
    pub role: T,
    /// The agent's model.
    pub model: T,
    /// The agent's identity across names. The hub fills an empty one with `name@machine`.
    pub agent_id: T,
    /// The agent's project.
    pub project: T,
}

impl<T> Identity<T> {
    /// The keys on the wire, in the order of [`Identity::texts`].
    const KEYS: [&str; 5] = ["machine", "role", "model", "agent_id", "project"];

    /// The five texts, in the order of their keys on the wire.
    pub fn texts(&self) -> [&T; 5] {
        let Self { machine, role, model, agent_id, project } = self;
        [machine, role, model, agent_id, project]
    }

    /// The five texts to change, in the same order.
    pub fn texts_mut(&mut self) -> [&mut T; 5] {
        let Self { machine, role, model, agent_id, project } = self;
        [machine, role, model, agent_id, project]
    }
}

impl Identity {
    /// Replaces the texts that `change` has.
    pub fn update(&mut self, change: Identity<Option<String>>) {
        let Identity { machine, role, model, agent_id, project } = change;
        for (text, new) in self.texts_mut().into_iter().zip([machine, role, model, agent_id, project]) {
            if let Some(new) = new {
                *text = new;
            }
        }
    }
}

impl Identity<Option<String>> {
    pub(crate) fn from_fields(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let text = |key| fields.short_text(key, IDENTITY_CHARS_MAX);
        let [machine, role, model, agent_id, project] = Self::KEYS.map(text);
        Ok(Self { machine: machine?, role: role?, model: model?, agent_id: agent_id?, project: project? })
    }

    /// The identity with an empty text for each that is absent.
    pub(crate) fn or_empty(self) -> Identity {
        let mut identity = Identity::default();
        identity.update(self);
        identity
    }
}

impl Serialize for Identity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Self::KEYS.into_iter().zip(self.texts()))
    }
}

impl Serialize for Identity<Option<String>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let given = Self::KEYS.into_iter().zip(self.texts()).filter(|(_, text)| text.is_some());
        serializer.collect_map(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_writes_all_texts_and_a_change_only_those_given() {
        let change = Identity { role: Some("tester".to_owned()), ..Identity::default() };
        assert_eq!(serde_json::to_string(&change).unwrap(), r#"{"role":"tester"}"#);
        let mut identity = Identity { machine: "gpu-1".to_owned(), role: "r".to_owned(), ..Identity::default() };
        identity.update(change);
        let json = r#"{"machine":"gpu-1","role":"tester","model":"","agent_id":"","project":""}"#;
        assert_eq!(serde_json::to_string(&identity).unwrap(), json);
        assert_eq!(serde_json::from_str::<Identity>(json).unwrap(), identity);
    }
}
