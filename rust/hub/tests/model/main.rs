//! Compares the core and the store with a model that a reader can check by eye. After each command of a random
//! sequence, every connection must have received exactly the model's messages, in order.
//!
//! proptest prints a failed sequence, made as short as possible, and its seed. `PROPTEST_CASES` sets the number of
//! sequences.

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

/// The number of commands in a sequence.
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

/// The number of sequences. Each one creates and syncs a file of its own.
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
