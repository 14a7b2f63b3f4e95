//! From what the user asked for to a plan: the selection, the cache of each runnable, the filters
//! that need to ask caches.

use std::collections::BTreeSet;

use qik_config::{context_value, names, project, template::ContextName};
use qik_db::{Database, Db};
use qik_graph::{Selected, Selection, definition_of, select};
use qik_model::{Builtin, CacheWhen, ContextValue, Diagnostic, Name, Place};
use qik_run::{Plan, Planned};

use crate::since::Since;

/// What the user asked for, from context: flags, environment, profiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Which runnables.
    pub selection: Selection,
    /// Caches to select by.
    pub caches: Vec<String>,
    /// Those alone that changed since a commit.
    pub since: Option<Since>,
    /// The part for one of several machines.
    pub part: Option<Part>,
    /// Warm or cold ones alone.
    pub status: Option<WantedStatus>,
}

/// One of several parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which, from 1.
    pub at: usize,
    /// Of how many.
    pub of: usize,
}

impl Part {
    /// Reads `2/8`.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, of) = text.split_once('/')?;
        let part = Self { at: at.trim().parse().ok()?, of: of.trim().parse().ok()? };
        (1..=part.of).contains(&part.at).then_some(part)
    }
}

/// Which status is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedStatus {
    /// Those with a result.
    Warm,
    /// Those without.
    Cold,
}

impl Request {
    /// The request that qik's own variables make.
    ///
    /// # Errors
    /// Values that are none of those that a variable takes.
    pub fn from_context(db: &dyn Db) -> Result<Self, Diagnostic> {
        Ok(Self {
            selection: Selection {
                names: list(db, "commands")?,
                modules: list(db, "modules")?,
                spaces: list(db, "spaces")?,
                tags: list(db, "tags")?,
                isolated: flag(db, "isolated")?,
            },
            caches: list(db, "caches")?,
            since: match text(db, "since")? {
                Some(rev) => Some(Since { rev, merge_base: flag(db, "merge-base")? }),
                None => None,
            },
            part: match text(db, "shard")? {
                None => None,
                Some(text) => Some(Part::parse(&text).ok_or_else(|| {
                    Diagnostic::error("context/bad-value", format!("no shard `{text}`"))
                        .help("the second of eight is `2/8`")
                })?),
            },
            status: match text(db, "cache-status")?.as_deref() {
                None => None,
                Some("warm") => Some(WantedStatus::Warm),
                Some("cold") => Some(WantedStatus::Cold),
                Some(other) => {
                    let message = format!("no cache status `{other}`");
                    return Err(Diagnostic::error("context/bad-value", message)
                        .help("a result is `warm` or `cold`"));
                }
            },
        })
    }
}

/// A list among qik's own variables.
pub(crate) fn list(db: &dyn Db, name: &'static str) -> Result<Vec<String>, Diagnostic> {
    Ok(match context_value(db, &ContextName::Qik(name)).map_err(Clone::clone)? {
        ContextValue::List(items) => items.iter().map(ToString::to_string).collect(),
        ContextValue::Str(item) => vec![item.to_string()],
        _ => Vec::new(),
    })
}

/// A text among qik's own variables.
pub(crate) fn text(db: &dyn Db, name: &'static str) -> Result<Option<String>, Diagnostic> {
    Ok(match context_value(db, &ContextName::Qik(name)).map_err(Clone::clone)? {
        ContextValue::Str(text) => Some(text.to_string()),
        _ => None,
    })
}

/// A truth value among qik's own variables.
pub(crate) fn flag(db: &dyn Db, name: &'static str) -> Result<bool, Diagnostic> {
    let value = context_value(db, &ContextName::Qik(name)).map_err(Clone::clone)?;
    Ok(*value == ContextValue::Bool(true))
}

/// A number among qik's own variables.
pub(crate) fn number(db: &dyn Db, name: &'static str) -> Result<Option<i64>, Diagnostic> {
    Ok(match context_value(db, &ContextName::Qik(name)).map_err(Clone::clone)? {
        ContextValue::Int(number) => Some(*number),
        _ => None,
    })
}

