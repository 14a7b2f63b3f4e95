//! The import graph of the last process, kept in a file: where all files import what they did
//! then, nothing is resolved again, and no file's facts are asked for.
//!
//! Beside the graph there is a digest of what each content imports, by its identity, so that one can
//! tell without the facts. A graph is kept under an id of everything that it was made from: the folders
//! with their names and those digests, the roots, how imports are read, and the sources of the code
//! that made it. Anything unexpected in the file makes it empty.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use qik_db::System;
use qik_model::{BlobId, Digest, FileKind};
use rustc_hash::FxHashMap;

use crate::components::{Adjacency, Components};
use crate::module_graph::External;
use crate::names::FileId;
use crate::nodes::digest_of;
use crate::structure::{GraphId, Known, Structure};

/// Where the graph of now is kept.
pub(crate) const OF_NOW: &str = "._qik/graph";
/// Where the graph of another state of the project is kept, such as that of a commit.
pub(crate) const OF_ANOTHER: &str = "._qik/graph-since";
const MARK: &[u8; 8] = b"qikgraph";
/// Mark, the digest of the code's sources, the checksum of all that follows.
const HEAD: usize = 8 + 32 + 32;

/// Of all digests this part may be news without being written: to make them once more costs less.
const LITTLE: usize = 32;
/// More digests than any project has files: then only those of this process are kept.
const MOST: usize = 1 << 20;

/// The code that decides what a graph is. Where any of it changes no graph of before counts.
const SOURCES: &[&str] = &[
    include_str!("components.rs"),
    include_str!("contents.rs"),
    include_str!("layout.rs"),
    include_str!("links.rs"),
    include_str!("module_graph.rs"),
    include_str!("modules.rs"),
    include_str!("names.rs"),
    include_str!("needs.rs"),
    include_str!("outline.rs"),
    include_str!("reuse.rs"),
    include_str!("snapshot.rs"),
    include_str!("structure.rs"),
    include_str!("dist/stdlib.rs"),
    include_str!("scan/facts.rs"),
    include_str!("scan/pack.rs"),
];

/// What a content imports, as a digest: two contents with equal ones import the same.
pub(crate) type ImportsDigest = [u8; 16];

/// See the module. Safe to use from many threads.
#[derive(Debug)]
pub(crate) struct Snapshots {
    system: Arc<dyn System>,
    file: &'static str,
    loaded: OnceLock<Loaded>,
    fresh: Mutex<Fresh>,
}

/// The file as it was read.
#[derive(Debug, Default)]
struct Loaded {
    bytes: Vec<u8>,
    /// Where the records end, and the graph begins.
    graph_from: usize,
    /// Of each [`bucket`], how many records come before it, and at the end how many there are.
    starts: Vec<u32>,
    graph: OnceLock<Option<Known>>,
}

/// What this process made.
#[derive(Debug, Default)]
struct Fresh {
    digests: FxHashMap<BlobId, ImportsDigest>,
    graph: Option<Known>,
    /// Whether the graph is not written yet.
    is_news: bool,
}

/// Identity and digest. Sorted by the identity, so they are looked up where they lie.
const RECORD: usize = 20 + 16;
type Record = [u8; RECORD];

impl Snapshots {
    /// What is kept in `file`.
    pub fn new(system: Arc<dyn System>, file: &'static str) -> Self {
        Self { system, file, loaded: OnceLock::new(), fresh: Mutex::default() }
    }

    /// The digest of what a content imports, if it is known.
    pub fn imports(&self, id: &BlobId) -> Option<ImportsDigest> {
        let known = self.loaded().imports(id);
        known.or_else(|| self.fresh().digests.get(id).copied())
    }

    /// Reads what the last process kept, for later.
    pub fn load(&self) {
        self.loaded().graph();
    }

    /// Of how many contents it is known what they import.
    pub fn count(&self) -> usize {
        self.loaded().records().len()
    }

    /// Takes in what a content imports.
    pub fn learn(&self, id: &BlobId, digest: ImportsDigest) {
        self.fresh().digests.insert(*id, digest);
    }

    /// The graph that this process kept last, or else the one that the process before did, if `wanted` means it.
    pub fn graph(&self, wanted: impl Fn(&Known) -> bool) -> Option<Known> {
        let fresh = self.fresh().graph.clone().filter(&wanted);
        fresh.or_else(|| self.loaded().graph().clone().filter(&wanted))
    }

