//! The facts of files by the identity of their content, in memory and in `._qik/facts`.
//!
//! Facts depend on bytes alone, so they outlive branches, clones and clocks. They are made from the
//! very bytes that have the identity: a file that changed between being seen and being read must not
//! lend its facts to another content.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::UNIX_EPOCH;

use qik_db::{Stat, System};
use qik_model::{BlobId, Digest, FileKind, RelPath};
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use crate::contents::LatestImports;
use crate::nodes::LatestDigests;
use crate::scan::{FACTS_VERSION, FileFacts, facts};
use crate::sites::Sites;
use crate::snapshot::{ImportsDigest, OF_ANOTHER, OF_NOW, Snapshots};
use crate::structure::{GraphId, Known, Structure};

const FILE: &str = "._qik/facts";
const LOCK: &str = "._qik/facts.lock";
/// Begins the file; what another version wrote is begun anew.
const MARK: &[u8; 8] = b"qikfacts";
/// Mark, version, checksum of all that follows.
const HEAD: usize = 8 + 4 + 32;
/// Of all contents this part may be news without being written: to read those files once more costs less.
const LITTLE: usize = 256;
/// So many files are read without a look whether their facts are on disk.
const FEW: usize = 32;
/// What the facts of a file take on disk, by and large.
const USUAL_BYTES: usize = 160;
/// A larger file keeps only what this process asked for.
const MOST_BYTES: usize = 128 << 20;

/// A buffer that outgrew this is given back.
const MOST_BUFFERED: usize = 1 << 20;

