//! What happens to files while nobody looks: events of the kernel, gathered until they pause. Tells where
//! something may have changed, never what: whoever wants to know looks there.
//!
//! Folders are watched one by one, since those that git ignores are not to be: a package manager that fills
//! one would drown what matters. Where the kernel can't tell (a network mount, no watches left), everything is
//! looked at now and then instead.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

/// Events of a burst are this close together where nobody wants it otherwise.
const PAUSE: Duration = Duration::from_millis(10);
/// A burst that goes on is told of in parts.
const LONGEST: Duration = Duration::from_millis(250);
/// As long as git holds its index it is changing files, but a process that died holds it for good.
const GIT_AT_WORK: Duration = Duration::from_secs(5);
/// How often everything is looked at where the kernel can't tell.
const POLL: Duration = Duration::from_secs(2);

/// Where something may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stirred {
    /// At these absolute paths; of a folder, among its members.
    Paths(BTreeSet<PathBuf>),
    /// Anywhere: events were lost, or the kernel tells none.
    Anywhere,
}

/// Watches folders as long as it lives.
#[derive(Debug)]
pub struct Watcher {
    /// `None` where everything is looked at now and then.
    native: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    events: Sender<Raw>,
    stirred: Receiver<Stirred>,
    /// Milliseconds for which a burst pauses before it counts as over.
    pause: Arc<AtomicU64>,
}

enum Raw {
    Event(notify::Result<Event>),
    /// From now on time alone tells.
    Poll,
    Stop,
}

