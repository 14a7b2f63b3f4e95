//! Becoming another program: this process, its number, its terminal and its parent stay, so that exit
//! codes and signals need no passing on. Does not know which program, nor why.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Becomes `program`, looked for on the `PATH` among `env`. Comes back only with the reason why not.
pub fn exec(
    program: &OsStr,
    args: &[OsString],
    env: &[(OsString, OsString)],
    cwd: &Path,
) -> io::Error {
    let mut command = Command::new(program);
    command.args(args).current_dir(cwd).env_clear();
    command.envs(env.iter().map(|(name, value)| (name, value))).exec()
}
