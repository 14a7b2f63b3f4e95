//! Golden tests over `testdata/config`: each bad configuration with its report, each good one with
//! the model that it stands for. `UPDATE_GOLDENS=1` writes what is found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use qik_config::lower::{self, Files, Found, Lowered};
use qik_kdl::KdlSyntax;
use qik_model::{ConfigDocument, ConfigSyntax, Diagnostic, Parsed, RelPath};
use qik_toml::TomlSyntax;

use crate::{render, snapshot};

/// A small project: its configuration files, by path.
pub struct Case {
    pub name: String,
    pub files: BTreeMap<RelPath, Vec<u8>>,
    pub config: RelPath,
    expected: PathBuf,
}

#[test]
fn every_bad_configuration_has_its_report() {
    let cases = cases("bad");
    for ending in [".toml", ".kdl"] {
        let of_format = cases.iter().filter(|case| case.config.to_string().ends_with(ending));
        let count = of_format.count();
        assert!(count >= 60, "only {count} in {ending}");
    }
    for case in &cases {
        let (documents, lowered) = case.lower();
        let reports = reports(&documents, &lowered);
        assert!(!reports.is_empty(), "{} is said to be in order", case.name);
        for report in &reports {
            assert!(!report.labels.is_empty(), "{}: where is {report}?", case.name);
            assert!(report.help.is_some(), "{}: what to do about {report}?", case.name);
        }
        check(case, &render::all(&reports, &documents, &case.files));
    }
}

#[test]
fn every_good_configuration_has_its_model() {
    for case in &cases("good") {
        let (documents, lowered) = case.lower();
        let reports = reports(&documents, &lowered);
        assert!(reports.is_empty(), "{}: {reports:#?}", case.name);
        // A twin in another format has the same model.
        check(case, &snapshot::project(&lowered).replace("qik.kdl", "qik.toml"));
    }
}

#[test]
fn every_case_has_a_twin_in_the_other_format() {
    /// Slips that one format alone can hold.
    const ALONE: [&str; 11] = [
        "datetime",
        "kdl-node",
        "kdl-version",
        "many-slips",
        "nesting",
        "not-closed",
        "null",
        "plural",
        "pyproject",
        "annotation",
        "value-too-many",
    ];
    for kind in ["bad", "good"] {
        let cases = cases(kind);
        let in_kdl = cases.iter().filter(|case| case.config.to_string().ends_with(".kdl")).count();
        assert!(kind == "good" || in_kdl >= 60, "only {in_kdl} in KDL");
        for case in &cases {
            // Several files are found and merged alike, whatever they hold.
            let alone = ALONE.contains(&case.name.as_str()) || case.files.len() > 1;
            let twins = cases.iter().filter(|other| other.name == case.name).count();
            assert!(alone || twins == 2, "{kind}/{} has no twin", case.name);
        }
    }
}

#[test]
fn no_golden_is_left_over() {
    for kind in ["bad", "good"] {
        let wanted: Vec<PathBuf> = cases(kind).into_iter().map(|case| case.expected).collect();
        for path in entries(&folder(kind)) {
            let golden = path.extension().is_some_and(|ending| ending == "txt");
            assert!(!golden || wanted.contains(&path), "{} has no case", path.display());
        }
    }
}

#[test]
fn the_sample_project_is_in_order() {
    let case = case(&folder("../shop")).unwrap();
    let (documents, lowered) = case.lower();
    let reports = reports(&documents, &lowered);
    assert_eq!(render::all(&reports, &documents, &case.files), "");
    assert!(lowered.project.commands.len() > 3);
}

/// What people see while they type: any part of a file is survived, and reports stay inside it.
#[test]
fn half_written_files_are_survived() {
    for mut case in ["bad", "good"].into_iter().flat_map(cases) {
        let text = case.files[&case.config].clone();
        // The parser of KDL takes its time, without optimizations.
        let step = if case.config.name().ends_with(b".kdl") { 41 } else { 7 };
        for end in (0..text.len()).step_by(step) {
            for rest in [&b""[..], &text[(end + 5).min(text.len())..]] {
                case.files.insert(case.config.clone(), [&text[..end], rest].concat());
                let (documents, lowered) = case.lower();
                render::all(&reports(&documents, &lowered), &documents, &case.files);
            }
        }
    }
}

