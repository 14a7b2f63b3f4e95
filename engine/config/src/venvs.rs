//! Environments of spaces among each other: names of other spaces, circles, what their texts may say.

use std::collections::BTreeSet;

use qik_model::{
    Constraint, Diagnostic, Name, Origin, Place, Project, RelPath, Space, Template, Venv, VenvKind,
};

use crate::circles::{Circle, at_each, circles, way};
use crate::{names, template};

/// The space whose environment `space` uses, itself mostly, and the environment. `None` where it has
/// none, or its configuration leads nowhere.
pub(crate) fn venv_of<'p>(project: &'p Project, space: &str) -> Option<(&'p Space, &'p Venv)> {
    let mut seen = BTreeSet::new();
    let mut at = project.spaces.get(space)?;
    loop {
        let venv = at.venv.as_ref()?;
        match &venv.kind {
            VenvKind::Space { name } if seen.insert(name) => at = project.spaces.get(name)?,
            VenvKind::Space { .. } => return None,
            _ => return Some((at, venv)),
        }
    }
}

/// What is wrong with the environments of a project.
pub(crate) fn check(project: &Project) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for space in project.spaces.values() {
        for (name, at) in names_in(space) {
            found.extend(unusable(project, space, name, &at));
        }
        for (text, at, is_path) in texts(space) {
            found.extend(bad_text(text, &at, is_path));
        }
    }
    let edges = |name: &Name| {
        let named = project.spaces.get(name).map(|space| names_in(space));
        named.into_iter().flatten().map(|(name, at)| (name.clone(), at)).collect()
    };
    found.extend(circles(project, &edges).iter().map(|(start, circle)| circular(start, circle)));
    found
}

/// The spaces that an environment names, and where.
fn names_in(space: &Space) -> Vec<(&Name, Origin)> {
    let Some(venv) = &space.venv else { return Vec::new() };
    match &venv.kind {
        // A default that is shared names its space nowhere.
        VenvKind::Space { name } => vec![(name, venv.origin.key("name"))],
        VenvKind::Uv(uv) => {
            let of = uv.constraints.iter().filter_map(|constraint| match constraint {
                Constraint::Space(name, at) => Some((name, at.clone())),
                Constraint::File(_) => None,
            });
            of.collect()
        }
        _ => Vec::new(),
    }
}

fn unusable(project: &Project, space: &Space, name: &Name, at: &Origin) -> Option<Diagnostic> {
    let place = Place::Value(at.clone());
    let Some(named) = project.spaces.get(name) else {
        let known = project.spaces.keys().map(|name| &**name);
        return Some(
            Diagnostic::error("config/unknown-space", format!("there is no space `{name}`"))
                .at(place, "not known")
                .maybe_help(names::suggest(name, known)),
        );
    };
    let is_constraint = !matches!(space.venv.as_ref()?.kind, VenvKind::Space { .. });
    if named.venv.is_none() {
        let message = format!("the space `{name}` has no environment");
        return Some(
            Diagnostic::error("config/no-venv", message)
                .at(place, "nothing to take over")
                .help(format!("give it one: `[spaces.{name}] venv = \"requirements.txt\"`")),
        );
    }
    let (_, venv) = venv_of(project, name)?;
    let has_lock = matches!(venv.kind, VenvKind::Uv(_));
    (is_constraint && !has_lock).then(|| {
        let message = format!("the environment of the space `{name}` has no lock of its own");
        Diagnostic::error("config/no-venv", message)
            .at(place, "no constraints")
            .help("name a space whose environment is of type `uv`, or a file")
    })
}

/// The texts of a space that may be templates, where they stand, and whether they are paths.
fn texts(space: &Space) -> Vec<(&Template, Origin, bool)> {
    let mut all: Vec<(&Template, Origin, bool)> =
        space.dotenv.iter().map(|(text, at)| (text, at.clone(), true)).collect();
    if let Some(origin) = &space.origin {
        let env = space.env.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        all.extend(env.map(|(name, value)| (value, origin.key("env").key(name.clone()), false)));
    }
    let Some(venv) = &space.venv else { return all };
    let (paths, others): (Vec<&Template>, Vec<&Template>) = match &venv.kind {
        VenvKind::Active { reqs, lock } => (reqs.iter().chain(lock).collect(), Vec::new()),
        VenvKind::Uv(uv) => {
            let files = uv.constraints.iter().filter_map(|constraint| match constraint {
                Constraint::File(file) => Some(file),
                Constraint::Space(..) => None,
            });
            let others = uv.python.iter().chain(&uv.index_url).chain(&uv.extra_index_url);
            (uv.reqs.iter().chain(&uv.lock).chain(files).collect(), others.collect())
        }
        VenvKind::UvProject(of) => {
            let others = of.groups.iter().chain(&of.extras).chain(&of.package).chain(&of.python);
            (vec![&of.path], others.collect())
        }
        VenvKind::Prefix(prefix) => (prefix.files.iter().collect(), vec![&prefix.path]),
        VenvKind::Space { .. } => (Vec::new(), Vec::new()),
    };
    all.extend(paths.into_iter().map(|text| (text, venv.origin.clone(), true)));
    all.extend(others.into_iter().map(|text| (text, venv.origin.clone(), false)));
    all
}

fn bad_text(text: &Template, at: &Origin, is_path: bool) -> Option<Diagnostic> {
    // What is no template at all was told by the check against the schema.
    let parts = template::parse(text).ok()?;
    let place = Place::Value(at.clone());
    if parts.mentions_module() {
        return Some(
            Diagnostic::error("config/no-module", format!("`{text}` stands for no module"))
                .at(place, "no module here")
                .help("a space has one environment, whatever its modules; use `{ctx.…}`"),
        );
    }
    let plain = parts.as_text().filter(|_| is_path)?;
    (plain.is_empty() || RelPath::new(plain).is_none()).then(|| bad_path(plain).at(place, "here"))
}

/// That a file of an environment is not inside the project.
pub(crate) fn bad_path(path: &str) -> Diagnostic {
    Diagnostic::error("config/bad-path", format!("`{path}` is no path inside the project"))
        .help("write it relative to the project folder; `.` is the folder itself")
}

fn circular(start: &Name, circle: &Circle) -> Diagnostic {
    let message = format!("environments depend on each other: `{}`", way(start, circle));
    let report = Diagnostic::error("config/circular-venv", message)
        .help("give one of these spaces an environment of its own");
    at_each(report, circle, &|name| format!("leads to `{name}`"))
}
