//! A secret that masks itself, so that settings can be logged.

use serde::Deserialize;

/// A token or password; empty means that it is not set. Printing it shows only whether it is set.
///
/// It can't be compared or serialised on purpose: `==` takes longer the more of it is right, so the hub compares
/// digests, and whoever writes it to a socket or a file names [`Secret::expose`].
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, for comparing and sending; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns whether no secret is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether it has a space or a control character. Neither survives an HTTP header or an address unchanged,
    /// and most often it is a line end copied with a token.
    pub fn has_blank(&self) -> bool {
        self.0.chars().any(|c| c.is_whitespace() || c.is_control())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl std::fmt::Display for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_empty() { "(none)" } else { "****" })
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_never_printed() {
        let secret = Secret::from("hunter2");
        assert_eq!(format!("{secret} {secret:?} {secret:#?}"), "**** Secret(****) Secret(****)");
        assert_eq!(Secret::default().to_string(), "(none)");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn secret_with_a_line_end_or_a_space_is_noticed() {
        for bad in ["abc\n", "a b", "a\tb", "\u{7f}", "a\u{a0}b"] {
            assert!(Secret::from(bad).has_blank(), "{bad:?}");
        }
        assert!(!Secret::from("aB3-_.~+/=é").has_blank());
    }
}
