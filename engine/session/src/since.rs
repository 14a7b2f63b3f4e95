//! `--since`: the runnables that depend on anything that is not as it was at a commit.

use std::collections::{BTreeMap, BTreeSet};

use qik_db::Db;
use qik_fingerprint::{differs, needs_python};
use qik_graph::definition_of;
use qik_model::{Diagnostic, Name, RelPath};
use qik_run::Plan;
use qik_system::{CommitId, Git, NoCommit, phase};

use crate::commit::{open, prepare_facts};
use crate::{Session, any_error};

/// From where changes count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since {
    /// A name that git knows.
    pub rev: String,
    /// Not from there, but from where the present branch left it.
    pub merge_base: bool,
}

impl Session {
    /// The part of `plan` that changed since a commit: what depends on anything that is not as it was,
    /// what depends on such by strict deps, and what these need unless they are isolated.
    pub(crate) fn changed_since(
        &mut self,
        plan: Plan,
        since: &Since,
        isolated: bool,
    ) -> Result<Plan, Diagnostic> {
        let _phase = phase("since");
        let commit = self.commit_of(since)?;
        self.scan();
        let then = open(self, commit).map_err(|error| unreadable(&since.rev, &error))?;
        if any_error(qik_config::diagnostics(&then)) {
            let message = format!("the configuration of `{}` can't be read", since.rev);
            let note = Diagnostic::warning("since/no-config", message)
                .help("everything counts as changed since then");
            self.notes.push(note);
            return Ok(plan);
        }
        if plan.runnables.iter().any(|planned| needs_python(&planned.definition)) {
            self.prepare_facts();
            prepare_facts(&then);
        }
        let artifacts = self.artifacts();
        // What commands make and git does not know is in no commit.
        let counts = |path: &RelPath| !artifacts.matches(path) || self.tree.is_tracked(path);
        let mut changes = Changes {
            db: &self.db,
            differs: &|name: &str| differs(&self.db, &then, name, &counts),
            known: BTreeMap::new(),
        };
        let kept: BTreeSet<Name> = plan
            .runnables
            .iter()
            .map(|planned| planned.name())
            .filter(|name| changes.is_changed(name))
            .cloned()
            .collect();
        // A listing that can't keep what it learnt is as right as one that can.
        let _ = self.save_python();
        let kept = with_upstream(&plan, kept, isolated);
        Ok(plan.filtered(|_, planned| kept.contains(planned.name())))
    }

    fn commit_of(&self, since: &Since) -> Result<CommitId, Diagnostic> {
        let Some(git) = self.db.system().git() else {
            return Err(Diagnostic::error("since/no-git", "`--since` needs a git repository")
                .help("there is none around the project; leave the option out"));
        };
        let commit = git.resolve(&since.rev).map_err(|error| no_commit(git, &error))?;
        if !since.merge_base {
            return Ok(commit);
        }
        let head = git.resolve("HEAD").map_err(|error| no_commit(git, &error))?;
        match git.merge_base(head, commit).map_err(|error| no_commit(git, &error))? {
            Some(base) => Ok(base),
            None => Err(Diagnostic::error(
                "since/no-merge-base",
                format!("`{}` and HEAD have no commit in common", since.rev),
            )
            .help(fetch_help(git, "name another branch, or leave `--merge-base` out"))),
        }
    }
}

struct Changes<'a> {
    db: &'a dyn Db,
    differs: &'a dyn Fn(&str) -> bool,
    known: BTreeMap<Name, bool>,
}

impl Changes<'_> {
    /// Whether a runnable changed, or anything that it depends on by strict deps, selected or not.
    fn is_changed(&mut self, name: &Name) -> bool {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        // A circle ends here.
        self.known.insert(name.clone(), false);
        let upstream = definition_of(self.db, name).map(|one| one.upstream.clone());
        let mut strict = upstream.into_iter().flatten().filter(|upstream| upstream.strict);
        let changed = (self.differs)(name) || strict.any(|one| self.is_changed(&one.name));
        self.known.insert(name.clone(), changed);
        changed
    }
}

/// `kept`, and all of the plan that it needs.
pub(crate) fn with_upstream(
    plan: &Plan,
    mut kept: BTreeSet<Name>,
    isolated: bool,
) -> BTreeSet<Name> {
    // What is upstream comes before what needs it.
    for planned in plan.runnables.iter().rev() {
        if !kept.contains(planned.name()) {
            continue;
        }
        for upstream in &planned.definition.upstream {
            if !upstream.isolated.unwrap_or(isolated) {
                kept.insert(upstream.name.clone());
            }
        }
    }
    kept
}

fn no_commit(git: &Git, error: &NoCommit) -> Diagnostic {
    let (code, help) = match error {
        NoCommit::Shallow(_) => ("since/shallow", String::new()),
        NoCommit::Unreadable(_) => {
            ("since/no-git", "is `git` installed, and the repository whole?".into())
        }
        NoCommit::Unknown(_) | NoCommit::NotACommit(_) => (
            "since/unknown-commit",
            "name a branch, a tag or a commit; `git fetch` may bring it".into(),
        ),
    };
    Diagnostic::error(code, error.to_string()).help(fetch_help(git, &help))
}

/// In a shallow clone the remedy is to fetch more.
fn fetch_help(git: &Git, otherwise: &str) -> String {
    if git.is_shallow() {
        "fetch the history that is missing: `git fetch --unshallow`, `fetch-depth: 0` of \
         actions/checkout, `GIT_DEPTH: 0` of GitLab"
            .into()
    } else {
        otherwise.into()
    }
}

fn unreadable(rev: &str, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error("since/no-git", format!("the files of `{rev}` can't be read: {error}"))
        .help("`git fsck` says whether the repository is whole")
}