    /// Keeps a graph for the next process.
    pub fn keep(&self, id: &Arc<GraphId>, graph: &Arc<Structure>) {
        let mut fresh = self.fresh();
        (fresh.graph, fresh.is_news) = (Some((id.clone(), graph.clone())), true);
    }

    /// Writes what this process made, if it is worth it.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&self) -> std::io::Result<()> {
        let loaded = self.loaded();
        // Others go on asking meanwhile.
        let (records, graph) = {
            let mut fresh = self.fresh();
            if !fresh.is_news && fresh.digests.len() * LITTLE <= loaded.records().len() {
                return Ok(());
            }
            fresh.is_news = false;
            let mut records: Vec<Record> = fresh.digests.iter().map(record).collect();
            records.sort_unstable();
            (records, fresh.graph.clone())
        };
        let before = loaded.records();
        let before = if before.len() + records.len() <= MOST { before } else { &[] };
        let mut out = Vec::with_capacity(loaded.bytes.len() + records.len() * RECORD);
        out.resize(HEAD + 4, 0);
        merge(&mut out, before, &records);
        let count = (out.len() - HEAD - 4) / RECORD;
        out[HEAD..HEAD + 4].copy_from_slice(&(count as u32).to_le_bytes());
        match graph {
            Some((id, graph)) => {
                write_id(&mut out, &id);
                write_structure(&mut out, &graph);
            }
            None => out.extend_from_slice(&loaded.bytes[loaded.graph_from..]),
        }
        let checksum = digest_of(&out[HEAD..]);
        out[..8].copy_from_slice(MARK);
        out[8..40].copy_from_slice(code().as_bytes());
        out[40..HEAD].copy_from_slice(checksum.as_bytes());
        self.system.write_atomic(&self.file.into(), &out, FileKind::File)
    }

    fn loaded(&self) -> &Loaded {
        self.loaded.get_or_init(|| {
            Loaded::parse(self.system.read(&self.file.into()).unwrap_or_default())
                .unwrap_or_default()
        })
    }

    fn fresh(&self) -> std::sync::MutexGuard<'_, Fresh> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The digest of [`SOURCES`].
fn code() -> Digest {
    let mut hasher = blake3::Hasher::new();
    SOURCES.iter().for_each(|source| _ = hasher.update(source.as_bytes()).update(b"\0"));
    Digest(*hasher.finalize().as_bytes())
}

impl Loaded {
    fn parse(bytes: Vec<u8>) -> Option<Self> {
        let (head, body) = bytes.split_at_checked(HEAD)?;
        let whole = head.starts_with(MARK)
            && head[8..40] == *code().as_bytes()
            && head[40..] == *digest_of(body).as_bytes();
        let (count, rest) = body.split_first_chunk().filter(|_| whole)?;
        let length = (u32::from_le_bytes(*count) as usize).checked_mul(RECORD)?;
        let (records, []) = rest.get(..length)?.as_chunks::<RECORD>() else { return None };
        let mut starts = vec![0; BUCKETS + 1];
        records.iter().for_each(|record| starts[bucket(record) + 1] += 1);
        for at in 0..BUCKETS {
            starts[at + 1] += starts[at];
        }
        Some(Self { graph_from: HEAD + 4 + length, starts, bytes, graph: OnceLock::new() })
    }

    fn records(&self) -> &[Record] {
        self.bytes.get(HEAD + 4..self.graph_from).unwrap_or_default().as_chunks().0
    }

    fn imports(&self, id: &BlobId) -> Option<ImportsDigest> {
        let bucket = bucket(id.as_bytes());
        let (start, end) = (*self.starts.get(bucket)?, *self.starts.get(bucket + 1)?);
        let mut few = self.records()[start as usize..end as usize].iter();
        few.find(|one| one[..20] == *id.as_bytes())?[20..].first_chunk().copied()
    }

    fn graph(&self) -> &Option<Known> {
        self.graph.get_or_init(|| self.read_graph())
    }

    fn read_graph(&self) -> Option<Known> {
        let mut reader = Reader { bytes: self.bytes.get(self.graph_from..)? };
        let (id, graph) = (reader.id()?, reader.structure()?);
        reader.bytes.is_empty().then(|| (Arc::new(id), Arc::new(graph)))
    }
}

