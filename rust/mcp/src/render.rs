//! Results as plain lines for a model: at most 20 000 characters, with the possible next calls at the end.

use std::collections::BTreeMap;
use std::fmt::Write;

use orochi_protocol::reply::DeliveryState;
use orochi_protocol::{Reach, Timestamp};

use crate::backend::{Agent, Channel, Inbox, Intent, Message, Page, Sent};
use crate::text::{cut, inline, neutralise, units};

/// The length of a result, in UTF-16 units: about 5 000 tokens.
pub(crate) const RESULT_MAX: usize = 20_000;
/// Room for the lines around messages.
const FRAME: usize = 1_000;
/// The length of one message among several, and of one alone.
const MESSAGE_MAX: usize = 4_000;
const ALONE_MAX: usize = RESULT_MAX - FRAME;

/// A message's lines: `orochi#42 alice in #builds, 10:30, asks: …`. The text is cut at `units_max`.
pub fn message(message: &Message, units_max: usize) -> String {
    let (text, is_cut) = cut(message.snippet.as_deref().unwrap_or(&message.text).trim_end(), units_max);
    let text = text.replace(['\u{e000}', '\u{e001}'], "**");
    let answers = message.reply_to.map(|seq| format!(", to #{seq}")).unwrap_or_default();
    let mut line = format!(
        "orochi#{} {} {}, {}{answers}, {}: {}",
        message.seq,
        inline(&message.sender),
        place(message),
        time(&message.ts),
        verb(message.intent()),
        neutralise(&text)
    );
    // Cut again: escapes are longer than the characters that they replace.
    let (kept, is_cut_again) = cut(&line, units_max + FRAME / 2);
    if is_cut || is_cut_again {
        line = kept.to_owned();
        if units_max < ALONE_MAX {
            let (channel, after) = (inline(&message.channel), message.seq.saturating_sub(1));
            _ = write!(line, "… (cut; read more: history(channel=\"{channel}\", after={after}, limit=1))");
        } else {
            line.push_str("… (cut: no result holds all of it)");
        }
    }
    line
}

/// A message's channel, as its reader sees it.
fn place(message: &Message) -> String {
    match message.channel.strip_prefix('@') {
        Some(partner) if partner == message.sender => "to you".to_owned(),
        Some(partner) => format!("to {}", inline(partner)),
        None => format!("in {}", inline(&message.channel)),
    }
}

fn verb(intent: Option<Intent>) -> &'static str {
    match intent {
        Some(Intent::Request) => "asks",
        Some(Intent::Inform) => "informs",
        Some(Intent::Ack) => "confirms",
        None => "says",
    }
}

/// A time of today as `10:30`, of another day with its date; UTC.
fn time(ts: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let today = Timestamp::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX)).to_string();
    let (Some(day), Some(minute)) = (ts.get(..10), ts.get(11..16)) else { return inline(ts) };
    if today.starts_with(day) { minute.to_owned() } else { format!("{day} {minute}") }
}

/// Messages, as many as fit, followed by their number.
fn messages(list: &[Message]) -> (Vec<String>, usize) {
    let each = if list.len() == 1 { ALONE_MAX } else { MESSAGE_MAX };
    let (mut lines, mut room) = (Vec::new(), RESULT_MAX - FRAME);
    for one in list {
        let line = message(one, each);
        let length = units(&line) + 1;
        if length > room && !lines.is_empty() {
            break;
        }
        room = room.saturating_sub(length);
        lines.push(line);
    }
    let shown = lines.len();
    (lines, shown)
}

/// The call that answers a message.
fn how_to_answer(message: &Message) -> String {
    format!("send(to=\"{}\", reply_to={})", inline(&message.channel), message.seq)
}

pub(crate) fn sent(sent: &Sent, to: &str) -> String {
    let mut text = format!("#{} in {}.", sent.seq, inline(to));
    if to.starts_with('@') {
        text = format!("#{} to {}.", sent.seq, inline(to));
    }
    if sent.is_duplicate {
        text.push_str(" An earlier try had brought it there already.");
    }
    for (name, state) in &sent.delivery {
        _ = write!(text, " {}: {}.", inline(name), delivery(*state, sent.reach.get(name).copied()));
    }
    if sent.delivery.is_empty() {
        text.push_str(" Nobody is mentioned: the channel's members see it; an @name reaches that agent.");
    }
    text.push_str("\nAn answer comes to your inbox: go on, or wait().");
    text
}

