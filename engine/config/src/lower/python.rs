//! What is said about Python: distributions, the import graph, fences.

use qik_model::{Diagnostic, Fence, Link, Name, Place, PydistConfig, PygraphConfig, Reading};

use super::view::{Fields, View};

/// Adds what a `pydist` table says.
pub(super) fn pydist(fields: &Fields<'_>, config: &mut PydistConfig) {
    let texts = |key: &str| -> Vec<(Name, Name)> {
        let table = fields.fields(key);
        let entries = table.iter().flat_map(Fields::entries);
        entries.filter_map(|(name, value)| Some((name, value.text()?))).collect()
    };
    config.versions.extend(texts("versions"));
    config.modules.extend(texts("modules"));
    set(fields, "ignore-missing", &mut config.ignore_missing);
    config.ignore_missing_modules =
        fields.bool("ignore-missing-modules").or(config.ignore_missing_modules);
    set(fields, "transitive", &mut config.transitive);
}

/// What the settings of the pygraph plugin say.
pub(super) fn pygraph(fields: &Fields<'_>) -> PygraphConfig {
    let mut config = PygraphConfig {
        reading: reading(fields),
        cache: fields.text("cache"),
        check_cache: fields.text("check-cache"),
        ..PygraphConfig::default()
    };
    set(fields, "ignore-pydists", &mut config.ignore_pydists);
    config
}

/// Settings of the original that nothing here needs.
pub(super) fn without_effect(fields: &Fields<'_>) -> Vec<Diagnostic> {
    let found = ["build-cache", "lock-cache"].into_iter().filter_map(|key| fields.get(key));
    found
        .map(|view| {
            let message = format!("`{}` is of no effect", view.at);
            Diagnostic::warning("config/without-effect", message)
                .at(Place::Value(view.at), "import graphs are no commands here")
                .help("remove it; only `pygraph.check` has results that are kept")
        })
        .collect()
}

fn reading(fields: &Fields<'_>) -> Reading {
    let links =
        |key: &str| fields.fields("links").map(|table| links(&table, key)).unwrap_or_default();
    let mut reading = Reading {
        include: fields.texts("include"),
        add_links: links("add"),
        remove_links: links("remove"),
        ..Reading::default()
    };
    set(fields, "ignore-type-checking", &mut reading.ignore_type_checking);
    set(fields, "conftest", &mut reading.conftest);
    set(fields, "stubs", &mut reading.stubs);
    set(fields, "dynamic-imports", &mut reading.dynamic_imports);
    set(fields, "whole-packages", &mut reading.whole_packages);
    set(fields, "pytest-plugins", &mut reading.pytest_plugins);
    set(fields, "dotted-strings", &mut reading.dotted_strings);
    reading
}

/// The fence behind `view`; none where it says `false`.
pub(super) fn fence(view: &View<'_>) -> Option<Fence> {
    let mut fence = Fence { paths: Vec::new(), spaces: Vec::new(), origin: view.at.clone() };
    if view.bool() == Some(false) {
        return None;
    }
    for item in view.items() {
        if let Some(path) = item.text() {
            fence.paths.push(path);
        } else if let Some(name) = item.fields().and_then(|fields| fields.get("name")) {
            fence.spaces.extend(name.text().map(|text| (text, name.at.clone())));
        }
    }
    Some(fence)
}

fn set(fields: &Fields<'_>, key: &str, value: &mut bool) {
    *value = fields.bool(key).unwrap_or(*value);
}

fn links(table: &Fields<'_>, key: &str) -> Vec<Link> {
    let table = table.fields(key);
    let entries = table.iter().flat_map(Fields::entries);
    entries.map(|(from, to)| Link { from, to: to.texts() }).collect()
}
