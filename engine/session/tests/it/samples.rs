//! The configurations that the project shows to people have no findings: the shop of `testdata`, and
//! every block of TOML and KDL in the README and the docs.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use qik_db::TestDb;
use qik_kdl::KdlSyntax;
use qik_model::ConfigSyntax;
use qik_toml::TomlSyntax;

/// Reads `files` as a project, and returns its commands and what is said of it.
fn check(files: &[(String, String)]) -> (Vec<String>, Vec<String>) {
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    let root = files.iter().map(|(path, _)| *path).find(|path| *path == "qik.kdl");
    let syntaxes: Vec<Arc<dyn ConfigSyntax>> = vec![Arc::new(TomlSyntax), Arc::new(KdlSyntax)];
    let test = TestDb::new(syntaxes, root.unwrap_or("qik.toml"), &files);
    let commands = qik_config::project(&test.db).commands.keys().map(|name| name.to_string());
    let findings = qik_config::diagnostics(&test.db).iter().map(|finding| finding.to_string());
    (commands.collect(), findings.collect())
}

fn house(path: &str) -> String {
    format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_shop_is_configured_well() {
    let mut files = Vec::new();
    collect(Path::new(&house("testdata/shop")), "", &mut files);
    let (commands, findings) = check(&files);
    assert_eq!(findings, [""; 0]);
    let expected = [
        "build",
        "count",
        "format",
        "layers",
        "lint",
        "payments/audit",
        "pygraph.check",
        "report",
        "test",
    ];
    assert_eq!(commands, expected);
}

#[test]
fn what_the_docs_show_is_understood() {
    let mut blocks = 0;
    let pages =
        ["README.md", "docs/configuration.md", "docs/caches.md", "docs/kdl.md", "docs/watching.md"];
    for (page, format) in pages.into_iter().flat_map(|page| [(page, "toml"), (page, "kdl")]) {
        let text = fs::read_to_string(house(page)).unwrap();
        for block in text.split(&format!("```{format}\n")).skip(1) {
            let config = block.split("```").next().unwrap().to_string();
            let (_, findings) = check(&[(format!("qik.{format}"), config.clone())]);
            assert_eq!(findings, [""; 0], "{page}:\n{config}");
            blocks += 1;
        }
    }
    assert!(blocks >= 3, "only {blocks} blocks were found");
}

#[test]
fn a_sample_with_a_defect_is_noticed() {
    let config = "[commands.lint]\nexce = \"ruff\"\n".to_string();
    let (_, findings) = check(&[("qik.toml".to_string(), config)]);
    assert!(findings.iter().any(|finding| finding.contains("`exce`")), "{findings:?}");
}

fn collect(root: &Path, folder: &str, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        // What a run leaves behind is no part of the project.
        if ["._qik", "dist"].contains(&path.as_str()) || path.ends_with("__pycache__") {
            continue;
        }
        if root.join(&path).is_dir() {
            collect(root, &path, files);
        } else {
            files.push((path.clone(), fs::read_to_string(root.join(&path)).unwrap()));
        }
    }
}