fn delivery(state: DeliveryState, reach: Option<Reach>) -> &'static str {
    match (state, reach) {
        (DeliveryState::Online, Some(Reach::Wake)) => "online, wakes on a request",
        (DeliveryState::Online, Some(Reach::Turn)) => "online, sees it in the next turn; nothing wakes it",
        (DeliveryState::Online, Some(Reach::Poll) | None) => "online, sees it when it looks; nothing wakes it",
        (DeliveryState::Offline, _) => "offline, gets it when back",
        (DeliveryState::Unknown, _) => "no agent of that name yet; it waits for one (who() lists names)",
    }
}

pub(crate) fn inbox(inbox: &Inbox) -> String {
    let (mut lines, shown) = messages(&inbox.messages);
    let Some(last) = inbox.messages[..shown].last() else {
        return "Nothing waits. wait() waits for the next.".to_owned();
    };
    let behind = inbox.messages.len() - shown;
    let more = match inbox.more {
        Some(0) if behind == 0 => String::new(),
        Some(more) => format!("{} more: ", more + behind as u64),
        None => "More: ".to_owned(),
    };
    lines.push(format!("{more}inbox(seen={}) once these are dealt with. Answer: {}.", last.seq, how_to_answer(last)));
    lines.join("\n")
}

pub(crate) fn waited(found: Option<&Message>, seconds: u64) -> String {
    match found {
        None => format!("Nothing for {seconds} s. wait() again, or end your turn."),
        Some(found) => {
            let line = message(found, ALONE_MAX);
            format!("{line}\nAnswer: {}. Dealt with: inbox(seen={}).", how_to_answer(found), found.seq)
        }
    }
}

pub(crate) fn asked(sent: &Sent, agent: &str, answer: Option<&Message>) -> String {
    match answer {
        Some(answer) => {
            let line = message(answer, ALONE_MAX);
            format!("{line}\nDealt with: inbox(seen={}).", answer.seq)
        }
        None => {
            let state = sent.delivery.get(agent).map(|state| delivery(*state, sent.reach.get(agent).copied()));
            let state = state.map(|state| format!(" {}: {state}.", inline(agent))).unwrap_or_default();
            format!(
                "#{} sent, no answer yet; it will come to your inbox.{state}\nGo on, or wait(from=\"{}\").",
                sent.seq,
                inline(agent)
            )
        }
    }
}

pub(crate) fn agents(agents: &[Agent], me: Option<&str>) -> String {
    let mut lines: Vec<String> = agents.iter().map(|agent| agent_line(agent, me)).collect();
    if lines.is_empty() {
        return "No agent is online. who(all=true) lists those that were.".to_owned();
    }
    fit(&mut lines, "who(channel=…) lists fewer");
    lines.push("send(to=\"@name\") or ask(agent=\"name\") reaches one.".to_owned());
    lines.join("\n")
}

fn agent_line(agent: &Agent, me: Option<&str>) -> String {
    let row = &agent.row;
    let you = if me == Some(row.name.as_str()) { " (you)" } else { "" };
    let mut line = format!("{}{you}: ", inline(&row.name));
    if row.online {
        line.push_str(&inline(&row.status));
        if let Some(since) = &agent.since {
            _ = write!(line, " since {}", time(since));
        }
        if !row.current_task.is_empty() {
            _ = write!(line, ", \"{}\"", inline(cut(&row.current_task, 200).0));
        }
        if let Some(progress) = row.progress {
            _ = write!(line, ", {:.0} %", progress * 100.0);
        }
        let reach = row.reach.unwrap_or_default();
        _ = write!(line, ", reach {}", reach.as_str());
    } else {
        let seen = row.last_seen.map(|seen| time(&seen.to_string()));
        _ = write!(line, "offline, last seen {}", seen.unwrap_or_else(|| "never".to_owned()));
    }
    for (what, value) in [("", &row.identity.machine), ("role ", &row.identity.role)] {
        if !value.is_empty() {
            _ = write!(line, ", {what}{}", inline(cut(value, 80).0));
        }
    }
    if let Some(unread) = agent.unread.filter(|unread| *unread > 0) {
        _ = write!(line, ", {unread} unread");
    }
    line
}

pub(crate) fn status(status: &str, task: Option<&str>, progress: Option<f64>) -> String {
    let mut text = inline(status);
    if let Some(task) = task {
        _ = write!(text, ": {}", inline(task));
    }
    if let Some(progress) = progress {
        _ = write!(text, ", {:.0} %", progress * 100.0);
    }
    text.push_str("\nOthers see it in who().");
    text
}

