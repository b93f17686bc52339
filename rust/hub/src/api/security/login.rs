//! Logins of browsers (section 2): a user gives the token once and gets a login that expires.
//!
//! A login has two halves. The cookie, `until.began.nonce.signature.origin`, is not readable by scripts, but a browser
//! sends it to every server on the host name, whatever its port. The key is derived from `began` and `nonce`. The page
//! keeps the key in its origin's storage, which no other port can read, and sends it with each request. One half alone
//! gives no access.
//!
//! An open page renews its login and gets a new cookie with a later `until`. The key stays the same, so other tabs with
//! the same login continue. No login lasts longer than [`RENEWED_MAX`] after its sign-in.
//!
//! Both halves are signed with a key made from the log's key and the token. So a restarted hub accepts its logins, and
//! a hub with a new token accepts none. `origin` is signed with the log's key alone. It gives no access; it
//! distinguishes a login under a former token from a forged cookie. Only logins that were signed out are stored. They
//! stay in the log as long as one of their cookies could be valid.
//!
//! Wrong tokens are not counted. The same token opens every route, and with a shared count any web page in anyone's
//! browser could lock everybody out. The defence against guessing is a token that can't be guessed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use data_encoding::HEXLOWER;
use orochi_protocol::Timestamp;
use ring::hmac::{self, HMAC_SHA256};
use tokio::sync::watch;
use uuid::Uuid;

use crate::api::errors::Reason;
use crate::config::Secret;
use crate::core::system_clock;
use crate::store::{ENDED_LOGINS_MAX, LoginKey};

/// The header with the login's key.
const KEY_HEADER: &str = "orochi-session-key";
/// The subprotocol with the login's key, for a WebSocket, to which a page can't add headers.
const KEY_PROTOCOL: &str = "orochi-session.";
/// The lifetime of the link that the hub prints at its start.
const LINK_MAX: Duration = Duration::from_secs(10 * 60);
/// The longest time after its sign-in for which a login can be renewed.
const RENEWED_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The cookie that a sign-out leaves in the browser, so that its other tabs learn the reason.
pub(super) const SIGNED_OUT: &str = "signed-out";
/// The longest wait between two readings of the clock. A timer does not run while the machine sleeps.
const CLOCK_READ_EVERY: Duration = Duration::from_secs(60);

/// The logins of this log and this token. Clones are cheap.
#[derive(Debug, Clone)]
pub(crate) struct Logins {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    key: hmac::Key,
    /// The log's key, independent of the token.
    log_key: hmac::Key,
    /// The cookie's name, which has a digest of the log's key: two hubs on one host share a cookie jar.
    cookie: String,
    lifetime: Duration,
    /// A std mutex: it is held to look something up, never over an await.
    held: Mutex<Held>,
    /// Notifies waiting tasks that a login ended.
    changed: watch::Sender<()>,
}

#[derive(Debug)]
struct Held {
    /// The nonces of ended logins, with the end of their validity in seconds since 1970.
    ended: HashMap<String, i64>,
    /// The nonces of renewed logins, with their new end. Sockets that were opened before the renewal continue until
    /// then.
    renewed: HashMap<String, i64>,
    /// The printed link's code until its use, and its end.
    link: Option<(String, Instant)>,
}

/// The two halves of a new login.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The value of `Set-Cookie`.
    pub cookie: String,
    /// The page's half.
    pub key: String,
}

/// A valid login of a request that sent both halves.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    logins: Logins,
    pub(super) nonce: String,
    /// The time of the sign-in, in seconds since 1970.
    pub(super) began: i64,
    pub(super) until: i64,
}

