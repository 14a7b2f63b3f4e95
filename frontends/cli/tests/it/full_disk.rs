//! A disk without room, here or where results are shared: no run fails for it, and what was kept
//! before stays.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::project::{Project, Told, tell};

/// A file system of a few hundred thousand bytes; gone when this is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where it takes more rights than the test has.
    fn mount(folder: &Path, bytes: u32) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let size = format!("size={bytes}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "none"]).arg(folder);
        let mounted = mount.output().is_ok_and(|told| told.status.success());
        mounted.then(|| Self(folder.to_path_buf()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// `big` makes more than fits.
const CONFIG: &str = r#"
[commands.small]
exec = "note; echo small | tee small.txt"
deps = ["in.txt"]
artifacts = ["small.txt"]

[commands.big]
exec = "note; ln -f $RAN/noise big.bin; echo big"
deps = ["in.txt"]
artifacts = ["big.bin"]

[caches.shared]
type = "fs"
path = "../shared"
"#;

/// A project beside a file of this many bytes that do not get smaller.
fn project(bytes: usize) -> Project {
    let project = Project::new(CONFIG);
    let mut noise = vec![0; bytes];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    std::fs::write(project.trace("noise"), noise).unwrap();
    project.write("in.txt", "1\n").write(".gitignore", "big.bin\nsmall.txt\n");
    project.commit();
    project
}

/// qik that may write no file above `blocks` of 512 bytes: it is told as if the disk were full.
fn limited(project: &Project, blocks: u32, args: &str) -> Told {
    let line =
        format!("trap '' XFSZ; ulimit -f {blocks}; exec '{}' {args}", env!("CARGO_BIN_EXE_qik"));
    tell(project.command("sh").args(["-c", &line]))
}

/// What was kept before the disk was full is there, and what did not fit runs.
#[track_caller]
fn only_big_runs(project: &Project, told: &Told) {
    assert_eq!(told.exits(0).summary(), "1 ran, 1 cached");
    assert_eq!(project.executed(), ["big"]);
    assert_eq!(project.read("small.txt"), "small\n");
}

#[test]
fn a_full_disk_costs_what_did_not_fit_and_nothing_else() {
    let project = project(3_000_000);
    let Some(_disk) = SmallDisk::mount(&project.path("._qik"), 1_000_000) else {
        return a_limit_on_sizes_is_like_a_full_disk();
    };
    let told = project.qik("-n 2");
    assert_eq!(told.exits(0).summary(), "2 ran, 0 cached");
    told.says("the result of `big` is not kept");
    assert_eq!(project.executed(), ["big", "small"]);
    project.remove("small.txt");
    only_big_runs(&project, &project.qik("-n 2"));
    project.qik("cache verify").exits(0).prints("1 entry is whole");
    let left = project.files_in("._qik/tmp");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_limit_on_sizes_is_like_a_full_disk() {
    let project = project(300_000);
    let told = limited(&project, 400, "-n 2");
    assert_eq!(told.exits(0).summary(), "2 ran, 0 cached");
    told.says("the result of `big` is not kept");
    project.executed();
    project.remove("small.txt");
    only_big_runs(&project, &limited(&project, 400, "-n 2"));
    // With room for it all is as ever.
    only_big_runs(&project, &project.qik("-n 2"));
    assert_eq!(project.qik("-n 2").exits(0).summary(), "0 ran, 2 cached");
}

#[test]
fn a_full_shared_folder_costs_a_warning_and_no_local_result() {
    let project = project(3_000_000);
    let shared = project.root.parent().unwrap().join("shared");
    let Some(disk) = SmallDisk::mount(&shared, 1_000_000) else {
        return a_shared_file_that_may_not_become_so_large_is_not_shared();
    };
    // One after the other: half of the large one would leave no room for the small one either.
    let told = project.qik("small --default-cache shared");
    assert_eq!(told.exits(0).summary(), "1 ran, 0 cached, 1 shared");
    let told = project.qik("big --default-cache shared");
    assert_eq!(told.exits(0).summary(), "1 ran, 0 cached, 1 not shared");
    told.says("cache/not-shared");
    project.executed();
    assert_eq!(project.qik("").exits(0).summary(), "0 ran, 2 cached");
    let other = project.clone_to("other");
    let told = other.qik("--default-cache shared");
    assert_eq!(told.exits(0).summary(), "1 ran, 1 cached, 1 not shared");
    assert_eq!(other.executed(), ["big"]);
    // A larger disk in its place: what was kept here alone is shared then.
    drop(disk);
    assert_eq!(project.qik("cache push shared").exits(0).out(), "shared 1 result with shared\n");
    assert_eq!(project.qik("--default-cache shared").exits(0).summary(), "0 ran, 2 cached");
    let third = project.clone_to("third");
    let told = third.qik("big --cache shared");
    assert_eq!(told.exits(0).summary(), "0 ran, 1 cached");
    assert!(third.executed().is_empty());
}

#[test]
fn a_shared_file_that_may_not_become_so_large_is_not_shared() {
    // It fits as it is; packed up it has a few bytes more.
    let project = project(512 * 400);
    let told = limited(&project, 400, "--default-cache shared -n 2");
    assert_eq!(told.exits(0).summary(), "2 ran, 0 cached, 1 shared, 1 not shared");
    told.says("cache/not-shared");
    assert_eq!(limited(&project, 400, "-n 2").exits(0).summary(), "0 ran, 2 cached");
    let told = project.qik("--default-cache shared");
    assert_eq!(told.exits(0).summary(), "0 ran, 2 cached, 1 shared");
}
