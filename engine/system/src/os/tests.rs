//! What the real file system promises, in a temporary folder.

use super::*;

struct Fixture {
    temp: tempfile::TempDir,
    system: OsSystem,
}

fn fixture() -> Fixture {
    let temp = tempfile::tempdir().unwrap();
    std::fs::create_dir(temp.path().join("project")).unwrap();
    let system = OsSystem::new(temp.path().join("project"));
    Fixture { temp, system }
}

impl Fixture {
    fn outside(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let items = self.system.list(&folder.into()).unwrap();
        let mut names: Vec<String> =
            items.iter().map(|item| String::from_utf8_lossy(&item.name).into()).collect();
        names.sort();
        names
    }
}

#[test]
fn a_written_file_is_read_back_with_its_kind() {
    let f = fixture();
    f.system.write_atomic(&"a/b/c".into(), b"x", FileKind::Executable).unwrap();
    assert_eq!(f.system.read(&"a/b/c".into()).unwrap(), b"x");
    assert_eq!(f.system.stat(&"a/b/c".into()).unwrap().kind, StatKind::Executable);
    f.system.write_atomic(&"a/b/c".into(), b"yz", FileKind::File).unwrap();
    let stat = f.system.stat(&"a/b/c".into()).unwrap();
    assert_eq!((stat.kind, stat.size), (StatKind::File, 2));
    assert_eq!(f.names("._qik/tmp"), Vec::<String>::new());
    assert_eq!(f.names("a/b"), ["c"]);
}

#[test]
fn a_link_in_the_way_is_replaced_not_followed() {
    let f = fixture();
    std::fs::write(f.outside("victim"), "untouched").unwrap();
    f.system.create_link(&"a".into(), b"../victim").unwrap();
    assert_eq!(f.system.read_link(&"a".into()).unwrap(), b"../victim");
    f.system.write_atomic(&"a".into(), b"new", FileKind::File).unwrap();
    assert_eq!(std::fs::read(f.outside("victim")).unwrap(), b"untouched");
    assert_eq!(f.system.read(&"a".into()).unwrap(), b"new");
}

#[test]
fn no_write_goes_through_a_linked_folder() {
    let f = fixture();
    std::fs::create_dir(f.outside("elsewhere")).unwrap();
    std::fs::write(f.outside("elsewhere/kept"), "kept").unwrap();
    f.system.create_link(&"d".into(), b"../elsewhere").unwrap();
    f.system.write_atomic(&"x".into(), b"", FileKind::File).unwrap();
    let results = [
        f.system.write_atomic(&"d/x".into(), b"", FileKind::File),
        f.system.create_link(&"d/x".into(), b"y"),
        f.system.rename(&"x".into(), &"d/x".into()),
        f.system.rename(&"d/kept".into(), &"y".into()),
        f.system.remove_file(&"d/kept".into()),
        f.system.create_dir_all(&"d/new".into()),
        f.system.append(&"d/kept".into(), b"more"),
        f.system.set_kind(&"d/kept".into(), FileKind::Executable),
        f.system.lock(&"d/lock".into()).map(drop),
    ];
    for result in results {
        let message = result.unwrap_err().to_string();
        assert_eq!(message, "`d` is a link; qik does not write through links to folders");
    }
    assert_eq!(std::fs::read_dir(f.outside("elsewhere")).unwrap().count(), 1);
    assert_eq!(std::fs::read(f.outside("elsewhere/kept")).unwrap(), b"kept");
}

#[test]
fn a_file_where_a_folder_should_be_is_named() {
    let f = fixture();
    f.system.write_atomic(&"a".into(), b"", FileKind::File).unwrap();
    let error = f.system.write_atomic(&"a/b/c".into(), b"", FileKind::File).unwrap_err();
    assert_eq!(error.to_string(), "`a` is no folder");
}

#[test]
fn exec_bits_come_and_go_with_the_right_to_read() {
    let f = fixture();
    let path: RelPath = "a".into();
    f.system.write_atomic(&path, b"", FileKind::File).unwrap();
    f.system.set_kind(&path, FileKind::Executable).unwrap();
    assert_eq!(f.system.stat(&path).unwrap().kind, StatKind::Executable);
    f.system.set_kind(&path, FileKind::File).unwrap();
    assert_eq!(f.system.stat(&path).unwrap().kind, StatKind::File);
}

