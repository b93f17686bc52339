//! Cuts answers to a size: as many entries as fit, and the position of the next request (section 10, Sizes).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::codes::{ErrorCode, Refusal};
use crate::limits::ANSWER_BYTES_MAX;

/// The bytes of an answer besides its entries: the envelope, a `ref`, a channel's name.
const BESIDE_BYTES: usize = 4 * 1024;
/// The bytes of an answer's entries.
pub const ENTRIES_BYTES_MAX: usize = ANSWER_BYTES_MAX - BESIDE_BYTES;

/// Marks an answer that does not have all entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct More<T> {
    /// Always true.
    pub more: bool,
    /// The position at which the next request continues.
    pub next: T,
}

impl<T> More<T> {
    /// The next answer continues after this entry.
    pub fn from(next: T) -> Self {
        Self { more: true, next }
    }
}

/// Keeps as many of the entries after `after` as fit.
pub(crate) fn cut<V>(
    entries: &mut BTreeMap<String, V>,
    after: Option<&str>,
    bytes: impl Fn(&str, &V) -> usize,
) -> Result<Option<More<String>>, Refusal> {
    if let Some(after) = after {
        entries.retain(|name, _| name.as_str() > after);
    }
    let mut room = ENTRIES_BYTES_MAX;
    let mut last: Option<&String> = None;
    let mut end = None;
    for (name, value) in &*entries {
        match room.checked_sub(bytes(name, value)) {
            Some(rest) => (room, last) = (rest, Some(name)),
            None => {
                end = Some(name.clone());
                break;
            }
        }
    }
    let Some(end) = end else { return Ok(None) };
    let Some(last) = last.cloned() else {
        let detail =
            format!("the entry of {end} alone is over {ENTRIES_BYTES_MAX} bytes: request the entries after {end}");
        return Err(Refusal::new(ErrorCode::TooLarge, detail));
    };
    drop(entries.split_off(&end));
    Ok(Some(More::from(last)))
}

/// The length of `"name":value,` as JSON.
pub(crate) fn entry_bytes(name: &str, value: &impl Serialize) -> usize {
    let entry = (name, value);
    // The array's brackets and comma are as long as this entry's colon and comma.
    serde_json::to_vec(&entry).map_or(0, |json| json.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::{PresenceAnswer, ReceiptState, ReceiptsAnswer};
    use crate::seq::Seq;

    fn receipts(count: usize) -> ReceiptsAnswer {
        let name = |n: usize| (format!("{n:0>60}"), ReceiptState::Delivered);
        ReceiptsAnswer { seq: Seq::ZERO, agents: (0..count).map(name).collect(), more: None, r#ref: None }
    }

    #[test]
    fn paging_gives_each_entry_once_and_no_page_is_too_large() {
        let count = 40_000;
        let (mut found, mut after) = (Vec::new(), None);
        let mut pages = 0;
        loop {
            let page = receipts(count).page(after.as_deref()).unwrap();
            assert!(serde_json::to_vec(&page).unwrap().len() <= ANSWER_BYTES_MAX);
            found.extend(page.agents.into_keys());
            pages += 1;
            match page.more {
                Some(more) => after = Some(more.next),
                None => break,
            }
        }
        assert!(pages > 2, "{pages}");
        assert_eq!(found, receipts(count).agents.into_keys().collect::<Vec<_>>());
    }

    #[test]
    fn paging_refuses_an_entry_that_no_answer_can_hold_and_goes_on_after_it() {
        let channels = |count: usize| (0..count).map(|n| format!("#{n:0>64}")).collect::<Vec<_>>();
        let agents = BTreeMap::from([("big".to_owned(), channels(20_000)), ("small".to_owned(), channels(1))]);
        let answer = || PresenceAnswer { agents: agents.clone(), detail: None, more: None, r#ref: None };
        let refusal = answer().page(None).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::TooLarge);
        assert!(refusal.detail.contains("after big"), "{}", refusal.detail);
        assert_eq!(answer().page(Some("big")).unwrap().agents.into_keys().collect::<Vec<_>>(), ["small"]);
    }
}
