//! What a file system says of a path without reading it. Does not know what is done with it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use qik_model::FileKind;

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatKind {
    /// A plain file that its owner may not execute.
    File,
    /// A plain file that its owner may execute.
    Executable,
    /// A symbolic link.
    Link,
    /// A folder.
    Folder,
    /// A socket, pipe or device.
    Other,
}

/// The facts that tell one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stat {
    /// What it is.
    pub kind: StatKind,
    /// Bytes.
    pub size: u64,
    /// Last change of the bytes: seconds since 1970, nanoseconds.
    pub mtime: (i64, u32),
    /// Last change of bytes or attributes; unlike `mtime` nobody can set it.
    pub ctime: (i64, u32),
    /// Number within the device.
    pub ino: u64,
    /// The device.
    pub dev: u64,
}

/// One member of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirItem {
    /// Its last segment.
    pub name: Box<[u8]>,
    /// What it is.
    pub stat: Stat,
}

/// What a folder holds, for whoever wants to remember it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The stat of the folder from before its members were listed, where it can be trusted: where
    /// each member that comes, goes or gets another name gives the folder another stamp.
    pub stamp: Option<Stat>,
    /// Its members. Of a folder among them only the kind is told.
    pub items: Vec<DirItem>,
}

/// A member of a folder as it was listed earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered<'a> {
    /// Its last segment.
    pub name: &'a [u8],
    /// Whether it was a folder.
    pub is_folder: bool,
}

impl DirItem {
    /// A folder of which nothing but its name is told.
    pub(crate) fn folder(name: &[u8]) -> Self {
        let (mtime, ctime) = ((0, 0), (0, 0));
        let stat = Stat { kind: StatKind::Folder, size: 0, mtime, ctime, ino: 0, dev: 0 };
        Self { name: name.into(), stat }
    }
}

impl Stat {
    /// What it is as an input or artifact; `None` for folders and devices.
    pub fn file_kind(&self) -> Option<FileKind> {
        match self.kind {
            StatKind::File => Some(FileKind::File),
            StatKind::Executable => Some(FileKind::Executable),
            StatKind::Link => Some(FileKind::Link),
            StatKind::Folder | StatKind::Other => None,
        }
    }

    /// Whether nothing tells the two states apart. The device is left out: its number may differ
    /// from boot to boot for the same file.
    pub fn same_state(&self, other: &Stat) -> bool {
        self.mtime == other.mtime
            && self.ctime == other.ctime
            && self.size == other.size
            && self.ino == other.ino
            && self.kind == other.kind
    }

    /// Whether any write after `moment` must have given the file another stamp.
    ///
    /// Kernels stamp files from a clock that lags by up to one tick (10 ms at the slowest rate in
    /// use), so two writes within a tick share a stamp. A stamp without nanoseconds may come from a
    /// file system that counts in seconds, or in steps of two.
    pub fn settled_at(&self, moment: SystemTime) -> bool {
        [self.mtime, self.ctime].into_iter().all(|(seconds, nanos)| {
            let slack = if nanos == 0 { COARSE } else { FINE };
            time_of(seconds, nanos).checked_add(slack).is_some_and(|limit| limit < moment)
        })
    }
}

const FINE: Duration = Duration::from_millis(20);
const COARSE: Duration = Duration::from_secs(2);

fn time_of(seconds: i64, nanos: u32) -> SystemTime {
    let nanos = Duration::from_nanos(nanos.into());
    match u64::try_from(seconds) {
        Ok(seconds) => UNIX_EPOCH + Duration::from_secs(seconds) + nanos,
        Err(_) => UNIX_EPOCH - Duration::from_secs(seconds.unsigned_abs()) + nanos,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mtime: (i64, u32), ctime: (i64, u32), moment: (i64, u32), expected: bool) {
        let stat = Stat { kind: StatKind::File, size: 1, mtime, ctime, ino: 1, dev: 1 };
        assert_eq!(stat.settled_at(time_of(moment.0, moment.1)), expected);
    }

    #[test]
    fn a_stamp_within_a_tick_is_not_settled() {
        check((100, 1), (100, 1), (100, 5_000_000), false);
        check((100, 1), (100, 1), (100, 30_000_000), true);
        check((90, 1), (100, 1), (100, 5_000_000), false);
    }

    #[test]
    fn a_stamp_in_whole_seconds_needs_longer() {
        check((100, 0), (100, 0), (101, 5), false);
        check((100, 0), (100, 0), (103, 0), true);
    }

    #[test]
    fn a_stamp_of_the_future_or_before_1970_is_no_trouble() {
        check((i64::MAX / 4, 0), (1, 1), (100, 0), false);
        check((-5, 3), (1, 1), (100, 0), true);
    }
}
