//! From options to context values, and from two places of options to one.

use std::collections::BTreeMap;

use super::run::{CiFormat, Format, Logger, ProjectArgs, RunArgs, Status};

/// What stood before a verb and what stood behind it.
pub(super) fn merge(before: RunArgs, mut after: RunArgs) -> RunArgs {
    fn join<T>(mut first: Vec<T>, second: &mut Vec<T>) {
        first.append(second);
        *second = first;
    }
    join(before.names, &mut after.names);
    join(before.select.modules, &mut after.select.modules);
    join(before.select.spaces, &mut after.select.spaces);
    join(before.select.tags, &mut after.select.tags);
    join(before.cache.caches, &mut after.cache.caches);
    join(before.project.context, &mut after.project.context);
    after.select.isolated |= before.select.isolated;
    after.select.merge_base |= before.select.merge_base;
    after.select.since = after.select.since.take().or(before.select.since);
    after.select.shard = after.select.shard.take().or(before.select.shard);
    after.select.watch |= before.select.watch;
    after.select.ls |= before.select.ls;
    after.select.fail |= before.select.fail;
    after.cache.force |= before.cache.force;
    if after.select.format == Format::Text {
        after.select.format = before.select.format;
    }
    let (cache, how, project) = (&mut after.cache, &mut after.how, &mut after.project);
    cache.cache_status = cache.cache_status.or(before.cache.cache_status);
    cache.default_cache = cache.default_cache.take().or(before.cache.default_cache);
    cache.cache_when = cache.cache_when.take().or(before.cache.cache_when);
    how.workers = how.workers.or(before.how.workers);
    how.verbosity = how.verbosity.or(before.how.verbosity);
    how.logger = how.logger.or(before.how.logger);
    how.ci_format = how.ci_format.or(before.how.ci_format);
    join(before.how.reports, &mut how.reports);
    if !how.fail_fast && !how.keep_going {
        (how.fail_fast, how.keep_going) = (before.how.fail_fast, before.how.keep_going);
    }
    project.profile = project.profile.take().or(before.project.profile);
    project.directory = project.directory.take().or(before.project.directory);
    project.config = project.config.take().or(before.project.config);
    project.timings |= before.project.timings;
    project.trace = project.trace.take().or(before.project.trace);
    after
}

impl RunArgs {
    /// Nothing but the project.
    pub(super) fn only(project: ProjectArgs) -> Self {
        Self { project, ..Self::default() }
    }

    /// Whether the files of the project are to be looked at: for names alone they need not be.
    pub fn asks_for_files(&self) -> bool {
        let by_files = self.select.since.is_some() || self.cache.cache_status.is_some();
        !self.select.ls || by_files || self.select.format == Format::Json
    }

    /// What is given here, as context values. A `NAME=VALUE` without `=` is handed back.
    pub fn flags(&self) -> Result<BTreeMap<String, String>, String> {
        let mut flags = BTreeMap::new();
        let mut set = |name: &str, value: String| {
            flags.insert(format!("qik.{name}"), value);
        };
        let lists = [
            ("commands", &self.names),
            ("modules", &self.select.modules),
            ("spaces", &self.select.spaces),
            ("tags", &self.select.tags),
            ("caches", &self.cache.caches),
        ];
        for (name, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
            set(name, values.join(","));
        }
        let switches = [
            ("isolated", self.select.isolated),
            ("merge-base", self.select.merge_base),
            ("watch", self.select.watch),
            ("ls", self.select.ls),
            ("fail", self.select.fail),
            ("force", self.cache.force),
        ];
        for (name, _) in switches.into_iter().filter(|(_, on)| *on) {
            set(name, "true".into());
        }
        let status = self.cache.cache_status.map(|status| match status {
            Status::Warm => "warm".to_string(),
            Status::Cold => "cold".to_string(),
        });
        let logger = self.how.logger.map(|logger| match logger {
            Logger::Progress => "progress".to_string(),
            Logger::Stdout => "stdout".to_string(),
            Logger::Json => "json".to_string(),
        });
        let ci_format = self.how.ci_format.map(|format| match format {
            CiFormat::Auto => "auto".to_string(),
            CiFormat::None => "none".to_string(),
            CiFormat::Github => "github".to_string(),
            CiFormat::Gitlab => "gitlab".to_string(),
        });
        let fail_fast =
            (self.how.fail_fast || self.how.keep_going).then(|| self.how.fail_fast.to_string());
        let values = [
            ("ci-format", ci_format),
            ("fail-fast", fail_fast),
            ("cache-status", status),
            ("since", self.select.since.clone()),
            ("shard", self.select.shard.clone()),
            ("cache", self.cache.default_cache.clone()),
            ("cache-when", self.cache.cache_when.clone()),
            ("workers", self.how.workers.map(|workers| workers.to_string())),
            ("verbosity", self.how.verbosity.map(|verbosity| verbosity.to_string())),
            ("logger", logger),
            ("profile", self.project.profile.clone()),
        ];
        for (name, value) in values {
            if let Some(value) = value {
                set(name, value);
            }
        }
        for text in &self.project.context {
            let (name, value) = text.split_once('=').ok_or_else(|| text.clone())?;
            let name = name.strip_prefix("project.").unwrap_or(name);
            let key =
                if name.starts_with("qik.") { name.into() } else { format!("project.{name}") };
            flags.insert(key, value.into());
        }
        Ok(flags)
    }
}
