//! A commit as a system: what is read, where links lead, and what may be written.

use super::*;
use crate::ProcessSpec;

fn names(system: &CommitSystem, folder: &str) -> Vec<(String, StatKind, u64)> {
    let items = system.list(&folder.into()).unwrap();
    items
        .into_iter()
        .map(|item| {
            (String::from_utf8_lossy(&item.name).into_owned(), item.stat.kind, item.stat.size)
        })
        .collect()
}

#[test]
fn files_are_as_they_were_whatever_became_of_them() {
    let repo = Repo::new();
    repo.write("a", "old");
    repo.write("gone/x", "1");
    repo.write("gone/y", "");
    repo.make_executable("gone/x");
    repo.link("gone/z", "x");
    let system = repo.open(repo.commit());
    repo.write("a", "new");
    std::fs::remove_dir_all(repo.root.join("gone")).unwrap();
    repo.write("later", "1");
    repo.commit();

    assert_eq!(system.read(&"a".into()).unwrap(), b"old");
    let expected = [
        ("x".into(), StatKind::Executable, 1),
        ("y".into(), StatKind::File, 0),
        ("z".into(), StatKind::Link, 1),
    ];
    assert_eq!(names(&system, "gone"), expected);
    assert_eq!(system.read_link(&"gone/z".into()).unwrap(), b"x");
    assert_eq!(system.read(&"gone/z".into()).unwrap(), b"1");
    let error = |result: io::Result<Vec<u8>>| result.unwrap_err().kind();
    assert_eq!(error(system.read(&"later".into())), io::ErrorKind::NotFound);
    assert_eq!(error(system.read(&"a/b".into())), io::ErrorKind::NotADirectory);
    assert_eq!(error(system.read(&"gone".into())), io::ErrorKind::IsADirectory);
    assert_eq!(error(system.read_link(&"a".into())), io::ErrorKind::InvalidInput);
    assert_eq!(system.list(&"a".into()).unwrap_err().kind(), io::ErrorKind::NotADirectory);
    assert_eq!(system.root(), repo.project);
}

#[test]
fn a_stat_tells_other_bytes_from_the_same() {
    let repo = Repo::new();
    repo.write("a", "1");
    repo.write("b", "1");
    let first = repo.open(repo.commit());
    repo.write("a", "2");
    let second = repo.open(repo.commit());
    let stat = |system: &CommitSystem, path: &str| system.stat(&path.into()).unwrap();
    assert!(!stat(&first, "a").same_state(&stat(&second, "a")));
    assert!(stat(&first, "b").same_state(&stat(&second, "b")));
}

#[test]
fn links_are_followed_within_the_commit() {
    let repo = Repo::new().at("project");
    repo.write("real/file", "committed");
    repo.write("../shared/file", "beside");
    repo.link("folder", "real");
    repo.link("twice", "./folder/../folder/file");
    repo.link("beside", "../shared");
    repo.link("whole", repo.project.join("real/file").to_str().unwrap());
    repo.link("loop", "loop");
    let system = repo.open(repo.commit());
    std::fs::write(repo.project.join("real/file"), "changed").unwrap();
    std::fs::write(repo.root.join("shared/file"), "changed").unwrap();

    let read = |path: &str| system.read(&path.into()).unwrap();
    for path in ["folder/file", "twice", "whole"] {
        assert_eq!(read(path), b"committed", "{path}");
    }
    assert_eq!(read("beside/file"), b"beside");
    assert_eq!(system.stat(&"folder".into()).unwrap().kind, StatKind::Link);
    assert_eq!(system.stat(&"folder/file".into()).unwrap().kind, StatKind::File);
    assert_eq!(system.list(&"folder".into()).unwrap_err().kind(), io::ErrorKind::NotADirectory);
    let endless = system.read(&"loop".into()).unwrap_err();
    assert_eq!(endless.raw_os_error(), Some(rustix::io::Errno::LOOP.raw_os_error()));
}

#[test]
fn a_link_out_of_the_repository_is_read_from_the_disk() {
    let repo = Repo::new().at("project");
    let outside = repo.temp.path().canonicalize().unwrap().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("file"), "1").unwrap();
    repo.link("absolute", outside.to_str().unwrap());
    repo.link("climbing", "../../outside");
    let system = repo.open(repo.commit());
    for path in ["absolute/file", "climbing/file"] {
        assert_eq!(system.read(&path.into()).unwrap(), b"1", "{path}");
        assert_eq!(system.stat(&path.into()).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
    assert_eq!(system.outside().read(&outside.join("file")).unwrap(), b"1");
}

#[test]
fn nothing_is_written_but_what_is_qiks_own() {
    let repo = Repo::new();
    repo.write("a", "1");
    let system = repo.open(repo.commit());
    let (file, state): (RelPath, RelPath) = ("a".into(), "._qik/facts".into());
    let refused = [
        system.write_atomic(&file, b"2", FileKind::File),
        system.create_link(&file, b"2"),
        system.rename(&file, &state),
        system.rename(&state, &file),
        system.remove_file(&file),
        system.remove_empty_folders_up(&file),
        system.create_dir_all(&"new".into()),
        system.append(&"._qikx".into(), b"2"),
        system.set_kind(&file, FileKind::Executable),
        system.lock(&file).map(drop),
    ];
    for (at, result) in refused.into_iter().enumerate() {
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::ReadOnlyFilesystem, "{at}");
    }

    system.write_atomic(&state, b"1", FileKind::File).unwrap();
    system.append(&state, b"2").unwrap();
    let inner = OsSystem::new(&repo.project);
    assert_eq!(inner.read(&state).unwrap(), b"12");
    assert_eq!(system.read(&state).unwrap(), b"12");
    assert_eq!(system.stat(&state).unwrap(), inner.stat(&state).unwrap());
    drop(system.lock(&"._qik/lock".into()).unwrap());
    system.remove_file(&state).unwrap();
    assert!(inner.stat(&state).is_err());
}

#[test]
fn nothing_runs_in_a_commit() {
    let repo = Repo::new();
    let system = repo.open(repo.commit());
    let spec = ProcessSpec {
        shell_line: "true".into(),
        cwd: repo.root.clone(),
        env: Vec::new(),
        timeout: None,
        terminal: false,
    };
    let result = system.run(&spec, &Stop::new().unwrap(), &mut |_| {});
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::Unsupported);
}

#[test]
fn many_threads_read_at_once() {
    use rayon::prelude::*;

    let repo = Repo::new();
    for at in 0..200 {
        repo.write(format!("d{}/f{at}", at % 7), format!("{at}"));
    }
    let system = repo.open(repo.commit());
    repo.git(&["gc", "-q"]);
    (0..2000).into_par_iter().for_each(|at| {
        let at = at % 200;
        let path: RelPath = format!("d{}/f{at}", at % 7).as_str().into();
        assert_eq!(system.read(&path).unwrap(), format!("{at}").as_bytes());
    });
}
