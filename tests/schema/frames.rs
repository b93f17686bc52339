//! Checks frames against docs/protocol.schema.json, as frames.py beside this does. The tests of each crate include this
//! file: `#[path = "../../../../tests/schema/frames.rs"] mod frames;`.

#![allow(dead_code, reason = "each test program uses some of it")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

/// A name for the schema, which is never loaded from there.
const URL: &str = "http://orochi.test/protocol.schema.json";

/// Frames of one type that a test program checks: a check costs more than all else that is done with a frame, and of
/// thousands that are alike the later ones show nothing new.
const CHECKED_MAX: usize = 300;

static CHECKED: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

struct Protocol {
    schemas: Schemas,
    from_client: SchemaIndex,
    from_hub: SchemaIndex,
}

static PROTOCOL: LazyLock<Protocol> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol.schema.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut schema: Value = serde_json::from_str(&text).expect("the schema is JSON");
    close(&mut schema);
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource(URL, schema).expect("a name that is new");
    let mut compile = |direction: &str| {
        compiler.compile(&format!("{URL}#/$defs/{direction}"), &mut schemas).expect("the schema is one")
    };
    let (from_client, from_hub) = (compile("from_client"), compile("from_hub"));
    Protocol { schemas, from_client, from_hub }
});

/// Refuses unlisted keys. A client ignores them; here each of them is one that the page does not have.
fn close(schema: &mut Value) {
    match schema {
        Value::Array(parts) => parts.iter_mut().for_each(close),
        Value::Object(keys) => {
            keys.values_mut().for_each(close);
            let is_object = keys.get("type").is_some_and(|kind| kind == "object");
            if is_object && keys.get("properties").is_some_and(Value::is_object) {
                keys.entry("additionalProperties").or_insert(Value::Bool(false));
            }
        }
        _ => {}
    }
}

/// A frame that a hub sent, as JSON.
pub fn from_hub(text: &str) -> Value {
    checked(text, PROTOCOL.from_hub)
}

/// A frame that a client sent, as JSON.
pub fn from_client(text: &str) -> Value {
    checked(text, PROTOCOL.from_client)
}

fn checked(text: &str, direction: SchemaIndex) -> Value {
    let frame: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"));
    if !is_checked(&frame) {
        return frame;
    }
    if let Err(fault) = PROTOCOL.schemas.validate(&frame, direction) {
        panic!("not a frame of docs/protocol.schema.json: {text:.2000}\n{fault:#}");
    }
    frame
}

fn is_checked(frame: &Value) -> bool {
    let kind = format!("{} {} {}", frame["type"], frame["sender"], frame["payload"]["code"]);
    let mut checked = CHECKED.lock().unwrap_or_else(PoisonError::into_inner);
    let count = checked.entry(kind).or_default();
    *count += 1;
    *count <= CHECKED_MAX
}
