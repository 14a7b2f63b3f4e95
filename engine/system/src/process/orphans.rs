//! Ends the commands of a qik that was killed, as it can't do that itself: else they would go on
//! writing files that by then another qik works on. Does not know what the commands do.
//!
//! A shell in a process group of its own is told which groups run. It hears of the end of this process
//! by the end of its input, however that comes about, and kills what runs at that moment.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::process::Pid;

/// Nothing but what the shell itself can do, so that it needs no `PATH`.
const LISTEN: &str = r#"
running=' '
while read -r word group; do
    case $word in
    runs) running="$running$group " ;;
    ended) running="${running%% $group *} ${running#* $group }" ;;
    esac
done
for group in $running; do kill -9 -- "-$group"; done
"#;

/// Says that a process group runs, until this is dropped. That has to be before its leader is waited
/// for: until then its number is not given to another.
#[derive(Debug)]
pub(super) struct Guarded(Pid);

impl Guarded {
    pub(super) fn new(group: Pid) -> Self {
        tell("runs", group);
        Self(group)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        tell("ended", self.0);
    }
}

fn tell(word: &str, group: Pid) {
    static LISTENER: OnceLock<Option<Mutex<ChildStdin>>> = OnceLock::new();
    let listener = LISTENER.get_or_init(|| listener().map(Mutex::new));
    if let Some(listener) = listener {
        let mut input = listener.lock().unwrap_or_else(PoisonError::into_inner);
        // Where nobody listens any more, commands outlive a qik that is killed.
        let _ = input.write_all(format!("{word} {}\n", group.as_raw_nonzero()).as_bytes());
    }
}

fn listener() -> Option<ChildStdin> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", LISTEN]).env_clear().current_dir("/").process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let input = command.spawn().ok()?.stdin?;
    // One that was stopped, and reads nothing, keeps no command from starting.
    rustix::io::ioctl_fionbio(&input, true).ok()?;
    Some(input)
}
