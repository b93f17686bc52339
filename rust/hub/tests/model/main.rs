//! The core and the store against a model that a reader can check by eye: random sequences of commands, and
//! after each of them every connection must have got exactly what the model says, in its order.
//!
//! proptest prints the sequence that failed, made as short as it can be, and its seed. `PROPTEST_CASES` sets
//! how many sequences are tried.

#![expect(clippy::unwrap_used, reason = "a test ends where it can't go on")]

mod beside;
#[path = "../../../../tests/schema/frames.rs"]
mod frames;
mod gone;
mod model;
mod stays;
mod system;

use model::{Command, Model};
use orochi_hub::core::Writing;
use proptest::collection::vec;
use proptest::prelude::*;
use system::System;

/// Commands of one sequence.
const LENGTH: std::ops::Range<usize> = 1..60;

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_connection_gets_exactly_what_is_addressed_to_it(commands in vec(command(), LENGTH), beside: bool) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let writing = if beside { Writing::AlwaysBeside } else { Writing::AsLoadHasIt };
            let mut system = System::start(writing).await;
            let mut model = Model::default();
            for command in &commands {
                let said = model.apply(command);
                let heard = system.apply(command).await;
                assert_eq!(heard, said, "the answer to {command:?}");
                system.check(&model).await;
            }
            system.stop().await;
        });
    }
}

/// Each sequence makes, and syncs, a file of its own.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(150)
}

fn command() -> impl Strategy<Value = Command> {
    let connection = 0..8_usize;
    let channel = 0..3_usize;
    let agent = 0..3_usize;
    prop_oneof![
        4 => (agent.clone(), vec(channel.clone(), 0..3), model::resume()).prop_map(|(agent, channels, resume)| {
            Command::Register { agent, channels, resume }
        }),
        12 => (connection.clone(), model::target(), proptest::option::of(agent), model::id())
            .prop_map(|(connection, target, mention, id)| Command::Send { connection, target, mention, id }),
        3 => (connection.clone(), channel.clone()).prop_map(|(connection, channel)| Command::Join { connection, channel }),
        3 => (connection.clone(), channel).prop_map(|(connection, channel)| Command::Leave { connection, channel }),
        3 => (connection.clone(), 0..12_u64).prop_map(|(connection, seq)| Command::Seen { connection, seq }),
        2 => connection.prop_map(|connection| Command::Disconnect { connection }),
        1 => Just(Command::Restart),
    ]
}
