//! What the programs of this room share: how they end.

use std::process::ExitCode;

use crate::Arguments;

/// Runs a program with what stood on its command line. Its exit code is 0 where it finds all as it should
/// be, 1 where not, and 2 where it could not go on, which it says.
#[allow(clippy::print_stderr, reason = "its callers are programs of their own")]
pub fn program(
    flags: &[&str],
    options: &[&str],
    run: impl FnOnce(&Arguments) -> Result<bool, String>,
) -> ExitCode {
    let arguments = Arguments::parse(std::env::args().skip(1), flags, options);
    match arguments.and_then(|arguments| run(&arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
