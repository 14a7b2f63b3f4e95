//! What one file needs: which files its imports may mean, what runs before it, and which names lead
//! out of the project.
//!
//! What an import may mean counts whole: where Python would choose, all candidates are needed. One
//! walk serves all who ask: the graph keeps the numbers of the files, an explanation the causes too.

use qik_model::{GlobSet, Reading, RelPath};

use crate::dist::is_always_stdlib;
use crate::layout::{Layout, stem};
use crate::links::{Links, as_path};
use crate::names::{FileId, NameId, Names};
use crate::scan::{FileFacts, Import, ImportKind, Imported, Line};

/// Why a file needs another one, or something outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The import at this place in the list of its imports.
    Import(usize),
    /// The `__init__` of a package that it lies in.
    Package,
    /// It is a test, and this the `conftest.py` of its folder or of one above.
    Conftest,
    /// `pytest_plugins`, on this line.
    Plugin(Line),
    /// A dotted string in a setting, on this line.
    Setting(Line),
    /// It loads what lies in its package by computed names, on this line.
    WholePackage(Line),
    /// The data files of its package count.
    Data,
    /// The configuration says so.
    Link,
}

/// Whom the walk tells.
pub(crate) trait Sink {
    /// The file needs another file.
    fn file(&mut self, file: FileId, cause: Cause);

    /// An import of the file means this name; [`Sink::file`] tells its files, and those on the way.
    fn target(&mut self, _name: NameId, _cause: Cause) {}

    /// The file imports a dotted name that is not the project's. `is_required` where it can't be
    /// imported without.
    fn outside(&mut self, name: &str, is_required: bool, cause: Cause);

    /// What the file needs hangs on names that have no file which it would need.
    fn loose(&mut self) {}
}

/// The walk, for the files of one folder.
pub(crate) struct Needs<'a> {
    layout: &'a Layout,
    reading: &'a Reading,
    links: &'a Links,
    conftests: Vec<FileId>,
    /// The folders of those `conftest.py` from which pytest lets tests import.
    tops: Vec<NameId>,
}

impl<'a> Needs<'a> {
    /// For the files in `folder`.
    pub fn in_folder(
        layout: &'a Layout,
        reading: &'a Reading,
        links: &'a Links,
        folder: &RelPath,
    ) -> Self {
        let conftests = if reading.conftest { layout.conftests(folder) } else { Vec::new() };
        let mut tops = Vec::new();
        for conftest in &conftests {
            tops_of(layout, *conftest, &mut tops);
        }
        Self { layout, reading, links, conftests, tops }
    }

    /// Tells what `file` needs.
    pub fn of(&self, file: FileId, facts: Option<&FileFacts>, sink: &mut impl Sink) {
        for own in self.layout.names_of(file) {
            self.above(own, Cause::Package, sink);
        }
        let name = self.layout.files[file as usize].name();
        if is_test(stem(name)) {
            self.conftests.iter().for_each(|conftest| sink.file(*conftest, Cause::Conftest));
        }
        self.layout.data_of(file).iter().for_each(|data| sink.file(*data, Cause::Data));
        if let Some(facts) = facts {
            self.imports(file, facts, sink);
            self.whole_package(file, facts, sink);
        }
        self.links.add(self.layout, file, sink);
    }

    /// The packages above a name: to import it is to run them.
    fn above(&self, name: NameId, cause: Cause, sink: &mut impl Sink) {
        let names = &self.layout.names;
        let mut name = Some(name);
        while let Some(at) = name {
            names.files(at).iter().for_each(|file| sink.file(*file, cause));
            name = names.parent(at);
        }
    }

