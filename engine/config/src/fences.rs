//! Fences that name other spaces: each must exist, and no fence may hold itself.

use std::collections::BTreeSet;

use qik_model::{Diagnostic, Fence, Name, Origin, Place, Project};

use crate::names;

/// What is wrong with the fences of a project.
pub(crate) fn check(project: &Project) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for fence in project.spaces.values().filter_map(|space| space.fence.as_ref()) {
        for (name, at) in &fence.spaces {
            if !project.spaces.contains_key(name) {
                let known = project.spaces.keys().map(|name| &**name);
                found.push(
                    Diagnostic::error(
                        "config/unknown-space",
                        format!("there is no space `{name}`"),
                    )
                    .at(Place::Value(at.clone()), "not known")
                    .maybe_help(names::suggest(name, known)),
                );
            }
        }
    }
    let mut told = BTreeSet::new();
    for name in project.spaces.keys() {
        if let Some(circle) = circle_through(project, name, &mut vec![name.clone()])
            && told.insert(circle.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>())
        {
            found.push(circular(name, &circle));
        }
    }
    found
}

/// The spaces on the way from `path` back to `start`, each with the place that names it.
fn circle_through(
    project: &Project,
    start: &Name,
    path: &mut Vec<Name>,
) -> Option<Vec<(Name, Origin)>> {
    for (name, at) in fence_of(project, path.last()?).into_iter().flat_map(|fence| &fence.spaces) {
        if name == start {
            return Some(vec![(name.clone(), at.clone())]);
        }
        if path.contains(name) {
            continue;
        }
        path.push(name.clone());
        if let Some(mut rest) = circle_through(project, start, path) {
            rest.insert(0, (name.clone(), at.clone()));
            return Some(rest);
        }
        path.pop();
    }
    None
}

fn fence_of<'p>(project: &'p Project, space: &str) -> Option<&'p Fence> {
    project.spaces.get(space)?.fence.as_ref()
}

fn circular(start: &Name, circle: &[(Name, Origin)]) -> Diagnostic {
    let names: Vec<&str> = [start]
        .into_iter()
        .chain(circle.iter().map(|(name, _)| name))
        .map(|name| &**name)
        .collect();
    let message = format!("fences hold each other: `{}`", names.join(" -> "));
    let report = Diagnostic::error("config/circular-fence", message)
        .help("remove one of these, or put what they share into a space of its own");
    circle.iter().fold(report, |report, (name, at)| {
        report.at(Place::Value(at.clone()), format!("lets `{name}` in"))
    })
}
