//! Runs one shell line to its end: output as it is written, a time limit, a stop that reaches the
//! whole process group. Does not know what the line is for, nor where its output goes.

mod orphans;

use std::ffi::OsString;
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use crate::stop::{Requests, Stop};

/// What to run.
#[derive(Clone, Debug)]
pub struct ProcessSpec {
    /// For `sh -c`.
    pub shell_line: String,
    /// Where, absolute.
    pub cwd: PathBuf,
    /// The complete environment.
    pub env: Vec<(OsString, OsString)>,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// Whether it gets the terminal: our stdin, stdout and stderr, and no capture.
    pub terminal: bool,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By a signal that was not ours.
    Signal(i32),
    /// By us, since its time was up.
    TimedOut,
    /// By us, since a stop was asked for by this signal.
    Stopped(i32),
}

impl Exit {
    /// The exit code as a shell would tell it: 128 + N for a signal, 124 for a time that was up.
    pub fn code(&self) -> i32 {
        match *self {
            Self::Code(code) => code,
            Self::Signal(signal) | Self::Stopped(signal) => 128 + signal,
            Self::TimedOut => 124,
        }
    }
}

/// Between asking a process group to end and killing it.
const GRACE: Duration = Duration::from_secs(2);
/// How long output is still taken from what a child left running, in all and without any news.
const DRAIN: Duration = Duration::from_millis(300);
const DRAIN_QUIET: Duration = Duration::from_millis(100);

pub(crate) fn run(
    spec: &ProcessSpec,
    stop: &Stop,
    output: &mut dyn FnMut(&[u8]),
) -> io::Result<Exit> {
    if let Some(signal) = stop.requested() {
        return Ok(Exit::Stopped(signal));
    }
    let (child, pipe) = spawn(spec)?;
    let guarded = (!spec.terminal).then(|| orphans::Guarded::new(pid_of(&child)));
    let mut running = Running {
        watch: ExitWatch::new(&child)?,
        pid: pid_of(&child),
        group: !spec.terminal,
        deadline: spec.timeout.map(|timeout| Instant::now() + timeout),
        ended_by_us: None,
        heard: Requests::default(),
        kill_at: None,
    };
    let result = running.until_exit(pipe, stop, output);
    if result.is_err() || running.ended_by_us.is_some() {
        // What survived the child in its group was asked to end with it.
        running.signal(Signal::KILL);
    }
    drop(guarded);
    let status = wait(child)?;
    result?;
    Ok(running.ended_by_us.unwrap_or_else(|| exit_of(status)))
}

fn spawn(spec: &ProcessSpec) -> io::Result<(Child, Option<PipeReader>)> {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(&spec.shell_line).current_dir(&spec.cwd);
    command.env_clear().envs(spec.env.iter().map(|(name, value)| (name, value)));
    if spec.terminal {
        return Ok((command.spawn()?, None));
    }
    let (reader, writer) = io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).process_group(0);
    let child = command.spawn()?;
    // The command holds our copies of the writing end; the pipe ends only once they are closed.
    drop(command);
    rustix::io::ioctl_fionbio(&reader, true)?;
    Ok((child, Some(reader)))
}

struct Running {
    watch: ExitWatch,
    pid: Pid,
    group: bool,
    deadline: Option<Instant>,
    ended_by_us: Option<Exit>,
    /// Requests to stop that were acted on.
    heard: Requests,
    kill_at: Option<Instant>,
}

