//! Carries a plan out, takes it back, or finishes one that was cut short. Decides nothing.

use std::borrow::Cow;
use std::io;

use qik_model::{FileKind, RelPath};
use qik_system::{Facts, Stat};

use super::plan::{Before, Plan, State, Step, is_absence};
use super::{Restored, Restorer};
use crate::action::MissReason;
use crate::facts;
use crate::hands::for_all;
use crate::names::decode_path;

/// What is known of a file that was put.
type Known = Option<(Stat, Facts)>;

impl Restorer {
    /// Does every step, or none: where one fails those before it are taken back.
    pub(super) fn carry_out(&self, plan: &Plan) -> Result<Restored, MissReason> {
        let (mut done, mut known) = (0, Vec::with_capacity(plan.steps.len()));
        // Files that are put are apart from each other; what is removed may make room for them.
        for group in plan.steps.chunk_by(|a, b| a.after.is_some() == b.after.is_some()) {
            done += group.len();
            match self.take_all(plan, group) {
                Ok(of_group) => known.extend(of_group),
                Err((step, error)) => {
                    for step in plan.steps[..done].iter().rev() {
                        // What cannot be taken back is as the entry wants it, and is seen by its
                        // digest.
                        let _ = self.take_back(plan, step);
                    }
                    return Err(reason_of(step, &error));
                }
            }
        }
        self.tidy(plan);
        if let Err(error) = self.make_folders(plan) {
            for folder in plan.folders.iter().filter_map(|folder| path_of(folder).ok()) {
                let _ = self.system.remove_empty_folders_up(&folder);
            }
            for step in plan.steps.iter().rev() {
                let _ = self.take_back(plan, step);
            }
            return Err(reason(&error));
        }
        let mut restored = Restored::default();
        for (step, known) in plan.steps.iter().zip(known) {
            let path = path_of(&step.path).map_err(|error| reason(&error))?;
            restored.known.extend(known.map(|(stat, facts)| (path.clone(), stat, facts)));
            if step.keep {
                let place = place_of(plan, step).map_err(|error| reason(&error))?;
                restored.trashed.push((path.clone(), place));
            }
            match (step.after, step.keep) {
                (Some(_), _) => restored.written.push(path),
                (None, false) => restored.removed.push(path),
                (None, true) => {}
            }
        }
        Ok(restored)
    }

