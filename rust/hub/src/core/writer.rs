//! Writes batches to disk: at low load on the core's own thread, which saves two threads from waking each other for one
//! message; under load on a thread of its own, so that the disk and the routing work at the same time. One batch is
//! under way at a time, so commits keep their order.

use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

use tokio::sync::mpsc::WeakSender;

use super::Command;
use super::batch::Batch;
use super::durable::Durable;

/// A batch on the way to the thread or back, with the log's writer: the thread that holds it writes.
type Parcel = (Box<Durable>, Batch);

/// Hands batches to the disk.
pub(super) struct Writer {
    /// None while a batch is under way.
    durable: Option<Box<Durable>>,
    /// None until the first batch is handed over: an idle hub needs no second thread.
    thread: Option<Thread>,
    /// True if the thread has ended and took a batch and the log's writer with it.
    is_lost: bool,
    /// Wakes the core when a batch is on disk.
    core: WeakSender<Command>,
}

struct Thread {
    to: Sender<Parcel>,
    from: Receiver<Parcel>,
}

impl Writer {
    pub(super) fn new(durable: Durable, core: WeakSender<Command>) -> Self {
        Self { durable: Some(Box::new(durable)), thread: None, is_lost: false, core }
    }

    /// The log's writer, while no batch is under way.
    pub(super) fn idle(&mut self) -> Option<&mut Durable> {
        self.durable.as_deref_mut()
    }

    /// Starts to write a batch. If no thread can be started, the batch is written here and returned.
    pub(super) fn begin(&mut self, mut batch: Batch) -> Option<Batch> {
        let Some(mut durable) = self.durable.take() else {
            debug_assert!(false, "one batch is under way at a time");
            return None;
        };
        if self.thread.is_none() {
            self.thread = start(self.core.clone());
        }
        if let Some(thread) = &self.thread {
            match thread.to.send((durable, batch)) {
                Ok(()) => return None,
                Err(unsent) => (durable, batch) = unsent.0,
            }
        }
        durable.write(&mut batch);
        self.durable = Some(durable);
        Some(batch)
    }

    /// True if nothing can be written any more.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Returns the batch that was under way, once it is on disk or refused.
    pub(super) fn poll(&mut self) -> Option<Batch> {
        self.receive(|from| match from.try_recv() {
            Ok(parcel) => Ok(Some(parcel)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(()),
        })
    }

    /// As [`Writer::poll`], but waits; None if no batch is under way.
    pub(super) fn wait(&mut self) -> Option<Batch> {
        self.receive(|from| from.recv().map(Some).map_err(drop))
    }

    fn receive(&mut self, receive: impl FnOnce(&Receiver<Parcel>) -> Result<Option<Parcel>, ()>) -> Option<Batch> {
        if self.durable.is_some() || self.is_lost {
            return None;
        }
        match receive(&self.thread.as_ref()?.from) {
            Ok(parcel) => {
                let (durable, batch) = parcel?;
                self.durable = Some(durable);
                Some(batch)
            }
            Err(()) => {
                self.is_lost = true;
                None
            }
        }
    }

    /// Closes the log.
    pub(super) fn close(mut self) {
        while self.wait().is_some() {}
        if let Some(durable) = self.durable {
            durable.close();
        }
    }
}

fn start(core: WeakSender<Command>) -> Option<Thread> {
    let (to, work) = channel::<Parcel>();
    let (done, from) = channel();
    let started = std::thread::Builder::new().name("orochi-writer".to_owned()).spawn(move || {
        while let Ok((mut durable, mut batch)) = work.recv() {
            durable.write(&mut batch);
            if done.send((durable, batch)).is_err() {
                return;
            }
            // If the queue is full, the core is awake and checks for the batch by itself.
            if let Some(core) = core.upgrade() {
                let _ = core.try_send(Command::Written);
            }
        }
    });
    match started {
        Ok(_) => Some(Thread { to, from }),
        Err(error) => {
            tracing::warn!(%error, "no thread for the log's writer: the core writes itself");
            None
        }
    }
}
