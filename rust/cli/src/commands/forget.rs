//! `orochi forget`: removes agents and channels from the lists of a log whose hub is stopped.

use std::path::PathBuf;

use clap::Args;
use orochi_hub::{Forgettable, Store, StoreError, log_path};
use orochi_protocol::{AgentName, ChannelName, Refusal};

use crate::failure::Failure;
use crate::output;

/// `orochi forget`.
#[derive(Debug, Args)]
pub struct Forget {
    /// Agents, and channels with their #
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// The log's file [default: as of 'orochi serve']
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
}

impl Forget {
    /// Removes the names. The hub must be stopped, because it has its agents in memory.
    ///
    /// # Errors
    /// Fails on an invalid name, a missing log, a running hub, or a disk error.
    pub fn run(&self) -> Result<(), Failure> {
        let names: Vec<Forgettable> = self.names.iter().map(|name| parse(name)).collect::<Result<_, _>>()?;
        let (db, _) = log_path::resolve(self.db.as_deref()).map_err(failed)?;
        if !db.exists() {
            return Err(Failure::Hub(format!("there is no log at {}: name it with --db", db.display())));
        }
        let (mut store, _) = Store::open(&db).map_err(failed)?;
        let unknown = store.forget(&names).map_err(failed)?;
        store.close();
        for one in &names {
            let said = if unknown.contains(one) { "was not known" } else { "is forgotten" };
            output::line(&format!("{one} {said}"))?;
        }
        Ok(())
    }
}

fn parse(name: &str) -> Result<Forgettable, Failure> {
    let usage = |refusal: Refusal| Failure::Usage(refusal.detail);
    if name.starts_with('#') {
        return ChannelName::parse(name).map(Forgettable::Channel).map_err(usage);
    }
    AgentName::parse(name).map(Forgettable::Agent).map_err(usage)
}

fn failed(error: StoreError) -> Failure {
    Failure::Hub(error.to_string())
}
