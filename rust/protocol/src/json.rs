//! Writing JSON directly as bytes, for the frames of which every message needs one.

use serde::Serialize;

/// Adds a text in its quotes.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    // A fold without an early end, which the compiler turns into comparisons of many bytes at once.
    let must_escape = text.bytes().fold(false, |found, byte| found | (byte < 0x20) | (byte == b'"') | (byte == b'\\'));
    if must_escape {
        return push(out, text);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Adds a value.
pub(crate) fn push<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(&mut *out, value).expect("writing text and numbers to memory can't fail");
}

/// The written text.
pub(crate) fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("JSON made of str parts is UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pushed_text_is_what_serde_json_writes() {
        let every_byte: String = (0..=0x7f_u8).map(char::from).collect();
        let each = every_byte.chars().map(String::from);
        let texts = each.chain([every_byte.clone(), String::new(), "失敗 \u{e000}🦀\u{2028}".to_owned()]);
        for text in texts {
            let mut out = Vec::new();
            push_text(&mut out, &text);
            assert_eq!(into_text(out), serde_json::to_string(&text).unwrap());
        }
    }
}
