//! The limits on waking an agent: one for each sender and one for the agent, so that loops end. Pure: the caller passes
//! the time.

use std::collections::{BTreeMap, VecDeque};

use crate::Millis;

const MINUTE: Millis = 60_000;
/// Wakes by one sender within [`SENDER_WINDOW`].
const SENDER_MAX: usize = 12;
const SENDER_WINDOW: Millis = 10 * MINUTE;
/// Wakes of the agent within [`AGENT_WINDOW`], unless `OROCHI_WAKE` sets another number.
const AGENT_MAX: usize = 30;
const AGENT_WINDOW: Millis = 60 * MINUTE;
/// After this time without a request that could wake, the budget is full again.
const QUIET: Millis = 10 * MINUTE;
/// Senders with a count of their own; further ones share one.
const SENDERS_MAX: usize = 256;

/// The wakes that `OROCHI_WAKE` allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// Nothing wakes.
    Off,
    /// At most this many wakes an hour.
    PerHour(usize),
}

impl Default for Allowance {
    fn default() -> Self {
        Self::PerHour(AGENT_MAX)
    }
}

impl Allowance {
    /// Reads `off`, `on`, or a number an hour as `30/h`.
    ///
    /// # Errors
    /// A sentence with the text seen and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" | "on" => Ok(Self::default()),
            "off" | "0/h" => Ok(Self::Off),
            other => other
                .strip_suffix("/h")
                .and_then(|count| count.parse().ok())
                .map(Self::PerHour)
                .ok_or_else(|| format!("{other:?} is no wake budget: write off, on, or a number an hour as 30/h")),
        }
    }
}

/// The hours in which nothing wakes, in minutes of the local day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    from: u32,
    until: u32,
}

impl Quiet {
    /// Reads `22:00-07:00`.
    ///
    /// # Errors
    /// A sentence with the text seen and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let time = |text: &str| {
            let (hours, minutes) = text.trim().split_once(':')?;
            let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
            (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
        };
        text.split_once('-')
            .and_then(|(from, until)| Some(Self { from: time(from)?, until: time(until)? }))
            .ok_or_else(|| format!("quiet = {text:?} is no time of day: write it as \"22:00-07:00\""))
    }

    /// True if this minute of the day is quiet.
    pub fn holds(&self, minute: u32) -> bool {
        if self.from <= self.until {
            (self.from..self.until).contains(&minute)
        } else {
            minute >= self.from || minute < self.until
        }
    }
}

/// The wakes that were spent.
#[derive(Debug, Default)]
pub struct Budget {
    allowance: Allowance,
    all: VecDeque<Millis>,
    senders: BTreeMap<String, VecDeque<Millis>>,
    /// The time at which the newest message first tried to wake the agent.
    wanted_at: Option<Millis>,
    /// The newest message that tried to wake the agent.
    newest: u64,
    /// True if a wake was refused since the budget was last full.
    is_spent: bool,
}

impl Budget {
    /// A full budget.
    pub fn new(allowance: Allowance) -> Self {
        Self { allowance, ..Self::default() }
    }

    /// Spends a wake for this message; false if none is left. Later messages have larger numbers. A refused message may
    /// try again, but only its first try ends a quiet period.
    pub fn spend(&mut self, message: u64, sender: &str, now: Millis) -> bool {
        self.rest(now);
        if message > self.newest || self.wanted_at.is_none() {
            (self.newest, self.wanted_at) = (self.newest.max(message), Some(now));
        }
        let Allowance::PerHour(all_max) = self.allowance else {
            return false;
        };
        let key = if self.senders.contains_key(sender) || self.senders.len() < SENDERS_MAX { sender } else { "" };
        let own = self.senders.entry(key.to_owned()).or_default();
        if own.len() >= SENDER_MAX || self.all.len() >= all_max {
            self.is_spent = true;
            return false;
        }
        own.push_back(now);
        self.all.push_back(now);
        true
    }

    /// Refills the budget, because a person is at the keyboard.
    pub fn person(&mut self) {
        *self = Self::new(self.allowance);
    }

