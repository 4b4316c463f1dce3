//! Does to the kernel what takes tens of milliseconds and can wait, while the engine listens: prolongs, and looks.
//!
//! One job at a time. Whoever changes what is open waits for the job under way first, so that nothing that was meant before a
//! cut is done after it.

use std::{
    collections::BTreeSet,
    io::Write,
    os::unix::net::UnixStream,
    sync::mpsc::{Receiver, RecvError, Sender, TryRecvError, channel},
    thread,
};

use crate::{Config, Kernel, KernelError, Seen};

/// What can wait.
#[derive(Debug)]
pub(crate) enum Job {
    /// Puts a text of rules in force.
    Apply(String),
    /// Looks at what stands in the kernel.
    Look,
    /// Looks at interfaces.
    Links,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Done {
    /// Of a text of rules.
    Applied(Result<(), KernelError>),
    /// The rules in force, and whether the routing rules of a cut stand.
    Looked(Result<(Seen, bool), KernelError>),
    /// What passes by the rules.
    Linked(Result<BTreeSet<String>, KernelError>),
}

/// The hand.
#[derive(Debug)]
pub(crate) struct Hand {
    jobs: Sender<Job>,
    done: Receiver<Done>,
    busy: bool,
}

impl Hand {
    /// A thread that ends with its owner. A byte into `wake` tells that something is done.
    pub(crate) fn new(config: Config, mut wake: UnixStream) -> Self {
        let (jobs, asked) = channel();
        let (tell, done) = channel();
        thread::spawn(move || {
            while let Ok(job) = asked.recv() {
                let what = match job {
                    Job::Apply(rules) => Done::Applied(Kernel::apply(&rules)),
                    Job::Look => Done::Looked(Kernel::standing(&config)),
                    Job::Links => Done::Linked(Kernel::links(&config).map(|(hazards, _)| hazards)),
                };
                if tell.send(what).is_err() {
                    break;
                }
                let _ = wake.write_all(&[0]);
            }
        });
        Self { jobs, done, busy: false }
    }

    /// Whether it has nothing to do.
    pub(crate) fn idle(&self) -> bool {
        !self.busy
    }

    /// Begins a job; it must be idle. A hand that is gone is told by [`Self::done`].
    pub(crate) fn begin(&mut self, job: Job) {
        self.busy = true;
        let _ = self.jobs.send(job);
    }

    /// What is done, if something is. Error: the thread is gone.
    pub(crate) fn done(&mut self) -> Result<Option<Done>, RecvError> {
        match self.done.try_recv() {
            Ok(done) => {
                self.busy = false;
                Ok(Some(done))
            }
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(RecvError),
        }
    }

    /// Waits for the job under way, if there is one. Error: the thread is gone.
    pub(crate) fn rest(&mut self) -> Result<Option<Done>, RecvError> {
        if !self.busy {
            return Ok(None);
        }
        let done = self.done.recv()?;
        self.busy = false;
        Ok(Some(done))
    }
}