impl Logins {
    /// Creates the logins of a log and a token; `ended` are those that were signed out before.
    pub(crate) fn new(key: &LoginKey, token: &Secret, ended: HashMap<String, i64>, lifetime: Duration) -> Self {
        let log_key = hmac::Key::new(HMAC_SHA256, key.expose());
        let of_token = hmac::sign(&log_key, token.expose().as_bytes());
        let name = HEXLOWER.encode(hmac::sign(&log_key, b"cookie name").as_ref());
        Self {
            shared: Arc::new(Shared {
                key: hmac::Key::new(HMAC_SHA256, of_token.as_ref()),
                log_key,
                cookie: format!("orochi_session_{}", &name[..8]),
                lifetime,
                held: Mutex::new(Held { ended, renewed: HashMap::new(), link: None }),
                changed: watch::Sender::new(()),
            }),
        }
    }

    /// Creates a login. `secure` means that the browser uses TLS.
    pub(crate) fn open(&self, secure: bool) -> Opened {
        let now = seconds(system_clock());
        let login = format!("{now}.{}", Uuid::new_v4().simple());
        let until = now.saturating_add(whole_seconds(self.shared.lifetime));
        Opened { cookie: self.login_cookie(&login, until, now, secure), key: self.signature("key", &login) }
    }

    /// The login of a request that sent both halves.
    pub(crate) fn login(&self, headers: &HeaderMap) -> Option<Login> {
        self.judge(headers).ok()
    }

    /// The login of a request that sent both halves, or the reason why it has none.
    pub(crate) fn judge(&self, headers: &HeaderMap) -> Result<Login, Reason> {
        let now = seconds(system_clock());
        // A page whose cookie has expired in the browser still has the key.
        let unknown = if keys(headers).next().is_some() { Reason::Expired } else { Reason::NoToken };
        let mut reason = unknown;
        for cookie in self.cookies(headers) {
            match self.checked(cookie, headers, now) {
                Ok(login) => return Ok(login),
                Err(found) => reason = found.unwrap_or(reason),
            }
        }
        Err(reason)
    }

    /// Creates a code for one login, for the printed link.
    pub(crate) fn link_code(&self) -> String {
        let code = secret();
        self.held().link = Some((code.clone(), Instant::now() + LINK_MAX));
        code
    }

    /// Uses up the printed link's code. Returns whether it was right.
    pub(crate) fn take_link(&self, code: &str) -> bool {
        let mut held = self.held();
        let is_it = held.link.as_ref().is_some_and(|(known, until)| known == code && *until > Instant::now());
        if is_it {
            held.link = None;
        }
        is_it
    }

    /// Checks one cookie. Returns the login, or the reason why there is none; no reason for a forged cookie.
    fn checked(&self, cookie: &str, headers: &HeaderMap, now: i64) -> Result<Login, Option<Reason>> {
        if cookie == SIGNED_OUT {
            return Err(Some(Reason::SignedOut));
        }
        // Compare signatures of both texts: this takes constant time.
        let is_equal = |seen: &str, right: &str| {
            let signed = hmac::sign(&self.shared.key, right.as_bytes());
            hmac::verify(&self.shared.key, seen.as_bytes(), signed.as_ref()).is_ok()
        };
        let (signed, origin) = cookie.rsplit_once('.').ok_or(None)?;
        if !is_equal(origin, &self.origin(signed)) {
            return Err(None);
        }
        let (said, signature) = signed.rsplit_once('.').ok_or(None)?;
        if !is_equal(signature, &self.signature("cookie", said)) {
            return Err(Some(Reason::TokenChanged));
        }
        let (until, login) = said.split_once('.').ok_or(None)?;
        let key = self.signature("key", login);
        if !keys(headers).any(|seen| is_equal(seen, &key)) {
            return Err(Some(Reason::Incomplete));
        }
        let (began, nonce) = login.split_once('.').ok_or(None)?;
        let (until, began) = (until.parse().map_err(|_| None)?, began.parse().map_err(|_| None)?);
        let login = Login { logins: self.clone(), nonce: nonce.to_owned(), began, until };
        if self.held().ended.contains_key(nonce) {
            return Err(Some(Reason::SignedOut));
        }
        if until <= now { Err(Some(Reason::Expired)) } else { Ok(login) }
    }

