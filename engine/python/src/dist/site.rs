//! All distributions in the folders of an environment, and the stamps by which one can tell that
//! nothing was installed since. Decides which files to open; their formats are in `metadata`.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use qik_db::OutsideItem;
use qik_model::Digest;

use super::distribution::{Distribution, Distributions, Source};
use super::look::{Look, text};
use super::requirement::normalise;
use super::{editable, metadata, names};

/// What the folders of an environment hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// Each folder that was looked at, with its state then; absent ones have none.
    pub seen: Vec<(PathBuf, Option<Digest>)>,
    /// In the order of the folders, then by name; of several folders the first one with a name wins.
    pub distributions: Vec<Distribution>,
}

impl Site {
    /// Whether `folders` would be read as the same again: nothing was installed, removed or written.
    pub fn is_fresh(&self, look: &dyn Look, folders: &[PathBuf]) -> bool {
        let same = |(folder, state): &(PathBuf, Option<Digest>)| listing(look, folder) == *state;
        let start = self.seen.iter().map(|(folder, _)| folder).take(folders.len());
        start.eq(folders) && self.seen.iter().all(same)
    }

    /// The distributions, to be asked.
    pub fn distributions(&self) -> Distributions {
        Distributions::new(self.distributions.clone())
    }
}

/// Reads all `folders` of an environment, and the folders that their `.pth` files add.
pub fn read_site(look: &dyn Look, folders: &[PathBuf]) -> Site {
    let mut reader = Reader { look, seen: Vec::new(), also: Vec::new(), found: Vec::new() };
    for folder in folders {
        reader.folder(folder);
    }
    // Folders on the path may hold metadata of their own: `setup.py develop` leaves it beside the code.
    let mut added: Vec<PathBuf> = Vec::new();
    for folder in std::mem::take(&mut reader.also) {
        if !folders.contains(&folder) && !added.contains(&folder) {
            added.push(folder);
        }
    }
    for folder in &added {
        reader.folder(folder);
    }
    let Reader { mut seen, found, also, .. } = reader;
    let mut known: HashSet<PathBuf> = seen.iter().map(|(folder, _)| folder.clone()).collect();
    for folder in also {
        if known.insert(folder.clone()) {
            let state = listing(look, &folder);
            seen.push((folder, state));
        }
    }
    Site { seen, distributions: found }
}

/// The state of a folder: the names in it, and the stamps of those that say what is installed.
/// `None` where there is no such folder.
pub fn listing(look: &dyn Look, folder: &Path) -> Option<Digest> {
    let mut members = look.list(folder).ok()?;
    members.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for member in &members {
        let name = member.name.as_encoded_bytes();
        hasher
            .update(&(name.len() as u64).to_le_bytes())
            .update(name)
            .update(&[member.is_folder.into()]);
        for file in stamped(member) {
            if let Ok(stamp) = look.stamp(&folder.join(&member.name).join(file)) {
                let numbers =
                    [stamp.mtime_ns, stamp.ctime_ns, stamp.size.into(), stamp.inode.into()];
                for number in numbers {
                    hasher.update(&number.to_le_bytes());
                }
            }
        }
    }
    Some(Digest(*hasher.finalize().as_bytes()))
}

/// The files whose stamps count for a member: of metadata folders those that are written last.
fn stamped(member: &OutsideItem) -> &'static [&'static str] {
    let Some(name) = member.name.to_str() else { return &[] };
    match name.rsplit_once('.').map_or("", |(_, suffix)| suffix) {
        "dist-info" if member.is_folder => &["", "METADATA", "RECORD"],
        "egg-info" if member.is_folder => &["", "PKG-INFO", "requires.txt"],
        "egg-info" | "pth" | "egg-link" => &[""],
        "egg" if member.is_folder => &["EGG-INFO/PKG-INFO"],
        "py" if name.starts_with("__editable__") => &[""],
        _ => &[],
    }
}

struct Reader<'a> {
    look: &'a dyn Look,
    seen: Vec<(PathBuf, Option<Digest>)>,
    also: Vec<PathBuf>,
    found: Vec<Distribution>,
}

