//! What a restore will do, decided before anything is done. Writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use qik_model::{ActionResult, Artifact, Content, FileKind, RelPath};
use qik_system::StatKind;
use serde::{Deserialize, Serialize};

use super::Restorer;
use crate::action::{ArtifactFiles, MissReason};
use crate::content::{content_of, content_of_file};
use crate::hands::for_all;
use crate::names::{decode_path, encode_path};

/// Steps that lead from the work tree as it is to the one that an entry describes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) runnable: String,
    /// The folder that takes what is in the way.
    pub(super) trash: String,
    pub(super) steps: Vec<Step>,
    /// Folders that are to be there in the end, though nothing is in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) folders: Vec<String>,
    /// Bytes for the steps, as far as there was room for them.
    #[serde(skip)]
    pub(super) bytes: BTreeMap<String, Vec<u8>>,
}

/// One path and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) path: String,
    pub(super) before: Before,
    /// Whether what was there before is put aside, rather than replaced.
    pub(super) keep: bool,
    /// `None`: nothing shall be there.
    pub(super) after: Option<State>,
}

/// What was at a path when the plan was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Before {
    Nothing,
    File(State),
    /// A folder, socket or the like.
    Other,
}

/// A file or link with its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) kind: FileKind,
    pub(super) content: Content,
}

/// Why there is no plan.
pub(super) enum Refused {
    Miss(MissReason),
    Unsafe(String),
}

/// How many bytes a plan holds at hand; the rest is read again when its turn comes.
const AT_HAND: u64 = 32 << 20;

impl Restorer {
    pub(super) fn plan(
        &self,
        result: &ActionResult,
        files: &dyn ArtifactFiles,
        present: &[RelPath],
    ) -> Result<Plan, Refused> {
        let wanted = safe_paths(&result.artifacts)?;
        let mut plan = Plan {
            runnable: result.runnable.clone(),
            trash: encode_path(&self.new_trash()),
            steps: Vec::new(),
            folders: Vec::new(),
            bytes: BTreeMap::new(),
        };
        // What is stale goes first: it may be a folder's name in the new tree, or the reverse.
        let stale: Vec<_> = present.iter().filter(|path| !wanted.contains_key(path)).collect();
        for (path, before) in stale.iter().zip(self.states(&stale)?) {
            if matches!(before, Before::File(_)) {
                let keep = self.is_precious(path, before, files);
                plan.steps.push(Step { path: encode_path(path), before, keep, after: None });
            }
        }
        let mut folders = BTreeSet::new();
        for path in wanted.keys() {
            self.clear_way(path, files, &mut folders, &mut plan)?;
        }
        let differs = |path: &&RelPath| {
            let artifact = wanted[path];
            files.state(path) != Some((artifact.kind, artifact.id))
        };
        let paths: Vec<&RelPath> = wanted.keys().filter(differs).collect();
        for (path, before) in paths.iter().zip(self.states(&paths)?) {
            let artifact = wanted[path];
            let after = State { kind: artifact.kind, content: artifact.content };
            if before == Before::File(after) {
                continue;
            }
            if !self.contents.has(&after.content) {
                return Err(Refused::Miss(MissReason::ContentMissing((*path).clone())));
            }
            let keep = self.is_precious(path, before, files);
            plan.steps.push(Step { path: encode_path(path), before, keep, after: Some(after) });
        }
        for folder in &result.folders {
            self.plan_folder(folder, &wanted, files, &mut folders, &mut plan)?;
        }
        // Where nothing is in the way a content that turns out to be damaged costs nothing: what was
        // written before it is taken away again.
        if plan.steps.iter().any(|step| step.before != Before::Nothing) {
            self.check_all(&mut plan)?;
        }
        Ok(plan)
    }

    fn plan_folder(
        &self,
        folder: &str,
        wanted: &BTreeMap<RelPath, &Artifact>,
        files: &dyn ArtifactFiles,
        seen: &mut BTreeSet<RelPath>,
        plan: &mut Plan,
    ) -> Result<(), Refused> {
        let unsafe_path = || Refused::Unsafe(folder.to_owned());
        let path = decode_path(folder).filter(is_allowed).ok_or_else(unsafe_path)?;
        let mut here_and_above = std::iter::successors(Some(path.clone()), RelPath::parent);
        if here_and_above.any(|one| wanted.contains_key(&one)) {
            return Err(unsafe_path());
        }
        self.clear_way(&path.join("in it"), files, seen, plan)?;
        let is_there = self.system.stat(&path).is_ok_and(|stat| stat.kind == StatKind::Folder);
        // What is removed from it may take it along.
        if !is_there || plan.steps.iter().any(|step| step.after.is_none()) {
            plan.folders.push(folder.to_owned());
        }
        Ok(())
    }

    /// What is at these paths on disk, all of which may have to be read.
    fn states(&self, paths: &[&RelPath]) -> Result<Vec<Before>, Refused> {
        let size = |path: &&RelPath| self.system.stat(path).map_or(0, |stat| stat.size);
        let bytes = paths.iter().map(size).sum();
        for_all(paths, bytes, |path| self.state(path)).map_err(unreadable)
    }