    fn imports(&self, file: FileId, facts: &FileFacts, sink: &mut impl Sink) {
        let names = &self.layout.names;
        let is_package = self.layout.is_package(file);
        let removed = self.links.removed_from(self.layout, file);
        let mut tops = self.tops.clone();
        tops_of(self.layout, file, &mut tops);
        if !tops.is_empty() {
            sink.loose();
        }
        let absolute = |import, cause, sink: &mut _| {
            let mut one = One { names, start: names.root(), import, removed: &removed };
            for top in &tops {
                // Python may find it there, or else where it is installed.
                one.import.conditional |= One { start: *top, ..one }.resolve_beside(cause, sink);
            }
            one.resolve(cause, sink);
        };
        for (at, import) in facts.imports().enumerate() {
            let skipped = (import.type_checking && self.reading.ignore_type_checking)
                || (import.kind == ImportKind::Dynamic && !self.reading.dynamic_imports);
            if skipped {
                continue;
            }
            if import.level == 0 {
                absolute(import, Cause::Import(at), sink);
                continue;
            }
            for own in self.layout.names_of(file) {
                if let Some(start) = base(names, own, is_package, import.level) {
                    let one = One { names, start, import, removed: &removed };
                    one.resolve(Cause::Import(at), sink);
                }
            }
        }
        for (plugin, line) in facts.plugins().filter(|_| self.reading.pytest_plugins) {
            absolute(by_string(plugin, Imported::Module), Cause::Plugin(line), sink);
        }
        for (string, line) in facts.dotted_strings().filter(|_| self.reading.dotted_strings) {
            // Its end may be a class in the module.
            let (module, imported) = match string.rsplit_once('.') {
                Some((module, name)) => (module, Imported::Name(name)),
                None => (string, Imported::Module),
            };
            absolute(by_string(module, imported), Cause::Setting(line), sink);
        }
    }

    fn whole_package(&self, file: FileId, facts: &FileFacts, sink: &mut impl Sink) {
        let Some(line) = facts.whole_package().filter(|_| self.reading.whole_packages) else {
            return;
        };
        sink.loose();
        let names = &self.layout.names;
        for own in self.layout.names_of(file) {
            let package = if self.layout.is_package(file) { Some(own) } else { names.parent(own) };
            // A script at the top walks something else than the whole project.
            if let Some(package) = package.filter(|name| *name != names.root()) {
                names.each_file_below(package, &mut |file| {
                    sink.file(file, Cause::WholePackage(line));
                });
            }
        }
    }
}

fn is_test(stem: &[u8]) -> bool {
    stem.starts_with(b"test_") || stem.ends_with(b"_test") || matches!(stem, b"conftest" | b"tests")
}

/// The folders from which Python also imports when it starts with this file: a script's own, and the
/// one above the package of a test, which pytest puts in front of all others. A folder that is itself
/// below a package is none, and the roots are looked into anyhow.
fn tops_of(layout: &Layout, file: FileId, tops: &mut Vec<NameId>) {
    let names = &layout.names;
    for own in layout.names_of(file) {
        let mut top = if layout.is_package(file) { Some(own) } else { names.parent(own) };
        while let Some(package) = top.filter(|name| !names.files(*name).is_empty()) {
            top = names.parent(package);
        }
        tops.extend(top.filter(|top| *top != names.root() && !tops.contains(top)));
    }
}

/// Where a relative import of `level` dots starts.
fn base(names: &Names, own: NameId, is_package: bool, level: u8) -> Option<NameId> {
    let mut base = if is_package { own } else { names.parent(own)? };
    for _ in 1..level {
        base = names.parent(base)?;
    }
    Some(base)
}

/// An import that no statement makes.
fn by_string<'f>(module: &'f str, imported: Imported<'f>) -> Import<'f> {
    let kind = ImportKind::Dynamic;
    let (line, column) = (0, 0);
    Import {
        level: 0,
        module,
        imported,
        line,
        column,
        type_checking: false,
        conditional: true,
        kind,
    }
}

/// One import on its way through the names.
#[derive(Clone, Copy)]
struct One<'a> {
    names: &'a Names,
    start: NameId,
    import: Import<'a>,
    removed: &'a [&'a GlobSet],
}