impl Reader<'_> {
    fn folder(&mut self, site: &Path) {
        let look = self.look;
        self.seen.push((site.to_path_buf(), listing(look, site)));
        let mut members = look.list(site).unwrap_or_default();
        members.sort_unstable();
        let before: HashSet<Arc<str>> = self.found.iter().map(|one| one.name.clone()).collect();
        let folder = Folder { site, members: &members };
        let mut claimed: BTreeSet<PathBuf> = BTreeSet::new();
        for member in &members {
            let Some(name) = member.name.to_str() else { continue };
            let Some((stem, suffix)) = name.rsplit_once('.') else { continue };
            let found = match suffix {
                _ if stem.starts_with(['~', '-']) => None,
                "dist-info" if member.is_folder => {
                    self.dist_info(&folder, name, stem, &mut claimed)
                }
                "egg-info" => self.egg_info(&folder, name, stem, member.is_folder),
                "egg" if member.is_folder => self.egg(site, name, stem),
                "egg-link" => self.egg_link(site, name),
                _ => None,
            };
            if let Some(found) = found.filter(|found| !before.contains(&found.name)) {
                self.found.push(found);
            }
        }
        for name in folder.files(".pth") {
            let path = site.join(name);
            let lines = text(look, &path).unwrap_or_default();
            let folders = editable::pth_folders(&lines, site);
            self.also.extend(folders.into_iter().filter(|folder| look.list(folder).is_ok()));
        }
    }

    fn dist_info(
        &mut self,
        folder: &Folder<'_>,
        name: &str,
        stem: &str,
        claimed: &mut BTreeSet<PathBuf>,
    ) -> Option<Distribution> {
        let look = self.look;
        let path = folder.site.join(name);
        let headers = metadata::headers(&text(look, &path.join("METADATA"))?);
        let record = text(look, &path.join("RECORD"));
        let files: Vec<_> =
            record.as_deref().map(|text| metadata::record(text).collect()).unwrap_or_default();
        let listed = |file: &str| {
            let inside = |path: &str| {
                path.strip_prefix(name).and_then(|rest| rest.strip_prefix('/')) == Some(file)
            };
            record.is_none() || files.iter().any(|(path, _)| inside(path))
        };
        let read = |file: &str| if listed(file) { text(look, &path.join(file)) } else { None };
        let namespaces = words(read("namespace_packages.txt"));
        let mut imports = names::of_files(files.iter().map(|(path, _)| &**path), &namespaces);
        let mut source = read("direct_url.json")
            .and_then(|text| metadata::direct_url(&text))
            .unwrap_or_default();
        let pointers = files.iter().map(|(path, _)| &**path).filter(|path| is_pointer(path));
        let places = self.in_place(folder.site, pointers, &mut imports, claimed);
        if let (Some(place), Source::Index) = (places.first(), &source) {
            source = Source::Editable { folder: editable::project_of(look, place) };
        }
        if let Source::Local { content, .. } = &mut source {
            *content = record.as_deref().map(|_| content_of(name, &files));
        }
        let (guessed, version) = stem.split_once('-').unwrap_or((stem, ""));
        let name = headers.name.unwrap_or_else(|| normalise(guessed));
        if imports.is_empty() {
            let top_level = if record.is_none() {
                words(text(look, &path.join("top_level.txt")))
            } else {
                Vec::new()
            };
            imports = folder.known_or_guessed(top_level, record.is_none().then_some(&*name));
        }
        let version = headers.version.unwrap_or_else(|| version.into());
        Some(Distribution { name, version, imports, requires: headers.requires, source })
    }

    /// Adds to `imports` what is imported by way of `pointers`, and gives the places that they name.
    fn in_place<'a>(
        &mut self,
        site: &Path,
        pointers: impl Iterator<Item = &'a str>,
        imports: &mut Vec<Arc<str>>,
        claimed: &mut BTreeSet<PathBuf>,
    ) -> Vec<PathBuf> {
        let mut places = Vec::new();
        for pointer in pointers {
            let path = site.join(pointer);
            let Some(lines) = text(self.look, &path) else { continue };
            if pointer.ends_with(".pth") {
                for place in editable::pth_folders(&lines, site) {
                    imports.extend(self.importable(&place));
                    claimed.insert(path.clone());
                    places.push(place);
                }
                continue;
            }
            // The finder itself is not what the distribution is for.
            let finder = pointer.trim_end_matches(".py");
            imports.retain(|name| **name != *finder);
            for (name, place) in editable::finder_mapping(&lines) {
                imports.push(name);
                places.push(place.parent().unwrap_or(&place).to_path_buf());
            }
        }
        imports.sort_unstable();
        imports.dedup();
        places
    }

    fn importable(&mut self, place: &Path) -> Vec<Arc<str>> {
        let (names, seen) = editable::importable(self.look, place);
        self.also.extend(seen);
        names
    }

    fn egg_info(
        &mut self,
        folder: &Folder<'_>,
        name: &str,
        stem: &str,
        is_folder: bool,
    ) -> Option<Distribution> {
        let look = self.look;
        let path = folder.site.join(name);
        if !is_folder {
            let mut found = egg(&text(look, &path)?, stem);
            found.imports = folder.known_or_guessed(Vec::new(), Some(&found.name));
            return Some(found);
        }
        let mut found = self.egg_folder(&path, stem)?;
        if found.imports.is_empty() {
            found.imports = folder.known_or_guessed(Vec::new(), Some(&found.name));
        }
        // Metadata beside sources: the folder is on the path because it is imported in place.
        if look.stamp(&path.join("SOURCES.txt")).is_ok()
            && look.stamp(&path.join("installed-files.txt")).is_err()
        {
            let project = editable::project_of(look, folder.site);
            if look.stamp(&project.join("setup.py")).is_ok()
                || look.stamp(&project.join("pyproject.toml")).is_ok()
            {
                found.source = Source::Editable { folder: project };
            }
        }
        Some(found)
    }

    fn egg(&mut self, site: &Path, name: &str, stem: &str) -> Option<Distribution> {
        let egg = site.join(name);
        let mut found = self.egg_folder(&egg.join("EGG-INFO"), stem)?;
        if found.imports.is_empty() {
            found.imports = self.importable(&egg);
        }
        Some(found)
    }

    fn egg_link(&mut self, site: &Path, name: &str) -> Option<Distribution> {
        let place = editable::egg_link(self.look, &site.join(name))?;
        self.also.push(place.clone());
        let members = self.look.list(&place).ok()?;
        let wanted = normalise(name.strip_suffix(".egg-link")?);
        let info = members.iter().filter_map(|member| member.name.to_str()).find(|member| {
            member.strip_suffix(".egg-info").is_some_and(|stem| *normalise(stem) == *wanted)
        })?;
        let mut found = self.egg_folder(&place.join(info), info.strip_suffix(".egg-info")?)?;
        if found.imports.is_empty() {
            found.imports = self.importable(&place);
        }
        found.source = Source::Editable { folder: editable::project_of(self.look, &place) };
        Some(found)
    }

    /// A folder of egg metadata; its file list is the best witness, then what the author declared.
    fn egg_folder(&self, path: &Path, stem: &str) -> Option<Distribution> {
        let read = |file: &str| text(self.look, &path.join(file));
        let mut found = egg(&read("PKG-INFO")?, stem);
        if let Some(requires) = read("requires.txt") {
            found.requires = metadata::egg_requires(&requires);
        }
        let namespaces = words(read("namespace_packages.txt"));
        let installed = read("installed-files.txt").unwrap_or_default();
        let files = installed.lines().filter_map(|line| line.trim().strip_prefix("../"));
        found.imports = names::of_files(files, &namespaces);
        if found.imports.is_empty() {
            let mut top: Vec<Arc<str>> = words(read("top_level.txt"))
                .iter()
                .map(|name| name.replace('/', ".").into())
                .collect();
            top.sort_unstable();
            found.imports = top;
        }
        Some(found)
    }
}

