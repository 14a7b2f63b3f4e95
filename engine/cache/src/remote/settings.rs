//! What the configuration says of a remote cache, read once. Does not check what the schema checks.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use qik_model::{CacheConfig, Name, RelPath, Setting};
use qik_system::System;

use super::signing::Signing;

/// Without any other word an operation may take so long.
const TIMEOUT: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) name: Name,
    pub(super) reads: bool,
    pub(super) writes: bool,
    pub(super) strict: bool,
    /// The part that is written to, as a prefix of keys; empty for the base.
    pub(super) scope: String,
    pub(super) timeout: Duration,
    pub(super) signing: Signing,
    pub(super) place: Place,
}

/// Where the cache is, in opendal's words.
#[derive(Clone, Default)]
pub(super) struct Place {
    /// The type.
    pub(super) kind: String,
    /// Settings of the service.
    pub(super) options: BTreeMap<String, String>,
    /// Values that are told to nobody.
    secrets: Vec<String>,
}

/// A setting that cannot be used as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadSetting {
    pub(crate) key: &'static str,
    pub(crate) why: String,
    pub(crate) help: &'static str,
}

impl Settings {
    /// # Errors
    /// What cannot be used as it is.
    pub(super) fn read(config: &CacheConfig, system: &dyn System) -> Result<Self, BadSetting> {
        let text = |key: &str| text(config, key);
        let mode = text("mode").unwrap_or_else(|| "readwrite".into());
        let sign_key = match text("sign-key") {
            Some(name) => variable(system, &name),
            None => None,
        };
        let trusted = match config.settings.get("trusted-keys") {
            Some(Setting::List(keys)) => keys.iter().map(ToString::to_string).collect(),
            Some(Setting::Str(key)) => vec![key.to_string()],
            _ => Vec::new(),
        };
        let signing = Signing::new(sign_key.as_deref(), &trusted)?;
        let place = Place::read(config, system).map_err(|why| BadSetting {
            key: "path",
            why,
            help: "name the folder that machines share",
        })?;
        Ok(Self {
            name: config.name.clone(),
            reads: mode != "write",
            writes: mode != "read" && signing.may_write(),
            strict: matches!(config.settings.get("strict"), Some(Setting::Bool(true))),
            scope: scope(text("scope").as_deref().unwrap_or_default())?,
            timeout: duration(config, "timeout").unwrap_or(TIMEOUT),
            signing,
            place,
        })
    }

    /// The parts that are read, as prefixes of keys.
    pub(super) fn scopes(&self) -> Vec<&str> {
        match &*self.scope {
            "" => vec![""],
            own => vec![own, ""],
        }
    }
}

impl Place {
    fn read(config: &CacheConfig, system: &dyn System) -> Result<Self, String> {
        let mut place = Self { kind: config.kind.to_string(), ..Self::default() };
        for (key, setting) in &config.settings {
            let Some(name) = option_of(&config.kind, key) else { continue };
            let value = match setting {
                Setting::Bool(value) => value.to_string(),
                Setting::Int(value) => value.to_string(),
                Setting::Str(value) => value.to_string(),
                Setting::List(values) => {
                    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
                }
            };
            // A variable that is not set reads `None`: the service's own defaults hold then.
            if value == "None" || value.is_empty() {
                continue;
            }
            if is_secret(key) {
                place.secrets.push(value.clone());
            }
            place.options.insert(name, value);
        }
        place.complete(config, system)?;
        Ok(place)
    }

    /// What follows from the rest, or from the environment.
    fn complete(&mut self, config: &CacheConfig, system: &dyn System) -> Result<(), String> {
        let prefix = text(config, "prefix").filter(|prefix| prefix != "None").unwrap_or_default();
        match &*self.kind {
            "fs" => {
                let path = self.options.remove("root").ok_or("the folder has no `path`")?;
                let root = system.root().join(path).join(prefix.trim_start_matches('/'));
                let root = root.to_str().ok_or("the folder's path is not UTF-8")?;
                self.options.insert("atomic_write_dir".into(), format!("{root}/tmp"));
                self.options.insert("root".into(), root.to_owned());
            }
            _ => {
                self.options.insert("root".into(), format!("/{}", prefix.trim_start_matches('/')));
            }
        }
        if self.kind == "s3" {
            let known = ["AWS_REGION", "AWS_DEFAULT_REGION"];
            let region = || known.iter().find_map(|name| variable(system, name));
            let region = || region().unwrap_or_else(|| "us-east-1".into());
            self.options.entry("region".into()).or_insert_with(region);
            let off = |name: &str| variable(system, name).is_some_and(|v| v == "true" || v == "1");
            if off("AWS_EC2_METADATA_DISABLED") {
                self.options.insert("disable_ec2_metadata".into(), "true".into());
            }
        }
        if self.kind == "ghac" {
            self.options.entry("version".into()).or_insert_with(|| "qik-v1".into());
        }
        Ok(())
    }

