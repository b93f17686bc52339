//! The client as a frozen Python class. A request is queued under a ticket; its answer is one of the events.
//!
//! Every method runs on one of Python's threads. The connection's own thread never touches the interpreter: it adds to
//! [`Events`] and to the client's inbox, and writes a byte into the socket pair that the event loop watches.

use std::os::fd::IntoRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use orochi_client::{Answer, Answers, Client, Error, Options, Outgoing, Queued, State};
use orochi_protocol::incoming::AckPayload;
use orochi_protocol::request::StatusUpdate;
use orochi_protocol::{ErrorCode, Identity, Reach, Refusal, Secret, Seq};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyList;
use serde_json::value::RawValue;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::convert::{Repeated, answer_tuple, state_word};
use crate::errors::{exception, foreign_process};
use crate::events::{CONNECT, Event, Events};
use crate::register::{ResumeArgument, parse_register};
use crate::runtime;

/// A connection to a hub, open or being opened.
#[pyclass(frozen, module = "orochi._native")]
pub(crate) struct NativeClient {
    pid: u32,
    /// None only during the drop.
    inner: Option<Inner>,
}

struct Inner {
    events: Arc<Events>,
    /// Set once the hub has accepted the register. Dropping it closes the connection.
    queued: Arc<OnceLock<Queued>>,
    opening: AbortHandle,
    runtime: Handle,
    /// Present until the event loop takes it. A std mutex: held for a moment, only by Python's threads.
    reader: Mutex<Option<UnixStream>>,
}