/// A folder of an environment, for what only the names in it can tell.
struct Folder<'a> {
    site: &'a Path,
    members: &'a [OutsideItem],
}

impl Folder<'_> {
    fn files(&self, suffix: &str) -> impl Iterator<Item = &str> {
        let names = self.members.iter().filter_map(|member| member.name.to_str());
        names.filter(move |name| name.ends_with(suffix))
    }

    /// The declared names; without any, the member that is called as the distribution.
    fn known_or_guessed(&self, declared: Vec<String>, name: Option<&str>) -> Vec<Arc<str>> {
        if !declared.is_empty() {
            let mut declared: Vec<Arc<str>> =
                declared.iter().map(|name| name.replace('/', ".").into()).collect();
            declared.sort_unstable();
            return declared;
        }
        let Some(name) = name else { return Vec::new() };
        let short =
            name.strip_prefix("python-").or_else(|| name.strip_prefix("py")).unwrap_or(name);
        let member = |wanted: &str| {
            self.members.iter().find_map(|member| {
                let file = member.name.to_str()?;
                let module = if member.is_folder { file } else { names::stem(file)? };
                (names::is_identifier(module) && *normalise(module) == *wanted)
                    .then(|| Arc::from(module))
            })
        };
        member(name).or_else(|| member(short)).into_iter().collect()
    }
}

fn egg(text: &str, stem: &str) -> Distribution {
    let headers = metadata::headers(text);
    let mut parts = stem.split('-');
    let guessed = parts.next().unwrap_or_default();
    Distribution {
        name: headers.name.unwrap_or_else(|| normalise(guessed)),
        version: headers.version.unwrap_or_else(|| parts.next().unwrap_or_default().into()),
        imports: Vec::new(),
        requires: headers.requires,
        source: Source::Index,
    }
}

/// Whether an installed file only points at sources elsewhere.
fn is_pointer(path: &str) -> bool {
    !path.contains('/')
        && (path.ends_with(".pth")
            || (path.starts_with("__editable___") && path.ends_with("_finder.py")))
}

/// What was installed, without what differs from machine to machine: scripts name their Python, and
/// metadata the folder that was copied.
fn content_of(info: &str, files: &[(std::borrow::Cow<'_, str>, &str)]) -> Digest {
    let own = |path: &str| {
        let metadata = path.strip_prefix(info).is_some_and(|rest| rest.starts_with('/'));
        let kept = path.ends_with("/METADATA") || path.ends_with("/entry_points.txt");
        !path.starts_with("..") && !path.ends_with(".pyc") && (!metadata || kept)
    };
    let mut lines: Vec<String> = files
        .iter()
        .filter(|(path, _)| own(path))
        .map(|(path, rest)| format!("{path},{rest}\n"))
        .collect();
    lines.sort_unstable();
    Digest(*blake3::hash(lines.concat().as_bytes()).as_bytes())
}

fn words(text: Option<String>) -> Vec<String> {
    text.unwrap_or_default().split_whitespace().map(str::to_string).collect()
}

#[cfg(test)]
mod tests;
