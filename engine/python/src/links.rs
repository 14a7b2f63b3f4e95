//! The links of the configuration: edges of the graph that no statement says, and imports that do not
//! count, by patterns of dotted names. Knows no file's imports.

use std::sync::Arc;

use qik_db::Db;
use qik_model::{GlobSet, Link, Name, Reading, RelPath};

use crate::layout::{GraphKey, Layout, layout_of};
use crate::names::FileId;
use crate::needs::{Cause, Sink};

/// The links of the configuration, ready to match.
#[derive(Debug, Default)]
pub(crate) struct Links {
    added: Vec<(GlobSet, Vec<GlobSet>, Vec<String>)>,
    removed: Vec<(GlobSet, GlobSet)>,
    /// What each added link leads to: files, and names outside.
    targets: Vec<(Vec<FileId>, Vec<String>)>,
}

/// The links of the configuration, over a layout.
#[salsa::tracked(returns(ref), no_eq)]
pub(crate) fn links_of<'db>(db: &'db dyn Db, key: GraphKey<'db>) -> Arc<Links> {
    Arc::new(Links::new(key.reading(db), layout_of(db, key)))
}

impl Links {
    /// Those of `reading` over the names of `layout`.
    pub fn new(reading: &Reading, layout: &Layout) -> Self {
        let globs = |link: &Link| patterns(&link.to);
        let added: Vec<_> = reading
            .add_links
            .iter()
            .map(|link| {
                let each = link.to.iter().map(|to| patterns(std::slice::from_ref(to))).collect();
                let texts = link.to.iter().map(ToString::to_string).collect();
                (patterns(std::slice::from_ref(&link.from)), each, texts)
            })
            .collect();
        let removed = reading.remove_links.iter();
        let removed =
            removed.map(|link| (patterns(std::slice::from_ref(&link.from)), globs(link))).collect();
        let mut links = Self { added, removed, targets: Vec::new() };
        links.targets = links.find_targets(layout);
        links
    }

    fn find_targets(&self, layout: &Layout) -> Vec<(Vec<FileId>, Vec<String>)> {
        if self.added.is_empty() {
            return Vec::new();
        }
        let paths: Vec<Vec<RelPath>> =
            (0..layout.data_from).map(|file| paths_of(layout, file)).collect();
        let one =
            |(_, each, texts): &(GlobSet, Vec<GlobSet>, Vec<String>)| {
                let (mut files, mut outside) = (Vec::new(), Vec::new());
                for (globs, text) in each.iter().zip(texts) {
                    let before = files.len();
                    files.extend((0..layout.data_from).filter(|file| {
                        paths[*file as usize].iter().any(|path| globs.matches(path))
                    }));
                    if files.len() == before && !text.contains('*') {
                        outside.push(text.clone());
                    }
                }
                (files, outside)
            };
        self.added.iter().map(one).collect()
    }

    /// Tells what is linked to `file`.
    pub fn add(&self, layout: &Layout, file: FileId, sink: &mut impl Sink) {
        if self.added.is_empty() {
            return;
        }
        let own = paths_of(layout, file);
        for ((from, ..), (files, outside)) in self.added.iter().zip(&self.targets) {
            if own.iter().any(|path| from.matches(path)) {
                files.iter().for_each(|file| sink.file(*file, Cause::Link));
                outside.iter().for_each(|name| sink.outside(name, true, Cause::Link));
            }
        }
    }

    /// What does not count of the imports of `file`.
    pub fn removed_from(&self, layout: &Layout, file: FileId) -> Vec<&GlobSet> {
        if self.removed.is_empty() {
            return Vec::new();
        }
        let own = paths_of(layout, file);
        let fits = |from: &GlobSet| own.iter().any(|path| from.matches(path));
        self.removed.iter().filter(|(from, _)| fits(from)).map(|(_, to)| to).collect()
    }
}

/// Dotted patterns as globs over dotted names as paths: a package stands for all that is in it.
fn patterns(dotted: &[Name]) -> GlobSet {
    GlobSet::new(dotted.iter().map(|pattern| pattern.replace('.', "/"))).unwrap_or_default()
}

fn paths_of(layout: &Layout, file: FileId) -> Vec<RelPath> {
    layout.names_of(file).map(|name| as_path(&layout.names.dotted(name))).collect()
}

/// A dotted name as a path, for globs.
pub(crate) fn as_path(dotted: &str) -> RelPath {
    RelPath::from_clean(dotted.replace('.', "/").into_bytes())
}
