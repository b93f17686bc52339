//! The work of parsing a frame grows with its length, not with the square: a frame that is sixteen times as long may
//! cost forty times as much processor time. Comparing each part with all others would cost 256 times as much.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fmt::Write;

use orochi_protocol::limits::FRAME_BYTES_MAX;
use orochi_protocol::request;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

const TIMES: usize = 16;
const TIMES_COST_MAX: i64 = 40;
/// Below this, the measurement of the short frame is too coarse.
const NANOSECONDS_MIN: i64 = 50_000;

/// Nanoseconds of processor time of this thread, without waiting.
fn processor_time() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

fn cost(frame: &str) -> i64 {
    assert!(frame.len() <= FRAME_BYTES_MAX, "{} bytes", frame.len());
    let measure = || {
        let before = processor_time();
        drop(request::parse(frame));
        processor_time() - before
    };
    (0..3).map(|_| measure()).min().unwrap()
}

/// Compares a frame of `parts` parts with one of sixteen times as many.
fn check_growth(parts: usize, frame: impl Fn(usize) -> String) {
    let (short, long) = (cost(&frame(parts)).max(NANOSECONDS_MIN), cost(&frame(parts * TIMES)));
    assert!(long < short * TIMES_COST_MAX, "{parts} parts cost {short} ns, {TIMES} times as many {long} ns");
}

fn message(content: &str) -> String {
    json!({"type": "message", "id": "q", "payload": {"channel": "#a", "content": content}}).to_string()
}

fn repeated(parts: usize, part: impl Fn(usize) -> String) -> String {
    (0..parts).fold(String::new(), |mut text, n| {
        text.push_str(&part(n));
        text
    })
}

#[test]
fn unknown_keys_cost_by_their_number() {
    check_growth(6_000, |parts| {
        let keys = repeated(parts, |n| format!(r#","{n:x}":1"#));
        format!(r##"{{"type":"message","id":"q","payload":{{"channel":"#a","content":"x"{keys}}}}}"##)
    });
    check_growth(6_000, |parts| {
        let mut keys = String::new();
        for n in 0..parts {
            write!(keys, r#","{n:x}":1"#).unwrap();
        }
        format!(r##"{{"type":"presence","id":"q"{keys}}}"##)
    });
}

#[test]
fn mentions_cost_by_their_number() {
    check_growth(2_500, |parts| message(&repeated(parts, |n| format!("@{n:x} "))));
    // None of these is a name, so the limit on mentions does not end the search.
    check_growth(200, |parts| message(&repeated(parts, |n| format!("@{n:x}{} ", "x".repeat(64)))));
    check_growth(2_500, |parts| message(&repeated(parts, |n| format!("@-{n:x} "))));
    check_growth(200, |parts| message(&"@aあ".repeat(parts)));
    check_growth(100, |parts| message(&repeated(parts, |n| format!("@all{n:x}{} ", "aあ".repeat(20)))));
}

#[test]
fn what_surrounds_a_sign_costs_by_its_length() {
    check_growth(4_000, |parts| message(&format!("@{}", "あa".repeat(parts))));
    check_growth(4_000, |parts| message(&format!("@b{}@c", "\u{301}".repeat(parts))));
    check_growth(4_000, |parts| message(&"@\u{301}".repeat(parts)));
    check_growth(4_000, |parts| message(&format!("@x{}", "가\u{301}\u{323}".repeat(parts))));
    check_growth(8_000, |parts| message(&"@".repeat(parts)));
}

#[test]
fn fences_cost_by_their_number() {
    check_growth(1_000, |parts| message(&format!("@a\n{}", "```\n@b\n".repeat(parts))));
    check_growth(1_000, |parts| message(&format!("@a\n{}", "- > ~~~\n".repeat(parts))));
    check_growth(4_000, |parts| message(&format!("@a\n{}```", "- ".repeat(parts))));
    check_growth(4_000, |parts| message(&format!("@a\n```\n{}", ">".repeat(parts))));
}
