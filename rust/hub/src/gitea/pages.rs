//! Gitea's lists, which come page by page.

use axum::http::header;
use orochi_protocol::limits::FRAME_BYTES_MAX;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use super::failure::{Failure, unavailable};
use super::http::{Answer, Call};

/// What one page is asked to hold; Gitea gives no more by default, and some give less.
const PAGE: &str = "50";
/// Entries of a list that is answered.
pub(super) const ENTRIES_MAX: usize = 500;
/// Bytes of a list that is answered: with the frame around it, it is one that every client takes.
const BYTES_MAX: usize = FRAME_BYTES_MAX - 64 * 1024;
/// Pages that are asked for: entries that the token may not see can leave pages short or empty.
const PAGES_MAX: usize = 40;

/// How Gitea wraps a list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// A bare list.
    List,
    /// `{"ok", "data": […]}`, as searches answer.
    Search,
}

/// The entries of all pages, up to `entries_max`.
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

/// A list as it is answered: as many entries, from the first, as fit.
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

/// Whether there is another page. A link is only a sign: its address is Gitea's idea of its own, which can be
/// another host than the one that is to see the token. Lists of labels have no links but a total.
fn has_more(answer: &Answer, seen: usize, is_empty: bool) -> bool {
    let text = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    match (text(header::LINK.as_str()), text("x-total-count").and_then(|count| count.parse::<usize>().ok())) {
        (Some(link), _) => link.contains("rel=\"next\""),
        (None, Some(total)) => !is_empty && seen < total,
        (None, None) => !is_empty,
    }
}