impl One<'_> {
    fn resolve(&self, cause: Cause, sink: &mut impl Sink) {
        let names = self.names;
        if self.is_removed(None) {
            return;
        }
        let tell = |name: NameId, sink: &mut dyn FnMut(FileId)| {
            names.files(name).iter().for_each(|file| sink(*file));
        };
        let mut pass = |name: NameId| {
            tell(name, &mut |file| sink.file(file, cause));
            if names.files(name).is_empty() && name != names.root() {
                sink.loose();
            }
        };
        // `from . import a` runs the package itself.
        pass(self.start);
        let found = names.follow(self.start, self.import.module, &mut pass);
        let mut file = |file: FileId| sink.file(file, cause);
        let absolute = self.import.level == 0;
        if !found.whole {
            if absolute && (found.depth == 0 || self.is_bare(found.last)) {
                self.outside(cause, sink);
            }
            return;
        }
        match self.import.imported {
            Imported::Module => sink.target(found.last, cause),
            Imported::Name(name) => match names.child(found.last, name) {
                Some(child) if !self.is_removed(Some(name)) => {
                    tell(child, &mut file);
                    sink.target(child, cause);
                }
                Some(_) => {}
                None if absolute && self.is_bare(found.last) => self.outside(cause, sink),
                None => sink.target(found.last, cause),
            },
            // `__all__` may name submodules, which are then imported.
            Imported::Star => {
                names.children(found.last).for_each(|child| tell(child, &mut file));
                sink.target(found.last, cause);
            }
        }
    }

    /// Tells the files that an absolute import means if `start` is one of the places that Python
    /// imports from; whether there are any. It tells no target: most imports mean something else.
    fn resolve_beside(&self, cause: Cause, sink: &mut impl Sink) -> bool {
        let first = self.import.module.split('.').next().unwrap_or_default();
        if self.names.child(self.start, first).is_none() || self.is_removed(None) {
            return false;
        }
        let mut any = false;
        let mut tell = |name: NameId| {
            for file in self.names.files(name) {
                sink.file(*file, cause);
                any = true;
            }
        };
        let found = self.names.follow(self.start, self.import.module, &mut tell);
        match self.import.imported {
            Imported::Name(name) if found.whole && !self.is_removed(Some(name)) => {
                self.names.child(found.last, name).into_iter().for_each(tell);
            }
            Imported::Star if found.whole => {
                self.names.children(found.last).for_each(tell);
            }
            _ => {}
        }
        any
    }

    fn outside(&self, cause: Cause, sink: &mut impl Sink) {
        let module = self.import.module;
        let top = module.split('.').next().unwrap_or_default();
        if top.is_empty() || is_always_stdlib(top) {
            return;
        }
        let is_required = !self.import.conditional && !self.import.type_checking;
        match self.import.imported {
            Imported::Name(name) => {
                sink.outside(&format!("{module}.{name}"), is_required, cause);
            }
            _ => sink.outside(module, is_required, cause),
        }
    }

    /// Whether the configuration takes this import out.
    fn is_removed(&self, name: Option<&str>) -> bool {
        if self.removed.is_empty() {
            return false;
        }
        let mut dotted = self.names.dotted(self.start);
        for part in [Some(self.import.module), name].into_iter().flatten() {
            if !dotted.is_empty() && !part.is_empty() {
                dotted.push('.');
            }
            dotted.push_str(part);
        }
        let path = as_path(&dotted);
        self.removed.iter().any(|removed| removed.matches(&path))
    }

    /// Whether a name is nothing but folders: then distributions may add to it.
    fn is_bare(&self, name: NameId) -> bool {
        let mut name = Some(name);
        while let Some(at) = name {
            if !self.names.files(at).is_empty() {
                return false;
            }
            name = self.names.parent(at);
        }
        true
    }
}
