//! Reads Gitea's lists page by page.

use axum::http::header;
use orochi_protocol::limits::FRAME_BYTES_MAX;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use super::failure::{Failure, unavailable};
use super::http::{Answer, Call};

/// Entries requested for each page. Gitea's default limit is the same; some servers return fewer.
const PAGE: &str = "50";
/// Entries that a list returned to a requester may have.
pub(super) const ENTRIES_MAX: usize = 500;
/// Bytes that a list returned to a requester may have. With the frame around it, every client accepts the list.
const BYTES_MAX: usize = FRAME_BYTES_MAX - 64 * 1024;
/// Pages that are requested. Entries that the token may not see can leave pages short or empty.
const PAGES_MAX: usize = 40;

/// The JSON around a list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    List,
    /// `{"ok", "data": […]}`, from searches.
    Search,
}

/// Reads all pages, up to `entries_max` entries.
pub(super) async fn all(
    call: &mut Call<'_>,
    path: &[&str],
    query: &[(&str, &str)],
    shape: Shape,
    entries_max: usize,
) -> Result<Vec<Box<RawValue>>, Failure> {
    let mut entries: Vec<Box<RawValue>> = Vec::new();
    for page in 1..=PAGES_MAX {
        let number = page.to_string();
        let query = [query, &[("page", &number), ("limit", PAGE)]].concat();
        let answer = call.get(path, &query).await?;
        let found = entries_of(&answer, shape)?;
        let is_empty = found.is_empty();
        entries.extend(found);
        if entries.len() >= entries_max || !has_more(&answer, entries.len(), is_empty) {
            break;
        }
    }
    entries.truncate(entries_max);
    Ok(entries)
}

/// A list for the requester: as many of the first entries as fit.
pub(super) fn to_list(mut entries: Vec<Box<RawValue>>) -> Result<Box<RawValue>, Failure> {
    let mut bytes = 2;
    let fitting = entries.iter().take_while(|entry| {
        bytes += entry.get().len() + 1;
        bytes <= BYTES_MAX
    });
    let count = fitting.count();
    entries.truncate(count);
    to_raw_value(&entries).map_err(|error| unavailable(&format!("its list can't be passed on ({error})")))
}

fn entries_of(answer: &Answer, shape: Shape) -> Result<Vec<Box<RawValue>>, Failure> {
    #[derive(Deserialize)]
    struct Search {
        data: Vec<Box<RawValue>>,
    }
    match shape {
        Shape::List => answer.read(),
        Shape::Search => answer.read::<Search>().map(|search| search.data),
    }
}

/// Returns whether another page exists. The link's address is not used: it is Gitea's own idea of its host, and the
/// token must go to GITEA_URL only. Lists of labels have a total in place of links.
fn has_more(answer: &Answer, seen: usize, is_empty: bool) -> bool {
    let text = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    match (text(header::LINK.as_str()), text("x-total-count").and_then(|count| count.parse::<usize>().ok())) {
        (Some(link), _) => link.contains("rel=\"next\""),
        (None, Some(total)) => !is_empty && seen < total,
        (None, None) => !is_empty,
    }
}