#[test]
fn empty_folders_go_up_to_the_first_that_holds_something() {
    let f = fixture();
    f.system.create_dir_all(&"a/b/c".into()).unwrap();
    f.system.append(&"a/x".into(), b"1").unwrap();
    f.system.append(&"a/x".into(), b"2").unwrap();
    f.system.remove_empty_folders_up(&"a/b/c/gone".into()).unwrap();
    assert_eq!(f.names("a"), ["x"]);
    assert_eq!(f.system.read(&"a/x".into()).unwrap(), b"12");
}

#[test]
fn names_of_any_bytes_are_listed() {
    let f = fixture();
    let name: &[u8] = b"a b\n\xff\"";
    f.system.write_atomic(&RelPath::new(name).unwrap(), b"", FileKind::File).unwrap();
    let items = f.system.list(&RelPath::root()).unwrap();
    assert!(items.iter().any(|item| &*item.name == name));
}

#[test]
fn a_lock_is_held_until_it_is_dropped() {
    let f = fixture();
    let guard = f.system.lock(&"._qik/lock".into()).unwrap();
    let root = f.system.root().to_path_buf();
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let _guard = OsSystem::new(root).lock(&"._qik/lock".into()).unwrap();
        sender.send(()).unwrap();
    });
    assert!(receiver.recv_timeout(Duration::from_millis(50)).is_err());
    drop(guard);
    receiver.recv_timeout(Duration::from_secs(10)).unwrap();
    thread.join().unwrap();
}

#[test]
fn a_lock_that_another_holds_is_not_waited_for_and_children_do_not_hold_it() {
    let f = fixture();
    let lock = "._qik/locks/a".into();
    let other = OsSystem::new(f.system.root());
    let guard = f.system.try_lock(&lock).unwrap();
    assert!(guard.is_some());
    assert!(other.try_lock(&lock).unwrap().is_none());
    assert!(f.system.try_lock(&lock).unwrap().is_none(), "nor twice by one process");
    assert!(other.try_lock(&"._qik/locks/b".into()).unwrap().is_some());
    let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
    drop(guard);
    assert!(other.try_lock(&lock).unwrap().is_some());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_state_folder_hides_itself_from_git() {
    let f = fixture();
    f.system.write_atomic(&"a".into(), b"", FileKind::File).unwrap();
    assert_eq!(f.system.read(&"._qik/.gitignore".into()).unwrap(), b"*\n");
}

fn written(f: &Fixture, path: &str, bytes: &[u8]) -> Stat {
    let path = RelPath::from(path);
    let known = f.system.write_with(&path, FileKind::File, &mut |out| out.write_all(bytes));
    known.unwrap().expect("a file system with fine stamps")
}

#[test]
fn a_file_that_was_written_is_known_by_its_stat() {
    let f = fixture();
    let known = written(&f, "a/b", b"one");
    assert_eq!(f.system.stat(&"a/b".into()).unwrap(), known);
    assert_eq!(known.size, 3);
    let copied = f.system.copy_file(&"a/b".into(), &"a/c".into(), FileKind::Executable).unwrap();
    assert_eq!(copied, Some(f.system.stat(&"a/c".into()).unwrap()));
    assert_eq!(f.system.read(&"a/c".into()).unwrap(), b"one");
}

/// However soon it comes: kernels count the time of files in ticks, but ours is none of those.
#[test]
fn a_later_write_gives_a_known_file_another_stat() {
    use std::os::unix::fs::MetadataExt;

    let f = fixture();
    let place = f.system.full(&"a".into());
    for _ in 0..500 {
        let known = written(&f, "a", b"one");
        let mut file = std::fs::OpenOptions::new().write(true).open(&place).unwrap();
        file.write_all(b"two").unwrap();
        let now = std::fs::metadata(&place).unwrap();
        assert_ne!((now.mtime(), now.mtime_nsec() as u32), known.mtime);
    }
}