/// The plan for `request`, as far as no cache needs to be asked.
///
/// # Errors
/// What [`select`] finds, and caches that do not exist.
pub(crate) fn plan(db: &Database, request: &Request) -> Result<Plan, Vec<Diagnostic>> {
    let selected = select(db, &request.selection)?;
    let assigner = Assigner::new(db, request, &selected).map_err(|error| vec![error])?;
    let mut planned = Vec::with_capacity(selected.order.len());
    for name in &selected.order {
        planned.push(assigner.planned(db, name)?);
    }
    let behind = |name: &Name| {
        let upstream = definition_of(db, name).map(|definition| &definition.upstream[..]);
        upstream.unwrap_or_default().iter().map(|upstream| upstream.name.clone()).collect()
    };
    let wanted = |cache: &Name| {
        request.caches.is_empty() || request.caches.iter().any(|wanted| **wanted == **cache)
    };
    Ok(Plan::new(planned, &behind).filtered(|_, planned| wanted(&planned.cache)))
}

/// Gives each runnable its cache.
struct Assigner<'a> {
    known: BTreeSet<Name>,
    /// `--cache NAME` sets the cache of what is named and configures none.
    set: Option<&'a str>,
    named: &'a BTreeSet<Name>,
    fallback: Name,
    cache_when: CacheWhen,
}

impl<'a> Assigner<'a> {
    fn new(db: &dyn Db, request: &'a Request, selected: &'a Selected) -> Result<Self, Diagnostic> {
        let project = project(db);
        let built_in = ["local", "repo", "none"].map(Name::from);
        let known: BTreeSet<Name> = project.caches.keys().cloned().chain(built_in).collect();
        for cache in &request.caches {
            check_cache(&known, cache)?;
        }
        let from_context = text(db, "cache")?.map(Name::from);
        let fallback = from_context
            .or_else(|| project.defaults.cache.clone())
            .unwrap_or_else(|| "local".into());
        check_cache(&known, &fallback)?;
        let cache_when = match text(db, "cache-when")? {
            None => project.defaults.cache_when.unwrap_or_default(),
            Some(text) => CacheWhen::parse(&text).ok_or_else(|| {
                Diagnostic::error("context/bad-value", format!("no cache-when `{text}`"))
                    .help(format!("it is one of {}", CacheWhen::NAMES.join(", ")))
            })?,
        };
        let set = match &request.caches[..] {
            [one] => Some(one.as_str()),
            _ => None,
        };
        Ok(Self { known, set, named: &selected.named, fallback, cache_when })
    }

    fn planned(&self, db: &dyn Db, name: &str) -> Result<Planned, Vec<Diagnostic>> {
        let definition = definition_of(db, name)?.clone();
        let settings = &definition.settings;
        let named = self.named.contains(&definition.command);
        let cache: Name = match (&settings.cache, self.set) {
            (Some(own), _) => {
                let place = Place::Value(settings.origin.key("cache"));
                check_cache(&self.known, own).map_err(|e| vec![e.at(place, "used here")])?;
                own.clone()
            }
            (None, Some(set)) if named => set.into(),
            _ => self.fallback.clone(),
        };
        let is_group = definition.exec.text.is_empty() && definition.builtin.is_none();
        let keeps_nothing =
            !definition.has_deps || settings.interactive || settings.persistent || is_group;
        let cache = match definition.builtin {
            // An environment is of this checkout.
            Some(Builtin::VenvInstall) => "local".into(),
            _ if keeps_nothing => "none".into(),
            _ => cache,
        };
        let cache_when = settings.cache_when.unwrap_or(self.cache_when);
        let on_demand = definition.builtin == Some(Builtin::VenvInstall) && !named;
        Ok(Planned { on_demand, ..Planned::new(definition, cache, cache_when) })
    }
}

fn check_cache(known: &BTreeSet<Name>, name: &str) -> Result<(), Diagnostic> {
    if known.contains(name) {
        return Ok(());
    }
    let names: Vec<&str> = known.iter().map(|name| &**name).collect();
    let help = names::suggest(name, names.iter().copied())
        .unwrap_or_else(|| format!("there are: {}", names.join(", ")));
    Err(Diagnostic::error("select/unknown-cache", format!("no cache `{name}`")).help(help))
}
