//! What code needs of distributions: the names that a closure imports from outside of the project,
//! and those that deps name, as a text with one line for each distribution and its version.
//!
//! The text is what enters a fingerprint, and two texts side by side are its explanation. Knows not
//! where distributions come from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use qik_config::project;
use qik_db::{Db, TreeNode};
use qik_model::{Diagnostic, Digest, PydistConfig, RelPath};

use crate::chain::line_of_outside;
use crate::closure::{Closure, ModuleName, closure_of, digest_of, reached_files};
use crate::dist::{Closures, Distribution, Source, is_stdlib, normalise};
use crate::layout::GraphKey;
use crate::module_graph::graph_of;
use crate::packages::{Packages, PackagesOrigin, SpaceKey, packages_of};

/// What something needs of distributions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideNeeds {
    /// One line each, sorted: `NAME==VERSION`, and `?NAME` for an import that nothing brings.
    pub text: Arc<str>,
    /// Its digest.
    pub digest: Digest,
}

impl OutsideNeeds {
    fn new(lines: &BTreeSet<&str>) -> Self {
        let mut text = String::new();
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        Self { digest: digest_of(text.as_bytes()), text: text.into() }
    }
}

/// Whom the names outside of a graph belong to, in a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owners {
    /// By the places of the graph's names.
    pub of: Vec<Owner>,
    /// Those names.
    names: Vec<Arc<str>>,
    /// The line of each distribution of the space, in their order.
    lines: Vec<Arc<str>>,
}

/// Whom a name belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The standard library, or nobody that counts.
    Nobody,
    /// Distributions, by their places, with all that they need.
    Distributions(Box<[u32]>),
    /// It belongs to none that is there.
    Missing,
}

/// A distribution's name as a key of queries.
#[salsa::interned(debug)]
pub struct DistributionKey<'db> {
    /// As written.
    #[returns(ref)]
    pub name: Arc<str>,
    /// Whether what it needs counts too.
    pub transitive: bool,
}

/// Whom the names outside of the graph belong to, in a space.
#[salsa::tracked(returns(ref))]
pub fn owners_of<'db>(db: &'db dyn Db, key: GraphKey<'db>, space: SpaceKey<'db>) -> Arc<Owners> {
    let packages = packages_of(db, space);
    let lines = lines_of(db, space);
    let config = pydist_config(db);
    let mut finder = Finder::new(packages, config);
    let names = graph_of(db, key).external_names.clone();
    let of = names.iter().map(|name| finder.owner(name)).collect();
    Arc::new(Owners { of, names, lines: lines.clone() })
}

/// The lines of the distributions of a space: what they are, in their order.
#[salsa::tracked(returns(ref))]
fn lines_of<'db>(db: &'db dyn Db, space: SpaceKey<'db>) -> Vec<Arc<str>> {
    let packages = packages_of(db, space);
    let config = pydist_config(db);
    packages.distributions.iter().map(|one| line(db, one, config).into()).collect()
}

#[salsa::tracked(returns(ref))]
fn pydist_config(db: &dyn Db) -> PydistConfig {
    project(db).pydist.clone()
}

