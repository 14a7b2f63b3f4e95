//! What an earlier process found out, for as long as nothing differs from what it was told.
//!
//! A query reads nothing but inputs, so where each input that a process had is the same now, each
//! query has the same answer. A process keeps its fingerprints with the names of all its inputs and
//! one digest of their values; the next one looks at those inputs, and where it finds the digest it
//! computes none of the fingerprints. The first change that the database is told of makes it forget
//! them all.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use qik_model::{Digest, FileKind, Fingerprint, Name, RelPath};
use qik_system::{OutsideStamp, TreeEntry, TreeNode};
use rustc_hash::FxHashMap;
use salsa::Setter;
use serde::{Deserialize, Serialize};

use crate::{Database, Db, World};

const FILE: &str = "._qik/fingerprints";
/// One record for each set of flags; so many, the latest first.
const RECORDS: usize = 4;
/// What was written so shortly ago may be written again without a change of its times.
const SETTLED: Duration = Duration::from_secs(2);

/// The fingerprints by full name; none once anything changed.
#[salsa::input(singleton, debug)]
struct Remembered {
    #[returns(ref)]
    fingerprints: Arc<FxHashMap<Name, Fingerprint>>,
}

/// The fingerprint of the runnable of that name, where an earlier process found it out from what
/// counts now.
pub fn remembered(db: &dyn Db, name: &str) -> Option<Fingerprint> {
    Remembered::try_get(db)?.fingerprints(db).get(name).copied()
}

/// What lies on disk.
#[derive(Debug, Default, Serialize, Deserialize)]
struct File {
    records: Vec<Record>,
}

/// What one process found out.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// Which processes it is for: of this binary, asked in the same way.
    asked: [u8; 32],
    /// The inputs, and the digest of their values.
    inputs: Inputs,
    values: [u8; 32],
    /// Whether what goes with results was written, too.
    is_whole: bool,
    fingerprints: Vec<(Box<str>, [u8; 32])>,
}

/// The names of all inputs but for the folders of the work tree, of which each counts.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Inputs {
    sources: Vec<Vec<u8>>,
    outside: Vec<Vec<u8>>,
    tools: Vec<Box<str>>,
    variables: Vec<Box<str>>,
}

impl Database {
    /// Takes in what an earlier process found out, if it holds; says whether that is all that there
    /// is to know, and nothing is left to be written. To be called when the files were looked at.
    pub fn recall(&mut self) -> bool {
        let asked = asked(self);
        let records = File::read(self).records;
        let Some(record) = records.into_iter().find(|record| record.asked == asked) else {
            return false;
        };
        if record.inputs.values(self) != record.values {
            return false;
        }
        let named = |(name, bytes): (Box<str>, [u8; 32])| (Name::from(&*name), Fingerprint(bytes));
        let fingerprints = record.fingerprints.into_iter().map(named).collect();
        Remembered::new(self, Arc::new(fingerprints));
        record.is_whole
    }

    /// Keeps fingerprints for the next process; `is_whole` as [`Database::recall`] tells it then.
    /// Keeps none where it can't be told that they are of the inputs as they are.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn keep_fingerprints(
        &self,
        fingerprints: impl IntoIterator<Item = (Name, Fingerprint)>,
        is_whole: bool,
    ) -> io::Result<()> {
        if !self.is_settled() {
            return Ok(());
        }
        let (asked, inputs) = (asked(self), Inputs::of(self));
        let values = inputs.values(self);
        // Those of an earlier process still hold.
        let mut all = Remembered::try_get(self)
            .map(|known| FxHashMap::clone(known.fingerprints(self)))
            .unwrap_or_default();
        all.extend(fingerprints);
        let plain = |(name, fingerprint): (Name, Fingerprint)| (Box::from(&*name), fingerprint.0);
        let fingerprints = all.into_iter().map(plain).collect();
        let mut file = File::read(self);
        file.records.retain(|record| record.asked != asked);
        file.records.insert(0, Record { asked, inputs, values, is_whole, fingerprints });
        file.records.truncate(RECORDS);
        file.write(self)
    }

    /// Whether fingerprints of an earlier process count.
    pub fn recalls(&self) -> bool {
        Remembered::try_get(self).is_some_and(|known| !known.fingerprints(self).is_empty())
    }

    /// The fingerprints of an earlier process, for [`Database::remember`].
    pub(crate) fn recalled(&self) -> Arc<FxHashMap<Name, Fingerprint>> {
        Remembered::try_get(self).map(|known| known.fingerprints(self).clone()).unwrap_or_default()
    }

    /// Everything is again as it was when these were all that there was to know.
    pub(crate) fn remember(&mut self, recalled: Arc<FxHashMap<Name, Fingerprint>>) {
        if !recalled.is_empty()
            && let Some(known) = Remembered::try_get(self)
        {
            known.set_fingerprints(self).to(recalled);
        }
    }

    /// From now on, queries compute what they are asked.
    pub(crate) fn forget(&mut self) {
        if self.recalls()
            && let Some(known) = Remembered::try_get(self)
        {
            known.set_fingerprints(self).to(Arc::default());
        }
    }

    /// Whether everything outside is as it was when it was looked at, and not just written.
    fn is_settled(&self) -> bool {
        let now = self.system.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let before = now.saturating_sub(SETTLED).as_nanos() as i128;
        let holds = self.known.held.lock().expect("no panic under this lock").is_empty();
        let settled = |path: &PathBuf| {
            let (was, is) = (*self.outside_file(path).state(self), stamp(self, path));
            was == is && is.is_none_or(|stamp| stamp.mtime_ns.max(stamp.ctime_ns) < before)
        };
        holds && self.known_outside().iter().all(settled)
    }
}

