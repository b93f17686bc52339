//! Refusals that several requests share: their codes and texts.

use orochi_protocol::{ErrorCode, Refusal, Seq};

use crate::store::StoreError;

/// The refusal of a request that only an agent can make.
pub(crate) fn not_registered(what: &str) -> Refusal {
    Refusal::new(ErrorCode::NotRegistered, format!("{what} needs a register on this connection first"))
}

/// The refusal of a request to a stopping hub.
pub(crate) fn shutting_down() -> Refusal {
    Refusal::new(ErrorCode::ShuttingDown, "the hub is stopping; connect again in a moment")
}

/// The refusal of a request that the disk refused.
pub(crate) fn unavailable(error: &StoreError) -> Refusal {
    Refusal::new(ErrorCode::StoreUnavailable, format!("the log can't be used now: {error}"))
}

/// The refusal of a position that the log has not reached.
pub(crate) fn beyond_log(field: &str, seq: Seq, head: Seq) -> Refusal {
    let detail = format!("{field} is {seq}, beyond the newest message, {head}: start from \"stored\", or from now");
    Refusal::new(ErrorCode::ResumeBeyond, detail)
}

/// The refusal of a seq that names no message.
pub(super) fn no_such_message(seq: Seq) -> Refusal {
    Refusal::new(ErrorCode::InvalidField, format!("seq is {seq}: there is no such message"))
}