/// What the module of that name, with all that it reaches, needs of the space's distributions.
///
/// # Errors
/// Imports that belong to no distribution and without which a file can't be imported.
#[salsa::tracked(returns(ref))]
pub fn outside_needs<'db>(
    db: &'db dyn Db,
    key: GraphKey<'db>,
    space: SpaceKey<'db>,
    module: ModuleName<'db>,
) -> Result<OutsideNeeds, Vec<Diagnostic>> {
    let Ok(closure) = closure_of(db, key, module) else {
        return Ok(OutsideNeeds::new(&BTreeSet::new()));
    };
    let owners = owners_of(db, key, space);
    let (mut lines, mut missing) = (BTreeSet::new(), Vec::new());
    for name in &closure.outside {
        match &owners.of[*name as usize] {
            Owner::Nobody => {}
            Owner::Distributions(all) => {
                lines.extend(all.iter().map(|at| &*owners.lines[*at as usize]));
            }
            Owner::Missing => missing.push(*name),
        }
    }
    let packages = packages_of(db, space);
    let config = pydist_config(db);
    if config.ignore_missing_modules == Some(false) && packages.origin != PackagesOrigin::Nowhere {
        let errors: Vec<Diagnostic> = required(db, key, closure, &missing)
            .into_iter()
            .map(|(import, place)| no_owner(&import, &place, packages))
            .collect();
        if !errors.is_empty() {
            return Err(errors);
        }
    }
    let missing: Vec<String> =
        missing.iter().map(|name| format!("?{}", owners.names[*name as usize])).collect();
    lines.extend(missing.iter().map(String::as_str));
    Ok(OutsideNeeds::new(&lines))
}

/// What a dep on a distribution needs.
///
/// # Errors
/// Where it is not there.
#[salsa::tracked(returns(ref))]
pub fn distribution_needs<'db>(
    db: &'db dyn Db,
    space: SpaceKey<'db>,
    wanted: DistributionKey<'db>,
) -> Result<OutsideNeeds, Diagnostic> {
    let packages = packages_of(db, space);
    let config = pydist_config(db);
    let name = wanted.name(db);
    let normal = normalise(name);
    let mut finder = Finder::new(packages, config);
    let found = match wanted.transitive(db) {
        true => finder.with_needs(&normal),
        false => finder.alone(&normal),
    };
    let lines = lines_of(db, space);
    let mut told: BTreeSet<&str> = found.iter().map(|at| &*lines[*at as usize]).collect();
    let by_config = by_config(config, &normal).map(|version| format!("{normal}=={version}"));
    let absent = format!("?{normal}");
    if packages.distributions.get(name).is_empty() {
        match &by_config {
            Some(line) => told.insert(line),
            None if config.ignore_missing => told.insert(&absent),
            None => return Err(no_distribution(name, packages)),
        };
    }
    Ok(OutsideNeeds::new(&told))
}

/// Finds whom names belong to; remembers what distributions need.
struct Finder<'a> {
    packages: &'a Packages,
    config: &'a PydistConfig,
    closures: Closures<'a, 'a>,
    places: BTreeMap<&'a str, Vec<u32>>,
    whole: BTreeMap<Arc<str>, Vec<u32>>,
}

impl<'a> Finder<'a> {
    fn new(packages: &'a Packages, config: &'a PydistConfig) -> Self {
        let mut places: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (at, one) in (0..).zip(packages.distributions.iter()) {
            places.entry(&one.name).or_default().push(at);
        }
        let closures = Closures::new(&packages.distributions, &packages.extras, &packages.target);
        Self { packages, config, closures, places, whole: BTreeMap::new() }
    }

    fn owner(&mut self, module: &str) -> Owner {
        let top = module.split('.').next().unwrap_or_default();
        let python = self.packages.target.python;
        if is_stdlib(top, python) {
            return Owner::Nobody;
        }
        let names: Vec<Arc<str>> = match configured(self.config, module) {
            Some("") => return Owner::Nobody,
            Some(name) => vec![normalise(name)],
            None => {
                let found = self.packages.distributions.loaded_by(module);
                found.into_iter().map(|one| one.name.clone()).collect()
            }
        };
        let mut all: Vec<u32> = Vec::new();
        for name in &names {
            all.extend(match self.config.transitive {
                true => self.with_needs(name),
                false => self.alone(name),
            });
        }
        all.sort_unstable();
        all.dedup();
        if all.is_empty() { Owner::Missing } else { Owner::Distributions(all.into()) }
    }

    fn alone(&self, name: &str) -> Vec<u32> {
        self.places.get(name).cloned().unwrap_or_default()
    }

