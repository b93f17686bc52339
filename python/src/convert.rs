//! Converts events, receipts and repeated strings to Python objects, on the event loop's thread.

use orochi_client::{Answer, Receipt, State};
use orochi_protocol::Seq;
use orochi_protocol::reply::DeliveryState;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::errors::exception;
use crate::events::{CONNECT, Event};

/// The ticket of a change of the connection.
const STATE: i64 = -1;

/// Builds `(ticket, value, error)`.
pub(crate) fn answer_tuple<'py>(py: Python<'py>, event: Event) -> PyResult<Bound<'py, PyTuple>> {
    match event {
        Event::Connected => (CONNECT, py.None(), py.None()).into_pyobject(py),
        Event::State(state) => (STATE, state_word(state), py.None()).into_pyobject(py),
        Event::Answered(ticket, Ok(answer)) => (ticket, value(py, answer)?, py.None()).into_pyobject(py),
        Event::Answered(ticket, Err(error)) => (ticket, py.None(), exception(py, &error)).into_pyobject(py),
    }
}

/// The value of an answer: its data as JSON, or the parts of a receipt.
fn value(py: Python<'_>, answer: Answer) -> PyResult<Bound<'_, PyAny>> {
    if let Some(data) = answer.data {
        return Ok(PyString::new(py, data.get()).into_any());
    }
    let receipt = Receipt::from(answer.ack);
    let delivery = PyDict::new(py);
    for (agent, state) in receipt.delivery {
        delivery.set_item(agent, delivery_word(state))?;
    }
    let reach = PyDict::new(py);
    for (agent, how) in receipt.reach {
        reach.set_item(agent, how.as_str())?;
    }
    let seq = receipt.seq.map(Seq::get);
    Ok((seq, receipt.id, receipt.ts, delivery, receipt.duplicate, reach).into_pyobject(py)?.into_any())
}

fn delivery_word(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Online => "online",
        DeliveryState::Offline => "offline",
        DeliveryState::Unknown => "unknown",
    }
}

pub(crate) fn state_word(state: State) -> &'static str {
    match state {
        State::Connected => "connected",
        State::Reconnecting => "reconnecting",
        State::Closed => "closed",
    }
}

/// A Python string that is created again only if the text differs.
#[derive(Default)]
pub(crate) struct Repeated<'a, 'py>(Option<(&'a str, Bound<'py, PyString>)>);

impl<'a, 'py> Repeated<'a, 'py> {
    pub(crate) fn get(&mut self, py: Python<'py>, text: &'a str) -> Bound<'py, PyString> {
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
