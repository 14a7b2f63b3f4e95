//! Turns: of all qik processes in a project one at a time executes a runnable or restores its
//! artifacts. Two that ran a command at once would share the paths that it writes, and each could
//! keep the half-written file of the other as its own.
//!
//! A turn is held by a job that is being worked on, from its first process until its result is kept,
//! and by nothing that waits: whoever finds it taken puts the job back and goes on with others, so
//! that no two processes can wait for each other. It ends with the process that holds it. A command
//! that runs qik holds its turn while that one waits, so commands that run each other in a circle
//! are told by [`WITHIN`] what not to wait for.

use std::ffi::OsString;

use qik_model::{Name, RelPath};
use qik_system::{Env, LockGuard, STATE_FOLDER, System};

/// What a command is told: the runnables that it runs within, the innermost last.
pub(crate) const WITHIN: &str = "QIK__WITHIN";

/// The right to execute or restore a runnable, or the lack of it.
#[derive(Debug)]
pub(crate) enum Turn {
    /// It is ours until this is dropped. `None` where there is nothing to hold.
    Ours(Option<LockGuard>),
    /// Another process has it.
    Taken,
}

/// Takes the turn of `name`, if it is free. Where there can be no locks it is.
pub(crate) fn take(system: &dyn System, name: &Name) -> Turn {
    // A command that runs qik on itself would wait for its own end.
    if is_within(system.env(), name) {
        return Turn::Ours(None);
    }
    match system.try_lock(&file(name)) {
        Ok(Some(held)) => Turn::Ours(Some(held)),
        Ok(None) => Turn::Taken,
        Err(_) => Turn::Ours(None),
    }
}

/// The value of [`WITHIN`] for what `name` starts.
pub(crate) fn within(env: &Env, name: &Name) -> OsString {
    let mut names = env.get(WITHIN).map(OsString::from).unwrap_or_default();
    if !names.is_empty() {
        names.push("\n");
    }
    names.push(&**name);
    names
}

fn is_within(env: &Env, name: &Name) -> bool {
    let names = env.get(WITHIN).and_then(|names| names.to_str()).unwrap_or_default();
    names.lines().any(|one| one == &**name)
}

fn file(name: &Name) -> RelPath {
    let file = name.replace('%', "%25").replace('/', "%2F");
    RelPath::from(STATE_FOLDER).join("locks").join(file)
}

#[cfg(test)]
mod tests {
    use qik_system::MemorySystem;

    use super::*;

    fn is_free(system: &MemorySystem, name: &str) -> bool {
        matches!(take(system, &name.into()), Turn::Ours(_))
    }

    #[test]
    fn one_holds_it_until_it_lets_go() {
        let system = MemorySystem::new();
        let turn = take(&system, &"lint@svc/api".into());
        assert!(matches!(turn, Turn::Ours(Some(_))));
        assert!(!is_free(&system, "lint@svc/api"));
        assert!(is_free(&system, "lint@svc%2Fapi") && is_free(&system, "lint"));
        drop(turn);
        assert!(is_free(&system, "lint@svc/api"));
    }

    #[test]
    fn what_runs_within_a_runnable_does_not_wait_for_it() {
        let outer = Env::default();
        let names = within(&outer, &"all".into());
        let names = within(&outer.with(WITHIN, names.to_str().unwrap()), &"lint@api".into());
        let system = MemorySystem::new().with_env(WITHIN, names.to_str().unwrap());
        for (name, waits) in [("all", false), ("lint@api", false), ("lint", true)] {
            let _held = system.lock(&file(&name.into())).unwrap();
            assert_eq!(is_free(&system, name), !waits, "{name}");
        }
    }
}
