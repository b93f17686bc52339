//! Typed access to a payload's fields, with errors that name the field and what is expected.
//!
//! Values stay the sender's bytes ([`RawValue`]) until they are read. `metadata` and unknown keys are relayed
//! unchanged, so no number loses digits.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::codes::{ErrorCode, Refusal};
use crate::limits::JSON_DEPTH_MAX;
use crate::names::{AgentName, shown};
use crate::seq::Seq;
use crate::time::Timestamp;

/// An object's fields in their written order. If a key occurs twice, the last one counts.
#[derive(Debug, Default)]
pub struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// The raw value of `name`; `null` counts as absent (section 10).
    pub fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, raw)| *raw).filter(|raw| raw.get() != "null")
    }

    /// Returns whether the object has the key `name`, even with the value `null`.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// A string; None if absent.
    ///
    /// # Errors
    /// `INVALID_FIELD` for any other JSON type.
    pub fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        self.typed(name, "a string")
    }

    /// A required string.
    ///
    /// # Errors
    /// `MISSING_FIELD` if absent, `INVALID_FIELD` for any other JSON type.
    pub fn required_text(&self, name: &str) -> Result<String, Refusal> {
        self.text(name)?.ok_or_else(|| missing(name, "a string"))
    }

    /// A string of at most `chars_max` characters.
    ///
    /// # Errors
    /// `INVALID_FIELD` for any other JSON type, `TOO_LARGE` for a longer one.
    pub fn short_text(&self, name: &str, chars_max: usize) -> Result<Option<String>, Refusal> {
        let text = self.text(name)?;
        if text.as_ref().is_some_and(|text| text.chars().count() > chars_max) {
            return Err(Refusal::new(ErrorCode::TooLarge, format!("{name} is longer than {chars_max} characters")));
        }
        Ok(text)
    }

    /// A boolean; None if absent.
    ///
    /// # Errors
    /// `INVALID_FIELD` for any other JSON type.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Refusal> {
        self.typed(name, "true or false")
    }

    /// A list of strings; None if absent.
    ///
    /// # Errors
    /// `INVALID_FIELD` for any other JSON type.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        self.typed(name, "a list of strings")
    }

    /// A position in the log; None if absent.
    ///
    /// # Errors
    /// `INVALID_FIELD` for anything but an integer from 0.
    pub fn seq(&self, name: &str) -> Result<Option<Seq>, Refusal> {
        self.typed(name, "a seq: an integer from 0")
    }

    /// An agent's name; None if absent.
    ///
    /// # Errors
    /// `INVALID_FIELD` for anything but a string, `INVALID_NAME`.
    pub fn agent(&self, name: &str) -> Result<Option<AgentName>, Refusal> {
        self.text(name)?.map(|text| AgentName::parse(&text)).transpose()
    }

    /// An integer within `range`; None if absent.
    ///
    /// # Errors
    /// `INVALID_FIELD` for anything else.
    pub fn whole(&self, name: &str, range: std::ops::RangeInclusive<u32>) -> Result<Option<u32>, Refusal> {
        let expected = format!("an integer from {} to {}", range.start(), range.end());
        match self.typed::<u32>(name, &expected)? {
            Some(n) if !range.contains(&n) => Err(invalid(name, &expected, &n.to_string())),
            n => Ok(n),
        }
    }

    /// A number from 0 to 1; None if absent.
    ///
    /// # Errors
    /// `INVALID_FIELD` for anything else.
    pub fn fraction(&self, name: &str) -> Result<Option<f64>, Refusal> {
        let expected = "a number from 0 to 1, or null";
        match self.typed::<f64>(name, expected)? {
            Some(n) if !(0.0..=1.0).contains(&n) => Err(invalid(name, expected, &n.to_string())),
            n => Ok(n),
        }
    }

    /// A time (section 5); None if absent.
    ///
    /// # Errors
    /// `INVALID_FIELD` for anything but RFC 3339 or a date.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        parse_time(name, &text).map(Some)
    }

    /// The inclusive end of a time range. A date means its last moment.
    ///
    /// # Errors
    /// As [`Fields::time`].
    pub fn end_time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        parse_end_time(name, &text).map(Some)
    }

    /// An object that is relayed unchanged: at most `bytes_max` bytes and [`JSON_DEPTH_MAX`] deep.
    ///
    /// # Errors
    /// `INVALID_FIELD` for any other JSON type or invalid Unicode, `TOO_LARGE` above the limits.
    pub fn relayed_object(&self, name: &str, bytes_max: usize) -> Result<Option<&'a RawValue>, Refusal> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        if !raw.get().starts_with('{') {
            return Err(invalid(name, "an object", raw.get()));
        }
        check_relayed(name, raw, bytes_max)?;
        Ok(Some(raw))
    }

    /// The fields with unknown names, unchanged. If a name occurs twice, the last one counts.
    pub fn others(&self, is_known: impl Fn(&str) -> bool) -> Vec<(&str, &'a RawValue)> {
        let mut seen = HashSet::new();
        let fields = self.0.iter().rev().map(|(key, raw)| (key.as_ref(), *raw));
        let unknown = fields.filter(|(key, _)| !is_known(key));
        let mut others: Vec<_> = unknown.filter(|(key, _)| seen.insert(*key)).collect();
        others.reverse();
        others
    }

    fn typed<T: for<'de> Deserialize<'de>>(&self, name: &str, expected: &str) -> Result<Option<T>, Refusal> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(raw.get())
            .map(Some)
            .map_err(|_| if has_half_pair(raw.get()) { half_pair(name) } else { invalid(name, expected, raw.get()) })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for InOrder<'a> {
            type Value = Fields<'a>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                // A key without escapes is borrowed from the frame; one with escapes is unescaped into its own string.
                #[derive(Deserialize)]
                struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
                // Most envelopes and payloads have at most five fields; one allocation has room for a few more.
                let mut fields = Vec::with_capacity(8);
                while let Some((Key(key), raw)) = map.next_entry()? {
                    fields.push((key, raw));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder(std::marker::PhantomData))
    }
}