/// Identities that begin alike are few, and lie side by side in a sorted list.
fn bucket(id: &[u8]) -> usize {
    usize::from(id[0]) << 5 | usize::from(id[1]) >> 3
}

const BUCKETS: usize = 1 << 13;

fn record((id, digest): (&BlobId, &ImportsDigest)) -> Record {
    let mut record = [0; RECORD];
    record[..20].copy_from_slice(id.as_bytes());
    record[20..].copy_from_slice(digest);
    record
}

/// Both lists as one, sorted as they are; of what is in both that of the second.
fn merge(out: &mut Vec<u8>, mut before: &[Record], fresh: &[Record]) {
    for record in fresh {
        let (less, rest) = before.split_at(before.partition_point(|one| one[..20] < record[..20]));
        out.extend_from_slice(less.as_flattened());
        out.extend_from_slice(record);
        let again = rest.first().is_some_and(|one| one[..20] == record[..20]);
        before = &rest[usize::from(again)..];
    }
    out.extend_from_slice(before.as_flattened());
}

fn push_number(out: &mut Vec<u8>, number: usize) {
    out.extend_from_slice(&(number as u32).to_le_bytes());
}

fn push_numbers(out: &mut Vec<u8>, numbers: impl ExactSizeIterator<Item = u32>) {
    push_number(out, numbers.len());
    numbers.for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
}

fn push_rows(out: &mut Vec<u8>, rows: &Adjacency) {
    push_numbers(out, rows.starts().iter().copied());
    push_numbers(out, rows.targets().iter().copied());
}

fn write_id(out: &mut Vec<u8>, id: &GraphId) {
    out.extend_from_slice(id.settings.as_bytes());
    out.extend_from_slice(id.layout.as_bytes());
    push_number(out, id.folders.len());
    id.folders.iter().for_each(|folder| out.extend_from_slice(folder.as_bytes()));
    push_number(out, id.files.len());
    out.extend_from_slice(&id.files);
}

fn write_structure(out: &mut Vec<u8>, graph: &Structure) {
    push_rows(out, &graph.edges);
    push_numbers(out, graph.externals.starts().iter().copied());
    let one = |external: &External| external.name << 1 | u32::from(external.is_required);
    push_numbers(out, graph.externals.targets().iter().map(one));
    push_number(out, graph.external_names.len());
    for name in &graph.external_names {
        push_number(out, name.len());
        out.extend_from_slice(name.as_bytes());
    }
    push_numbers(out, graph.broken.iter().copied());
    push_numbers(out, graph.loose.iter().copied());
    push_numbers(out, graph.components.of.iter().copied());
    push_rows(out, &graph.components.members);
    push_rows(out, &graph.components.successors);
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<usize> {
        Some(u32::from_le_bytes(*self.take(4)?.first_chunk()?) as usize)
    }

    fn numbers(&mut self) -> Option<Vec<u32>> {
        let count = self.number()?;
        let bytes = self.take(count.checked_mul(4)?)?;
        let number = |bytes: &[u8]| u32::from_le_bytes(*bytes.first_chunk().unwrap_or(&[0; 4]));
        Some(bytes.chunks_exact(4).map(number).collect())
    }

    fn rows(&mut self) -> Option<Adjacency> {
        Adjacency::from_parts(self.numbers()?, self.numbers()?)
    }

    fn digest(&mut self) -> Option<Digest> {
        Some(Digest(*self.take(32)?.first_chunk()?))
    }

    fn id(&mut self) -> Option<GraphId> {
        let (settings, layout) = (self.digest()?, self.digest()?);
        let count = self.number()?;
        let folders = (0..count).map(|_| self.digest()).collect::<Option<_>>()?;
        let length = self.number()?;
        let files = self.take(length)?.into();
        Some(GraphId { settings, layout, folders, files })
    }

    fn structure(&mut self) -> Option<Structure> {
        let edges = self.rows()?;
        let starts = self.numbers()?;
        let externals = self.numbers()?.into_iter();
        let externals =
            externals.map(|one| External { name: one >> 1, is_required: one & 1 == 1 }).collect();
        let externals = Adjacency::from_parts(starts, externals)?;
        let count = self.number()?;
        let mut external_names: Vec<Arc<str>> = Vec::new();
        for _ in 0..count {
            let length = self.number()?;
            external_names.push(std::str::from_utf8(self.take(length)?).ok()?.into());
        }
        let (broken, loose): (Vec<FileId>, Vec<FileId>) = (self.numbers()?, self.numbers()?);
        let of = self.numbers()?;
        let components = Components::from_parts(of, self.rows()?, self.rows()?);
        Some(Structure { edges, externals, external_names, broken, loose, components })
    }
}