#[pymethods]
impl NativeClient {
    /// Starts to connect and register; the answer has the ticket 0.
    #[new]
    #[pyo3(signature = (url, name, *, token, channels, machine, role, model, agent_id, project, resume, conflict,
                        events, reconnect, timeout))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of one Python call")]
    fn new(
        py: Python<'_>,
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
    ) -> PyResult<Self> {
        let identity = Identity { machine, role, model, agent_id, project };
        let register = parse_register(identity, &channels, resume, conflict, &events);
        let register = register.map_err(|refusal| exception(py, &Error::Invalid(refusal)))?;
        // Python has checked that it is not negative. Other failures mean more seconds than a clock can hold.
        let connect_timeout = Duration::try_from_secs_f64(timeout).unwrap_or(Duration::MAX);
        let token = token.map(Secret::from).unwrap_or_default();
        let options = Options { token, register, reconnect, connect_timeout, ..Options::new(url, name) };
        let runtime = runtime::handle(py)?;
        let (events, reader) = Events::new().map_err(|error| PyOSError::new_err(error.to_string()))?;
        let (events, queued) = (Arc::new(events), Arc::new(OnceLock::new()));
        let opening = runtime.spawn(open(options, Arc::clone(&events), Arc::clone(&queued))).abort_handle();
        let inner = Inner { events, queued, opening, runtime, reader: Mutex::new(Some(reader)) };
        Ok(Self { pid: std::process::id(), inner: Some(inner) })
    }

    /// Returns a file descriptor that becomes readable when events are waiting. The caller owns it.
    fn wake_fd(&self, py: Python<'_>) -> PyResult<i32> {
        let mut reader = self.inner(py)?.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let reader =
            reader.take().ok_or_else(|| PyOSError::new_err("the wake-up descriptor was handed out already"))?;
        Ok(reader.into_raw_fd())
    }

    /// Takes all events since the last call: `(ticket, value, error)` for an answer, and `(-1, state, None)`. An
    /// answer's value is its data as JSON, or a receipt's parts `(seq, id, ts, delivery, duplicate, reach)`.
    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let events = self.inner(py)?.events.take();
        let tuples = events.into_iter().map(|event| answer_tuple(py, event)).collect::<PyResult<Vec<_>>>()?;
        PyList::new(py, tuples)
    }

    /// Cancels a request or the connect: no answer comes, and a frame that is not written yet is not sent.
    fn give_up(&self, py: Python<'_>, ticket: u64) -> PyResult<()> {
        let inner = self.inner(py)?;
        if ticket == CONNECT {
            inner.opening.abort();
        } else {
            inner.events.give_up(ticket);
        }
        Ok(())
    }

    /// Returns whether the hub is a scitex-orochi 0.1.0 hub.
    #[getter]
    fn is_old_hub(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.client(py)?.is_old_hub())
    }

    /// `connected`, `reconnecting` or `closed`.
    #[getter]
    fn state(&self, py: Python<'_>) -> &'static str {
        // A forked child has no connection.
        self.client(py).map_or("closed", |client| state_word(client.state()))
    }

    /// Returns whether no further message can arrive.
    #[getter]
    fn is_closed(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.client(py)?.inbox().is_closed())
    }

    /// The reason why the connection ended; None after a normal end, or while it lasts.
    fn end(&self, py: Python<'_>) -> PyResult<Option<PyErr>> {
        Ok(self.client(py)?.inbox().end().map(|error| exception(py, &error)))
    }

    /// Takes at most `count` received frames, each as `(text, seq, sender, channel, content)`. The last three are None
    /// if they have to be parsed from the text.
    fn drain<'py>(&self, py: Python<'py>, count: usize) -> PyResult<Bound<'py, PyList>> {
        let frames = self.client(py)?.inbox().drain(count);
        // Consecutive messages often have the same sender and channel.
        let (mut sender, mut channel) = (Repeated::default(), Repeated::default());
        let tuples = frames.iter().map(|frame| {
            let plain = frame.plain();
            let parts = plain.map(|[from, place, content]| (sender.get(py, from), channel.get(py, place), content));
            let (sender, channel, content) = parts.map_or((None, None, None), |(a, b, c)| (Some(a), Some(b), Some(c)));
            (frame.text.as_str(), frame.seq.map(Seq::get), sender, channel, content)
        });
        PyList::new(py, tuples.collect::<Vec<_>>())
    }

    /// Notes that everything up to `seq` is handled.
    fn finished(&self, py: Python<'_>, seq: u64) -> PyResult<()> {
        self.client(py)?.finished(Seq::new(seq).unwrap_or(Seq::MAX));
        Ok(())
    }

    /// Queues a message.
    #[pyo3(signature = (ticket, channel, content, metadata, reply_to, id))]
    #[expect(clippy::too_many_arguments, reason = "the parts of a message")]
    fn send(
        &self,
        py: Python<'_>,
        ticket: u64,
        channel: String,
        content: String,
        metadata: Option<String>,
        reply_to: Option<u64>,
        id: Option<String>,
    ) -> PyResult<()> {
        let metadata = metadata.map(raw).transpose().map_err(|error| exception(py, &error))?;
        let reply_to = reply_to.map(|seq| Seq::new(seq).unwrap_or(Seq::MAX));
        let message = Outgoing { channel, content, metadata, reply_to, id };
        self.queued(py)?.send(ticket, &message).map_err(|error| exception(py, &error))
    }

    /// Queues a subscribe.
    fn subscribe(&self, py: Python<'_>, ticket: u64, channel: &str) -> PyResult<()> {
        self.queued(py)?.subscribe(ticket, channel).map_err(|error| exception(py, &error))
    }

    /// Queues an unsubscribe.
    fn unsubscribe(&self, py: Python<'_>, ticket: u64, channel: &str) -> PyResult<()> {
        self.queued(py)?.unsubscribe(ticket, channel).map_err(|error| exception(py, &error))
    }

    /// Queues a status update. `progress` is `(value,)` to set it, None to leave it unchanged.
    #[pyo3(signature = (ticket, status, current_task, progress))]
    fn update_status(
        &self,
        py: Python<'_>,
        ticket: u64,
        status: Option<String>,
        current_task: Option<String>,
        progress: Option<(Option<f64>,)>,
    ) -> PyResult<()> {
        let progress = progress.map(|(value,)| value);
        let update = StatusUpdate { status, current_task, progress, ..StatusUpdate::default() };
        self.queued(py)?.request(ticket, "status_update", &update).map_err(|error| exception(py, &error))
    }

    /// Queues a heartbeat that sets the reach to `wake`: the program handles messages as they arrive.
    fn say_listening(&self, py: Python<'_>, ticket: u64) -> PyResult<()> {
        self.queued(py)?.set_reach(ticket, Reach::Wake).map_err(|error| exception(py, &error))
    }

    /// Queues any request with its payload as JSON.
    fn request(&self, py: Python<'_>, ticket: u64, kind: &str, payload: String) -> PyResult<()> {
        let payload = raw(payload).map_err(|error| exception(py, &error))?;
        self.queued(py)?.request(ticket, kind, &payload).map_err(|error| exception(py, &error))
    }

    /// Answers once everything missed has been received.
    fn caught_up(&self, py: Python<'_>, ticket: u64) -> PyResult<()> {
        let inner = self.inner(py)?;
        let (caught_up, events) = (self.client(py)?.caught_up(), Arc::clone(&inner.events));
        inner.runtime.spawn(async move {
            let done = caught_up.await;
            events.answer(ticket, done.map(|()| Answer { ack: AckPayload::default(), data: None }));
        });
        Ok(())
    }

    /// Starts to close; the state shows when it is done. Waits at most `limit` seconds for the hub.
    fn close(&self, py: Python<'_>, limit: f64) -> PyResult<()> {
        let inner = self.inner(py)?;
        match inner.queued.get() {
            Some(queued) => queued.client().close_within(Duration::try_from_secs_f64(limit).unwrap_or(Duration::MAX)),
            None => inner.opening.abort(),
        }
        Ok(())
    }

    /// Waits without the GIL until the client is closed. Returns false if that takes longer than `limit` seconds. Must
    /// not be called on the event loop's thread.
    fn wait_closed(&self, py: Python<'_>, limit: f64) -> PyResult<bool> {
        let inner = self.inner(py)?;
        let Some(queued) = inner.queued.get() else { return Ok(true) };
        let (mut states, runtime) = (queued.client().states(), inner.runtime.clone());
        let limit = Duration::try_from_secs_f64(limit).unwrap_or(Duration::MAX);
        Ok(py.detach(|| {
            let closed = states.wait_for(|state| *state == State::Closed);
            runtime.block_on(async { tokio::time::timeout(limit, closed).await.is_ok() })
        }))
    }
}