    fn with_needs(&mut self, name: &Arc<str>) -> Vec<u32> {
        if let Some(known) = self.whole.get(name) {
            return known.clone();
        }
        let names: BTreeSet<&str> = self.closures.of(name).iter().map(|one| &*one.name).collect();
        let all: Vec<u32> = names.iter().flat_map(|name| self.alone(name)).collect();
        self.whole.insert(name.clone(), all.clone());
        all
    }
}

/// What the configuration says of an import or of a package above it.
fn configured<'c>(config: &'c PydistConfig, module: &str) -> Option<&'c str> {
    let above = std::iter::successors(Some(module), |name| Some(name.rsplit_once('.')?.0));
    above.filter_map(|name| config.modules.get(name)).next().map(|name| &**name)
}

fn by_config<'c>(config: &'c PydistConfig, normal: &str) -> Option<&'c str> {
    let mut versions = config.versions.iter();
    versions.find(|(name, _)| *normalise(name) == *normal).map(|(_, version)| &**version)
}

/// What a distribution is, in one line: its version, and of those that are not from an index their
/// content, as far as it can be told. Nothing of this machine.
fn line(db: &dyn Db, one: &Distribution, config: &PydistConfig) -> String {
    let mut line = match by_config(config, &one.name) {
        Some(version) => return format!("{}=={version}", one.name),
        None => format!("{}=={}", one.name, one.canonical_version()),
    };
    match &one.source {
        Source::Index => {}
        Source::Editable { folder } => push(&mut line, content(db, folder)),
        Source::Local { path, content: installed } => {
            push(&mut line, installed.or_else(|| content(db, path)));
        }
        Source::Archive { url, hash } => {
            let _ = write!(line, "@{}", hash.as_ref().unwrap_or(url));
        }
        Source::Commit { url, commit } => {
            let _ = write!(line, "@{url}#{commit}");
        }
    }
    line
}

fn push(line: &mut String, content: Option<Digest>) {
    if let Some(content) = content {
        let _ = write!(line, "@{content}");
    }
}

/// The digest of a distribution's folder: where it lies in the project, of its files there; else of
/// the Python files in it.
fn content(db: &dyn Db, folder: &std::path::Path) -> Option<Digest> {
    let root = db.system().root();
    let inside = if folder.is_absolute() { folder.strip_prefix(root).ok() } else { Some(folder) };
    let mut hasher = blake3::Hasher::new();
    match inside.and_then(|inside| RelPath::new(inside.as_os_str().as_encoded_bytes())) {
        Some(path) => hash_inside(db, &path, path.as_bytes().len(), &mut hasher),
        None => crate::packages::hash_outside(db, folder, &mut hasher),
    }
    Some(Digest(*hasher.finalize().as_bytes()))
}

fn hash_inside(db: &dyn Db, folder: &RelPath, skip: usize, hasher: &mut blake3::Hasher) {
    for entry in db.folder(folder).entries(db).iter() {
        let path = folder.join(&entry.name);
        match entry.node {
            TreeNode::File { kind, id } => {
                let below = &path.as_bytes()[skip..];
                hasher.update(&(below.len() as u32).to_le_bytes()).update(below);
                hasher.update(&[kind as u8]).update(id.as_bytes());
            }
            TreeNode::Folder => hash_inside(db, &path, skip, hasher),
        }
    }
}