fn stamp(db: &Database, path: &Path) -> Option<OutsideStamp> {
    db.system.outside().stamp(path).ok()
}

/// By whom, and in which way, the database is asked.
fn asked(db: &Database) -> [u8; 32] {
    let world = World::get(db);
    let mut hasher = Values::default();
    hasher.bytes(world.config(db).as_bytes());
    for (name, value) in world.flags(db).iter() {
        hasher.bytes(name.as_bytes());
        hasher.bytes(value.as_bytes());
    }
    if let Some(binary) = world.binary(db) {
        hasher.bytes(binary.as_os_str().as_bytes());
        hasher.stamp(stamp(db, binary));
    }
    hasher.finish()
}

impl Inputs {
    fn of(db: &Database) -> Self {
        let mut sources: Vec<_> =
            db.known_sources().into_iter().map(|path| path.as_bytes().to_vec()).collect();
        let outside = db.known_outside().into_iter();
        let mut outside: Vec<_> =
            outside.map(|path| path.into_os_string().into_encoded_bytes()).collect();
        let tools = db.known.tools.lock().expect("no panic under this lock");
        let mut tools: Vec<Box<str>> = tools.keys().map(|line| Box::from(&**line)).collect();
        let variables = db.known.variables.lock().expect("no panic under this lock");
        let mut variables: Vec<Box<str>> = variables.iter().cloned().collect();
        sources.sort_unstable();
        outside.sort_unstable();
        tools.sort_unstable();
        variables.sort_unstable();
        Self { sources, outside, tools, variables }
    }

    /// The digest of what they are now, and of all folders of the tree.
    fn values(&self, db: &Database) -> [u8; 32] {
        let mut hasher = Values::default();
        for name in &self.variables {
            hasher.option(db.variable(name).as_deref().map(str::as_bytes));
        }
        for path in &self.sources {
            let source = db.source(&RelPath::from_clean(&path[..]));
            hasher.option(source.bytes(db).as_deref());
        }
        for path in &self.outside {
            let path = Path::new(OsStr::from_bytes(path));
            hasher.stamp(*db.outside_file(path).state(db));
        }
        for line in &self.tools {
            let output = db.tool(&Arc::from(&**line)).output(db).clone();
            hasher.number(output.code as u64);
            hasher.bytes(&output.text);
        }
        for (path, entries) in db.all_folders() {
            hasher.bytes(path.as_bytes());
            hasher.entries(&entries);
        }
        hasher.finish()
    }
}

impl Database {
    /// The folders that hold anything, sorted.
    fn all_folders(&self) -> Vec<(RelPath, Arc<[TreeEntry]>)> {
        let folders = self.known.folders.lock().expect("no panic under this lock");
        let all = folders.iter().map(|(path, folder)| (path.clone(), folder.entries(self).clone()));
        let mut all: Vec<_> = all.filter(|(_, entries)| !entries.is_empty()).collect();
        all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        all
    }
}

impl File {
    /// What lies on disk; nothing where it is torn, or of another version.
    fn read(db: &Database) -> Self {
        let bytes = db.system.read(&FILE.into()).unwrap_or_default();
        let Some((checksum, body)) = bytes.split_first_chunk::<32>() else {
            return Self::default();
        };
        if digest(body).0 != *checksum {
            return Self::default();
        }
        postcard::from_bytes(body).unwrap_or_default()
    }

    fn write(&self, db: &Database) -> io::Result<()> {
        let body = postcard::to_allocvec(self).map_err(io::Error::other)?;
        let bytes = [&digest(&body).0[..], &body].concat();
        db.system.write_atomic(&FILE.into(), &bytes, FileKind::File)
    }
}

fn digest(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

/// A digest of values, each told with its length.
#[derive(Default)]
struct Values {
    hasher: blake3::Hasher,
    /// Small values come together: a hasher takes long for each.
    gathered: Vec<u8>,
}

impl Values {
    fn number(&mut self, number: u64) {
        self.gathered.extend_from_slice(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() > 1 << 16 {
            self.hasher.update(&self.gathered);
            self.gathered.clear();
        }
    }

    fn option(&mut self, bytes: Option<&[u8]>) {
        self.number(u64::from(bytes.is_some()));
        self.bytes(bytes.unwrap_or_default());
    }

    fn stamp(&mut self, stamp: Option<OutsideStamp>) {
        let Some(stamp) = stamp else { return self.number(0) };
        self.number(1);
        self.gathered.extend_from_slice(&stamp.mtime_ns.to_le_bytes());
        self.gathered.extend_from_slice(&stamp.ctime_ns.to_le_bytes());
        self.number(stamp.size);
        self.number(stamp.inode);
    }

    fn entries(&mut self, entries: &[TreeEntry]) {
        self.number(entries.len() as u64);
        for entry in entries {
            match &entry.node {
                TreeNode::Folder => self.gathered.push(b'd'),
                TreeNode::File { kind, id } => {
                    self.gathered.push(match kind {
                        FileKind::File => b'f',
                        FileKind::Executable => b'x',
                        FileKind::Link => b'l',
                    });
                    self.gathered.extend_from_slice(id.as_bytes());
                }
            }
            self.bytes(&entry.name);
        }
    }

    fn finish(mut self) -> [u8; 32] {
        self.hasher.update(&self.gathered);
        *self.hasher.finalize().as_bytes()
    }
}
