//! `qik ci`: pipelines of what is cold, in the words of each service.
//!
//! What is quoted is quoted as JSON strings, which YAML (1.2) reads the same.

use std::fmt::Write;

use qik_session::{CiJob, Order, Session, Telling};
use serde_json::{Value, json};

use crate::args::{CiArgs, CiService, RunArgs};
use crate::style::Style;
use crate::{diagnostics, print, refuse};

/// Prints the pipeline; the exit code.
pub(crate) fn answer(session: &mut Session, style: &Style, args: &CiArgs, run: &RunArgs) -> i32 {
    let prepared = match session.prepare(Telling::First) {
        Ok(prepared) => prepared,
        Err(errors) => return refuse(style, Some(session), &errors),
    };
    diagnostics::print(style, Some(session), &prepared.warnings);
    // A matrix has no order among its jobs.
    let order = match args.service {
        CiService::GithubMatrix => Order::WithinShards,
        _ => Order::BetweenShards,
    };
    let jobs = session.ci_jobs(&prepared, args.shards, order);
    // The jobs may have another environment than this one.
    let profile = session.text("profile").ok().flatten().filter(|name| name != "default");
    let pipeline = Pipeline { jobs: &jobs, args, run, profile };
    print(&match args.service {
        CiService::GithubMatrix => pipeline.matrix(),
        CiService::Github => pipeline.github(),
        CiService::Gitlab => pipeline.gitlab(),
        CiService::Circleci => pipeline.circleci(),
        CiService::Buildkite => pipeline.buildkite(),
    })
}

struct Pipeline<'a> {
    jobs: &'a [CiJob],
    args: &'a CiArgs,
    /// What was selected, and how.
    run: &'a RunArgs,
    profile: Option<String>,
}

