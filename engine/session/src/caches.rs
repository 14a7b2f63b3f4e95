//! The caches of the project, with the templates of their settings filled in. The values may be
//! secrets: they go to the caches and nowhere else.

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_cache::{CacheSet, check_settings};
use qik_config::{project, rendered};
use qik_db::{Database, Db};
use qik_model::{CacheConfig, Diagnostic, Name, Origin, Setting};
use qik_run::Plan;

use crate::{Session, plan};

/// Open caches, and what keeps others from being opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) caches: Arc<CacheSet>,
    broken: BTreeMap<Name, Diagnostic>,
}

impl Opened {
    pub(crate) fn open(db: &Database) -> Self {
        let platform = plan::text(db, "arch").ok().flatten();
        let platform = platform.unwrap_or_else(|| "unknown".into());
        let mut configured = BTreeMap::new();
        let mut broken = BTreeMap::new();
        for (name, config) in &project(db).caches {
            let usable = filled(db, config).and_then(|config| {
                check_settings(&config, &**db.system())?;
                Ok(config)
            });
            match usable {
                Ok(config) => drop(configured.insert(name.clone(), Arc::new(config))),
                Err(error) => drop(broken.insert(name.clone(), error)),
            }
        }
        let caches = CacheSet::open(db.system().clone(), &configured, &platform);
        Self { caches: Arc::new(caches), broken }
    }
}

impl Session {
    /// That a cache of the plan lacks a value. Only what is selected needs its values.
    pub(crate) fn check_caches(&mut self, plan: &Plan) -> Result<(), Vec<Diagnostic>> {
        self.caches();
        let Some(opened) = &self.caches else { return Ok(()) };
        let used = plan.runnables.iter().find_map(|one| opened.broken.get(&one.cache));
        used.map_or(Ok(()), |error| Err(vec![error.clone()]))
    }

    /// The caches, for what is asked of them by hand.
    pub fn open_caches(&mut self) -> Arc<CacheSet> {
        self.caches()
    }

    /// The time of day, in seconds of Unix time.
    pub fn now(&self) -> u64 {
        let now = self.db.system().now().duration_since(std::time::UNIX_EPOCH);
        now.unwrap_or_default().as_secs()
    }

    pub(crate) fn caches(&mut self) -> Arc<CacheSet> {
        let db = &self.db;
        self.caches.get_or_insert_with(|| Opened::open(db)).caches.clone()
    }

    pub(crate) fn caches_at_hand(&self) -> Option<Arc<CacheSet>> {
        self.caches.as_ref().map(|opened| opened.caches.clone())
    }
}

fn filled(db: &Database, config: &CacheConfig) -> Result<CacheConfig, Diagnostic> {
    let mut settings = BTreeMap::new();
    for (key, setting) in &config.settings {
        let origin = config.origin.key(key.clone());
        let setting = match setting {
            Setting::Str(text) => Setting::Str(filled_text(db, text, &origin)?),
            Setting::List(texts) => {
                let texts = texts.iter().enumerate();
                let texts = texts.map(|(at, text)| filled_text(db, text, &origin.index(at)));
                Setting::List(texts.collect::<Result<_, Diagnostic>>()?)
            }
            other => other.clone(),
        };
        settings.insert(key.clone(), setting);
    }
    Ok(CacheConfig { settings, ..config.clone() })
}

fn filled_text(db: &Database, text: &str, origin: &Origin) -> Result<Arc<str>, Diagnostic> {
    Ok(rendered(db, text, origin, &mut |_, _| {})?.text)
}
