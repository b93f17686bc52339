//! The client as a frozen Python class: each method starts something and gives an awaitable.

use std::io::Write;
use std::os::fd::IntoRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orochi_client::{Client, Error, Options, Outgoing, State};
use orochi_protocol::request::{Conflict, EventKind, Register, Resume, StatusUpdate};
use orochi_protocol::{ChannelName, ErrorCode, Refusal, Seq};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use pyo3_async_runtimes::tokio::future_into_py;
use serde_json::value::RawValue;
use tokio::sync::watch;

use crate::errors::exception;

/// A registered connection to a hub.
#[pyclass(frozen, module = "orochi._native")]
pub(crate) struct NativeClient {
    client: Client,
    /// What `next_state` has told. A std mutex: held to copy, never across an await.
    told: Arc<Mutex<watch::Receiver<State>>>,
}

/// `resume=` as Python gives it.
#[derive(FromPyObject)]
enum ResumeArgument {
    After(i64),
    Word(String),
}

/// `(seq, id, ts, delivery, duplicate)`.
type ReceiptParts = (Option<u64>, String, Option<String>, Py<PyDict>, bool);

#[pymethods]
impl NativeClient {
    /// Connects and registers; an awaitable of the client.
    #[staticmethod]
    #[pyo3(signature = (url, name, *, token, channels, machine, role, model, agent_id, project, resume, conflict,
                        events, reconnect, timeout))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of one Python call")]
    fn connect<'py>(
        py: Python<'py>,
        url: String,
        name: String,
        token: Option<String>,
        channels: Vec<String>,
        machine: String,
        role: String,
        model: String,
        agent_id: String,
        project: String,
        resume: Option<ResumeArgument>,
        conflict: &str,
        events: Vec<String>,
        reconnect: bool,
        timeout: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let channels = channels.iter().map(|channel| ChannelName::parse(channel)).collect::<Result<Vec<_>, _>>();
        let register = channels.and_then(|channels| {
            Ok(Register {
                channels,
                machine,
                role,
                model,
                agent_id,
                project,
                resume: resume.map(parse_resume).transpose()?,
                epoch: None,
                joined: std::collections::BTreeMap::new(),
                conflict: parse_conflict(conflict)?,
                events: events.iter().map(|event| parse_event(event)).collect::<Result<_, _>>()?,
            })
        });
        let register = register.map_err(|refusal| exception(py, &Error::Invalid(refusal)))?;
        let connect_timeout = Duration::try_from_secs_f64(timeout).unwrap_or(Duration::from_secs(10));
        let options = Options { token, register, reconnect, connect_timeout, ..Options::new(url, name) };
        await_it(py, async move {
            let client = Client::connect(options).await?;
            let told = Arc::new(Mutex::new(client.states()));
            Ok(NativeClient { client, told })
        })
    }

    /// Whether the hub is a scitex-orochi 0.1.0.
    #[getter]
    fn is_old_hub(&self) -> bool {
        self.client.is_old_hub()
    }

    /// `connected`, `reconnecting` or `closed`.
    #[getter]
    fn state(&self) -> &'static str {
        state_word(self.client.state())
    }

    /// Whether nothing more will be received.
    #[getter]
    fn is_closed(&self) -> bool {
        self.client.inbox().is_closed()
    }

    /// Why the connection ended; None for a normal end, or while it lasts.
    fn end(&self, py: Python<'_>) -> Option<PyErr> {
        self.client.inbox().end().map(|error| exception(py, &error))
    }

    /// An awaitable of the state after its next change; of changes since the last call, the newest.
    fn next_state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let told = Arc::clone(&self.told);
        let mut states = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        await_it(py, async move {
            // An error means that the connection's task is gone.
            let word = states.changed().await.map_or("closed", |()| state_word(*states.borrow_and_update()));
            *told.lock().unwrap_or_else(PoisonError::into_inner) = states;
            Ok(word)
        })
    }

    /// A file descriptor, the caller's from now on, that turns readable when something was received.
    fn wake_fd(&self) -> PyResult<i32> {
        let (reader, writer) = UnixStream::pair().map_err(|error| PyOSError::new_err(error.to_string()))?;
        reader
            .set_nonblocking(true)
            .and_then(|()| writer.set_nonblocking(true))
            .map_err(|error| PyOSError::new_err(error.to_string()))?;
        self.client.inbox().set_waker(Some(Box::new(move || {
            // A full pair wakes its reader already.
            let _ = (&writer).write(&[0]);
        })));
        Ok(reader.into_raw_fd())
    }

    /// At most `count` received frames, each as `(text, seq, sender, channel, content)`; the last three are None where
    /// they are to be read from the text.
    fn drain<'py>(&self, py: Python<'py>, count: usize) -> PyResult<Bound<'py, PyList>> {
        let frames = self.client.inbox().drain(count);
        // Messages that follow each other are often from one sender in one channel.
        let (mut sender, mut channel) = (Repeated(None), Repeated(None));
        let tuples = frames.iter().map(|frame| {
            let plain = frame.plain();
            let parts = plain.map(|[from, place, content]| (sender.get(py, from), channel.get(py, place), content));
            let (sender, channel, content) = parts.map_or((None, None, None), |(a, b, c)| (Some(a), Some(b), Some(c)));
            (frame.text.as_str(), frame.seq.map(Seq::get), sender, channel, content)
        });
        PyList::new(py, tuples.collect::<Vec<_>>())
    }

    /// Everything up to here is dealt with.
    fn finished(&self, seq: u64) {
        self.client.finished(Seq::new(seq).unwrap_or(Seq::MAX));
    }

    /// Sends a message; an awaitable of `(seq, id, ts, delivery, duplicate)`.
    #[pyo3(signature = (channel, content, *, metadata, reply_to, id))]
    fn send<'py>(
        &self,
        py: Python<'py>,
        channel: String,
        content: String,
        metadata: Option<String>,
        reply_to: Option<u64>,
        id: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let client = self.client.clone();
        let metadata = metadata.map(raw).transpose().map_err(|error| exception(py, &error))?;
        let reply_to = reply_to.map(|seq| Seq::new(seq).unwrap_or(Seq::MAX));
        // Queued here: messages go out in the order of the calls.
        let sent = client.send(Outgoing { channel, content, metadata, reply_to, id });
        await_it(py, async move { Ok(ReceiptOut(sent.await?)) })
    }

    /// Joins a channel.
    fn subscribe<'py>(&self, py: Python<'py>, channel: String) -> PyResult<Bound<'py, PyAny>> {
        let client = self.client.clone();
        await_it(py, async move { client.subscribe(&channel).await })
    }

    /// Leaves a channel.
    fn unsubscribe<'py>(&self, py: Python<'py>, channel: String) -> PyResult<Bound<'py, PyAny>> {
        let client = self.client.clone();
        await_it(py, async move { client.unsubscribe(&channel).await })
    }

    /// Says what the agent is doing. `progress` is `(value,)` to set it, None to leave it.
    #[pyo3(signature = (*, status, current_task, progress))]
    fn update_status<'py>(
        &self,
        py: Python<'py>,
        status: Option<String>,
        current_task: Option<String>,
        progress: Option<(Option<f64>,)>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let client = self.client.clone();
        let progress = progress.map(|(value,)| value);
        let update = StatusUpdate { status, current_task, progress, ..StatusUpdate::default() };
        await_it(py, async move { client.status(&update).await })
    }

    /// Any request with its payload as JSON; an awaitable of its data frame's payload as JSON, or None.
    fn request<'py>(&self, py: Python<'py>, kind: String, payload: String) -> PyResult<Bound<'py, PyAny>> {
        let client = self.client.clone();
        let payload = raw(payload).map_err(|error| exception(py, &error))?;
        await_it(py, async move {
            let answer = client.request(&kind, &payload).await?;
            Ok(answer.data.map(|data| data.get().to_owned()))
        })
    }

    /// Closes the connection.
    fn close<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let client = self.client.clone();
        await_it(py, async move {
            client.close().await;
            Ok(())
        })
    }
}

