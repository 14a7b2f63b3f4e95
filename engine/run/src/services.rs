//! Persistent commands: processes that run beside all else until nobody needs them any more. Each has a
//! thread that keeps its log, sees when it is ready and tells how it ended. They outlive a run where the
//! session stays.

mod server;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use qik_model::{Fingerprint, Name, Ready};
use qik_system::{ProcessSpec, Stop, System};
use server::Server;

/// The persistent commands of a session. All are stopped with it.
#[derive(Debug)]
pub struct Services {
    system: Arc<dyn System>,
    stop: Stop,
    known: BTreeMap<Name, Service>,
    tell: Sender<ServiceEvent>,
    heard: Receiver<ServiceEvent>,
    launched: u64,
}

#[derive(Debug)]
struct Service {
    /// Which of all that had its name.
    id: u64,
    fingerprint: Option<Fingerprint>,
    standing: Standing,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

/// Where a persistent command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It runs and is not ready.
    Starting,
    /// It is ready.
    Up,
    /// It ended.
    Ended,
}

/// Something of a persistent command, for [`Services::take`].
#[derive(Debug)]
pub struct ServiceEvent {
    name: Name,
    id: u64,
    what: What,
}

impl ServiceEvent {
    /// Some output, whoever it is of.
    pub(crate) fn output(self) -> Option<(Name, Vec<u8>)> {
        match self.what {
            What::Output(chunk) => Some((self.name, chunk)),
            _ => None,
        }
    }
}

#[derive(Debug)]
enum What {
    Output(Vec<u8>),
    Ready(Duration),
    Ended(ServiceEnd),
}

/// What an event of a persistent command says.
#[derive(Debug)]
pub enum Told {
    /// Some of its output.
    Output(Name, Vec<u8>),
    /// What depends on it may begin; so long it took.
    Ready(Name, Duration),
    /// It is over.
    Ended(Name, ServiceEnd),
}

/// How a persistent command ended.
#[derive(Debug)]
pub struct ServiceEnd {
    /// Its exit code; never 0 where it was not ready before.
    pub code: i32,
    /// Whether it was stopped by us.
    pub stopped: bool,
    /// Whether it was ready before.
    pub was_up: bool,
    /// The end of what it printed.
    pub log: Vec<u8>,
    /// How long it ran.
    pub time: Duration,
}

impl ServiceEnd {
    pub(crate) fn not_started(log: Vec<u8>) -> Self {
        Self { code: 127, stopped: false, was_up: false, log, time: Duration::ZERO }
    }
}

/// What it takes to start one.
#[derive(Debug)]
pub(crate) struct Launch {
    pub name: Name,
    pub fingerprint: Option<Fingerprint>,
    pub process: ProcessSpec,
    pub ready: Option<Ready>,
}

impl Services {
    /// None yet. All stop with `stop`.
    pub fn new(system: Arc<dyn System>, stop: Stop) -> Self {
        let (tell, heard) = unbounded();
        Self { system, stop, known: BTreeMap::new(), tell, heard, launched: 0 }
    }

    /// What they have to tell, for [`Services::take`].
    pub fn heard(&self) -> &Receiver<ServiceEvent> {
        &self.heard
    }

    /// Takes note of an event; nothing where it is of a process that another has replaced.
    pub fn take(&mut self, event: ServiceEvent) -> Option<Told> {
        let ServiceEvent { name, id, what } = event;
        let known = self.known.get_mut(&name).filter(|known| known.id == id)?;
        Some(match what {
            What::Output(chunk) => Told::Output(name, chunk),
            What::Ready(time) => {
                known.standing = Standing::Up;
                Told::Ready(name, time)
            }
            What::Ended(mut end) => {
                end.was_up = known.standing == Standing::Up;
                known.standing = Standing::Ended;
                if !end.was_up && !end.stopped && end.code == 0 {
                    end.code = 1;
                    end.log.extend_from_slice(b"qik: it ended before it was ready\n");
                }
                Told::Ended(name, end)
            }
        })
    }

    /// Where a command stands, and what it was started for.
    pub(crate) fn standing(&self, name: &Name) -> Option<(Standing, Option<Fingerprint>)> {
        self.known.get(name).map(|known| (known.standing, known.fingerprint))
    }

    /// Whether a command is ready.
    pub(crate) fn is_up(&self, name: &Name) -> bool {
        self.standing(name).is_some_and(|(standing, _)| standing == Standing::Up)
    }

    /// Starts a command. One of that name that runs is stopped first, whole, so that what it holds is free.
    pub(crate) fn launch(&mut self, launch: Launch) -> io::Result<()> {
        let stop = self.stop.part()?;
        let before = self.known.remove(&launch.name).and_then(|mut before| {
            before.stop.request(15);
            before.thread.take()
        });
        self.launched += 1;
        let (name, fingerprint, id) = (launch.name.clone(), launch.fingerprint, self.launched);
        let server = Server {
            system: self.system.clone(),
            stop: stop.clone(),
            tell: self.tell.clone(),
            id,
            launch,
        };
        let thread = std::thread::Builder::new().name("qik-serve".into()).spawn(move || {
            // What it panicked with was told by its own thread.
            before.map(JoinHandle::join);
            server.run();
        })?;
        let standing = Standing::Starting;
        let service = Service { id, fingerprint, standing, stop, thread: Some(thread) };
        self.known.insert(name, service);
        Ok(())
    }

    /// Stops those for which `wanted` does not hold.
    pub fn keep(&mut self, wanted: impl Fn(&Name) -> bool) {
        let unwanted: Vec<Name> = self.known.keys().filter(|name| !wanted(name)).cloned().collect();
        let unwanted: Vec<Service> =
            unwanted.iter().filter_map(|name| self.known.remove(name)).collect();
        end(unwanted);
    }

    /// Stops all of them; none is left when this returns.
    pub fn end(&mut self) {
        end(std::mem::take(&mut self.known).into_values().collect());
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.end();
    }
}

/// All are asked before any is waited for.
fn end(services: Vec<Service>) {
    for service in &services {
        // Who stopped the whole has asked it already; a second time would be less gentle.
        if service.stop.requested().is_none() {
            service.stop.request(15);
        }
    }
    for mut service in services {
        service.thread.take().map(JoinHandle::join);
    }
}
