//! The dashboard's files, carried in the binary as `build.rs` leaves them.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::sync::LazyLock;

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// One file.
#[derive(Debug, Clone, Copy)]
pub struct File {
    path: &'static str,
    /// Its type, for `Content-Type`.
    pub content_type: &'static str,
    /// All of it.
    pub content: &'static str,
}

macro_rules! files {
    ($($path:literal is $content_type:ident),* $(,)?) => {
        &[$(File {
            path: $path,
            content_type: $content_type,
            content: include_str!(concat!(env!("OUT_DIR"), "/dashboard/", $path)),
        }),*]
    };
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Each file of the folder, so that one that is missing fails the build; a test tells of one that is not named.
const FILES: &[File] = files![
    "css/tokens.css" is CSS,
    "css/base.css" is CSS,
    "css/agents.css" is CSS,
    "css/messages.css" is CSS,
    "css/pictures.css" is CSS,
    "css/search.css" is CSS,
    "icon.svg" is SVG,
    "icon-alert.svg" is SVG,
    // What asks for the data comes first.
    "js/wire/hub.js" is JS,
    "js/wire/first.js" is JS,
    "js/keys.js" is JS,
    "js/main.js" is JS,
    "js/model/channels.js" is JS,
    "js/model/fleet.js" is JS,
    "js/model/incident.js" is JS,
    "js/model/losses.js" is JS,
    "js/model/marks.js" is JS,
    "js/model/notices.js" is JS,
    "js/model/run.js" is JS,
    "js/model/state.js" is JS,
    "js/model/status.js" is JS,
    "js/model/threads.js" is JS,
    "js/palette.js" is JS,
    "js/route.js" is JS,
    "js/shell.js" is JS,
    "js/ui/bars.js" is JS,
    "js/ui/copy.js" is JS,
    "js/ui/dom.js" is JS,
    "js/ui/format.js" is JS,
    "js/ui/highlight.js" is JS,
    "js/ui/identicon.js" is JS,
    "js/ui/issues.js" is JS,
    "js/ui/markup.js" is JS,
    "js/ui/matches.js" is JS,
    "js/ui/news.js" is JS,
    "js/ui/strip.js" is JS,
    "js/ui/text.js" is JS,
    "js/views/activity.js" is JS,
    "js/views/agent.js" is JS,
    "js/views/cards.js" is JS,
    "js/views/details.js" is JS,
    "js/views/direct.js" is JS,
    "js/views/feed/channels.js" is JS,
    "js/views/feed/export.js" is JS,
    "js/views/feed/goto.js" is JS,
    "js/views/feed/list.js" is JS,
    "js/views/feed/machine.js" is JS,
    "js/views/feed/moment.js" is JS,
    "js/views/feed/scroll.js" is JS,
    "js/views/feed/thread.js" is JS,
    "js/views/feed/view.js" is JS,
    "js/views/filters.js" is JS,
    "js/views/message.js" is JS,
    "js/views/missing.js" is JS,
    "js/views/notify.js" is JS,
    "js/views/overview.js" is JS,
    "js/views/receipts.js" is JS,
    "js/views/search.js" is JS,
    "js/views/signin.js" is JS,
    "js/views/standing.js" is JS,
    "js/views/table.js" is JS,
    "js/views/timeline.js" is JS,
    "js/views/waits.js" is JS,
    "js/views/welcome.js" is JS,
    "js/wire/key.js" is JS,
    "js/wire/socket.js" is JS,
    "js/wire/sync.js" is JS,
];

const INDEX: &str = include_str!("../../../../../dashboard/index.html");

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    for file in FILES {
        (file.path, file.content).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
});

/// The page names all files at once: the browser would else find modules import by import, a way there and back each
/// time.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    let link = |kind: &str, path: &str| format!("<link rel=\"{kind}\" href=\"{{{{assets}}}}/{path}\">\n");
    let links = FILES.iter().filter_map(|file| match file.content_type {
        CSS => Some(link("stylesheet", file.path)),
        JS => Some(link("modulepreload", file.path)),
        _ => None,
    });
    let page = INDEX.replace("{{files}}\n", &links.collect::<String>());
    page.replace("{{assets}}", &format!("./assets/{}", version()))
});

static PAGE_HASH: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    index().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
});

/// The files and the page (under its own name) as gzip, made when the first one is asked for; one that did not compress
/// is sent as it is.
static COMPRESSED: LazyLock<HashMap<&'static str, Bytes>> = LazyLock::new(|| {
    let contents = FILES.iter().map(|file| (file.path, file.content)).chain([("", index())]);
    contents.filter_map(|(path, content)| Some((path, gzip(content).ok()?.into()))).collect()
});

/// What the addresses of the files carry: it changes with their contents.
pub fn version() -> &'static str {
    &VERSION
}

/// The page, naming the files by their version.
pub fn index() -> &'static str {
    &PAGE
}

/// What changes with the page, which names all files by what they hold.
pub fn index_hash() -> &'static str {
    &PAGE_HASH
}

/// One of the files.
pub fn file(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

/// One of the files, or the page where `path` is empty, as gzip.
pub fn compressed(path: &str) -> Option<Bytes> {
    COMPRESSED.get(path).cloned()
}

fn gzip(content: &str) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content.as_bytes())?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn under(folder: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                under(&path, root, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_carried_and_together_they_are_small() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboard");
        let mut found = Vec::new();
        for folder in ["css", "js"] {
            under(&root.join(folder), &root, &mut found);
        }
        assert_eq!(found.iter().filter(|path| file(path).is_none()).collect::<Vec<_>>(), Vec::<&String>::new());
        assert!(FILES.iter().map(|file| file.content.len()).sum::<usize>() < 250_000);
    }
}
