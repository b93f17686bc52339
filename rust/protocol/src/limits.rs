//! The limits of the protocol, each with its reason.

/// Largest frame in bytes; above it the connection is closed with 1009 (section 1).
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Largest answer to a request in bytes (section 10, Sizes). The rest follows with the next request. A single row that
/// is larger is sent nevertheless. A client that reads frames up to 2 MiB can read every frame of the hub.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Largest `content` in bytes (section 3): a frame has room for it with metadata and escapes.
pub const CONTENT_BYTES_MAX: usize = 256 * 1024;
/// Largest `metadata` in bytes. A message's other keys have the same limit together (section 3).
pub const METADATA_BYTES_MAX: usize = 64 * 1024;
/// Deepest nesting of `metadata` and other relayed values. A history row is nested deeper in its frame than the
/// sender's message, and JSON parsers commonly stop between 100 and 1000 levels.
pub const JSON_DEPTH_MAX: usize = 64;
/// Most channels on one connection (section 3).
pub const CHANNELS_MAX: usize = 256;
/// Longest agent or channel name in characters, without `#` (section 4).
pub const NAME_CHARS_MAX: usize = 64;
/// Most mentions in one message: each is looked up, stored and listed in the ack (section 4).
pub const MENTIONS_MAX: usize = 256;
/// Longest message or request id in characters (section 1).
pub const ID_CHARS_MAX: usize = 128;
/// Longest machine, role, model, project or agent_id in characters.
pub const IDENTITY_CHARS_MAX: usize = 256;
/// Longest `status` in characters (section 9, Status).
pub const STATUS_CHARS_MAX: usize = 32;
/// Longest `current_task` in characters: it is one line on a card of the dashboard.
pub const TASK_CHARS_MAX: usize = 1024;
/// Longest `search` text in characters.
pub const SEARCH_CHARS_MAX: usize = 1024;
/// Rows in a query's answer if the request has no `limit` (section 5).
pub const HISTORY_LIMIT_DEFAULT: u32 = 50;
/// Most rows in a query's answer (section 5).
pub const HISTORY_LIMIT_MAX: u32 = 1000;
/// Rows of `GET /api/messages` by default (section 7).
pub const RECENT_LIMIT_DEFAULT: u32 = 100;
/// Most rows of `GET /api/messages`; a larger limit is reduced to this (section 10, Limits).
pub const RECENT_LIMIT_MAX: u32 = 500;
/// Seconds between a client's heartbeats, sent in the register ack (section 9, Durability).
pub const HEARTBEAT_SECONDS: u32 = 20;
