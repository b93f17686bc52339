//! The dashboard's files, carried in the binary.

/// The page: for now it says where the API is.
pub const INDEX_HTML: &str = include_str!("../../../dashboard/index.html");
