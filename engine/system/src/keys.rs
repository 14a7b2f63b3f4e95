//! Single keys from the terminal, as they are pressed. Does not know what they mean. Interrupts go on to be
//! signals.

use std::io::{self, Read};
use std::os::fd::AsFd;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// As long as it lives, the terminal hands over each key at once and shows none.
#[derive(Debug)]
pub struct Keys {
    before: Termios,
}

impl Keys {
    /// Hands each key to `tell`, on a thread of its own, until it says no. `None` where stdin is no terminal.
    pub fn listen(mut tell: impl FnMut(u8) -> bool + Send + 'static) -> Option<Self> {
        let before = tcgetattr(io::stdin().as_fd()).ok()?;
        let mut raw = before.clone();
        raw.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        tcsetattr(io::stdin().as_fd(), OptionalActions::Now, &raw).ok()?;
        let keys = Self { before };
        let read = move || {
            let mut key = [0];
            while io::stdin().read_exact(&mut key).is_ok() && tell(key[0]) {}
        };
        std::thread::Builder::new().name("qik-keys".into()).spawn(read).ok()?;
        Some(keys)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin().as_fd(), OptionalActions::Now, &self.before);
    }
}
