//! What a distribution brings with it: its requirements, theirs, and so on, as far as they are there
//! and their markers hold. Knows only [`Distributions`]; asks no index.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pep508_rs::ExtraName;

use super::distribution::{Distribution, Distributions};
use super::requirement::{Markers, Requirement, Target, normalise};

/// Which extras of which distributions somebody asked for, by normalised name.
pub type Extras = BTreeMap<Arc<str>, BTreeSet<Arc<str>>>;

/// The extras that are asked for by `roots` (the project's own requirements) and by everything in
/// `distributions`.
///
/// An environment does not note with which extras a distribution was installed; who asked for it
/// does. So `uvicorn[standard]` in the project's requirements makes `httptools` part of `uvicorn`.
pub fn asked_extras(
    distributions: &Distributions,
    roots: &[Requirement],
    target: &Target,
) -> Extras {
    let mut markers = Markers::new(target);
    let mut asked = Extras::new();
    let mut queue: Vec<(Arc<str>, Arc<str>)> = Vec::new();
    let all = distributions.iter().flat_map(|one| &one.requires);
    for requirement in roots.iter().chain(all).filter(|one| !one.extras.is_empty()) {
        if markers.hold(requirement.marker.as_ref(), &[]) {
            queue.extend(
                requirement.extras.iter().map(|extra| (requirement.name.clone(), extra.clone())),
            );
        }
    }
    while let Some((name, extra)) = queue.pop() {
        if !asked.entry(name.clone()).or_default().insert(extra.clone()) {
            continue;
        }
        // An extra may ask for extras of others, and of its own distribution (`all = ["x[a,b]"]`).
        let extra = extra_names([&extra]);
        for requirement in distributions.named(&name).iter().flat_map(|one| &one.requires) {
            if !requirement.extras.is_empty() && markers.hold(requirement.marker.as_ref(), &extra) {
                queue.extend(
                    requirement
                        .extras
                        .iter()
                        .map(|extra| (requirement.name.clone(), extra.clone())),
                );
            }
        }
    }
    asked
}

/// `name` and everything that it needs, sorted by name; empty where it is not there itself.
///
/// Requirements that are not there are left out: they are optional, or for another platform.
pub fn closure<'a>(
    distributions: &'a Distributions,
    name: &str,
    extras: &Extras,
    target: &Target,
) -> Vec<&'a Distribution> {
    Closures::new(distributions, extras, target).of(name)
}

/// Closures of many names, sharing what they parse and find.
#[derive(Debug)]
pub struct Closures<'a, 'b> {
    distributions: &'a Distributions,
    extras: &'b Extras,
    markers: Markers<'b>,
    needs: BTreeMap<Arc<str>, Vec<Arc<str>>>,
}

impl<'a, 'b> Closures<'a, 'b> {
    /// Those in `distributions`.
    pub fn new(distributions: &'a Distributions, extras: &'b Extras, target: &'b Target) -> Self {
        Self { distributions, extras, markers: Markers::new(target), needs: BTreeMap::new() }
    }

    /// As [`closure`].
    pub fn of(&mut self, name: &str) -> Vec<&'a Distribution> {
        let name = normalise(name);
        let mut reached: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut queue = vec![name];
        while let Some(name) = queue.pop() {
            if reached.insert(name.clone()) {
                queue.extend(self.needs(&name).iter().cloned());
            }
        }
        reached.iter().flat_map(|name| self.distributions.named(name)).collect()
    }

    /// Names of what `name` needs directly, where it is there and the markers hold.
    pub fn needs(&mut self, name: &Arc<str>) -> &[Arc<str>] {
        if !self.needs.contains_key(name) {
            let found = self.find_needs(name);
            self.needs.insert(name.clone(), found);
        }
        &self.needs[name]
    }

    fn find_needs(&mut self, name: &str) -> Vec<Arc<str>> {
        let extras = self.extras.get(name).map(extra_names).unwrap_or_default();
        let requires = self.distributions.named(name).iter().flat_map(|one| &one.requires);
        let needed: BTreeSet<Arc<str>> = requires
            .filter(|one| !self.distributions.named(&one.name).is_empty())
            .filter(|one| self.markers.hold(one.marker.as_ref(), &extras))
            .map(|one| one.name.clone())
            .collect();
        needed.into_iter().collect()
    }
}

fn extra_names<'a>(extras: impl IntoIterator<Item = &'a Arc<str>>) -> Vec<ExtraName> {
    extras.into_iter().filter_map(|extra| ExtraName::new(extra.to_string()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::distribution::Source;
    use super::super::python::PythonVersion;
    use super::*;

    fn sample() -> Distributions {
        let one = |name: &str, requires: &[&str]| Distribution {
            name: name.into(),
            version: "1".into(),
            imports: Vec::new(),
            requires: requires.iter().map(|text| Requirement::parse(text).unwrap()).collect(),
            source: Source::Index,
        };
        Distributions::new(vec![
            one("a", &["B>=1", "absent", "c; python_version < '3'", "d; extra == 'x'"]),
            one("b", &["a", "e; sys_platform == 'linux'"]),
            one("c", &[]),
            one("d", &["f[deep]"]),
            one("e", &["e"]),
            one("f", &["g; extra == 'deep'", "f[inner]; extra == 'deep'", "h; extra == 'inner'"]),
            one("g", &[]),
            one("h", &[]),
            one("i", &["a[x]"]),
        ])
    }

    #[track_caller]
    fn check(name: &str, roots: &[&str], without: &[&str], expected: &str) {
        let target = Target::new(PythonVersion { major: 3, minor: 11 }, None, "linux-64");
        let kept = sample().iter().filter(|one| !without.contains(&&*one.name)).cloned().collect();
        let all = Distributions::new(kept);
        let roots: Vec<_> = roots.iter().map(|text| Requirement::parse(text).unwrap()).collect();
        let extras = asked_extras(&all, &roots, &target);
        let found: Vec<_> =
            closure(&all, name, &extras, &target).iter().map(|one| &*one.name).collect();
        assert_eq!(found.join(" "), expected);
    }

    #[test]
    fn cycles_end_and_markers_count() {
        check("A", &[], &["i"], "a b e");
        check("e", &[], &[], "e");
        check("absent", &[], &[], "");
    }

    #[test]
    fn extras_count_where_somebody_asks_for_them() {
        check("a", &[], &["i", "d"], "a b e");
        check("a", &[], &[], "a b d e f g h");
        check("a", &["a[X]"], &["i"], "a b d e f g h");
        check("a", &["a[x]; python_version < '3'"], &["i"], "a b e");
        check("f", &["f[inner]"], &["d", "i"], "f h");
    }
}