impl NativeClient {
    /// The contents. They are unusable in a forked child: the parent's thread may have been changing them.
    fn inner(&self, py: Python<'_>) -> PyResult<&Inner> {
        match &self.inner {
            Some(inner) if self.pid == std::process::id() => Ok(inner),
            _ => Err(foreign_process(py, self.pid)),
        }
    }

    fn queued(&self, py: Python<'_>) -> PyResult<&Queued> {
        self.inner(py)?.queued.get().ok_or_else(|| exception(py, &Error::Closed))
    }

    fn client(&self, py: Python<'_>) -> PyResult<&Client> {
        self.queued(py).map(Queued::client)
    }
}

impl Drop for NativeClient {
    fn drop(&mut self) {
        let Some(inner) = self.inner.take() else { return };
        if self.pid == std::process::id() {
            inner.opening.abort();
        } else {
            std::mem::forget(inner);
        }
    }
}

/// Connects, then reports each change of the connection until it is closed.
async fn open(options: Options, events: Arc<Events>, queued: Arc<OnceLock<Queued>>) {
    let client = match Client::connect(options).await {
        Ok(client) => client,
        Err(error) => return events.push(Event::Answered(CONNECT, Err(error))),
    };
    let mut states = client.states();
    let waking = Arc::clone(&events);
    client.inbox().set_waker(Some(Box::new(move || waking.signal())));
    let _ = queued.set(Queued::new(client, Arc::clone(&events) as Arc<dyn Answers>));
    // From here on only Python holds it: when Python drops it, the connection closes.
    drop(queued);
    events.push(Event::Connected);
    loop {
        // An error means that the connection's task has ended.
        let state = states.changed().await.map_or(State::Closed, |()| *states.borrow_and_update());
        events.push(Event::State(state));
        if state == State::Closed {
            return;
        }
    }
}

fn raw(json: String) -> Result<Box<RawValue>, Error> {
    RawValue::from_string(json)
        .map_err(|error| Error::Invalid(Refusal::new(ErrorCode::InvalidField, format!("this is not JSON: {error}"))))
}