pub(crate) fn history(page: &Page, channel: &str, is_forward: bool) -> String {
    let shown_of = &page.messages;
    if shown_of.is_empty() {
        return "No messages there. channels() lists channels; search(words=…) searches all.".to_owned();
    }
    // If not all fit, the newest are kept, or when paging forward the oldest.
    let (mut lines, skipped) = if is_forward {
        let (lines, shown) = messages(shown_of);
        (lines, shown_of.len() - shown)
    } else {
        let reversed: Vec<Message> = shown_of.iter().rev().cloned().collect();
        let (mut lines, shown) = messages(&reversed);
        lines.reverse();
        (lines, shown_of.len() - shown)
    };
    let channel = inline(channel);
    let next = if is_forward {
        let last = shown_of[shown_of.len() - skipped - 1].seq;
        (page.more || skipped > 0).then(|| format!("newer: history(channel=\"{channel}\", after={last})"))
    } else {
        let first = shown_of[skipped].seq;
        (page.more || skipped > 0).then(|| format!("older: history(channel=\"{channel}\", before={first})"))
    };
    lines.push(next.unwrap_or_else(|| format!("That is all. send(to=\"{channel}\") writes there.")));
    lines.join("\n")
}

pub(crate) fn found(page: &Page) -> String {
    if page.messages.is_empty() {
        return "Nothing found. Fewer words, or pre* for beginnings of words, find more.".to_owned();
    }
    let (mut lines, shown) = messages(&page.messages);
    let more = if page.more || shown < page.messages.len() {
        "There are more: narrow it with channel, from or since. "
    } else {
        ""
    };
    lines.push(format!("{more}history(channel, thread=seq) shows a message with its answers."));
    lines.join("\n")
}

pub(crate) fn channels(channels: &[Channel], done: &str) -> String {
    let mut lines: Vec<String> = channels.iter().map(channel_line).collect();
    fit(&mut lines, "history(channel=…) reads any channel");
    if !done.is_empty() {
        lines.insert(0, done.to_owned());
    }
    lines.push("history(channel=…) reads one; channels(join=…) joins one.".to_owned());
    lines.join("\n")
}

fn channel_line(channel: &Channel) -> String {
    let joined = if channel.joined { " (joined)" } else { "" };
    let members = match channel.members.as_slice() {
        [] => "nobody here now".to_owned(),
        members if members.len() > 12 => {
            format!("{} and {} more", inline(&members[..12].join(", ")), members.len() - 12)
        }
        members => inline(&members.join(", ")),
    };
    let last = channel.last.as_ref().map(|(sender, ts)| format!("; last: {}, {}", inline(sender), time(ts)));
    format!("{}{joined}: {members}{}", inline(&channel.name), last.unwrap_or_default())
}

/// Drops lines that don't fit, and says so.
fn fit(lines: &mut Vec<String>, hint: &str) {
    let (mut room, mut kept) = (RESULT_MAX - FRAME, 0);
    for line in lines.iter() {
        let length = units(line) + 1;
        if length > room {
            break;
        }
        room -= length;
        kept += 1;
    }
    let left = lines.len() - kept;
    lines.truncate(kept);
    if left > 0 {
        lines.push(format!("… and {left} more; {hint}."));
    }
}

/// 0.1.0's rows of messages, the newest first, as many as fit.
pub(crate) fn old_rows(messages: &[Message]) -> Vec<serde_json::Value> {
    let mut room = RESULT_MAX - FRAME;
    let fits = |row: &serde_json::Value| {
        let length = units(&row.to_string()) + 1;
        let fits = length <= room;
        room = room.saturating_sub(length);
        fits
    };
    messages.iter().rev().map(old_row).take_while(fits).collect()
}

/// 0.1.0's row of a message.
fn old_row(message: &Message) -> serde_json::Value {
    let empty = serde_json::json!({});
    let metadata = if message.metadata.is_null() { &empty } else { &message.metadata };
    let (text, is_cut) = cut(&message.text, MESSAGE_MAX);
    let content = if is_cut { format!("{text}…") } else { text.to_owned() };
    serde_json::json!({
        "msg_id": message.id, "ts": message.ts, "channel": message.channel, "sender": message.sender,
        "content": content, "mentions": message.mentions, "metadata": metadata,
    })
}

/// 0.1.0's answer with the online agents.
pub(crate) fn old_agents(agents: &[Agent]) -> serde_json::Value {
    let named: BTreeMap<&str, &[String]> =
        agents.iter().map(|agent| (agent.row.name.as_str(), agent.row.channels.as_slice())).collect();
    if named.is_empty() {
        // 0.1.0 has a list there, and nowhere else.
        return serde_json::json!({ "agents": [], "count": 0 });
    }
    serde_json::json!({ "agents": named, "count": named.len() })
}
