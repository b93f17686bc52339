//! The contract of a payload: its type's name, and how it is parsed.

use crate::codes::Refusal;
use crate::fields::Fields;

/// The payload of one type of request.
pub trait Payload: Sized {
    /// The envelope's `type`.
    const TYPE: &'static str;
    /// True if the request needs a register on its connection first (section 10, Before register).
    const NEEDS_REGISTER: bool;

    /// Parses the payload's fields.
    ///
    /// # Errors
    /// The refusal of the first field that is missing or wrong.
    fn parse(fields: &Fields<'_>) -> Result<Self, Refusal>;
}

/// A payload that is too large to be part of every [`super::Request`].
impl<P: Payload> Payload for Box<P> {
    const TYPE: &'static str = P::TYPE;
    const NEEDS_REGISTER: bool = P::NEEDS_REGISTER;

    fn parse(fields: &Fields<'_>) -> Result<Self, Refusal> {
        P::parse(fields).map(Box::new)
    }
}