/// The warning of imports that belong to no distribution of the space, among what these modules reach:
/// they count as absent. `None` where there is none, or the configuration has its mind made up.
pub fn missing_warning(
    db: &dyn Db,
    key: GraphKey<'_>,
    space: SpaceKey<'_>,
    modules: &[ModuleName<'_>],
) -> Option<Diagnostic> {
    let packages = packages_of(db, space);
    let is_asked = pydist_config(db).ignore_missing_modules.is_none();
    if !is_asked || packages.origin == PackagesOrigin::Nowhere {
        return None;
    }
    let owners = owners_of(db, key, space);
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for module in modules {
        let Ok(closure) = closure_of(db, key, *module) else { continue };
        let is_missing = |name: &&u32| owners.of[**name as usize] == Owner::Missing;
        let missing: Vec<u32> = closure.outside.iter().filter(is_missing).copied().collect();
        for (import, place) in required(db, key, closure, &missing) {
            found.entry(import).or_insert(place);
        }
    }
    let (import, place) = found.first_key_value()?;
    let more: Vec<&str> = found.keys().skip(1).map(String::as_str).collect();
    let message = match &more[..] {
        [] => format!(
            "`{import}`, imported at {place}, belongs to no distribution of {}",
            packages.origin
        ),
        more => format!(
            "`{import}`, imported at {place}, and {} more ({}) belong to no distribution of {}",
            more.len(),
            listed(more),
            packages.origin
        ),
    };
    Some(Diagnostic::warning("python/missing-distribution", message).help(format!(
        "they count as absent; {} `ignore-missing-modules = true` under `[pydist]` says that all is well",
        remedy(import, &packages.origin)
    )))
}

/// A few of them.
fn listed(names: &[&str]) -> String {
    const FEW: usize = 5;
    let shown = names[..names.len().min(FEW)].join(", ");
    if names.len() > FEW { format!("{shown}, …") } else { shown }
}

/// Those of the missing names that some file of a closure can't be imported without, by their first
/// segment, each with a place.
fn required(
    db: &dyn Db,
    key: GraphKey<'_>,
    closure: &Closure,
    missing: &[u32],
) -> BTreeMap<String, String> {
    if missing.is_empty() {
        return BTreeMap::new();
    }
    let graph = graph_of(db, key);
    let mut found = BTreeMap::new();
    for file in reached_files(graph, closure) {
        for external in graph.externals.of(file).iter().filter(|external| external.is_required) {
            if missing.binary_search(&external.name).is_ok() {
                let name = &graph.external_names[external.name as usize];
                let top = name.split('.').next().unwrap_or(name);
                found.entry(top).or_insert((file, name));
            }
        }
    }
    let place = |file: u32, name: &str| {
        let path = &graph.layout.files[file as usize];
        match line_of_outside(db, key, file, name) {
            Some(line) => format!("{path}:{line}"),
            None => path.to_string(),
        }
    };
    let places = found.into_iter();
    places.map(|(top, (file, name))| (top.to_string(), place(file, name))).collect()
}

fn no_owner(import: &str, place: &str, packages: &Packages) -> Diagnostic {
    let from = &packages.origin;
    let message = format!("`{import}`, imported at {place}, belongs to no distribution of {from}");
    Diagnostic::error("python/missing-distribution", message).help(format!(
        "{} leave the import out by the comment `# qik: ignore-import`",
        remedy(import, from)
    ))
}

/// What to do about an import that nothing brings, up to the last way out.
fn remedy(import: &str, from: &PackagesOrigin) -> String {
    let install = match from {
        PackagesOrigin::Locked(_) => {
            "run qik once where the environment is installed and commit `.qik/artifacts/pygraph`,"
        }
        _ => "install them,",
    };
    format!(
        "{install} say whose they are under `[pydist.modules]` (`{import} = \"NAME\"`; \"\" where it does \
         not count), or"
    )
}

fn no_distribution(name: &str, packages: &Packages) -> Diagnostic {
    let from = &packages.origin;
    let message = format!("the distribution `{name}` is not in {from}");
    let known = packages.distributions.iter().map(|one| &*one.name);
    let help = qik_config::names::nearest(&normalise(name), known)
        .map(|nearest| format!("did you mean `{nearest}`?"));
    Diagnostic::error("python/missing-distribution", message).help(help.unwrap_or_else(|| {
        "install it, or lock it, or set `ignore-missing = true` under `[pydist]`".into()
    }))
}
