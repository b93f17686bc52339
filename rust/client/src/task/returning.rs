//! Reconnects after a lost connection and continues where it ended.

use std::sync::Arc;

use orochi_protocol::incoming::AckPayload;

use super::{End, TURN_MAX, Task};
use crate::connection::Connection;
use crate::dialect::Dialect;
use crate::reconnect::{Failure, Next};

impl Task {
    /// Tries to connect until it succeeds, the program closes the client, or the policy gives up. After a 0.1.0 hub it
    /// does not try: the messages between two connections would be lost unnoticed.
    pub(super) async fn come_back(&mut self, why: String) -> Result<(), End> {
        let lost = Failure::Lost { lasted: self.connection.lasted(), has_carried: self.connection.has_carried() };
        let Next::After(mut wait) = self.reconnect.next(lost, chance()) else { return Err(End::Lost(why)) };
        if !self.dialect.has_log() {
            return Err(End::Lost(why));
        }
        tracing::info!(agent = %self.options.name, reason = %why, "connection lost; coming back");
        self.reports.reconnecting();
        let mut register = self.resumption.returning_register();
        loop {
            self.meanwhile(tokio::time::sleep(wait)).await?;
            let options = Arc::clone(&self.options);
            let error = match self.meanwhile(Connection::open(&options, &register)).await? {
                Ok((connection, ack)) => {
                    self.resume(connection, &ack);
                    return Ok(());
                }
                Err(error) => error,
            };
            let is_older_log = self.resumption.fall_back(&error, &mut register);
            let failure = if is_older_log { Failure::OlderLog } else { Failure::Attempt(&error) };
            match self.reconnect.next(failure, chance()) {
                Next::After(next) => wait = next,
                Next::GiveUp => return Err(End::Final(error)),
            }
            tracing::debug!(%error, "not back yet");
        }
    }

    /// Waits for `work`, but returns early if the program closes the client. New requests are kept until the connection
    /// is back.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Result<T, End> {
        let mut work = std::pin::pin!(work);
        let mut commands = Vec::with_capacity(TURN_MAX);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                count = self.commands.recv_many(&mut commands, TURN_MAX) => {
                    if count == 0 {
                        return Err(End::Closed);
                    }
                    if let Some(end) = self.apply(&mut commands) {
                        return Err(end);
                    }
                }
            }
        }
    }

    /// Continues on a new connection. Unanswered requests are sent again under the same ids.
    fn resume(&mut self, connection: Connection, ack: &AckPayload) {
        self.connection = connection;
        for frame in self.outstanding.again() {
            self.connection.send(frame);
        }
        self.seen.forget_report();
        if self.resumption.resumed(ack) {
            self.seen.begin_log();
        }
        self.dialect = Dialect::of(ack);
        self.reports.connected(ack);
    }
}

/// A number from 0 to 1 that differs between clients.
fn chance() -> f64 {
    let (_, low) = uuid::Uuid::new_v4().as_u64_pair();
    (low >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::chance;

    #[test]
    fn chance_lies_between_0_and_1() {
        for _ in 0..100 {
            assert!((0.0..=1.0).contains(&chance()));
        }
    }
}