    /// What is at `path` on disk.
    pub(super) fn state(&self, path: &RelPath) -> io::Result<Before> {
        let stat = match self.system.stat(path) {
            Ok(stat) => stat,
            Err(error) if is_absence(&error) => return Ok(Before::Nothing),
            Err(error) => return Err(error),
        };
        let Some(kind) = stat.file_kind() else { return Ok(Before::Other) };
        let content = match kind {
            FileKind::Link => content_of(&self.system.read_link(path)?),
            _ => content_of_file(&*self.system, path)?,
        };
        Ok(Before::File(State { kind, content }))
    }

    /// Whether something would be lost with what is at `path`: git minds it, or the cache does not
    /// hold its bytes.
    fn is_precious(&self, path: &RelPath, before: Before, files: &dyn ArtifactFiles) -> bool {
        match before {
            Before::Nothing => false,
            Before::Other => true,
            Before::File(state) => files.is_tracked(path) || !self.contents.has(&state.content),
        }
    }

    /// Refuses a path behind a link, and plans to put aside a file where a folder is needed.
    fn clear_way(
        &self,
        path: &RelPath,
        files: &dyn ArtifactFiles,
        folders: &mut BTreeSet<RelPath>,
        plan: &mut Plan,
    ) -> Result<(), Refused> {
        let above: Vec<_> = std::iter::successors(path.parent(), RelPath::parent)
            .take_while(|folder| !folder.is_root() && !folders.contains(folder))
            .collect();
        for folder in above.into_iter().rev() {
            match self.system.stat(&folder) {
                Ok(stat) if stat.kind == StatKind::Folder => {}
                Ok(stat) if stat.kind == StatKind::Link => {
                    return Err(Refused::Unsafe(encode_path(path)));
                }
                Ok(_) => {
                    let text = encode_path(&folder);
                    if !plan.steps.iter().any(|step| step.path == text) {
                        let before = self.state(&folder).map_err(unreadable)?;
                        let keep = self.is_precious(&folder, before, files);
                        plan.steps.push(Step { path: text, before, keep, after: None });
                    }
                }
                Err(error) if is_absence(&error) => {}
                Err(error) => return Err(unreadable(error)),
            }
            folders.insert(folder);
        }
        Ok(())
    }

    /// Makes sure of all contents before anything is done, and holds as many as there is room for.
    fn check_all(&self, plan: &mut Plan) -> Result<(), Refused> {
        let mut all = 0;
        let puts = plan.steps.iter().filter_map(|step| Some((&step.path, step.after?.content)));
        let puts: Vec<(&String, Content, bool)> = puts
            .map(|(path, content)| {
                all += content.size;
                (path, content, all <= AT_HAND)
            })
            .collect();
        let held = for_all(&puts, all, |(path, content, is_held)| {
            let unreachable = |error: crate::StorageError| {
                Refused::Miss(MissReason::Unreachable(error.to_string()))
            };
            let gone = || {
                let path = decode_path(path).unwrap_or_default();
                Refused::Miss(MissReason::ContentMissing(path))
            };
            if *is_held {
                let bytes = self.contents.get(content).map_err(unreachable)?;
                return Ok(Some(((*path).clone(), bytes.ok_or_else(gone)?)));
            }
            let is_whole = self.contents.check(content).map_err(unreachable)?;
            if is_whole { Ok(None) } else { Err(gone()) }
        })?;
        plan.bytes = held.into_iter().flatten().collect();
        Ok(())
    }
}

/// The artifacts by path, if all of them may be written. One cannot lie below another.
fn safe_paths(artifacts: &[Artifact]) -> Result<BTreeMap<RelPath, &Artifact>, Refused> {
    let mut paths = BTreeMap::new();
    for artifact in artifacts {
        let path = decode_path(&artifact.path).filter(is_allowed);
        let path = path.ok_or_else(|| Refused::Unsafe(artifact.path.clone()))?;
        if paths.insert(path, artifact).is_some() {
            return Err(Refused::Unsafe(artifact.path.clone()));
        }
    }
    for path in paths.keys() {
        let mut above = std::iter::successors(path.parent(), RelPath::parent);
        if above.any(|folder| paths.contains_key(&folder)) {
            return Err(Refused::Unsafe(encode_path(path)));
        }
    }
    Ok(paths)
}

/// Nothing is written to git's folders, nor to qik's own. Some file systems do not tell `.GIT`
/// from `.git`.
fn is_allowed(path: &RelPath) -> bool {
    let mut segments = path.segments();
    !path.as_bytes().contains(&0)
        && !segments.any(|segment| {
            segment.eq_ignore_ascii_case(b".git") || segment.eq_ignore_ascii_case(b"._qik")
        })
        && !path.as_bytes().to_ascii_lowercase().starts_with(b".qik/cache/")
}

pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unreadable(error: io::Error) -> Refused {
    Refused::Miss(MissReason::Unreachable(error.to_string()))
}