impl Watcher {
    /// Watches nothing yet. `lock` is the file that git holds while it changes files.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(root: &Path, lock: Option<PathBuf>) -> io::Result<Self> {
        let (events, gathered) = unbounded();
        let (tell, stirred) = unbounded();
        let told = events.clone();
        let handler = move |event| drop(told.send(Raw::Event(event)));
        let config = Config::default().with_follow_symlinks(false);
        let native = match is_remote(root) {
            true => None,
            false => RecommendedWatcher::new(handler, config).ok(),
        };
        if native.is_none() {
            let _ = events.send(Raw::Poll);
        }
        let pause = Arc::new(AtomicU64::new(PAUSE.as_millis() as u64));
        let gather = {
            let pause = pause.clone();
            move || gather(&gathered, &tell, lock.as_deref(), &pause)
        };
        std::thread::Builder::new().name("qik-watch".into()).spawn(gather)?;
        Ok(Self { native, watched: BTreeSet::new(), events, stirred, pause })
    }

    /// How long files have to hold still before a burst is told of; `None`: as long as is best.
    pub fn set_pause(&self, pause: Option<Duration>) {
        let millis = pause.unwrap_or(PAUSE).as_millis();
        self.pause.store(u64::try_from(millis).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Where something may have changed, as it is found out.
    pub fn stirred(&self) -> &Receiver<Stirred> {
        &self.stirred
    }

    /// Whether everything is looked at now and then, since the kernel can't tell.
    pub fn polls(&self) -> bool {
        self.native.is_none()
    }

    /// Watches the members of these folders from now on, and of no others. Folders that are not there
    /// are left out.
    pub fn watch(&mut self, folders: BTreeSet<PathBuf>) {
        let Some(native) = &mut self.native else { return };
        let gone: Vec<PathBuf> = self.watched.difference(&folders).cloned().collect();
        for folder in gone {
            // The kernel forgets by itself what was removed.
            let _ = native.unwatch(&folder);
            self.watched.remove(&folder);
        }
        let came: Vec<PathBuf> = folders.difference(&self.watched).cloned().collect();
        came.iter().for_each(|folder| self.also(folder));
    }

    /// Watches the members of a folder besides the others, also where a folder of that path was watched
    /// and removed meanwhile.
    pub fn also(&mut self, folder: &Path) {
        let Some(native) = &mut self.native else { return };
        match native.watch(folder, RecursiveMode::NonRecursive) {
            Ok(()) => drop(self.watched.insert(folder.to_path_buf())),
            Err(error) if is_exhausted(&error) => {
                self.native = None;
                let _ = self.events.send(Raw::Poll);
            }
            Err(_) => {}
        }
    }

    /// Watches all again, where events were lost that would tell which folders were removed and made anew.
    pub fn renew(&mut self) {
        std::mem::take(&mut self.watched).iter().for_each(|folder| self.also(folder));
    }

    /// The folders that are watched.
    pub fn watched(&self) -> &BTreeSet<PathBuf> {
        &self.watched
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.events.send(Raw::Stop);
    }
}

/// Tells of bursts, each once it pauses.
fn gather(events: &Receiver<Raw>, tell: &Sender<Stirred>, lock: Option<&Path>, pause: &AtomicU64) {
    let mut polls = false;
    loop {
        let first = match polls {
            true => events.recv_timeout(POLL),
            false => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let mut burst = Burst::default();
        match first {
            Ok(Raw::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Raw::Poll) => polls = true,
            Ok(Raw::Event(event)) => burst.add(event),
            Err(RecvTimeoutError::Timeout) => burst.anywhere = true,
        }
        let start = Instant::now();
        let pause = Duration::from_millis(pause.load(Ordering::Relaxed));
        let longest = LONGEST.max(pause * 4);
        loop {
            let at_work = lock.is_some_and(Path::exists) && start.elapsed() < GIT_AT_WORK;
            match events.recv_timeout(pause) {
                Ok(Raw::Event(event)) => burst.add(event),
                Ok(Raw::Poll) => polls = true,
                Ok(Raw::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) if !at_work => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if !at_work && start.elapsed() > longest {
                break;
            }
        }
        if let Some(stirred) = burst.told()
            && tell.send(stirred).is_err()
        {
            return;
        }
    }
}

#[derive(Default)]
struct Burst {
    paths: BTreeSet<PathBuf>,
    anywhere: bool,
}

impl Burst {
    fn add(&mut self, event: notify::Result<Event>) {
        match event {
            Ok(event) if event.need_rescan() => self.anywhere = true,
            // Reading is no change.
            Ok(Event { kind: EventKind::Access(_), .. }) => {}
            Ok(event) => self.paths.extend(event.paths),
            Err(_) => self.anywhere = true,
        }
    }

    fn told(self) -> Option<Stirred> {
        match (self.anywhere, self.paths.is_empty()) {
            (true, _) => Some(Stirred::Anywhere),
            (false, false) => Some(Stirred::Paths(self.paths)),
            (false, true) => None,
        }
    }
}

fn is_exhausted(error: &notify::Error) -> bool {
    match &error.kind {
        notify::ErrorKind::MaxFilesWatch => true,
        // ENOSPC and EMFILE: no watches, or no handles left.
        notify::ErrorKind::Io(error) => matches!(error.raw_os_error(), Some(28 | 24)),
        _ => false,
    }
}

/// Whether others may change files below `root` without this kernel hearing of it.
#[cfg(target_os = "linux")]
fn is_remote(root: &Path) -> bool {
    /// Of NFS, SMB (three of them), 9P, Ceph, FUSE, and the shared folders of VirtualBox and Parallels.
    const REMOTE: [u32; 9] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x0102_1997,
        0x00c3_6400,
        0x6573_5546,
        0x786f_4256,
        0x7c7c_6673,
    ];
    // The kind is a word of 32 bits, of another type on each machine.
    rustix::fs::statfs(root).is_ok_and(|found| REMOTE.contains(&(found.f_type as u32)))
}

#[cfg(not(target_os = "linux"))]
fn is_remote(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn watched(folder: &Path) -> Watcher {
        let mut watcher = Watcher::start(folder, Some(folder.join("index.lock"))).unwrap();
        watcher.watch([folder.to_path_buf()].into());
        watcher
    }

    fn next(watcher: &Watcher) -> Option<Stirred> {
        watcher.stirred().recv_timeout(Duration::from_secs(10)).ok()
    }

    fn paths(folder: &Path, names: &[&str]) -> Option<Stirred> {
        Some(Stirred::Paths(names.iter().map(|name| folder.join(name)).collect()))
    }

    #[test]
    fn a_burst_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let watcher = watched(folder);
        for name in ["a", "b", "c"] {
            fs::write(folder.join(name), name).unwrap();
        }
        assert_eq!(next(&watcher), paths(folder, &["a", "b", "c"]));
        fs::rename(folder.join("a"), folder.join("d")).unwrap();
        assert_eq!(next(&watcher), paths(folder, &["a", "d"]));
        fs::read(folder.join("b")).unwrap();
        fs::remove_file(folder.join("b")).unwrap();
        assert_eq!(next(&watcher), paths(folder, &["b"]));
        assert!(watcher.stirred().recv_timeout(PAUSE * 4).is_err());
    }

    #[test]
    fn a_burst_may_pause_as_long_as_the_user_says() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let watcher = watched(folder);
        watcher.set_pause(Some(Duration::from_secs(2)));
        fs::write(folder.join("a"), "").unwrap();
        // Longer than what holds where nobody says anything.
        assert!(watcher.stirred().recv_timeout(LONGEST * 2).is_err());
        fs::write(folder.join("b"), "").unwrap();
        assert_eq!(next(&watcher), paths(folder, &["a", "b"]));
    }

    #[test]
    fn while_git_is_at_work_nothing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let watcher = watched(folder);
        fs::write(folder.join("index.lock"), "").unwrap();
        fs::write(folder.join("a"), "").unwrap();
        assert!(watcher.stirred().recv_timeout(LONGEST * 2).is_err());
        fs::write(folder.join("b"), "").unwrap();
        fs::remove_file(folder.join("index.lock")).unwrap();
        assert_eq!(next(&watcher), paths(folder, &["a", "b", "index.lock"]));
    }

    #[test]
    fn folders_come_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        let mut watcher = watched(folder.path());
        fs::create_dir(&inner).unwrap();
        assert_eq!(next(&watcher), paths(folder.path(), &["inner"]));
        watcher.also(&inner);
        fs::write(inner.join("x"), "").unwrap();
        assert_eq!(next(&watcher), paths(folder.path(), &["inner/x"]));
        watcher.watch([folder.path().to_path_buf(), folder.path().join("never")].into());
        fs::write(inner.join("y"), "").unwrap();
        fs::write(folder.path().join("z"), "").unwrap();
        assert_eq!(next(&watcher), paths(folder.path(), &["z"]));
    }

    #[test]
    fn a_folder_that_was_made_anew_is_watched_anew() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        let remade = || {
            fs::remove_dir(&inner).unwrap();
            fs::create_dir(&inner).unwrap();
        };
        fs::create_dir(&inner).unwrap();
        let mut watcher = watched(folder.path());
        watcher.also(&inner);
        let renewals: [fn(&mut Watcher, &Path); 2] =
            [|watcher, inner| watcher.also(inner), |watcher, _| watcher.renew()];
        for renew in renewals {
            remade();
            assert_eq!(next(&watcher), paths(folder.path(), &["inner"]));
            renew(&mut watcher, &inner);
            fs::write(inner.join("x"), "").unwrap();
            assert_eq!(next(&watcher), paths(folder.path(), &["inner/x"]));
            fs::remove_file(inner.join("x")).unwrap();
            assert_eq!(next(&watcher), paths(folder.path(), &["inner/x"]));
        }
    }

    #[test]
    fn where_the_kernel_cannot_tell_time_does() {
        let folder = tempfile::tempdir().unwrap();
        let mut watcher = watched(folder.path());
        watcher.native = None;
        watcher.events.send(Raw::Poll).unwrap();
        assert!(watcher.polls());
        assert_eq!(next(&watcher), Some(Stirred::Anywhere));
    }
}
