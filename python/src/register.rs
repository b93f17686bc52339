//! Builds a register from Python's arguments.

use std::collections::BTreeMap;

use orochi_protocol::request::{Conflict, EventKind, Register, Resume};
use orochi_protocol::{ChannelName, ErrorCode, Identity, Refusal, Seq};
use pyo3::prelude::*;

/// The type of Python's `resume=` argument.
#[derive(FromPyObject)]
pub(crate) enum ResumeArgument {
    After(i64),
    Word(String),
}

pub(crate) fn parse_register(
    identity: Identity,
    channels: &[String],
    resume: Option<ResumeArgument>,
    conflict: &str,
    events: &[String],
) -> Result<Register, Refusal> {
    Ok(Register {
        channels: Some(channels.iter().map(|channel| ChannelName::parse(channel)).collect::<Result<_, _>>()?),
        identity,
        resume: resume.map(parse_resume).transpose()?,
        epoch: None,
        joined: BTreeMap::new(),
        conflict: parse_conflict(conflict)?,
        events: events.iter().map(|event| parse_event(event)).collect::<Result<_, _>>()?,
        reach: None,
    })
}

fn parse_resume(resume: ResumeArgument) -> Result<Resume, Refusal> {
    let refuse = || Refusal::new(ErrorCode::InvalidField, "resume is None, \"stored\" or a seq");
    match resume {
        ResumeArgument::After(seq) => u64::try_from(seq).ok().and_then(Seq::new).map(Resume::After).ok_or_else(refuse),
        ResumeArgument::Word(word) if word == "stored" => Ok(Resume::Stored),
        ResumeArgument::Word(_) => Err(refuse()),
    }
}

fn parse_conflict(conflict: &str) -> Result<Conflict, Refusal> {
    match conflict {
        "join" => Ok(Conflict::Join),
        "replace" => Ok(Conflict::Replace),
        "refuse" => Ok(Conflict::Refuse),
        _ => Err(Refusal::new(ErrorCode::InvalidField, "conflict is \"join\", \"replace\" or \"refuse\"")),
    }
}

fn parse_event(event: &str) -> Result<EventKind, Refusal> {
    match event {
        "presence_change" => Ok(EventKind::PresenceChange),
        "status_update" => Ok(EventKind::StatusUpdate),
        _ => Err(Refusal::new(ErrorCode::InvalidField, "events are \"presence_change\" and \"status_update\"")),
    }
}
