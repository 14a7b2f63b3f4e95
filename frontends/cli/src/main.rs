//! The `qik` binary: arguments in, an exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    qik_cli::main()
}
