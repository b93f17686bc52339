//! The outcome of a wake.

/// The outcome of posting a wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Handed over. The next prompt shows if it arrived.
    Posted,
    /// There is no adapter for this session, or it can't be started.
    Unavailable,
    /// The adapter failed.
    Failed,
}
