//! What the configuration says of caches, read for [`super::CacheSet`]. Opens none.

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_model::{CacheConfig, Diagnostic, Name, Place, Setting};
use qik_system::System;

use crate::local::Bounds;
use crate::remote::{self, BadSetting};
use crate::{units, warnings};

/// What the schema does not check: settings as they are once their variables are filled in.
///
/// # Errors
/// `cache/bad-setting`, with its place.
pub fn check_settings(config: &CacheConfig, system: &dyn System) -> Result<(), Diagnostic> {
    match &*config.kind {
        "local" | "repo" => Ok(()),
        _ => remote::check(config, system).map_err(|bad| bad_setting(config, &bad)),
    }
}

pub(super) fn bounds(configured: &BTreeMap<Name, Arc<CacheConfig>>) -> Bounds {
    let local = configured.values().find(|config| &*config.kind == "local");
    let setting = |key: &str| local.and_then(|config| config.settings.get(key));
    Bounds {
        max_size: setting("max-size").and_then(units::size),
        max_age: setting("max-age").and_then(units::duration),
    }
}

pub(super) fn bad_setting(config: &CacheConfig, bad: &BadSetting) -> Diagnostic {
    let text = format!("cache `{}` cannot be used: {}", config.name, bad.why);
    let place = Place::Value(config.origin.key(bad.key));
    Diagnostic::error(warnings::BAD_SETTING, text).at(place, "set here").help(bad.help)
}

pub(super) fn git_add(config: &CacheConfig) -> bool {
    !matches!(config.settings.get("git-add"), Some(Setting::Bool(false)))
}
