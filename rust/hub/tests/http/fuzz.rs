//! Random addresses. The hub answers in JSON, with a code if it refuses, and keeps running.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use crate::harness::{TestHub, send_raw};

const PATHS: [&str; 13] = [
    "/api/agents",
    "/api/channels",
    "/api/history/general",
    "/api/history/",
    "/api/messages",
    "/api/messages/1/receipts",
    "/api/search",
    "/api/stats",
    "/api/overview",
    "/api/stats/states",
    "/api/agents/bob/waiting",
    "/api/gitea/repos",
    "/api/nothing",
];
const NAMES: [&str; 13] = [
    "limit", "since", "until", "before", "after", "sender", "search", "q", "channel", "agent", "all", "token", "detail",
];

/// A query, or other text in its place, including bytes that no browser would send.
fn query() -> impl Strategy<Value = Vec<u8>> {
    let pair = (select(NAMES.to_vec()), "[!-~]{0,12}|-?[0-9]{0,20}|%[0-9A-Fa-f]{0,2}|2026-01-15(T10:30:00Z)?")
        .prop_map(|(name, value)| format!("{name}={value}").into_bytes());
    let noise = vec(any::<u8>().prop_filter("ends the line", |byte| !b" \r\n".contains(byte)), 0..20);
    vec(prop_oneof![4 => pair, 1 => noise], 0..5).prop_map(|pairs| pairs.join(&b'&'))
}

async fn ask(hub: &TestHub, path: &[u8]) -> (u16, String) {
    let mut request = b"GET ".to_vec();
    request.extend_from_slice(path);
    let head = format!(" HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", hub.dashboard_host());
    request.extend_from_slice(head.as_bytes());
    let answer = send_raw(hub.dashboard_host(), &request).await;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_address_is_answered(asked in vec((select(PATHS.to_vec()), query()), 40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let hub = TestHub::open().await;
            hub.say("alice", "#general", "hello @bob").await;
            for (path, query) in asked {
                let address = [path.as_bytes(), b"?", &query].concat();
                let (status, body) = ask(&hub, &address).await;
                let shown = String::from_utf8_lossy(&address);
                // Gitea is not configured here, which has its own answer: 503.
                let is_known = matches!(status, 200 | 400 | 404 | 422) || (status == 503 && path.contains("gitea"));
                assert!(is_known, "{status} for {shown}: {body}");
                // Bytes that are not HTTP are refused before the routes.
                if !body.is_empty() || status != 400 {
                    let answer: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{shown}: {body}"));
                    assert_eq!(status == 200, answer.get("code").is_none(), "{shown}: {body}");
                }
            }
            assert_eq!(hub.get("/healthz").await["status"], "ok");
        });
    }
}

/// The number of cases. Each one starts a hub of its own.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}
