//! A request's body: one JSON object, at most as large as a frame.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use futures_util::StreamExt;
use orochi_protocol::ErrorCode;
use orochi_protocol::fields::Fields;
use orochi_protocol::limits::FRAME_BYTES_MAX;

use crate::api::errors::ApiError;

/// A body that is too large is read and dropped up to this multiple of its limit. A client that is cut off while it
/// writes would see a broken connection instead of the 413.
const DISCARD_TIMES: usize = 16;

/// The whole body, which should be a JSON object.
#[derive(Debug)]
pub(crate) struct JsonBody(Vec<u8>);

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        read_at_most(request.into_body(), FRAME_BYTES_MAX).await.map(Self)
    }
}

impl JsonBody {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Parses the body's fields.
    ///
    /// # Errors
    /// `PARSE_ERROR` for anything but a JSON object.
    pub(crate) fn fields(&self) -> Result<Fields<'_>, ApiError> {
        fields(&self.0)
    }
}

/// Reads the whole body, up to `bytes_max`.
///
/// # Errors
/// `TOO_LARGE`, and `PARSE_ERROR` if the body breaks off.
pub(crate) async fn read_at_most(body: Body, bytes_max: usize) -> Result<Vec<u8>, ApiError> {
    let (mut read, mut total) = (Vec::new(), 0);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|e| ApiError::new(ErrorCode::ParseError, format!("the body broke off: {e}")))?;
        total += chunk.len();
        if total > DISCARD_TIMES * bytes_max {
            break;
        }
        if total <= bytes_max {
            read.extend_from_slice(&chunk);
        }
    }
    if total > bytes_max {
        let detail = format!("the body is larger than {} KiB", bytes_max / 1024);
        return Err(ApiError::new(ErrorCode::TooLarge, detail));
    }
    Ok(read)
}

/// Parses the body's fields.
///
/// # Errors
/// `PARSE_ERROR` for anything but a JSON object.
pub(crate) fn fields(body: &[u8]) -> Result<Fields<'_>, ApiError> {
    let not_json = |why: String| ApiError::new(ErrorCode::ParseError, format!("the body is not a JSON object: {why}"));
    let text = std::str::from_utf8(body).map_err(|error| not_json(error.to_string()))?;
    serde_json::from_str(text).map_err(|error| not_json(error.to_string()))
}