thread_local! {
    /// What files are read into, one after the other.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The stat that a file has as long as its content is that of its identity; `None` where none tells.
pub type Proof<'a> = dyn Fn(&RelPath) -> Option<Stat> + Sync + 'a;

/// See the module. Safe to use from many threads.
#[derive(Debug)]
pub struct FactsStore {
    system: Arc<dyn System>,
    /// What is not on disk.
    known: RwLock<FxHashMap<BlobId, FileFacts>>,
    /// What lies on disk, read with the first question.
    disk: OnceLock<Disk>,
    /// Made by this process.
    fresh: Mutex<FxHashSet<BlobId>>,
    sites: Sites,
    /// Of the project as it is now, and of another state of it that is asked about for a while.
    now: Snapshots,
    another: Snapshots,
    /// How often facts were given that are those of other bytes than were asked for.
    guesses: AtomicU64,
    digests: LatestDigests,
    imports: LatestImports,
}

/// The file as it was read: where the facts of each identity lie in it.
#[derive(Debug, Default)]
struct Disk {
    bytes: Vec<u8>,
    places: FxHashMap<BlobId, (u32, u32)>,
}

impl FactsStore {
    /// The store of the project of `system`. Reads nothing yet.
    pub fn new(system: Arc<dyn System>) -> Self {
        let sites = Sites::new(system.clone());
        let now = Snapshots::new(system.clone(), OF_NOW);
        let another = Snapshots::new(system.clone(), OF_ANOTHER);
        Self {
            system,
            known: RwLock::default(),
            disk: OnceLock::new(),
            fresh: Mutex::default(),
            sites,
            now,
            another,
            guesses: AtomicU64::new(0),
            digests: LatestDigests::default(),
            imports: LatestImports::default(),
        }
    }

    /// What environments hold, kept beside the facts.
    pub(crate) fn sites(&self) -> &Sites {
        &self.sites
    }

    /// The structure of that id, if it is at hand. `files` holds the files of the state that is asked about.
    pub(crate) fn graph(
        &self,
        files: &Arc<dyn System>,
        id: &Arc<GraphId>,
    ) -> Option<Arc<Structure>> {
        let is_it = |known: &Known| *known.0 == **id;
        let (present, other) = self.present_and_other(files);
        if let Some((_, graph)) = present.graph(is_it) {
            return Some(graph);
        }
        let (_, graph) = other.graph(is_it)?;
        present.keep(id, &graph);
        Some(graph)
    }

    /// A structure that is at hand and was made likewise, best of the same files.
    pub(crate) fn similar_graph(&self, files: &Arc<dyn System>, id: &GraphId) -> Option<Known> {
        let is_similar = |known: &Known| known.0.settings == id.settings;
        self.graph_over(files, &id.layout).or_else(|| self.any_graph(files, is_similar))
    }

    /// A structure that is at hand over these files.
    pub(crate) fn graph_over(&self, files: &Arc<dyn System>, layout: &Digest) -> Option<Known> {
        self.any_graph(files, |known| known.0.layout == *layout)
    }

    fn any_graph(&self, files: &Arc<dyn System>, wanted: impl Fn(&Known) -> bool) -> Option<Known> {
        let (present, other) = self.present_and_other(files);
        present.graph(&wanted).or_else(|| other.graph(&wanted))
    }

    /// Keeps a structure for the next process.
    pub(crate) fn keep_graph(
        &self,
        files: &Arc<dyn System>,
        id: &Arc<GraphId>,
        graph: &Arc<Structure>,
    ) {
        self.present_and_other(files).0.keep(id, graph);
    }

    /// Reads what the last process kept, for later.
    pub(crate) fn load_graphs(&self, files: &Arc<dyn System>) {
        self.present_and_other(files).0.load();
    }

    /// The state of now is the one whose files are those of the store itself.
    fn present_and_other(&self, files: &Arc<dyn System>) -> (&Snapshots, &Snapshots) {
        match std::ptr::addr_eq(Arc::as_ptr(files), Arc::as_ptr(&self.system)) {
            true => (&self.now, &self.another),
            false => (&self.another, &self.now),
        }
    }

    /// The digests that were made last.
    pub(crate) fn latest_digests(&self) -> &LatestDigests {
        &self.digests
    }

    /// What folders imported when it was looked at last.
    pub(crate) fn latest_imports(&self) -> &LatestImports {
        &self.imports
    }

    /// The digest of what the file at `path` imports, whose content is `id`. `files` holds the files of
    /// the state that is asked about.
    pub(crate) fn imports(&self, files: &dyn System, path: &RelPath, id: &BlobId) -> ImportsDigest {
        if let Some(known) = self.now.imports(id) {
            return known;
        }
        let (facts, is_its_own) = self.find(files, path, id);
        if !is_its_own {
            return self.of_this_look_alone(facts.placeless());
        }
        let digest = short(blake3::hash(facts.placeless()));
        self.now.learn(id, digest);
        digest
    }

    /// A digest that no other look and no other process comes to: what is made with a file that was written to
    /// meanwhile, and may be read once more as a third content, is not taken for that of any other state.
    fn of_this_look_alone(&self, placeless: &[u8]) -> ImportsDigest {
        let now = self.system.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"guessed").update(&self.guesses.load(Ordering::Relaxed).to_le_bytes());
        hasher.update(&std::process::id().to_le_bytes()).update(&now.as_nanos().to_le_bytes());
        short(hasher.update(placeless).finalize())
    }

    /// The facts of the file at `path`, whose content is `id`. Where the file holds something else
    /// by now, or cannot be read, the facts of what it holds; they are not kept.
    pub fn get(&self, files: &dyn System, path: &RelPath, id: &BlobId) -> FileFacts {
        self.find(files, path, id).0
    }

    /// The same, and whether they are those of the content that was asked for.
    fn find(&self, files: &dyn System, path: &RelPath, id: &BlobId) -> (FileFacts, bool) {
        if let Some(known) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return (known.clone(), true);
        }
        let (found, keep) = match self.disk().get(id) {
            // Queries keep what they were told, so nobody asks often.
            Some(found) if self.disk().bytes.len() < MOST_BYTES => return (found, true),
            Some(found) => (found, true),
            None => self.read(files, path, id, &|_| None),
        };
        if keep {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.insert(*id, found.clone());
        }
        (found, keep)
    }

    /// Whether any facts are not those of the identity that was asked for: the file was written to
    /// between two looks at it, or can't be read.
    pub fn has_guessed(&self) -> bool {
        self.guesses.load(Ordering::Relaxed) > 0
    }

    /// Tells of identities whether nothing is known of them, unless it lies on disk.
    pub(crate) fn lacks(&self) -> impl Fn(&BlobId) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        move |id| self.now.imports(id).is_none() && !known.contains_key(id)
    }

    /// Makes the facts of all these files known, in parallel, by reading them where they are not on disk.
    pub fn prepare(&self, files: &dyn System, mut all: Vec<(RelPath, BlobId)>, proof: &Proof<'_>) {
        // It takes less to read a few files than what is known of all.
        if all.len() > FEW {
            all.retain(|(_, id)| !self.disk().places.contains_key(id));
        }
        let made: Vec<(BlobId, Option<FileFacts>)> = all
            .par_iter()
            .map(|(path, id)| {
                let (found, keep) = self.read(files, path, id, proof);
                (*id, keep.then_some(found))
            })
            .collect();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(made.into_iter().filter_map(|(id, found)| Some((id, found?))));
    }

    /// The facts of a file by its bytes, and whether they are those of `id`.
    fn read(
        &self,
        files: &dyn System,
        path: &RelPath,
        id: &BlobId,
        proof: &Proof<'_>,
    ) -> (FileFacts, bool) {
        BUFFER.with_borrow_mut(|bytes| {
            let stat = files.read_into(path, bytes);
            if stat.is_err() {
                bytes.clear();
            }
            let proven =
                stat.is_ok_and(|stat| proof(path).is_some_and(|seen| seen.same_state(&stat)));
            let keep = proven || qik_db::is_content_of(id, bytes);
            if keep {
                self.fresh.lock().unwrap_or_else(PoisonError::into_inner).insert(*id);
            } else {
                self.guesses.fetch_add(1, Ordering::Relaxed);
            }
            let facts = facts(bytes);
            if bytes.capacity() > MOST_BUFFERED {
                *bytes = Vec::new();
            }
            (facts, keep)
        })
    }

    /// Keeps on disk what this process made. Writes only if there is news.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&self) -> std::io::Result<()> {
        self.sites.save()?;
        self.now.save()?;
        self.another.save()?;
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        if fresh.is_empty() || fresh.len() * LITTLE <= self.now.count() {
            return Ok(());
        }
        let fresh = std::mem::take(&mut *fresh);
        let _lock = self.system.lock(&LOCK.into())?;
        // Another process may have added to it meanwhile.
        let disk = Disk::load(&*self.system);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut out = vec![0; HEAD];
        let whole = disk.bytes.len() < MOST_BYTES;
        for (id, (start, end)) in &disk.places {
            if whole || known.contains_key(id) {
                push(&mut out, id, &disk.bytes[*start as usize..*end as usize]);
            }
        }
        for id in fresh.iter().filter(|id| !disk.places.contains_key(*id)) {
            if let Some(found) = known.get(id) {
                push(&mut out, id, found.encode());
            }
        }
        let checksum = checksum(&out[HEAD..]);
        out[..8].copy_from_slice(MARK);
        out[8..12].copy_from_slice(&u32::from(FACTS_VERSION).to_le_bytes());
        out[12..HEAD].copy_from_slice(&checksum.0);
        self.system.write_atomic(&FILE.into(), &out, FileKind::File)
    }

    /// Reads what lies on disk, for later.
    pub(crate) fn load_facts(&self) {
        self.disk();
    }

    fn disk(&self) -> &Disk {
        self.disk.get_or_init(|| Disk::load(&*self.system))
    }
}