    /// True if a wake was refused since the budget was last full.
    pub fn is_spent(&mut self, now: Millis) -> bool {
        self.rest(now);
        self.is_spent
    }

    /// True if nothing may wake at all.
    pub fn is_off(&self) -> bool {
        matches!(self.allowance, Allowance::Off | Allowance::PerHour(0))
    }

    /// The time at which [`Budget::is_spent`] may become false on its own.
    pub fn next_change(&self) -> Option<Millis> {
        if !self.is_spent {
            return None;
        }
        self.wanted_at.map(|wanted| wanted + QUIET)
    }

    fn rest(&mut self, now: Millis) {
        if self.wanted_at.is_some_and(|wanted| now.saturating_sub(wanted) >= QUIET) {
            self.person();
            return;
        }
        let drop_old = |times: &mut VecDeque<Millis>, window| {
            while times.front().is_some_and(|at| now.saturating_sub(*at) >= window) {
                times.pop_front();
            }
        };
        drop_old(&mut self.all, AGENT_WINDOW);
        self.senders.retain(|_, times| {
            drop_old(times, SENDER_WINDOW);
            !times.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_ends_a_loop_of_two_and_leaves_others_alone() {
        let mut budget = Budget::new(Allowance::default());
        let granted = (0..40).filter(|n| budget.spend(*n, "bob", n * 1000)).count();
        assert_eq!(granted, SENDER_MAX);
        assert!(budget.is_spent(40_000));
        assert!(budget.spend(40, "carol", 40_000), "one noisy agent silences nobody else");
    }

    #[test]
    fn budget_ends_a_loop_of_three_by_the_agents_own_bound() {
        let mut budget = Budget::new(Allowance::default());
        let granted = (0..120).filter(|n| budget.spend(*n, &format!("a{}", n % 4), n * 20_000)).count();
        assert_eq!(granted, AGENT_MAX);
    }

    #[test]
    fn budget_starts_anew_with_a_person_or_after_quiet() {
        let mut budget = Budget::new(Allowance::default());
        let mut number = 0;
        let mut spend = |budget: &mut Budget, now| {
            number += 1;
            budget.spend(number, "bob", now)
        };
        while spend(&mut budget, 0) {}
        assert!(!spend(&mut budget, QUIET - 1), "another message is not quiet");
        assert_eq!(budget.next_change(), Some(2 * QUIET - 1));
        assert!(!budget.is_spent(2 * QUIET - 1) && spend(&mut budget, 2 * QUIET));
        while spend(&mut budget, 2 * QUIET) {}
        budget.person();
        assert!(spend(&mut budget, 2 * QUIET));
    }

    #[test]
    fn budget_starts_anew_for_a_message_that_is_tried_again_and_again() {
        let mut budget = Budget::new(Allowance::default());
        let mut held = 0;
        while budget.spend(held, "bob", 0) {
            held += 1;
        }
        for now in (0..QUIET).step_by(1000) {
            assert!(!budget.spend(held, "bob", now));
        }
        assert!(budget.spend(held, "bob", QUIET));
    }

    #[test]
    fn budget_of_the_variable() {
        assert_eq!(Allowance::parse("off"), Ok(Allowance::Off));
        assert_eq!(Allowance::parse("5/h"), Ok(Allowance::PerHour(5)));
        assert!(Allowance::parse("5").is_err_and(|told| told.contains("30/h")));
        assert!(!Budget::new(Allowance::Off).spend(1, "bob", 0));
    }

    #[test]
    fn quiet_hours_go_over_midnight() {
        let night = Quiet::parse("22:00-07:00").unwrap();
        assert!(night.holds(23 * 60) && night.holds(6 * 60 + 59) && !night.holds(7 * 60) && !night.holds(12 * 60));
        let noon = Quiet::parse("12:00-13:30").unwrap();
        assert!(noon.holds(12 * 60) && !noon.holds(13 * 60 + 30));
        assert!(Quiet::parse("24:00-1").is_err());
    }
}
