//! The dashboard's files, which the binary carries as `build.rs` wrote them.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::sync::LazyLock;

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// One file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File {
    path: &'static str,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
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

/// The dashboard's modules and sheets. `build.rs` put them together and refused any that nothing names.
const FILES: &[File] = files![
    "style.css" is CSS,
    "icon.svg" is SVG,
    "icon-alert.svg" is SVG,
    "js/first.js" is JS,
    "js/main.js" is JS,
];

const INDEX: &str = include_str!("../../../../../dashboard/index.html");

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    for file in FILES {
        (file.path, file.content).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
});

static DOCUMENT: LazyLock<String> = LazyLock::new(|| INDEX.replace("{{assets}}", &format!("./assets/{}", version())));

static DOCUMENT_HASH: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    index().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
});

/// The files and the document (under an empty path) as gzip, compressed at the first request. A file that can't be
/// compressed is sent plain.
static COMPRESSED: LazyLock<HashMap<&'static str, Bytes>> = LazyLock::new(|| {
    let contents = FILES.iter().map(|file| (file.path, file.content)).chain([("", index())]);
    contents.filter_map(|(path, content)| Some((path, gzip(content).ok()?.into()))).collect()
});

/// The version in the files' addresses. It changes with their contents.
pub(crate) fn version() -> &'static str {
    &VERSION
}

/// The document. It names the files by their version.
pub(crate) fn index() -> &'static str {
    &DOCUMENT
}

/// A hash of the document, for its ETag. It changes with the files too, because the document names their version.
pub(crate) fn index_hash() -> &'static str {
    &DOCUMENT_HASH
}

/// One of the files.
pub(crate) fn file(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

/// One of the files as gzip; the document if `path` is empty.
pub(crate) fn compressed(path: &str) -> Option<Bytes> {
    COMPRESSED.get(path).cloned()
}

fn gzip(content: &str) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content.as_bytes())?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_names_every_script_and_sheet_and_all_of_it_is_small() {
        for file in FILES.iter().filter(|file| file.content_type != SVG) {
            assert!(index().contains(&format!("\"./assets/{}/{}\"", version(), file.path)), "{}", file.path);
        }
        assert!(FILES.iter().map(|file| file.content.len()).sum::<usize>() + index().len() < 250_000);
    }
}
