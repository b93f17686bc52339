//! Checks that a delivery is from Gitea: HMAC-SHA256 over its bytes, keyed with the shared secret.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use ring::digest::{SHA256, digest};
use ring::hmac::{self, HMAC_SHA256, Key};

use crate::config::Secret;

/// Checks signatures. Its debug output has no secret.
#[derive(Debug)]
pub(crate) struct Signature(Key);

/// A well-formed signature that is not yet checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Claimed([u8; 32]);

impl Signature {
    /// Returns None without a secret, because nothing can be checked then.
    pub(crate) fn new(secret: &Secret) -> Option<Self> {
        (!secret.is_empty()).then(|| Self(Key::new(HMAC_SHA256, secret.expose().as_bytes())))
    }

    /// Returns whether the sender of `body` knows the secret. The comparison takes constant time.
    pub(crate) fn is_right(&self, body: &[u8], claimed: &Claimed) -> bool {
        hmac::verify(&self.0, body, &claimed.0).is_ok()
    }
}

/// A key made of the body's SHA-256: equal bodies are the same delivery, whatever their headers say.
pub(crate) fn name_of(body: &[u8]) -> String {
    let digest = digest(&SHA256, body);
    format!("body:{}", HEXLOWER.encode(digest.as_ref()))
}

impl Claimed {
    /// Parses `X-Gitea-Signature` (64 hex digits) or `X-Hub-Signature-256`, which puts `sha256=` before them. Gitea
    /// sends an empty header if it has no secret.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix("sha256=").unwrap_or(text);
        HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4231, test case 2.
    const SECRET: &str = "Jefe";
    const BODY: &[u8] = b"what do ya want for nothing?";
    const RIGHT: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    #[test]
    fn only_the_whole_digest_of_these_bytes_under_this_secret_is_right() {
        let signature = Signature::new(&SECRET.into()).unwrap();
        let right = Claimed::parse(RIGHT).unwrap();
        assert!(signature.is_right(BODY, &right));
        assert!(!signature.is_right(b"what do ya want for nothing!", &right));
        assert!(!Signature::new(&"jefe".into()).unwrap().is_right(BODY, &right));
        assert!(!signature.is_right(BODY, &Claimed::parse(&RIGHT.replace("5b", "5c")).unwrap()));
    }

    #[test]
    fn what_is_no_digest_is_not_compared() {
        assert_eq!(Claimed::parse(&format!("sha256={RIGHT}")), Claimed::parse(RIGHT));
        for bad in ["", "sha256=", &RIGHT[1..], &format!("{RIGHT}0"), &format!("sha1={RIGHT}"), &"x".repeat(64)] {
            assert_eq!(Claimed::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Claimed::parse(&"+f".repeat(32)), None, "a sign is no digit");
    }

    #[test]
    fn an_empty_secret_checks_nothing_and_none_is_printed() {
        assert!(Signature::new(&"".into()).is_none());
        assert!(!format!("{:?}", Signature::new(&"hunter2".into())).contains("hunter"));
    }
}
