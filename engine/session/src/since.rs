//! `--since`: the runnables that depend on anything that is not as it was at a commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use qik_db::{Database, Db};
use qik_fingerprint::{Inputs, needs_python};
use qik_graph::definition_of;
use qik_model::{Diagnostic, Name, RelPath};
use qik_python::facts_store;
use qik_run::Plan;
use qik_system::{CommitId, CommitSystem, Git, NoCommit, phase};

use crate::commit::{folders, prepare_facts};
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
        let unreadable = |error| unreadable(&since.rev, &error);
        let then = CommitSystem::new(self.db.system().clone(), commit).map_err(unreadable)?;
        let folders = self.scan_and(|tree| folders(&then, tree)).map_err(unreadable)?;
        let has_python = plan.runnables.iter().any(|planned| needs_python(&planned.definition));
        if has_python {
            self.prepare_facts();
        }
        let now = Now::of(&self.db, &plan);
        let artifacts = self.artifacts();
        // What commands make and git does not know is in no commit.
        let counts = |path: &RelPath| !artifacts.matches(path) || self.tree.is_tracked(path);
        // Over the files of now, also where the other state alone asks for it.
        let store = facts_store(&self.db);
        // A listing that can't keep what it learnt is as right as one that can.
        let changed = std::thread::scope(|scope| {
            scope.spawn(|| _ = store.save());
            self.db.as_of(Arc::new(then), folders, |then| {
                if any_error(qik_config::diagnostics(then)) {
                    return None;
                }
                if has_python {
                    prepare_facts(then);
                }
                Some(now.changed(then, &counts))
            })
        });
        let _ = store.save();
        let Some(changed) = changed else {
            let message = format!("the configuration of `{}` can't be read", since.rev);
            let note = Diagnostic::warning("since/no-config", message)
                .help("everything counts as changed since then");
            self.notes.push(note);
            return Ok(plan);
        };
        let names = plan.runnables.iter().map(|planned| planned.name());
        let kept = names.filter(|name| changed.contains(*name)).cloned().collect();
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

/// What runnables depend on now: those of a plan, and what they need by strict deps, selected or not.
struct Now {
    /// What is needed comes before what needs it.
    names: Vec<Name>,
    strict: Vec<Vec<Name>>,
    inputs: Vec<Option<Inputs>>,
}

impl Now {
    fn of(db: &Database, plan: &Plan) -> Self {
        let (mut names, mut strict, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        let mut open: Vec<(Name, Option<Vec<Name>>)> =
            plan.runnables.iter().rev().map(|one| (one.name().clone(), None)).collect();
        while let Some((name, needs)) = open.pop() {
            if let Some(needs) = needs {
                names.push(name);
                strict.push(needs);
            } else if seen.insert(name.clone()) {
                let definition = definition_of(db, &name).ok();
                let upstream = definition.iter().flat_map(|one| &one.upstream);
                let needs: Vec<Name> =
                    upstream.filter(|one| one.strict).map(|one| one.name.clone()).collect();
                open.push((name, Some(needs.clone())));
                open.extend(needs.into_iter().map(|name| (name, None)));
            }
        }
        let inputs = db.each(&names, |db, name| Inputs::of(db, name));
        Self { names, strict, inputs }
    }

    /// Those that depend on anything that is another `then`, or by strict deps on such.
    fn changed(&self, then: &Database, counts: &dyn Fn(&RelPath) -> bool) -> BTreeSet<Name> {
        let mut changed = BTreeSet::new();
        let others = then.each(&self.names, |db, name| Inputs::of(db, name));
        for (at, other) in others.iter().enumerate() {
            let differs = match (&self.inputs[at], other) {
                (Some(one), Some(other)) => one.differ(other, counts),
                _ => true,
            };
            if differs || self.strict[at].iter().any(|upstream| changed.contains(upstream)) {
                changed.insert(self.names[at].clone());
            }
        }
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
