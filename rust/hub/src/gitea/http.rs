//! One request to Gitea: its address, the token, the bound on the bytes read, and the meaning of the answer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use orochi_protocol::{AgentName, ErrorCode, Refusal};
use reqwest::{Client, Method, Response, Url};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::failure::{Failure, refused, unavailable};
use super::requester::{About, Mark, Names};
use super::subject::Repo;
use crate::config::{Config, Secret};
use crate::http_client;

/// Waits before a read is repeated after a failed connection. A restarting Gitea is back soon.
const READ_AGAIN_AFTER: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];
/// Characters of Gitea's message that are passed on.
const MESSAGE_CHARS_MAX: usize = 1000;

/// Further messages from Gitea that are passed on.
const ERRORS_MAX: usize = 5;

/// The connection settings for Gitea.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    /// `GITEA_URL` with `/api/v1`, without a user name or password.
    base: Url,
    /// Marked as sensitive, so that debug output masks it.
    authorization: HeaderValue,
    token: Secret,
    names: Names,
}

impl Http {
    /// Fails with the reason why no call can be made.
    pub(super) fn new(config: &Config) -> Result<Self, Refusal> {
        let not_configured = |detail: String| Refusal::new(ErrorCode::GiteaNotConfigured, detail);
        if config.gitea_token.is_empty() {
            let detail = "this hub has no Gitea token: set GITEA_URL and GITEA_TOKEN for the hub, and restart it";
            return Err(not_configured(detail.to_owned()));
        }
        let mut authorization = HeaderValue::try_from(format!("token {}", config.gitea_token.expose()).into_bytes())
            .map_err(|_| not_configured("GITEA_TOKEN can't be sent: copy it again from Gitea's settings".to_owned()))?;
        authorization.set_sensitive(true);
        let base = base(&config.gitea_url).ok_or_else(|| {
            not_configured("GITEA_URL is not an address: expected one such as http://localhost:3000".to_owned())
        })?;
        let client = http_client::builder(base.as_str()).build().map_err(|error| {
            let detail = "no client for GITEA_URL can be made; https needs this system's certificates, or those of a \
                          file that SSL_CERT_FILE names";
            not_configured(format!("{detail}: {}", root_cause(error)))
        })?;
        Ok(Self { client, base, authorization, token: config.gitea_token.clone(), names: Names::new(config) })
    }

    /// `GITEA_URL` without a user name, a password or a final slash.
    pub(super) fn address(&self) -> &str {
        self.base.as_str().trim_end_matches("/api/v1")
    }

    /// Refuses https while the clock is before 1970: rustls panics there when it checks a certificate's dates.
    fn check_clock(&self) -> Result<(), Failure> {
        if self.base.scheme() == "https" && SystemTime::now() < UNIX_EPOCH {
            let detail = "Gitea's certificate can't be checked: this machine's clock is before 1970; set it";
            return Err(Refusal::new(ErrorCode::GiteaUnavailable, detail).into());
        }
        Ok(())
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http address has segments").pop_if_empty().extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Masks the token in Gitea's texts: a server could repeat our request.
    fn masked(&self, text: &str) -> String {
        text.replace(self.token.expose(), "****").chars().take(MESSAGE_CHARS_MAX).collect()
    }
}

fn base(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    url.path_segments_mut().ok()?.pop_if_empty().extend(["api", "v1"]);
    Some(url)
}

/// The requests of one call. They share one bound on the bytes read.
pub(super) struct Call<'a> {
    http: &'a Http,
    asker: Option<&'a AgentName>,
    /// Only for requests that are idempotent by id.
    mark: Option<&'a Mark>,
    bytes_left: usize,
    /// A write was sent and is not answered yet.
    is_writing: bool,
}

