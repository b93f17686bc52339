//! What can become of a wake.

/// What became of a wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Handed over; whether it arrives, the next prompt shows.
    Posted,
    /// There is no way to wake this session.
    Unavailable,
    /// There is one, and it failed.
    Failed,
}