impl Pipeline<'_> {
    /// The `matrix` of a job, for `fromJSON`.
    fn matrix(&self) -> String {
        let include: Vec<Value> = self
            .jobs
            .iter()
            .enumerate()
            .map(|(at, job)| {
                json!({
                    "shard": key(at),
                    "run": self.command(job),
                    "seconds": job.time.as_secs(),
                    "reason": reason(job),
                })
            })
            .collect();
        format!("{}\n", json!({ "include": include }))
    }

    fn github(&self) -> String {
        let mut text = String::from("name: qik\non: [workflow_dispatch]\njobs:\n");
        for (at, job) in self.jobs_or_none().iter().enumerate() {
            let _ = writeln!(text, "  {}:", key(at));
            comment(&mut text, "    ", job);
            let _ = writeln!(text, "    runs-on: {}", quoted(&self.args.runs_on));
            needs(&mut text, "    needs:", &job.after);
            text.push_str("    steps:\n      - uses: actions/checkout@v4\n        with:\n          fetch-depth: 0\n");
            for line in self.script(job) {
                let _ = writeln!(text, "      - run: {}", quoted(&line));
            }
        }
        text
    }

    fn gitlab(&self) -> String {
        let mut text = String::new();
        for (at, job) in self.jobs_or_none().iter().enumerate() {
            let _ = writeln!(text, "{}:", key(at));
            comment(&mut text, "  ", job);
            if let Some(image) = &self.args.image {
                let _ = writeln!(text, "  image: {}", quoted(image));
            }
            needs(&mut text, "  needs:", &job.after);
            text.push_str("  script:\n");
            for line in self.script(job) {
                let _ = writeln!(text, "    - {}", quoted(&line));
            }
        }
        text
    }

    fn circleci(&self) -> String {
        let image = self.args.image.as_deref().unwrap_or("cimg/python:3.12");
        let jobs = self.jobs_or_none();
        let mut text = String::from("version: 2.1\njobs:\n");
        for (at, job) in jobs.iter().enumerate() {
            let _ = writeln!(text, "  {}:", key(at));
            comment(&mut text, "    ", job);
            let _ = writeln!(text, "    docker:\n      - image: {}", quoted(image));
            text.push_str("    steps:\n      - checkout\n");
            for line in self.script(job) {
                let _ = writeln!(text, "      - run: {}", quoted(&line));
            }
        }
        text.push_str("workflows:\n  qik:\n    jobs:\n");
        for (at, job) in jobs.iter().enumerate() {
            if job.after.is_empty() {
                let _ = writeln!(text, "      - {}", key(at));
            } else {
                let _ = writeln!(text, "      - {}:", key(at));
                needs(&mut text, "          requires:", &job.after);
            }
        }
        text
    }

    fn buildkite(&self) -> String {
        let mut text = String::from("steps:\n");
        for (at, job) in self.jobs_or_none().iter().enumerate() {
            let _ = writeln!(text, "  - key: {}", quoted(&key(at)));
            comment(&mut text, "    ", job);
            let _ = writeln!(text, "    label: {}", quoted(&label(job)));
            needs(&mut text, "    depends_on:", &job.after);
            text.push_str("    commands:\n");
            for line in self.script(job) {
                // Variables are those of the job, not of the step that uploads the pipeline.
                let _ = writeln!(text, "      - {}", quoted(&line.replace('$', "$$")));
            }
        }
        text
    }

    /// No service takes a pipeline without a job.
    fn jobs_or_none(&self) -> Vec<CiJob> {
        if !self.jobs.is_empty() {
            return self.jobs.to_vec();
        }
        vec![CiJob {
            names: Vec::new(),
            reasons: Vec::new(),
            time: std::time::Duration::ZERO,
            after: Vec::new(),
        }]
    }

    /// The lines of a job: what the user has it do first, and qik.
    fn script(&self, job: &CiJob) -> Vec<String> {
        if job.names.is_empty() {
            return vec!["echo nothing is cold".into()];
        }
        self.args.setup.iter().cloned().chain([self.command(job)]).collect()
    }

    fn command(&self, job: &CiJob) -> String {
        let mut line = String::from("qik");
        for given in self.given().into_iter().chain(job.names.iter().map(ToString::to_string)) {
            line.push(' ');
            line.push_str(&word(&given));
        }
        line
    }

    /// What of the command line is about the project, and not about which of it.
    fn given(&self) -> Vec<String> {
        let (project, cache) = (&self.run.project, &self.run.cache);
        let path = |path: &std::path::PathBuf| path.to_string_lossy().into_owned();
        let options = [
            ("-C", project.directory.iter().map(path).collect()),
            ("--config", project.config.iter().map(path).collect()),
            ("-p", self.profile.iter().cloned().collect()),
            ("--ctx", project.context.clone()),
            ("--cache", cache.caches.clone()),
            ("--default-cache", cache.default_cache.iter().cloned().collect()),
            ("--cache-when", cache.cache_when.iter().cloned().collect()),
        ];
        let values = |(name, values): (&str, Vec<String>)| -> Vec<String> {
            values.into_iter().flat_map(|value| [name.to_owned(), value]).collect()
        };
        let mut given: Vec<String> = options.into_iter().flat_map(values).collect();
        let switches = [("--isolated", self.run.select.isolated), ("--force", cache.force)];
        given.extend(switches.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned()));
        given
    }
}

fn key(at: usize) -> String {
    format!("qik-{}", at + 1)
}

/// How many there are, how long, and why the first is cold.
fn label(job: &CiJob) -> String {
    let count = job.names.len();
    match job.names.first() {
        Some(first) if count > 1 => format!("{first} and {} more", count - 1),
        Some(first) => first.to_string(),
        None => "nothing is cold".into(),
    }
}

fn reason(job: &CiJob) -> String {
    let each = job.names.iter().zip(&job.reasons);
    each.map(|(name, reason)| format!("{name}: cold: {reason}")).collect::<Vec<_>>().join("; ")
}

fn comment(text: &mut String, indent: &str, job: &CiJob) {
    let _ = writeln!(text, "{indent}# about {}s", job.time.as_secs());
    for (name, reason) in job.names.iter().zip(&job.reasons) {
        let ends_line = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        let line: String = format!("{name}: cold: {reason}").replace(ends_line, " ");
        let _ = writeln!(text, "{indent}# {line}");
    }
}

fn needs(text: &mut String, key_of_list: &str, after: &[usize]) {
    if !after.is_empty() {
        let names: Vec<String> = after.iter().map(|at| key(*at)).collect();
        let _ = writeln!(text, "{key_of_list} [{}]", names.join(", "));
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A word of a shell line.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./@:=+,%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_string();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn words_are_quoted_for_the_shell_where_they_must_be() {
        let check = |text: &str, expected: &str| assert_eq!(word(text), expected);
        check("lint@svc/api", "lint@svc/api");
        check("a b", "'a b'");
        check("it's", "'it'\\''s'");
        check("$(x)", "'$(x)'");
        check("", "''");
    }
}