    /// A text of the service without what is told to nobody.
    pub(super) fn censored(&self, mut text: String) -> String {
        for secret in &self.secrets {
            text = text.replace(secret, "***");
        }
        text
    }

    /// Names the place for this project's own notes; nothing secret goes in.
    pub(super) fn identity(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.kind.as_bytes());
        for (name, value) in self.options.iter().filter(|(name, _)| !is_secret(name)) {
            hasher.update(format!("\0{name}={value}").as_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }

    /// Where it is, for people.
    pub(super) fn told(&self) -> String {
        let known = ["endpoint", "bucket", "container", "root"];
        let parts = known.iter().filter_map(|name| self.options.get(*name)).map(String::as_str);
        let told = parts.filter(|part| *part != "/").collect::<Vec<_>>().join(" ");
        self.censored(without_user(&told))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.told())
    }
}

/// What opendal calls a setting of a service; `None` for those that are qik's own.
fn option_of(kind: &str, key: &str) -> Option<String> {
    let own = ["prefix", "mode", "strict", "scope", "timeout", "sign-key", "trusted-keys"];
    if own.contains(&key) {
        return None;
    }
    Some(match (kind, key) {
        ("s3", "region-name") => "region".into(),
        ("s3", "endpoint-url") => "endpoint".into(),
        ("s3", key) => key.strip_prefix("aws-").unwrap_or(key).replace('-', "_"),
        ("fs", "path") => "root".into(),
        (_, key) => key.replace('-', "_"),
    })
}

/// Whether the value of a setting is nobody's business.
fn is_secret(key: &str) -> bool {
    let words = ["key", "secret", "token", "password", "credential"];
    words.iter().any(|word| key.contains(word)) && !key.contains("path")
}

/// `redis://user:password@host` without the middle.
fn without_user(text: &str) -> String {
    let words = text.split(' ').map(|word| match (word.split_once("://"), word.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The scope as a prefix of keys: `pr/12/`.
fn scope(text: &str) -> Result<String, BadSetting> {
    let text = text.trim_matches('/');
    if matches!(text, "" | "None" | "base") {
        return Ok(String::new());
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    let clean = RelPath::new(text).filter(|path| path.as_bytes() == text.as_bytes());
    if clean.is_none() || !text.bytes().all(is_plain) || text.starts_with("v1") {
        return Err(BadSetting {
            key: "scope",
            why: format!("`{text}` is no scope"),
            help: "a scope such as `pr/12` is made of letters, digits, `-`, `_`, `.` and `/`",
        });
    }
    Ok(format!("{text}/"))
}

fn text(config: &CacheConfig, key: &str) -> Option<String> {
    match config.settings.get(key)? {
        Setting::Str(text) => Some(text.to_string()),
        Setting::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

fn duration(config: &CacheConfig, key: &str) -> Option<Duration> {
    crate::units::duration(config.settings.get(key)?)
}

fn variable(system: &dyn System, name: &str) -> Option<String> {
    let value = system.env().get(name)?.to_str()?.to_owned();
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_prefixes_that_lead_nowhere_else() {
        assert_eq!(scope("pr/12"), Ok("pr/12/".into()));
        assert_eq!(scope("/pr/12/"), Ok("pr/12/".into()));
        for base in ["", "None", "base"] {
            assert_eq!(scope(base), Ok(String::new()));
        }
        for bad in ["..", "pr/../x", "a b", "v1/ac", "a//b", "./a"] {
            assert!(scope(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_are_told_without_passwords() {
        assert_eq!(without_user("redis://me:pw@host:1/ b"), "redis://host:1/ b");
        assert_eq!(without_user("https://host/p"), "https://host/p");
    }
}