    fn cookies<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = values.flat_map(|value| value.split(';'));
        pairs.filter_map(|pair| pair.trim().strip_prefix(self.shared.cookie.as_str())?.strip_prefix('='))
    }

    fn signature(&self, half: &str, said: &str) -> String {
        HEXLOWER.encode(hmac::sign(&self.shared.key, format!("{half} {said}").as_bytes()).as_ref())
    }

    /// Proves that the log issued a cookie, under any token.
    fn origin(&self, signed: &str) -> String {
        HEXLOWER.encode(hmac::sign(&self.shared.log_key, format!("origin {signed}").as_bytes()).as_ref())
    }

    pub(super) fn login_cookie(&self, login: &str, until: i64, now: i64, secure: bool) -> String {
        let said = format!("{until}.{login}");
        let signed = format!("{said}.{}", self.signature("cookie", &said));
        self.set_cookie(&format!("{signed}.{}", self.origin(&signed)), until.saturating_sub(now), secure)
    }

    /// The lifetime of a login that is not renewed.
    pub(super) fn lifetime(&self) -> Duration {
        self.shared.lifetime
    }

    pub(super) fn set_cookie(&self, value: &str, seconds_valid: i64, secure: bool) -> String {
        let secure = if secure { "; Secure" } else { "" };
        let name = &self.shared.cookie;
        format!("{name}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds_valid}{secure}")
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.shared.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Login {
    /// Waits until the login was signed out or has expired.
    pub(crate) async fn over(self) {
        let mut changes = self.logins.shared.changed.subscribe();
        loop {
            let now = seconds(system_clock());
            let until = self.valid_until();
            if until <= now {
                return;
            }
            let left = Duration::from_secs(u64::try_from(until - now).unwrap_or(0));
            // `self` holds the sender, so `changed` can't fail here.
            let _ = tokio::time::timeout(left.min(CLOCK_READ_EVERY), changes.changed()).await;
        }
    }

    /// The login's end: later than its cookie says if it was renewed, in the past once it was signed out.
    fn valid_until(&self) -> i64 {
        let held = self.logins.held();
        if held.ended.contains_key(&self.nonce) {
            return i64::MIN;
        }
        held.renewed.get(&self.nonce).map_or(self.until, |until| self.until.max(*until))
    }

    /// The time after which none of its cookies is valid, even with renewals.
    pub(super) fn bound(&self) -> i64 {
        self.until.max(self.began.saturating_add(whole_seconds(RENEWED_MAX)))
    }

    /// Renews the login for a lifetime from `now`, within its bound. Returns the new end.
    pub(super) fn renew(&self, now: i64) -> i64 {
        let lifetime = whole_seconds(self.logins.shared.lifetime);
        let until = now.saturating_add(lifetime).min(self.bound()).max(self.until);
        let mut held = self.logins.held();
        held.renewed.retain(|_, until| *until > now);
        held.renewed.insert(self.nonce.clone(), until);
        until
    }

    /// Ends the login in this process.
    pub(super) fn end(&self) {
        // Keep expired entries: while the clock is briefly ahead, they only seem to have expired.
        let mut held = self.logins.held();
        if held.ended.len() >= ENDED_LOGINS_MAX {
            let first = held.ended.iter().min_by_key(|(_, until)| **until).map(|(nonce, _)| nonce.clone());
            first.map(|nonce| held.ended.remove(&nonce));
        }
        held.renewed.remove(&self.nonce);
        held.ended.insert(self.nonce.clone(), self.bound());
        drop(held);
        self.logins.shared.changed.send_replace(());
    }
}

/// The keys that a request sent, in the header and as subprotocols.
fn keys(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let text = |name| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let protocols = text(header::SEC_WEBSOCKET_PROTOCOL.as_str()).flat_map(|value| value.split(','));
    let offered = protocols.filter_map(|protocol| protocol.trim().strip_prefix(KEY_PROTOCOL));
    text(KEY_HEADER).chain(offered).filter(|key| !key.is_empty())
}

pub(super) fn seconds(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(1_000_000)
}

pub(super) fn whole_seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// A secret of 244 random bits.
fn secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn logins(key: u8, token: &str) -> Logins {
        Logins::new(&LoginKey::from(vec![key; 32]), &token.into(), HashMap::new(), HOUR)
    }

    /// The request of a browser with this cookie (as `name=value`) and key.
    fn request(cookie: &str, key: &str) -> HeaderMap {
        let cookie = format!("a=b; {}", cookie.split(';').next().unwrap());
        HeaderMap::from_iter([
            (header::COOKIE, cookie.parse().unwrap()),
            (KEY_HEADER.parse().unwrap(), key.parse().unwrap()),
        ])
    }

    fn login(logins: &Logins, opened: &Opened) -> Option<Login> {
        logins.login(&request(&opened.cookie, &opened.key))
    }

    #[test]
    fn login_is_valid_until_it_expires_also_after_a_restart() {
        let opened = logins(1, "s3cret").open(false);
        let again = logins(1, "s3cret");
        let login = login(&again, &opened).unwrap();
        assert_eq!(login.until, login.began + 3600);
        assert_eq!(login.bound(), login.began + 30 * 24 * 3600);
    }

    #[test]
    fn login_of_another_token_or_log_or_with_a_changed_half_is_refused() {
        let here = logins(1, "s3cret");
        let opened = here.open(false);
        assert!(login(&logins(1, "s3cret2"), &opened).is_none());
        assert!(login(&logins(2, "s3cret"), &opened).is_none());
        let pair = opened.cookie.split(';').next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        let (until, rest) = value.split_once('.').unwrap();
        let later = format!("{}.{rest}", until.parse::<i64>().unwrap() + 99);
        for bad in [later.as_str(), &value[..value.len() - 1], &format!("{value}0"), "", ".", "..", "x.y.z"] {
            assert!(here.login(&request(&format!("{name}={bad}"), &opened.key)).is_none(), "{bad}");
        }
        for bad in ["", "x", &opened.key[1..], &here.open(false).key, value.rsplit_once('.').unwrap().1] {
            assert_eq!(here.judge(&request(pair, bad)).err(), Some(Reason::Incomplete), "{bad}");
        }
        assert_eq!(logins(1, "s3cret2").judge(&request(pair, &opened.key)).err(), Some(Reason::TokenChanged));
        assert!(login(&here, &opened).is_some());
    }

    #[test]
    fn login_renewal_extends_all_its_cookies_within_thirty_days() {
        let here = logins(1, "s3cret");
        let opened = here.open(false);
        let login = login(&here, &opened).unwrap();
        let (began, day) = (login.began, 24 * 3600);
        assert_eq!(login.renew(began + 1800), began + 1800 + 3600);
        assert_eq!(login.valid_until(), began + 1800 + 3600, "a socket that was opened before goes on");
        assert_eq!(login.renew(began + 30 * day - 60), began + 30 * day);
        let renewed = here.login_cookie(&format!("{began}.{}", login.nonce), began + 30 * day, began, false);
        let request = request(&renewed, &opened.key);
        assert_eq!(here.login(&request).unwrap().until, began + 30 * day);
        login.end();
        assert_eq!(here.judge(&request).err(), Some(Reason::SignedOut));
        assert_eq!(here.held().ended[&login.nonce], began + 30 * day, "as long as a renewed cookie is valid");
    }

    #[test]
    fn login_end_concerns_one_login() {
        let here = logins(1, "s3cret");
        let (one, other) = (here.open(false), here.open(false));
        login(&here, &one).unwrap().end();
        assert!(login(&here, &one).is_none());
        assert!(login(&here, &other).is_some());
    }
}