fn short(digest: blake3::Hash) -> ImportsDigest {
    digest.as_bytes().first_chunk().copied().unwrap_or_default()
}

fn push(out: &mut Vec<u8>, id: &BlobId, facts: &[u8]) {
    out.extend_from_slice(id.as_bytes());
    out.extend_from_slice(&(facts.len() as u32).to_le_bytes());
    out.extend_from_slice(facts);
}

fn checksum(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

impl Disk {
    /// What lies on disk; nothing where it is torn or of another version.
    fn load(system: &dyn System) -> Self {
        let _phase = qik_db::phase("read facts");
        Self::parse(system.read(&FILE.into()).unwrap_or_default()).unwrap_or_default()
    }

    fn parse(bytes: Vec<u8>) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let whole = head.starts_with(MARK)
            && head[8..12] == u32::from(FACTS_VERSION).to_le_bytes()
            && head[12..] == checksum(rest).0;
        if !whole {
            return None;
        }
        let count = bytes.len() / USUAL_BYTES;
        let mut places = FxHashMap::with_capacity_and_hasher(count, FxBuildHasher);
        let mut at = HEAD;
        while at < bytes.len() {
            let id = BlobId(*bytes[at..].first_chunk::<20>()?);
            let length = u32::from_le_bytes(*bytes.get(at + 20..)?.first_chunk::<4>()?) as usize;
            let (start, end) = (at + 24, at + 24 + length);
            bytes.get(start..end)?;
            places.insert(id, (start as u32, end as u32));
            at = end;
        }
        Some(Self { bytes, places })
    }

    fn get(&self, id: &BlobId) -> Option<FileFacts> {
        let (start, end) = *self.places.get(id)?;
        FileFacts::decode(&self.bytes[start as usize..end as usize])
    }
}

#[cfg(test)]
mod tests {
    use qik_db::{Db, TestDb, TreeNode};

    use super::*;

    #[test]
    fn a_graph_of_one_state_is_found_for_the_other_and_kept_for_both() {
        let world = || TestDb::new(Vec::new(), "qik.toml", &[]).system;
        let (now, then): (Arc<dyn System>, Arc<dyn System>) = (world(), world());
        let store = FactsStore::new(now.clone());
        let id = |number| {
            let (layout, settings) = (Digest([number; 32]), Digest([0; 32]));
            Arc::new(GraphId { settings, layout, folders: Arc::from([]), files: Arc::from([]) })
        };
        for (one, other, number) in [(&now, &then, 1), (&then, &now, 3)] {
            store.keep_graph(one, &id(number), &Arc::default());
            assert!(store.graph(other, &id(number)).is_some());
            store.keep_graph(one, &id(number + 1), &Arc::default());
            assert!(store.graph(other, &id(number)).is_some(), "it has been kept");
            assert!(store.graph(one, &id(number + 1)).is_some());
        }
    }

    #[test]
    fn what_a_file_that_changed_meanwhile_imports_is_like_that_of_no_other_look() {
        let test = TestDb::new(Vec::new(), "qik.toml", &[("a.py", "import b\n")]);
        let files: Arc<dyn System> = test.system.clone();
        let store = FactsStore::new(files.clone());
        let imports = |id: BlobId| store.imports(&*files, &RelPath::from("a.py"), &id);
        let entries = test.db.folder(&RelPath::root()).entries(&test.db).iter();
        let mut own = entries.filter_map(|entry| match entry.node {
            TreeNode::File { id, .. } => Some(id),
            TreeNode::Folder => None,
        });
        let own = own.next().unwrap();
        assert_eq!(imports(own), imports(own));
        assert!(!store.has_guessed());
        let other = BlobId([7; 20]);
        let (first, second) = (imports(other), imports(other));
        assert!(first != second && first != imports(own));
        assert!(store.has_guessed());
    }
}
