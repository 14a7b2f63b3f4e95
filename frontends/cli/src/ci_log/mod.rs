//! Logs of commands as the services that run pipelines fold them, and what failed where they show it.
//!
//! What belongs to a log goes to stdout with it: services read stdout and stderr apart, and then
//! nobody knows which line came first.

pub(crate) mod github;
mod gitlab;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use qik_session::system::{Env, canonical, is_file, unix_seconds};
use qik_session::{Ending, Report, ReportedRunnable, Session};

use crate::report::plain;

/// How many places of one runnable are shown; GitHub shows few of a step, and the first say most.
const ANNOTATIONS: usize = 10;

/// A service that has a form for logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Github,
    Gitlab,
}

impl Service {
    /// The service that is meant, or else the one that this process runs in.
    pub fn detect(setting: Option<&str>) -> Option<Self> {
        let env = Env::of_process();
        let runs_in = |name: &str| env.get(name).is_some_and(|value| value == "true");
        match setting {
            Some("none") => None,
            Some("github") => Some(Self::Github),
            Some("gitlab") => Some(Self::Gitlab),
            _ if runs_in("GITHUB_ACTIONS") => Some(Self::Github),
            _ if runs_in("GITLAB_CI") => Some(Self::Gitlab),
            _ => None,
        }
    }
}

/// What is written around logs.
#[derive(Debug)]
pub(crate) struct CiLog {
    service: Service,
    /// How many sections there were, and how many texts that were guarded.
    count: u64,
    guards: u64,
    /// What ends the section that is open.
    end: Option<String>,
    secret: RandomState,
}

impl CiLog {
    pub fn new(service: Service) -> Self {
        Self { service, count: 0, guards: 0, end: None, secret: RandomState::new() }
    }

    /// What comes before a log. `folded`: whether it is shown only to who asks, where that can be said.
    pub fn open(&mut self, name: &str, title: &str, folded: bool, took: Duration) -> String {
        let close = self.close();
        self.count += 1;
        let (start, end) = match self.service {
            Service::Github => {
                (format!("::group::{}\n", github::data(title)), "::endgroup::\n".to_string())
            }
            Service::Gitlab => {
                let section = gitlab::section_name(self.count, name);
                let began = unix_seconds().saturating_sub(took.as_secs());
                (gitlab::start(began, &section, folded, title), section)
            }
        };
        let (guard, unguard) = self.guard();
        let end = match self.service {
            Service::Github => format!("{unguard}{end}"),
            Service::Gitlab => end,
        };
        self.end = Some(end);
        format!("{close}{start}{guard}")
    }

    /// What comes after it.
    pub fn close(&mut self) -> String {
        match (self.end.take(), self.service) {
            (Some(end), Service::Github) => end,
            (Some(section), Service::Gitlab) => gitlab::end(unix_seconds(), &section),
            (None, _) => String::new(),
        }
    }

    pub fn is_open(&self) -> bool {
        self.end.is_some()
    }

    /// What a text is put between in which nothing is to be taken for a command to the service.
    /// Nobody can end that who does not know the word, and it is another each time.
    pub fn guard(&mut self) -> (String, String) {
        if self.service != Service::Github {
            return Default::default();
        }
        self.guards += 1;
        let word = |half: u8| {
            let mut hasher = self.secret.build_hasher();
            hasher.write_u64(self.guards);
            hasher.write_u8(half);
            hasher.finish()
        };
        let word = format!("qik-{:016x}{:016x}", word(0), word(1));
        (format!("::stop-commands::{word}\n"), format!("::{word}::\n"))
    }

    /// What failed, where the service shows it beside the sources.
    pub fn annotations(&self, session: &Session, report: &Report) -> String {
        if self.service != Service::Github {
            return String::new();
        }
        let places = Places::new(session.root());
        let failed = report.runnables.iter().filter(|one| one.failed());
        failed.map(|one| annotations(&places, one)).collect()
    }
}

/// The annotations of one runnable that failed: the places that its log names, or else that it did.
fn annotations(places: &Places, one: &ReportedRunnable) -> String {
    let title = format!("{} failed", one.name);
    let log = plain(&one.output);
    let found = log.lines().filter_map(github::located);
    let found = found.filter(|found| !found.is_aside()).filter_map(|found| {
        let file = places.told(found.path)?;
        Some(github::error(&title, Some((&file, found.line, found.column)), found.message))
    });
    let found: String = found.take(ANNOTATIONS).collect();
    if !found.is_empty() {
        return found;
    }
    let last = log.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let message = match (&one.reason, one.outcome) {
        (Some(reason), Ending::Broken) => reason.clone(),
        _ if last.is_empty() => format!("exit code {}", one.code),
        _ => format!("exit code {}: {last}", one.code),
    };
    github::error(&title, None, &message)
}

/// From paths as commands print them to paths as the service knows them.
struct Places {
    root: PathBuf,
    /// The service's checkout: what it shows is told relative to that.
    workspace: PathBuf,
}

impl Places {
    fn new(root: &Path) -> Self {
        let env = Env::of_process();
        let workspace = env.get("GITHUB_WORKSPACE").and_then(|at| canonical(Path::new(at)).ok());
        Self { root: root.to_path_buf(), workspace: workspace.unwrap_or_else(|| root.into()) }
    }

    /// A file of the checkout. What only looks like one (`12:30:45: started`) is none.
    fn told(&self, path: &str) -> Option<String> {
        let path = canonical(&self.root.join(path)).ok().filter(|path| is_file(path))?;
        Some(path.strip_prefix(&self.workspace).ok()?.to_str()?.to_string())
    }
}