impl Running {
    /// Until the child ended and its output was taken. It is still to be waited for: until then its
    /// number, and so its group, stay its own.
    fn until_exit(
        &mut self,
        mut pipe: Option<PipeReader>,
        stop: &Stop,
        output: &mut dyn FnMut(&[u8]),
    ) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        let mut exited: Option<Instant> = None;
        let mut last_output = Instant::now();
        loop {
            let now = Instant::now();
            self.act(stop, now);
            let wake = match exited {
                None => self.next_wake(),
                Some(_) if pipe.is_none() => return Ok(()),
                Some(at) => {
                    let end = (at + DRAIN).min(last_output.max(at) + DRAIN_QUIET);
                    if now >= end {
                        return Ok(());
                    }
                    Some(end)
                }
            };
            let ready = self.poll(pipe.as_ref(), exited.is_some(), stop, wake)?;
            if ready.output
                && let Some(reader) = &mut pipe
            {
                match reader.read(&mut buffer) {
                    Ok(0) => pipe = None,
                    Ok(count) => {
                        output(&buffer[..count]);
                        last_output = Instant::now();
                    }
                    Err(error) if is_transient(&error) => {}
                    Err(error) => return Err(error),
                }
            }
            if ready.exit {
                exited = Some(Instant::now());
            }
        }
    }

    /// Sleeps until something happens.
    fn poll(
        &self,
        pipe: Option<&PipeReader>,
        exited: bool,
        stop: &Stop,
        wake: Option<Instant>,
    ) -> io::Result<Ready> {
        let timeout = wake
            .map(|at| at.saturating_duration_since(Instant::now()))
            .and_then(|duration| Timespec::try_from(duration).ok());
        let mut fds = Vec::with_capacity(3);
        if let Some(pipe) = pipe {
            fds.push(PollFd::new(pipe, PollFlags::IN));
        }
        if !exited {
            fds.push(PollFd::new(&self.watch.0, PollFlags::IN));
        }
        fds.extend(stop.ears(self.heard));
        match poll(&mut fds, timeout.as_ref()) {
            Err(rustix::io::Errno::INTR) => return Ok(Ready { output: false, exit: false }),
            result => result?,
        };
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        Ok(Ready {
            output: pipe.is_some() && ready.next() == Some(true),
            exit: !exited && ready.next() == Some(true),
        })
    }

    fn next_wake(&self) -> Option<Instant> {
        self.kill_at.or(match self.ended_by_us {
            None => self.deadline,
            Some(_) => None,
        })
    }

    /// Passes on requests to stop, keeps the time limit, kills what does not listen.
    fn act(&mut self, stop: &Stop, now: Instant) {
        let requests = stop.requests().map(|count| count.min(2));
        if requests != self.heard {
            let signal = stop.requested().unwrap_or(2);
            if self.heard == [0, 0] && requests.iter().sum::<u32>() == 1 {
                self.end_gently(Exit::Stopped(signal), signal, now);
            } else {
                self.ended_by_us = Some(Exit::Stopped(signal));
                self.kill_at = Some(now);
            }
            self.heard = requests;
        }
        if self.ended_by_us.is_none() && self.deadline.is_some_and(|deadline| now >= deadline) {
            self.end_gently(Exit::TimedOut, Signal::TERM.as_raw(), now);
        }
        if self.kill_at.is_some_and(|at| now >= at) {
            self.signal(Signal::KILL);
            self.kill_at = None;
        }
    }

    fn end_gently(&mut self, why: Exit, signal: i32, now: Instant) {
        self.ended_by_us = Some(why);
        self.kill_at = Some(now + GRACE);
        // An interrupt typed at the terminal has already reached a child that shares it with us.
        if (self.group || signal != Signal::INT.as_raw())
            && let Some(signal) = Signal::from_named_raw(signal)
        {
            self.signal(signal);
        }
    }

    fn signal(&self, signal: Signal) {
        // A group that is gone needs no signal.
        let _ = if self.group {
            rustix::process::kill_process_group(self.pid, signal)
        } else {
            rustix::process::kill_process(self.pid, signal)
        };
    }
}

struct Ready {
    output: bool,
    exit: bool,
}

/// A descriptor that is readable (or closed at its other end) once the child ended.
struct ExitWatch(OwnedFd);

impl ExitWatch {
    fn new(child: &Child) -> io::Result<Self> {
        let pid = pid_of(child);
        #[cfg(target_os = "linux")]
        if let Ok(fd) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
            return Ok(Self(fd));
        }
        Self::by_thread(pid)
    }

    /// Where there are no process descriptors: a thread that waits and then lets go of a pipe.
    fn by_thread(pid: Pid) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        std::thread::Builder::new().name("wait".into()).spawn(move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(rustix::io::Errno::INTR) =
                rustix::process::waitid(WaitId::Pid(pid), options)
            {}
            drop(writer);
        })?;
        Ok(Self(reader.as_fd().try_clone_to_owned()?))
    }
}

fn wait(mut child: Child) -> io::Result<ExitStatus> {
    child.wait()
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_child(child)
}

fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Code(1),
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests;
