//! Every TOML configuration that a test runs qik with means the same in KDL: the model, the names that
//! `--ls` prints, the fingerprints. `QIK_TEST_TWINS=1` compares, before each run with a configuration
//! that was not seen before, by the real binary on two copies of the project.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use qik_kdl::KdlSyntax;
use qik_session::model::ConfigSyntax;
use qik_session::model::comments::Placed;
use qik_session::model::document::Value;
use qik_toml::TomlSyntax;
use serde_json::Value as Json;

use crate::project::{Project, tell};

static SEEN: Mutex<BTreeSet<Vec<(PathBuf, String)>>> = Mutex::new(BTreeSet::new());
static COMPARED: AtomicUsize = AtomicUsize::new(0);

/// Compares, where that is asked for and the configuration is in order.
pub fn compare(project: &Project, world: &Path) {
    if std::env::var_os("QIK_TEST_TWINS").is_none() {
        return;
    }
    let Some(root) = root_of(&project.root, world) else { return };
    let known = configs(&root, &root).into_iter().map(|path| {
        let text = fs::read_to_string(root.join(&path)).unwrap_or_default();
        (path, text)
    });
    if !SEEN.lock().unwrap().insert(known.collect()) {
        return;
    }
    let copy = world.join(format!("twin-{}", COMPARED.fetch_add(1, Ordering::Relaxed)));
    fs::create_dir_all(&copy).unwrap();
    let told = tell(Command::new("cp").arg("-a").arg(root.join(".")).arg(&copy));
    assert_eq!(told.code, 0, "{}", told.stderr);
    let _ = fs::remove_dir_all(copy.join("._qik"));
    if convert(&copy, Path::new("qik.toml")).is_some() {
        in_copy(project, &copy);
    }
    let _ = fs::remove_dir_all(copy);
}

fn in_copy(project: &Project, copy: &Path) {
    // Both are there all along, so that a pattern which takes in all finds the same.
    let Some((before, model)) = meaning(project, copy, "qik.toml") else { return };
    let kdl = fs::read_to_string(copy.join("qik.kdl")).unwrap();
    let after = meaning(project, copy, "qik.kdl");
    assert_eq!(Some((&before, &model)), after.as_ref().map(|(a, b)| (a, b)), "{kdl}");
    // Those of modules can't be, and are inputs of what depends on all of the module.
    let others = configs(copy, copy).into_iter().filter(|path| path != Path::new("qik.toml"));
    for path in others.collect::<Vec<_>>() {
        convert(copy, &path);
        fs::remove_file(copy.join(path)).unwrap();
    }
    let (after, after_model) = meaning(project, copy, "qik.kdl").expect("it was in order");
    let without_prints = |listed: &Json| {
        let mut listed = listed.clone();
        listed.as_array_mut().unwrap().iter_mut().for_each(|one| drop(one["fingerprint"].take()));
        listed
    };
    assert_eq!(without_prints(&before), without_prints(&after), "{kdl}");
    assert_eq!(model, after_model, "{kdl}");
    let listed = before.as_array().unwrap();
    let prints = listed.iter().filter(|one| one["fingerprint"].is_string()).count();
    eprintln!("TWINS: {} runnables, {prints} fingerprints", listed.len());
}

/// What `--ls` tells of a project that stays what it is, and its whole configuration; `None` where it
/// is in no order.
fn meaning(project: &Project, copy: &Path, config: &str) -> Option<(Json, Json)> {
    let ask = |args: &str| {
        let mut qik = project.command(env!("CARGO_BIN_EXE_qik"));
        qik.current_dir(copy).args(["--config", config]).args(args.split(' '));
        // What commands that are asked for their output note is no trace of the test's.
        let told = tell(qik.env("RAN", copy));
        (told.code == 0).then(|| serde_json::from_slice::<Json>(&told.stdout).unwrap())
    };
    let mut listed = ask("--ls --format json")?;
    for one in listed.as_array_mut().unwrap() {
        let one = one.as_object_mut().unwrap();
        one.retain(|key, _| !["status", "reason", "estimated-seconds"].contains(&key.as_str()));
    }
    Some((listed, without_origins(ask("config show --format json")?)))
}

fn without_origins(json: Json) -> Json {
    match json {
        Json::Object(mut map) if map.len() == 2 && map.contains_key("origin") => {
            without_origins(map.remove("value").unwrap_or_default())
        }
        Json::Object(map) => {
            map.into_iter().map(|(key, value)| (key, without_origins(value))).collect()
        }
        Json::Array(items) => items.into_iter().map(without_origins).collect(),
        single => single,
    }
}

/// Writes a TOML configuration of a project in KDL too, with what it includes; `None` where it is in no
/// order.
fn convert(root: &Path, path: &Path) -> Option<()> {
    let text = fs::read_to_string(root.join(path)).ok()?;
    let file: Arc<str> = path.display().to_string().into();
    let parsed = TomlSyntax.parse(file.clone(), &text);
    if !parsed.diagnostics.is_empty() {
        return None;
    }
    let mut document = parsed.value;
    let include = document.root.entries.iter_mut().find(|entry| entry.key == "include");
    if let Some(Value::List(items)) = include.map(|entry| &mut entry.value.value) {
        for item in items {
            let Value::Str(included) = &mut item.value else { continue };
            let converted =
                included.ends_with(".toml") && convert(root, Path::new(included)).is_some();
            if converted {
                *included = included.replace(".toml", ".kdl");
            }
        }
    }
    let comments = Placed::new(&document, &TomlSyntax.comments(&file, &text));
    let kdl = KdlSyntax.write(&document, comments).expect("KDL is written");
    fs::write(root.join(path.with_extension("kdl")), kdl).ok()
}

/// The outermost folder above `at` with a `qik.toml`.
fn root_of(at: &Path, world: &Path) -> Option<PathBuf> {
    let above = at.ancestors().take_while(|folder| folder.starts_with(world));
    above.filter(|folder| folder.join("qik.toml").is_file()).last().map(Path::to_path_buf)
}

/// Every `qik.toml` at or below a folder.
fn configs(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.unwrap();
        let path = entry.path();
        let is_own = [".git", "._qik", ".qik"].iter().any(|own| entry.file_name() == *own);
        if entry.file_type().unwrap().is_dir() && !is_own {
            found.extend(configs(root, &path));
        } else if entry.file_name() == "qik.toml" {
            found.push(path.strip_prefix(root).unwrap().to_path_buf());
        }
    }
    found.sort();
    found
}