/// An awaitable of `work`; its error becomes the package's exception.
fn await_it<'py, T>(
    py: Python<'py>,
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>>
where
    T: for<'a> IntoPyObject<'a> + Send + 'static,
{
    future_into_py(py, async move { work.await.map_err(|error| Python::attach(|py| exception(py, &error))) })
}

/// A Python string that is made anew only when the text is another one.
struct Repeated<'a, 'py>(Option<(&'a str, Bound<'py, PyString>)>);

impl<'a, 'py> Repeated<'a, 'py> {
    fn get(&mut self, py: Python<'py>, text: &'a str) -> Bound<'py, PyString> {
        match &self.0 {
            Some((known, string)) if *known == text => string.clone(),
            _ => {
                let string = PyString::new(py, text);
                self.0 = Some((text, string.clone()));
                string
            }
        }
    }
}

/// A receipt on its way to Python.
struct ReceiptOut(orochi_client::Receipt);

impl<'py> IntoPyObject<'py> for ReceiptOut {
    type Target = pyo3::types::PyTuple;
    type Output = Bound<'py, Self::Target>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let receipt = self.0;
        let delivery = PyDict::new(py);
        for (agent, state) in receipt.delivery {
            let word = serde_json::to_value(state).ok().and_then(|word| word.as_str().map(ToOwned::to_owned));
            delivery.set_item(agent, word)?;
        }
        let seq = receipt.seq.map(Seq::get);
        let parts: ReceiptParts = (seq, receipt.id, receipt.ts, delivery.unbind(), receipt.duplicate);
        parts.into_pyobject(py)
    }
}

fn raw(json: String) -> Result<Box<RawValue>, Error> {
    RawValue::from_string(json).map_err(|error| invalid(format!("this is not JSON: {error}")))
}

fn invalid(detail: String) -> Error {
    Error::Invalid(Refusal::new(ErrorCode::InvalidField, detail))
}

fn state_word(state: State) -> &'static str {
    match state {
        State::Connected => "connected",
        State::Reconnecting => "reconnecting",
        State::Closed => "closed",
    }
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