/// An answer with a 2xx status.
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// Parses the body as JSON of this type.
    pub(super) fn read<'b, T: Deserialize<'b>>(&'b self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body)
            .map_err(|error| unavailable(&format!("its answer has an unexpected form ({error})")))
    }

    /// The body, which must be one JSON object.
    pub(super) fn object(&self) -> Result<Box<RawValue>, Failure> {
        self.starting_with('{', "its answer is not a JSON object")
    }

    /// The body, which must be one JSON list.
    fn list(&self) -> Result<Box<RawValue>, Failure> {
        self.starting_with('[', "its answer is not a JSON list")
    }

    fn starting_with(&self, first: char, otherwise: &str) -> Result<Box<RawValue>, Failure> {
        let raw = self.read::<&RawValue>()?;
        if raw.get().starts_with(first) { Ok(raw.to_owned()) } else { Err(unavailable(otherwise)) }
    }
}

impl<'a> Call<'a> {
    pub(super) fn new(http: &'a Http, asker: Option<&'a AgentName>, mark: Option<&'a Mark>, bytes_left: usize) -> Self {
        Self { http, asker, mark, bytes_left, is_writing: false }
    }

    /// Signs a text for Gitea with its requester's name at the end.
    pub(super) fn sign(&self, text: &str, about: &About) -> String {
        self.http.names.sign(text, self.asker, about, self.mark)
    }

    /// Notes that Gitea refused, so the result is certain.
    pub(super) fn is_refused(&mut self) {
        self.is_writing = false;
    }

    /// The requesting agent and the Gitea user for its `Sudo` header.
    pub(super) fn sudo(&self) -> Option<(AgentName, String)> {
        let agent = self.asker?;
        Some((agent.clone(), self.http.names.user(agent)?.to_owned()))
    }