#[test]
fn a_long_chain_of_commands_is_no_circle() {
    let mut text = String::from("[commands]\nc0 = 'true'\n");
    for n in 1..20_000 {
        let before = n - 1;
        text += &format!("c{n} = {{ deps = [{{ type = 'command', name = 'c{before}' }}] }}\n");
    }
    let config = RelPath::from("qik.toml");
    let files = BTreeMap::from([(config.clone(), text.into_bytes())]);
    let case = Case { name: "chain".into(), files, config, expected: PathBuf::new() };
    let (documents, lowered) = case.lower();
    assert_eq!(reports(&documents, &lowered), []);
    assert_eq!(lowered.project.commands.len(), 20_000);
}

#[track_caller]
fn check(case: &Case, found: &str) {
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(&case.expected, found).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&case.expected).unwrap_or_default();
    assert!(expected == found, "{}: expected\n{expected}\nbut found\n{found}", case.name);
}

/// All cases of a kind: a file `NAME.toml` or `NAME.kdl`, or a folder of several files.
pub fn cases(kind: &str) -> Vec<Case> {
    let mut cases: Vec<Case> =
        entries(&folder(kind)).iter().filter_map(|path| case(path)).collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

fn case(path: &Path) -> Option<Case> {
    let name = path.file_stem()?.to_str()?.to_string();
    let mut files = BTreeMap::new();
    if path.is_dir() {
        collect(path, path, &mut files);
    } else if let Some(format @ ("toml" | "kdl")) = path.extension()?.to_str() {
        files.insert(RelPath::from(&*format!("qik.{format}")), std::fs::read(path).unwrap());
    } else {
        return None;
    }
    let configs = ["qik.toml", "qik.kdl", "pyproject.toml"].map(RelPath::from);
    let config = configs.into_iter().find(|path| files.contains_key(path)).unwrap();
    // Of a good configuration both formats have one model; reports point into one of them.
    let own = path.extension().is_some_and(|ending| ending == "kdl")
        && path.parent().is_some_and(|kind| kind.ends_with("bad"));
    let expected = path.with_extension(if own { "kdl.txt" } else { "txt" });
    Some(Case { name, files, config, expected })
}

fn collect(top: &Path, folder: &Path, files: &mut BTreeMap<RelPath, Vec<u8>>) {
    for path in entries(folder) {
        if path.is_dir() {
            collect(top, &path, files);
        } else {
            let name = path.strip_prefix(top).unwrap().to_str().unwrap();
            files.insert(RelPath::from(name), std::fs::read(&path).unwrap());
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/config").join(kind)
}

pub type Documents = BTreeMap<RelPath, Parsed<ConfigDocument>>;

struct Given<'a> {
    documents: &'a Documents,
    files: &'a BTreeMap<RelPath, Vec<u8>>,
}

impl Files for Given<'_> {
    fn document(&self, path: &RelPath) -> Found<'_> {
        match (self.documents.get(path), self.files.get(path)) {
            (Some(parsed), _) => Found::Document(parsed),
            (None, Some(_)) => Found::UnknownFormat,
            (None, None) => Found::Absent,
        }
    }

    fn module_configs(&self, dir: &RelPath) -> Vec<RelPath> {
        let paths = ["qik.toml", "qik.kdl"].map(|name| dir.join(name));
        paths.into_iter().filter(|path| self.documents.contains_key(path)).collect()
    }
}

impl Case {
    pub fn lower(&self) -> (Documents, Lowered) {
        let documents: Documents = self
            .files
            .iter()
            .filter_map(|(path, bytes)| {
                let file: Arc<str> = path.to_string().into();
                let syntax: &dyn ConfigSyntax = match file.rsplit('.').next() {
                    Some("toml") => &TomlSyntax,
                    Some("kdl") => &KdlSyntax,
                    _ => return None,
                };
                Some((path.clone(), lower::read(syntax, file, bytes)))
            })
            .collect();
        let lowered =
            lower::lower(&self.config, &Given { documents: &documents, files: &self.files });
        (documents, lowered)
    }
}

/// What is said of a project: by the parsers of its files, and then of what they hold.
pub fn reports(documents: &Documents, lowered: &Lowered) -> Vec<Diagnostic> {
    let parsed = lowered.files.iter().filter_map(|path| documents.get(path));
    let said = parsed.flat_map(|parsed| parsed.diagnostics.iter().cloned());
    said.chain(lowered.diagnostics.iter().cloned()).collect()
}
