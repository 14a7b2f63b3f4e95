//! Circles among spaces that name each other.

use std::collections::BTreeSet;

use qik_model::{Diagnostic, Name, Origin, Place, Project};

/// What a space names, each with the place where it does.
pub(crate) type Edges<'a> = &'a dyn Fn(&Name) -> Vec<(Name, Origin)>;

/// The spaces on a circle after the first, up to and with the first again; each with the place that
/// names it.
pub(crate) type Circle = Vec<(Name, Origin)>;

/// A circle through each space that is on one, every circle once.
pub(crate) fn circles(project: &Project, edges: Edges<'_>) -> Vec<(Name, Circle)> {
    let mut found = Vec::new();
    let mut told = BTreeSet::new();
    for name in project.spaces.keys() {
        if let Some(circle) = circle_through(edges, name, &mut vec![name.clone()])
            && told.insert(circle.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>())
        {
            found.push((name.clone(), circle));
        }
    }
    found
}

/// `a -> b -> a`.
pub(crate) fn way(start: &Name, circle: &Circle) -> String {
    let names = [start].into_iter().chain(circle.iter().map(|(name, _)| name));
    names.map(|name| &**name).collect::<Vec<_>>().join(" -> ")
}

/// `report` with each of the places of a circle.
pub(crate) fn at_each(
    report: Diagnostic,
    circle: &Circle,
    label: &dyn Fn(&str) -> String,
) -> Diagnostic {
    circle
        .iter()
        .fold(report, |report, (name, at)| report.at(Place::Value(at.clone()), label(name)))
}

/// The way from `path` back to `start`.
fn circle_through(edges: Edges<'_>, start: &Name, path: &mut Vec<Name>) -> Option<Circle> {
    for (name, at) in edges(path.last()?) {
        if name == *start {
            return Some(vec![(name, at)]);
        }
        if path.contains(&name) {
            continue;
        }
        path.push(name.clone());
        if let Some(mut rest) = circle_through(edges, start, path) {
            rest.insert(0, (name, at));
            return Some(rest);
        }
        path.pop();
    }
    None
}
