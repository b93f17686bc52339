//! Compares the core and the store with a model that a reader can check by eye. After each command of a random
//! sequence, every connection must have received exactly the model's messages, in order.
//!
//! proptest prints a failed sequence, made as short as possible, and its seed. `PROPTEST_CASES` sets the number of
//! sequences.

#![expect(clippy::unwrap_used, reason = "a test ends where it can't go on")]

mod beside;
mod digest;
#[path = "../../../../tests/schema/frames.rs"]
mod frames;
mod gone;
mod model;
mod stays;
mod system;

use model::{Command, End, Model};
use orochi_hub::parts::core::Writing;
use proptest::collection::vec;
use proptest::prelude::*;
use system::System;

/// The number of commands in a sequence.
const LENGTH: std::ops::Range<usize> = 1..60;
/// The same of several hubs: more sequences, and shorter ones.
const SHARED_LENGTH: std::ops::Range<usize> = 1..16;
/// Hubs that share one log.
const HUBS: usize = 3;

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn every_connection_gets_exactly_what_is_addressed_to_it(commands in vec(command(), LENGTH), beside: bool) {
        run(|| System::start(writing(beside)), &commands);
    }
}

proptest! {
    #![proptest_config(config(2000))]

    // The seed decides what is dropped, repeated, late and out of order between the hubs.
    #[test]
    fn every_connection_of_three_hubs_gets_exactly_what_is_addressed_to_it(
        commands in vec(shared_command(), SHARED_LENGTH), beside: bool, seed: u64
    ) {
        run(|| System::start_shared(HUBS, seed, writing(beside)), &commands);
    }
}

fn run(start: impl FnOnce() -> System, commands: &[Command]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut system = start();
        let mut model = Model::new(system.hubs());
        for command in commands {
            let said = model.apply(command);
            let heard = system.apply(command).await;
            assert_eq!(heard, said, "the answer to {command:?}");
            system.check(&model).await;
        }
        system.compare().await;
        system.stop().await;
    });
}

fn writing(beside: bool) -> Writing {
    if beside { Writing::AlwaysBeside } else { Writing::AsLoadHasIt }
}

/// Each sequence makes files of its own. `PROPTEST_CASES` sets how many sequences each test tries.
fn config(cases: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A command that a hub alone understands too.
fn command() -> impl Strategy<Value = Command> {
    let connection = 0..8_usize;
    let channel = 0..3_usize;
    let agent = 0..3_usize;
    prop_oneof![
        4 => (0..HUBS, agent.clone(), vec(channel.clone(), 0..3), model::resume())
            .prop_map(|(hub, agent, channels, resume)| Command::Register { hub, agent, channels, resume }),
        12 => (connection.clone(), model::target(), proptest::option::of(agent), model::id())
            .prop_map(|(connection, target, mention, id)| Command::Send { connection, target, mention, id }),
        3 => (connection.clone(), channel.clone()).prop_map(|(connection, channel)| Command::Join { connection, channel }),
        3 => (connection.clone(), channel).prop_map(|(connection, channel)| Command::Leave { connection, channel }),
        3 => (connection.clone(), 0..12_u64).prop_map(|(connection, seq)| Command::Seen { connection, seq }),
        2 => connection.prop_map(|connection| Command::Disconnect { connection }),
        1 => (0..HUBS).prop_map(|hub| Command::Restart { hub, end: End::Stop }),
    ]
}

/// The same, and what happens to hubs that share a log.
fn shared_command() -> impl Strategy<Value = Command> {
    let end = prop_oneof![Just(End::Kill), Just(End::Fence)];
    prop_oneof![
        28 => command(),
        2 => (0..HUBS, end).prop_map(|(hub, end)| Command::Restart { hub, end }),
        1 => (0..8_usize, model::target(), proptest::option::of(0..3_usize))
            .prop_map(|(connection, target, mention)| Command::Cut { connection, target, mention }),
    ]
}
