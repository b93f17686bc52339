//! The parameters of a path as typed values.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use orochi_protocol::{AgentName, Refusal, Seq, Target};
use serde::de::DeserializeOwned;

use super::query::parse_seq;
use crate::api::App;
use crate::api::errors::ApiError;

/// The parameters of a path as texts: a `String`, or a tuple of several.
#[derive(Debug)]
pub(crate) struct Texts<T>(pub T);

impl<S, T> FromRequestParts<S> for Texts<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(texts) = Path::from_request_parts(parts, state).await?;
        Ok(Self(texts))
    }
}

/// The only parameter of a path, checked.
#[derive(Debug)]
pub(crate) struct InPath<T>(pub T);

impl<S, T> FromRequestParts<S> for InPath<T>
where
    S: Send + Sync,
    T: FromText,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Texts(text) = Texts::<String>::from_request_parts(parts, state).await?;
        Ok(Self(T::from_text(&text)?))
    }
}

/// A value that a path can name.
pub(crate) trait FromText: Sized {
    /// Parses a parameter.
    ///
    /// # Errors
    /// The refusal of the value's own type.
    fn from_text(text: &str) -> Result<Self, Refusal>;
}

impl FromText for AgentName {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        Self::parse(text)
    }
}

/// A channel or an agent. `#` is optional.
impl FromText for Target {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        Self::parse(text)
    }
}

impl FromText for Seq {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        parse_seq("seq", text)
    }
}

/// The agent in the path, for which the request acts. It is never the name that the hub reserves for itself.
#[derive(Debug)]
pub(crate) struct OwnName(pub AgentName);

impl FromRequestParts<App> for OwnName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let InPath(name) = InPath::<AgentName>::from_request_parts(parts, app).await?;
        app.core.check_free(&name)?;
        Ok(Self(name))
    }
}
