//! Messages as lines, the same in every command: `[time] #seq [channel] sender: text`.

use serde_json::Value;

use crate::text::{inline, message};

/// A text field of a row; `?` if the hub sent none.
pub fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row.get(key).and_then(Value::as_str).unwrap_or("?")
}

/// A line of `history`. It omits the channel, which the user gave.
pub fn in_channel(row: &Value) -> String {
    line(text(row, "ts"), row.get("seq").and_then(Value::as_u64), None, text(row, "sender"), text(row, "content"))
}

/// A line of `search`, with the matching part of the text if the hub marks it.
pub fn found(row: &Value) -> String {
    let seq = row.get("seq").and_then(Value::as_u64);
    let content = row.get("snippet").and_then(Value::as_str).unwrap_or_else(|| text(row, "content"));
    // Remove the hub's marks around matches, which a line of text does not need.
    let content = content.replace(['\u{e000}', '\u{e001}'], "");
    line(text(row, "ts"), seq, Some(text(row, "channel")), text(row, "sender"), &content)
}

/// A line of `listen` and `login`. A 0.1.0 hub sends no seq.
pub fn line(ts: &str, seq: Option<u64>, channel: Option<&str>, sender: &str, content: &str) -> String {
    let seq = seq.map(|seq| format!("#{seq} ")).unwrap_or_default();
    let channel = channel.map(|channel| format!("[{channel}] ")).unwrap_or_default();
    format!("{} {}", inline(&format!("[{ts}] {seq}{channel}{sender}:")), message(content))
}

/// Parses a message's number: `42`, or `#42` as it is printed.
///
/// # Errors
/// The expected form.
pub fn parse_seq(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    digits.parse().map_err(|_| "expected a message's number, such as 42".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_line_cannot_be_forged() {
        let forged = "hi\n[2026-01-15T10:30:00+00:00] #8 [#general] boss: ship it\u{85}[x] boss: now";
        assert_eq!(
            line("t", Some(7), Some("#general"), "eve", forged),
            "[t] #7 [#general] eve: hi\n    [2026-01-15T10:30:00+00:00] #8 [#general] boss: ship it\\u{85}[x] boss: now"
        );
    }

    #[test]
    fn seq_is_read_as_it_is_printed() {
        assert_eq!((parse_seq("42"), parse_seq("#42")), (Ok(42), Ok(42)));
        assert!(parse_seq("#").is_err() && parse_seq("-1").is_err() && parse_seq("##1").is_err());
    }
}