/// Checks that a value can be relayed: its size, its depth, and that every JSON parser can read it.
///
/// # Errors
/// `INVALID_FIELD` for invalid Unicode, `TOO_LARGE` above the limits.
pub fn check_relayed(name: &str, raw: &RawValue, bytes_max: usize) -> Result<(), Refusal> {
    if raw.get().len() > bytes_max {
        return Err(over_size(name, bytes_max));
    }
    if depth_over_max(raw.get()) {
        return Err(Refusal::new(ErrorCode::TooLarge, format!("{name} is nested deeper than {JSON_DEPTH_MAX} levels")));
    }
    if raw.get() != "{}" && serde_json::from_str::<Value>(raw.get()).is_err() {
        return Err(if has_half_pair(raw.get()) {
            half_pair(name)
        } else {
            invalid(name, "JSON that other parsers can read", raw.get())
        });
    }
    Ok(())
}

/// Parses a time from a payload or an HTTP parameter called `name`. A date means its first moment.
///
/// # Errors
/// `INVALID_FIELD` for anything but RFC 3339 or a date.
pub fn parse_time(name: &str, text: &str) -> Result<Timestamp, Refusal> {
    Timestamp::parse(text).ok_or_else(|| not_a_time(name, text))
}

/// Does the same for the end of a range: a date means its last moment.
///
/// # Errors
/// `INVALID_FIELD` for anything but RFC 3339 or a date.
pub fn parse_end_time(name: &str, text: &str) -> Result<Timestamp, Refusal> {
    Timestamp::parse_end(text).ok_or_else(|| not_a_time(name, text))
}

fn not_a_time(name: &str, text: &str) -> Refusal {
    let expected = "RFC 3339 such as 2026-01-15T10:30:00+00:00, or a date such as 2026-01-15";
    invalid(name, expected, &format!("{text:?}"))
}

/// The refusal of a relayed value with too many bytes.
pub fn over_size(name: &str, bytes_max: usize) -> Refusal {
    Refusal::new(ErrorCode::TooLarge, format!("{name} is larger than {} KiB", bytes_max / 1024))
}

/// The refusal of a missing field.
pub fn missing(name: &str, expected: &str) -> Refusal {
    Refusal::new(ErrorCode::MissingField, format!("{name} is missing: expected {expected}"))
}

/// The refusal of a field's value, which is shown as JSON.
pub fn invalid(name: &str, expected: &str, seen: &str) -> Refusal {
    let seen: Cow<'_, str> = if seen.len() > 80 { shown(seen).into() } else { seen.into() };
    Refusal::new(ErrorCode::InvalidField, format!("{name} is {seen}: expected {expected}"))
}

/// The refusal of a text with an unpaired surrogate. A language with UTF-16 strings can produce one by cutting a text.
pub fn half_pair(name: &str) -> Refusal {
    let detail = format!(
        "{name} has an unpaired surrogate (an escape from \\ud800 to \\udfff without its other half), which is no character: \
         send the pair, or U+FFFD in its place"
    );
    Refusal::new(ErrorCode::InvalidField, detail)
}

/// Returns whether JSON has an escaped surrogate without its other half. The JSON must otherwise be well formed.
pub fn has_half_pair(json: &str) -> bool {
    let mut units = escaped_units(json).peekable();
    while let Some((at, unit)) = units.next() {
        match unit {
            0xdc00..=0xdfff => return true,
            0xd800..=0xdbff => {
                let follows = |next: &(usize, u16)| next.0 == at + 6 && matches!(next.1, 0xdc00..=0xdfff);
                if units.next_if(follows).is_none() {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// The `\uXXXX` escapes of a JSON text, with their positions.
fn escaped_units(json: &str) -> impl Iterator<Item = (usize, u16)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + json[from..].find('\\')?;
            let is_unit = json[at + 1..].starts_with('u');
            let unit = json.get(at + 2..at + 6).and_then(|hex| u16::from_str_radix(hex, 16).ok());
            // An escape has at least two characters; the second may be a backslash.
            from = at + 1 + json[at + 1..].chars().next().map_or(0, char::len_utf8);
            if let (true, Some(unit)) = (is_unit, unit) {
                return Some((at, unit));
            }
        }
    })
}

/// Returns whether brackets are nested deeper than [`JSON_DEPTH_MAX`]. `json` must be well formed.
fn depth_over_max(json: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > JSON_DEPTH_MAX {
                    return true;
                }
            }
            b']' | b'}' if !in_string => depth -= 1,
            _ => {}
        }
    }
    false
}
