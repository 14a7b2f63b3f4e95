//! Fences that name other spaces: each must exist, and no fence may hold itself.

use qik_model::{Diagnostic, Name, Place, Project};

use crate::circles::{Circle, at_each, circles, way};
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
    let edges = |name: &Name| {
        let fence = project.spaces.get(name).and_then(|space| space.fence.as_ref());
        fence.map(|fence| fence.spaces.clone()).unwrap_or_default()
    };
    found.extend(circles(project, &edges).iter().map(|(start, circle)| circular(start, circle)));
    found
}

fn circular(start: &Name, circle: &Circle) -> Diagnostic {
    let message = format!("fences hold each other: `{}`", way(start, circle));
    let report = Diagnostic::error("config/circular-fence", message)
        .help("remove one of these, or put what they share into a space of its own");
    at_each(report, circle, &|name| format!("lets `{name}` in"))
}