#[cfg(test)]
mod tests {
    use qik_db::TestDb;

    use super::*;

    fn sample() -> Arc<Structure> {
        let edges = Adjacency::new([vec![1, 2], vec![0], vec![]]);
        let external = External { name: 0, is_required: true };
        Arc::new(Structure {
            components: Components::new(&edges, Ord::cmp),
            edges,
            externals: Adjacency::new([vec![external], vec![], vec![]]),
            external_names: vec!["requests".into()],
            broken: vec![2],
            loose: vec![1],
        })
    }

    fn one() -> Arc<GraphId> {
        let (settings, layout) = (Digest([0; 32]), Digest([1; 32]));
        let folders = Arc::new([Digest([2; 32])]);
        Arc::new(GraphId { settings, layout, folders, files: Arc::from(*b"outline") })
    }

    fn written() -> (Arc<dyn System>, Vec<u8>) {
        let system: Arc<dyn System> = TestDb::new(Vec::new(), "qik.toml", &[]).system;
        let snapshots = Snapshots::new(system.clone(), OF_NOW);
        snapshots.learn(&BlobId([9; 20]), [3; 16]);
        snapshots.learn(&BlobId([2; 20]), [4; 16]);
        snapshots.keep(&one(), &sample());
        snapshots.save().unwrap();
        let bytes = system.read(&OF_NOW.into()).unwrap();
        (system, bytes)
    }

    #[test]
    fn what_was_kept_is_found_by_the_next_process() {
        let (system, _) = written();
        let snapshots = Snapshots::new(system, OF_NOW);
        assert_eq!(snapshots.imports(&BlobId([9; 20])), Some([3; 16]));
        assert_eq!(snapshots.imports(&BlobId([2; 20])), Some([4; 16]));
        assert_eq!(snapshots.imports(&BlobId([5; 20])), None);
        assert_eq!(snapshots.graph(|_| true), Some((one(), sample())));
    }

    #[test]
    fn of_two_sorted_lists_the_second_is_told_where_both_have_an_identity() {
        let records = |all: &[(u8, u8)]| -> Vec<Record> {
            all.iter().map(|(id, digest)| record((&BlobId([*id; 20]), &[*digest; 16]))).collect()
        };
        let mut out = Vec::new();
        merge(&mut out, &records(&[(1, 1), (3, 1), (7, 1)]), &records(&[(0, 2), (3, 2), (9, 2)]));
        let expected = records(&[(0, 2), (1, 1), (3, 2), (7, 1), (9, 2)]);
        assert_eq!(out, expected.as_flattened());
    }

    #[test]
    fn little_news_is_not_written_and_much_is_merged() {
        let (system, before) = written();
        let snapshots = Snapshots::new(system.clone(), OF_NOW);
        snapshots.save().unwrap();
        assert_eq!(system.read(&OF_NOW.into()).unwrap(), before);
        snapshots.learn(&BlobId([5; 20]), [7; 16]);
        snapshots.save().unwrap();
        let snapshots = Snapshots::new(system, OF_NOW);
        assert_eq!(snapshots.imports(&BlobId([5; 20])), Some([7; 16]));
        assert_eq!(snapshots.imports(&BlobId([9; 20])), Some([3; 16]));
        assert_eq!(snapshots.graph(|_| true), Some((one(), sample())));
    }

    #[test]
    fn every_flipped_byte_and_every_cut_makes_it_empty() {
        let (_, bytes) = written();
        for at in 0..bytes.len() {
            let mut torn = bytes.clone();
            torn[at] ^= 1;
            assert!(Loaded::parse(torn).is_none(), "byte {at} flipped");
            assert!(Loaded::parse(bytes[..at].to_vec()).is_none(), "cut at {at}");
        }
        assert!(Loaded::parse(bytes).is_some());
    }
}