    /// Checks that a path exists, as the token's own user.
    pub(super) async fn as_ourselves(&mut self, path: &[&str]) -> Result<bool, Failure> {
        let asker = self.asker.take();
        let found = self.get(path, &[]).await;
        self.asker = asker;
        match found {
            Ok(_) => Ok(true),
            Err(failure) if failure.status == Some(404) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Sends a GET. Repeats it after a short wait if the connection failed or broke before an answer.
    pub(super) async fn get(&mut self, path: &[&str], query: &[(&str, &str)]) -> Result<Answer, Failure> {
        self.http.check_clock()?;
        let url = self.http.url(path, query);
        let mut response = self.request(Method::GET, url.clone()).send().await;
        for wait in READ_AGAIN_AFTER {
            if !response.as_ref().is_err_and(|error| error.is_connect() || error.is_request()) {
                break;
            }
            tokio::time::sleep(wait).await;
            response = self.request(Method::GET, url.clone()).send().await;
        }
        self.take(response).await
    }

    /// Sends a body that creates or changes something, once. Returns Gitea's object.
    pub(super) async fn write<T: Serialize>(
        &mut self,
        method: Method,
        path: &[&str],
        body: &T,
    ) -> Result<Box<RawValue>, Failure> {
        let answer = self.send(method, path, body).await?;
        self.done(answer.object())
    }

    /// Does the same for routes where Gitea answers with a list.
    pub(super) async fn write_for_list<T: Serialize>(
        &mut self,
        method: Method,
        path: &[&str],
        body: &T,
    ) -> Result<Box<RawValue>, Failure> {
        let answer = self.send(method, path, body).await?;
        self.done(answer.list())
    }

    fn done(&mut self, read: Result<Box<RawValue>, Failure>) -> Result<Box<RawValue>, Failure> {
        read.map_err(|failure| self.doubtful(failure)).inspect(|_| self.is_writing = false)
    }

    async fn send<T: Serialize>(&mut self, method: Method, path: &[&str], body: &T) -> Result<Answer, Failure> {
        self.http.check_clock()?;
        self.is_writing = true;
        let response = self.request(method, self.http.url(path, &[])).json(body).send().await;
        self.take(response).await
    }

    fn request(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        let request = self.http.client.request(method, url);
        let request = match self.asker.and_then(|agent| self.http.names.user(agent)) {
            Some(user) => request.header("Sudo", user),
            None => request,
        };
        request
            .header(header::AUTHORIZATION, self.http.authorization.clone())
            .header(header::ACCEPT, "application/json")
    }

    /// Reads the answer up to the call's bound and separates success from refusal.
    async fn take(&mut self, response: reqwest::Result<Response>) -> Result<Answer, Failure> {
        // The errors hold no address: GITEA_URL may contain a password.
        let mut response = match response {
            Ok(response) => response,
            // Without a connection, nothing was sent.
            Err(error) if error.is_connect() => return Err(broken(error)),
            Err(error) => return Err(self.doubtful(broken(error))),
        };
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = Vec::new();
        loop {
            let chunk = response.chunk().await.map_err(|error| self.doubtful(broken(error)))?;
            let Some(chunk) = chunk else { break };
            self.bytes_left = self
                .bytes_left
                .checked_sub(chunk.len())
                .ok_or_else(|| self.doubtful(unavailable("its answer is larger than the hub's limit (20 MB)")))?;
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(Answer { headers, body });
        }
        let failure = self.refusal(status, &headers, &body);
        // Gitea itself refused, so nothing was done. A proxy in front of Gitea can't know that.
        if failure.status.is_some() { Err(failure) } else { Err(self.doubtful(failure)) }
    }

    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
        #[derive(Deserialize)]
        struct Said {
            #[serde(default)]
            message: Option<String>,
            // Further messages of a 404.
            #[serde(default)]
            errors: Option<Vec<String>>,
            // The message key of a search.
            #[serde(default)]
            error: Option<String>,
        }
        if status.is_redirection() {
            let detail = "Gitea names another address for it: the owner or repository was renamed (use its present name), \
                          or GITEA_URL is not Gitea's own address";
            return refused(status.as_u16(), detail);
        }
        let said = serde_json::from_slice::<Said>(body).ok();
        let is_between = matches!(status.as_u16(), 502..=504);
        let is_empty = body.trim_ascii().is_empty();
        if said.is_none() && (is_between || !is_empty) {
            return unavailable(&format!("answered {status}, but not as Gitea does"));
        }
        let (said, errors) = said.map(|said| (said.message.or(said.error), said.errors)).unwrap_or_default();
        let said = said.filter(|text| !text.trim().is_empty());
        let mut detail = said.map_or_else(|| without_words(status), |text| self.http.masked(&text));
        for error in errors.into_iter().flatten().take(ERRORS_MAX) {
            detail += &format!("; {}", self.http.masked(&error));
        }
        let wait = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
        if let Some(seconds) = wait {
            detail += &format!(" (try again in {seconds} s)");
        }
        refused(status.as_u16(), detail)
    }

    /// Warns the requester of a create action that it may have succeeded.
    pub(super) fn doubtful(&self, mut failure: Failure) -> Failure {
        if self.is_writing {
            failure.refusal.detail +=
                ", and the action may have succeeded nevertheless: check Gitea before you try again";
            failure.may_be_done = true;
        }
        failure
    }
}

/// The sentence for a refusal without a message.
fn without_words(status: StatusCode) -> String {
    match status {
        StatusCode::FORBIDDEN => {
            "Gitea refused (403) without saying why: the token's user may not do this there".to_owned()
        }
        _ => format!("Gitea answered {status} without saying why"),
    }
}

/// The failure for an answer that is missing or broke off.
fn broken(error: reqwest::Error) -> Failure {
    let cause = root_cause(error);
    if cause.contains("certificate") {
        let way_out = "this system does not trust it: SSL_CERT_FILE can name a file with its authority";
        return unavailable(&format!("its certificate is refused ({cause}), because {way_out}"));
    }
    unavailable(&format!("no answer ({cause})"))
}

/// The innermost reason: `connection refused` rather than `error sending request`.
fn root_cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// An API path below a repository.
pub(super) fn in_repo<'a>(repo: &'a Repo, rest: &[&'a str]) -> Vec<&'a str> {
    [&["repos", repo.owner.as_str(), repo.name.as_str()], rest].concat()
}
