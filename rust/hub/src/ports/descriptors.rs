//! Raises the system's limit on open files as far as possible, and divides the descriptors.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Room;

/// Descriptors that connections can't use: for the log and its readers, calls to Gitea, and files opened at the start.
const RESERVED: usize = 96;
/// The most connections without authentication. A thousand silent ones cost some megabytes, and thousands of agents
/// reconnect at once when a hub restarts.
const STRANGERS_MAX: usize = 4096;

/// Raises the soft limit to the hard one. Each agent needs a descriptor, and systems start programs with a low limit.
pub(crate) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        tracing::debug!(%error, "the limit on open files stays as it is");
    }
}

/// The number of seats under the present limit.
pub(crate) fn room() -> Room {
    let limit = getrlimit(Resource::Nofile).current.and_then(|limit| usize::try_from(limit).ok());
    share(limit.unwrap_or(usize::MAX))
}

fn share(limit: usize) -> Room {
    let rest = limit - RESERVED.min(limit / 2);
    let strangers = (rest / 8).clamp(4, STRANGERS_MAX);
    Room { strangers, members: rest.saturating_sub(strangers).max(1), limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_shared_out_with_a_reserve() {
        for limit in [64, 128, 1024, 20_000, 1 << 20, usize::MAX] {
            let Room { strangers, members, .. } = share(limit);
            assert!(strangers + members <= limit - limit.min(192) / 2, "{limit}");
            assert!((4..=STRANGERS_MAX).contains(&strangers) && members >= strangers.min(28), "{limit}");
        }
        assert_eq!(share(1024), Room { strangers: 116, members: 812, limit: 1024 });
    }
}
