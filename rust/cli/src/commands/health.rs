//! `orochi health`: whether the hub lives and its log takes writes, as an exit code.

use serde_json::Value;

use crate::failure::Failure;
use crate::hub::Hub;
use crate::output;

pub async fn run(hub: &Hub) -> Result<(), Failure> {
    for path in ["healthz", "readyz"] {
        let _: Value = hub.get(&[path], &[]).await?;
    }
    output::line("ok")
}
