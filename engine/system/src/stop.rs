//! The wish to stop, as a token that everybody who waits can be woken by. Does not know who waits.

use std::io::{self, PipeReader, PipeWriter, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A token that is asked to stop once, gently, and from the second time on to stop at once.
#[derive(Clone, Debug)]
pub struct Stop(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    signal: AtomicI32,
    requests: AtomicU32,
    gentle: Bell,
    harsh: Bell,
    /// What this is a part of.
    whole: Option<Stop>,
}

/// How often a stop was asked for: by a token itself, and by what it is a part of.
pub(crate) type Requests = [u32; 2];

/// A pipe that is written to once and never read: whoever polls its end wakes, now or later.
#[derive(Debug)]
struct Bell {
    ear: PipeReader,
    clapper: PipeWriter,
}

impl Stop {
    /// A token that nobody has asked yet.
    pub fn new() -> io::Result<Self> {
        Self::part_of(None)
    }

    /// A token for one part of what this one is for: it can be asked by itself, and is asked with the whole.
    pub fn part(&self) -> io::Result<Self> {
        Self::part_of(Some(self.clone()))
    }

    fn part_of(whole: Option<Self>) -> io::Result<Self> {
        Ok(Self(Arc::new(Inner {
            signal: AtomicI32::new(0),
            requests: AtomicU32::new(0),
            gentle: Bell::new()?,
            harsh: Bell::new()?,
            whole,
        })))
    }

    /// Asks for a stop by this signal (`2` for an interrupt, `15` for a termination). Running
    /// children get it, and are killed after a moment; a second request kills them at once. The
    /// first signal is the one that counts for the exit code.
    pub fn request(&self, signal: i32) {
        let _ = self.0.signal.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
        match self.0.requests.fetch_add(1, Ordering::SeqCst) {
            0 => self.0.gentle.ring(),
            1 => self.0.harsh.ring(),
            _ => {}
        }
    }

    /// The signal, once a stop was asked for.
    pub fn requested(&self) -> Option<i32> {
        let asked = self.own_requests() > 0;
        let own = asked.then(|| self.0.signal.load(Ordering::SeqCst));
        self.0.whole.as_ref().and_then(Self::requested).or(own)
    }

    /// How often a stop was asked for.
    pub(crate) fn requests(&self) -> Requests {
        [self.own_requests(), self.0.whole.as_ref().map_or(0, Self::own_requests)]
    }

    fn own_requests(&self) -> u32 {
        self.0.requests.load(Ordering::SeqCst)
    }

    /// Sleeps for `duration`, or until a stop is asked for: then the answer is `true`.
    pub fn wait(&self, duration: Duration) -> bool {
        let timeout = Timespec::try_from(duration).ok();
        // An interrupted poll ends the sleep early, which no caller minds.
        let mut ears: Vec<PollFd<'_>> = self.ears([0, 0]).collect();
        let _ = poll(&mut ears, timeout.as_ref());
        self.requested().is_some()
    }

    /// Tells the signal once a stop is asked for, to whoever waits for other things too.
    pub fn heard(&self) -> Receiver<i32> {
        let (tell, heard) = bounded(1);
        let stop = self.clone();
        let wait = move || {
            loop {
                if stop.wait(Duration::from_secs(3600)) {
                    let _ = tell.send(stop.requested().unwrap_or_default());
                    return;
                }
            }
        };
        // Where no thread can be started the channel is closed, which counts as a stop.
        let _ = std::thread::Builder::new().name("qik-stop".into()).spawn(wait);
        heard
    }

    /// One of these is readable once more than `heard` requests were made; from the second of a token on
    /// there is nothing more to hear from it.
    pub(crate) fn ears(&self, heard: Requests) -> impl Iterator<Item = PollFd<'_>> {
        let whole = self.0.whole.as_ref().and_then(|whole| whole.ear(heard[1]));
        let ears = [self.ear(heard[0]), whole].into_iter().flatten();
        ears.map(|ear| PollFd::from_borrowed_fd(ear, PollFlags::IN))
    }

    fn ear(&self, heard: u32) -> Option<BorrowedFd<'_>> {
        match heard {
            0 => Some(self.0.gentle.ear.as_fd()),
            1 => Some(self.0.harsh.ear.as_fd()),
            _ => None,
        }
    }
}

impl Bell {
    fn new() -> io::Result<Self> {
        let (ear, clapper) = io::pipe()?;
        Ok(Self { ear, clapper })
    }

    fn ring(&self) {
        // One byte into an empty pipe that we hold both ends of: it neither blocks nor fails.
        let _ = (&self.clapper).write_all(&[1]);
    }
}

/// Turns SIGINT, SIGTERM and SIGHUP of this process into requests. A hang-up counts because
/// children live in process groups of their own: nobody else would tell them.
pub fn signals(stop: &Stop) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let stop = stop.clone();
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            stop.request(signal);
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_signal_counts() {
        let stop = Stop::new().unwrap();
        assert_eq!(stop.requested(), None);
        stop.request(15);
        stop.clone().request(2);
        stop.request(2);
        assert_eq!(stop.requested(), Some(15));
    }

    #[test]
    fn a_part_stops_alone_and_with_the_whole() {
        let whole = Stop::new().unwrap();
        let (one, other) = (whole.part().unwrap(), whole.part().unwrap());
        one.request(15);
        assert_eq!([one.requested(), other.requested(), whole.requested()], [Some(15), None, None]);
        let thread = std::thread::spawn({
            let other = other.clone();
            move || other.wait(Duration::from_secs(60))
        });
        whole.request(2);
        assert!(thread.join().unwrap());
        assert_eq!([one.requested(), other.requested()], [Some(2), Some(2)]);
        assert_eq!([one.requests(), other.requests()], [[1, 1], [0, 1]]);
    }

    #[test]
    fn a_request_ends_a_sleep() {
        let stop = Stop::new().unwrap();
        assert!(!stop.wait(Duration::from_millis(1)));
        let other = stop.clone();
        let thread = std::thread::spawn(move || other.wait(Duration::from_secs(60)));
        stop.request(2);
        assert!(thread.join().unwrap());
    }
}
