//! Reports of a run in files: those that `--report` names, and the summary of a job where the service
//! wants one.

mod junit;
mod markdown;
mod text;

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use qik_session::Report;
use qik_session::model::Diagnostic;
use qik_session::system::{Env, append_file, current_dir, file_size, write_file};

pub(crate) use text::plain;

/// The most that GitHub takes as the summary of a step.
const SUMMARY_BYTES: usize = 1024 * 1024;

/// A report that the user wants in a file: `FORMAT=FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    format: ReportFormat,
    file: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReportFormat {
    Json,
    Junit,
    Markdown,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = text.split_once('=').unwrap_or((text, ""));
        let format = match format {
            "json" => ReportFormat::Json,
            "junit" => ReportFormat::Junit,
            "markdown" => ReportFormat::Markdown,
            _ => return Err("write junit=FILE, json=FILE or markdown=FILE".into()),
        };
        if file.is_empty() {
            return Err("the file is missing: write FORMAT=FILE".into());
        }
        Ok(Self { format, file: file.into() })
    }
}

/// Writes each report; relative files lie below `folder` below the working directory. What could not
/// be written is handed back: the user asked for it, so it is an error.
pub(crate) fn write(report: &Report, targets: &[Target], folder: Option<&Path>) -> Vec<Diagnostic> {
    let failed = targets.iter().filter_map(|target| {
        let error = write_one(report, target, folder).err()?;
        let what = format!("the report `{}` can't be written: {error}", target.file.display());
        let help = "may its folder be written, and is there room on the disk?";
        Some(Diagnostic::error("report/not-written", what).help(help))
    });
    failed.collect()
}

fn write_one(report: &Report, target: &Target, folder: Option<&Path>) -> io::Result<()> {
    let text = match target.format {
        ReportFormat::Json => report.json(),
        ReportFormat::Junit => junit::text(report),
        ReportFormat::Markdown => markdown::text(report, SUMMARY_BYTES),
    };
    let below = current_dir()?.join(folder.unwrap_or(Path::new("")));
    write_file(&below.join(&target.file), text.as_bytes())
}

/// Whether the service wants a summary of the job.
pub(crate) fn wants_summary() -> bool {
    Env::of_process().get("GITHUB_STEP_SUMMARY").is_some_and(|path| !path.is_empty())
}

/// Appends to the summary of the job, where the service wants one. A run is no worse without.
pub(crate) fn summarize(report: &Report) -> Option<Diagnostic> {
    let env = Env::of_process();
    let path = env.get("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty())?;
    let path = Path::new(path);
    let used = usize::try_from(file_size(path)).unwrap_or(usize::MAX);
    let text = markdown::text(report, SUMMARY_BYTES.saturating_sub(used));
    let error = append_file(path, text.as_bytes()).err()?;
    let what = format!("the summary of the job can't be written: {error}");
    let help = format!("it was to be appended to `{}`", path.display());
    Some(Diagnostic::warning("report/not-written", what).help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_format_and_a_file() {
        let target = |text: &str| text.parse::<Target>();
        let expected = Target { format: ReportFormat::Junit, file: "a=b.xml".into() };
        assert_eq!(target("junit=a=b.xml"), Ok(expected));
        for bad in ["junit", "junit=", "=x", "", "xml=x", "JUNIT=x"] {
            assert!(target(bad).is_err(), "{bad}");
        }
    }
}
