//! A tool's arguments as typed values. Models write numbers as texts and misspell names: texts are converted, and
//! misspelt names are errors.

use orochi_protocol::ErrorCode;
use serde_json::{Map, Value};

use crate::backend::Fault;

/// The arguments of one call.
#[derive(Debug)]
pub(crate) struct Arguments(Map<String, Value>);

impl Arguments {
    /// Checks the names.
    pub(crate) fn new(given: Map<String, Value>, known: &[&str]) -> Result<Self, Fault> {
        match given.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                Err(invalid(format!("there is no parameter {name:?}: known are {known}")))
            }
            None => Ok(Self(given)),
        }
    }

    /// A text; an empty one or null counts as absent.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Fault> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.trim().is_empty())),
            Some(other) => Err(wrong(name, other, "a text")),
        }
    }

    /// A required text.
    pub(crate) fn required(&self, name: &str) -> Result<String, Fault> {
        self.text(name)?
            .ok_or_else(|| Fault::refused(ErrorCode::MissingField, format!("{name} is missing: expected a text")))
    }

    /// The seq of a message, also as `"42"` or `"#42"`.
    pub(crate) fn seq(&self, name: &str) -> Result<Option<u64>, Fault> {
        let expected = "the seq of a message, an integer";
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => {
                let digits = text.trim().trim_start_matches("orochi").trim_start_matches('#');
                digits.parse().map(Some).map_err(|_| wrong(name, &Value::String(text.clone()), expected))
            }
            Some(value) => value.as_u64().map(Some).ok_or_else(|| wrong(name, value, expected)),
        }
    }

    /// A whole number from 1; a larger one than `max` is read as `max`.
    pub(crate) fn limit(&self, default: u32, max: u32) -> Result<u32, Fault> {
        let n = self.number("limit", "an integer from 1")?;
        match n {
            None => Ok(default),
            Some(n) if n >= 1.0 && n.fract() == 0.0 => Ok(if n >= f64::from(max) { max } else { n as u32 }),
            Some(n) => Err(wrong("limit", &n.into(), "an integer from 1")),
        }
    }

    /// A number.
    pub(crate) fn number(&self, name: &str, expected: &str) -> Result<Option<f64>, Fault> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => {
                let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
                number.map(Some).ok_or_else(|| wrong(name, &Value::String(text.clone()), expected))
            }
            Some(value) => value.as_f64().map(Some).ok_or_else(|| wrong(name, value, expected)),
        }
    }

    /// A switch.
    pub(crate) fn boolean(&self, name: &str) -> Result<bool, Fault> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(Value::String(text)) if text == "true" => Ok(true),
            Some(Value::String(text)) if text == "false" => Ok(false),
            Some(other) => Err(wrong(name, other, "true or false")),
        }
    }

    /// Any value.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

/// The fault of a value.
pub(crate) fn wrong(name: &str, seen: &Value, expected: &str) -> Fault {
    let seen: String = seen.to_string().chars().take(80).collect();
    invalid(format!("{name} is {seen}: expected {expected}"))
}

/// The fault of an argument.
pub(crate) fn invalid(detail: String) -> Fault {
    Fault::refused(ErrorCode::InvalidField, detail)
}
