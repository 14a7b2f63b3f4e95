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

use crate::closure::digest_of;
use crate::components::{Adjacency, Components};
use crate::module_graph::External;
use crate::names::FileId;
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
    digests: FxHashMap<BlobId, ImportsDigest>,
    /// Where the graph begins, behind the digests.
    graph_from: usize,
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

/// Identity and digest.
const RECORD: usize = 20 + 16;

impl Snapshots {
    /// What is kept in `file`.
    pub fn new(system: Arc<dyn System>, file: &'static str) -> Self {
        Self { system, file, loaded: OnceLock::new(), fresh: Mutex::default() }
    }

    /// The digest of what a content imports, if it is known.
    pub fn imports(&self, id: &BlobId) -> Option<ImportsDigest> {
        let known = self.loaded().digests.get(id).copied();
        known.or_else(|| self.fresh().digests.get(id).copied())
    }

    /// Reads what the last process kept, for later.
    pub fn load(&self) {
        self.loaded().graph();
    }

    /// Of how many contents it is known what they import.
    pub fn count(&self) -> usize {
        self.loaded().digests.len()
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
        let (mut records, graph) = {
            let mut fresh = self.fresh();
            if !fresh.is_news && fresh.digests.len() * LITTLE <= loaded.digests.len() {
                return Ok(());
            }
            fresh.is_news = false;
            let records = fresh.digests.iter().map(|(id, digest)| (*id, *digest));
            (records.collect::<Vec<(BlobId, ImportsDigest)>>(), fresh.graph.clone())
        };
        if loaded.digests.len() + records.len() <= MOST {
            records.extend(loaded.digests.iter().map(|(id, digest)| (*id, *digest)));
        }
        records.sort_unstable();
        records.dedup_by_key(|(id, _)| *id);
        let mut out = vec![0; HEAD];
        push_number(&mut out, records.len());
        for (id, digest) in &records {
            out.extend_from_slice(id.as_bytes());
            out.extend_from_slice(digest);
        }
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
        let records = rest.get(..length)?.chunks_exact(RECORD);
        let record =
            |record: &[u8]| Some((BlobId(*record.first_chunk()?), *record[20..].first_chunk()?));
        let digests = records.filter_map(record).collect();
        Some(Self { digests, graph_from: HEAD + 4 + length, bytes, graph: OnceLock::new() })
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
    out.extend_from_slice(id.layout.as_bytes());
    push_number(out, id.folders.len());
    id.folders.iter().for_each(|folder| out.extend_from_slice(folder.as_bytes()));
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
        let layout = self.digest()?;
        let count = self.number()?;
        let folders = (0..count).map(|_| self.digest()).collect::<Option<_>>()?;
        Some(GraphId { layout, folders })
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
        let broken: Vec<FileId> = self.numbers()?;
        let of = self.numbers()?;
        let components = Components::from_parts(of, self.rows()?, self.rows()?);
        Some(Structure { edges, externals, external_names, broken, components })
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
        })
    }

    fn one() -> Arc<GraphId> {
        Arc::new(GraphId { layout: Digest([1; 32]), folders: Arc::new([Digest([2; 32])]) })
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