    /// Does these steps: several at once where they put files.
    fn take_all<'a>(
        &self,
        plan: &Plan,
        steps: &'a [Step],
    ) -> Result<Vec<Known>, (&'a Step, io::Error)> {
        let take = |step: &&'a Step| self.take(plan, step).map_err(|error| (*step, error));
        let steps: Vec<&Step> = steps.iter().collect();
        if steps.first().is_none_or(|step| step.after.is_none()) {
            return steps.iter().map(take).collect();
        }
        let bytes = steps.iter().filter_map(|step| step.after).map(|after| after.content.size);
        for_all(&steps, bytes.sum(), take)
    }

    /// Does the steps that are still to be done. A path that somebody changed meanwhile is theirs.
    pub(super) fn finish(&self, plan: &Plan) -> Result<Vec<RelPath>, MissReason> {
        let mut touched = Vec::new();
        for step in &plan.steps {
            let path = path_of(&step.path).map_err(|error| reason(&error))?;
            let now = self.state(&path).map_err(|error| reason(&error))?;
            let is_done = match step.after {
                Some(after) => now == Before::File(after),
                None => now == Before::Nothing,
            };
            // Nothing there: what was in the way is in the trash already.
            if is_done || (now != step.before && now != Before::Nothing) {
                continue;
            }
            let keep = step.keep && now != Before::Nothing;
            self.take(plan, &Step { keep, ..step.clone() }).map_err(|error| reason(&error))?;
            touched.push(path);
        }
        self.tidy(plan);
        self.make_folders(plan).map_err(|error| reason(&error))?;
        Ok(touched)
    }

    /// After everything else: what was in their place is gone then, and nobody tidies them away.
    fn make_folders(&self, plan: &Plan) -> io::Result<()> {
        plan.folders.iter().try_for_each(|folder| self.system.create_dir_all(&path_of(folder)?))
    }

    fn take(&self, plan: &Plan, step: &Step) -> io::Result<Known> {
        let path = path_of(&step.path)?;
        if step.keep {
            self.system.rename(&path, &place_of(plan, step)?)?;
        }
        match &step.after {
            Some(after) => self.put(&path, after, plan.bytes.get(&step.path)),
            None if step.keep => Ok(None),
            None => match self.system.remove_file(&path) {
                Err(error) if is_absence(&error) => Ok(None),
                result => result.map(|()| None),
            },
        }
    }

    fn take_back(&self, plan: &Plan, step: &Step) -> io::Result<()> {
        let path = path_of(&step.path)?;
        if step.keep {
            let place = place_of(plan, step)?;
            if self.system.stat(&place).is_err() {
                return Ok(());
            }
            if step.after.is_some() {
                // A folder does not come back over a file.
                let _ = self.system.remove_file(&path);
            }
            return self.system.rename(&place, &path);
        }
        match step.before {
            Before::File(before) if self.state(&path)? != step.before => {
                self.put(&path, &before, None).map(drop)
            }
            Before::Nothing => match self.system.remove_file(&path) {
                Err(error) if !is_absence(&error) => Err(error),
                _ => self.system.remove_empty_folders_up(&path.parent().unwrap_or_default()),
            },
            Before::File(_) | Before::Other => Ok(()),
        }
    }

    fn put(&self, path: &RelPath, state: &State, at_hand: Option<&Vec<u8>>) -> io::Result<Known> {
        let is_large = state.content.size >= facts::FROM;
        if at_hand.is_none() && is_large && state.kind != FileKind::Link {
            let known = self.contents.copy_to(&state.content, path, state.kind)?;
            return Ok(known.and_then(|stat| Some((stat, self.facts_of_large(state)?))));
        }
        let bytes = match at_hand {
            Some(bytes) => Cow::Borrowed(bytes),
            None => Cow::Owned(self.fetch_again(state)?),
        };
        if state.kind == FileKind::Link {
            return self.system.create_link(path, &bytes).map(|()| None);
        }
        let write = &mut |out: &mut dyn io::Write| out.write_all(&bytes);
        let known = self.system.write_with(path, state.kind, write)?;
        let facts = |stat| {
            let facts = if is_large { self.facts_of_large(state) } else { None };
            (stat, facts.unwrap_or_else(|| Facts::of(&bytes)))
        };
        Ok(known.map(facts))
    }

    /// As they were noted when the bytes were taken up, or else by reading them. Without them nothing
    /// is lost: the file is read when it is looked at.
    fn facts_of_large(&self, state: &State) -> Option<Facts> {
        let digest = state.content.digest;
        self.facts.get(&digest).or_else(|| {
            let facts = self.contents.facts(&state.content).ok()??;
            self.facts.put([(digest, facts)]);
            Some(facts)
        })
    }

    fn fetch_again(&self, state: &State) -> io::Result<Vec<u8>> {
        let bytes = self.contents.get(&state.content).map_err(io::Error::other)?;
        bytes.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "its bytes are gone"))
    }

    /// Removes the folders that stale files leave empty.
    fn tidy(&self, plan: &Plan) {
        for step in plan.steps.iter().filter(|step| step.after.is_none()) {
            if let Some(folder) = path_of(&step.path).ok().and_then(|path| path.parent()) {
                // An empty folder is no artifact; one too many harms nobody.
                let _ = self.system.remove_empty_folders_up(&folder);
            }
        }
    }
}

/// Where what is at the path of `step` is put aside. Folders have a place of their own: the files
/// that were in them may have been put aside one by one before.
fn place_of(plan: &Plan, step: &Step) -> io::Result<RelPath> {
    let ending = if step.before == Before::Other { "-folders" } else { "" };
    Ok(path_of(&format!("{}{ending}", plan.trash))?.join(path_of(&step.path)?.as_bytes()))
}

fn path_of(text: &str) -> io::Result<RelPath> {
    decode_path(text)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a path in the project"))
}

fn reason_of(step: &Step, error: &io::Error) -> MissReason {
    match (error.kind(), path_of(&step.path)) {
        (io::ErrorKind::NotFound, Ok(path)) if step.after.is_some() => {
            MissReason::ContentMissing(path)
        }
        _ => MissReason::Unreachable(format!("`{}`: {error}", step.path)),
    }
}

fn reason(error: &io::Error) -> MissReason {
    MissReason::Unreachable(error.to_string())
}
