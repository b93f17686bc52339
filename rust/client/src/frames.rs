//! The frames that a client writes.

use orochi_protocol::request::Register;
use serde::Serialize;

/// The `register` frame.
pub(crate) fn register_frame(name: &str, id: &str, register: &Register) -> String {
    frame("register", name, id, register)
}

/// One request frame.
pub(crate) fn frame<T: Serialize>(kind: &str, sender: &str, id: &str, payload: &T) -> String {
    #[derive(Serialize)]
    struct Frame<'a, T> {
        r#type: &'a str,
        sender: &'a str,
        id: &'a str,
        payload: &'a T,
    }
    serde_json::to_string(&Frame { r#type: kind, sender, id, payload }).expect("payloads have text keys")
}
